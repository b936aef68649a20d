"""Task families, one file each."""

from sbkit.data.planar import planar
from sbkit.data.slabs import lms, ms, slabs

__all__ = ["lms", "ms", "planar", "slabs"]
