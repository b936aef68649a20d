"""Grids of lessons → one tidy table."""

from sbkit.sweep.axes import checked
from sbkit.sweep.grid import sweep
from sbkit.sweep.rows import first_row

__all__ = ["checked", "first_row", "sweep"]
