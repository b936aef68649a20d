"""Task families, one file each."""

from sbkit.data.latents import core_and_shortcut
from sbkit.data.low_rank import low_rank_task
from sbkit.data.lsn import lsn
from sbkit.data.own import table
from sbkit.data.pixels import dominoes
from sbkit.data.planar import planar
from sbkit.data.slabs import lms, ms, slabs

__all__ = [
    "core_and_shortcut",
    "dominoes",
    "lms",
    "low_rank_task",
    "lsn",
    "ms",
    "planar",
    "slabs",
    "table",
]
