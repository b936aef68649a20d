"""Grids of lessons → one tidy table."""

from sbkit.sweeps.axes import checked
from sbkit.sweeps.grid import sweep
from sbkit.sweeps.rows import first_row

__all__ = ["checked", "first_row", "sweep"]
