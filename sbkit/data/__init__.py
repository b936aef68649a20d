"""Task families, one file each."""

from sbkit.data.digits import corrupt, digits, mnist
from sbkit.data.own import table
from sbkit.data.paint import painted
from sbkit.data.pixels import dominoes
from sbkit.data.planar import planar
from sbkit.data.slabs import lms, ms, slabs
from sbkit.data.stack import stack

__all__ = ["corrupt", "digits", "dominoes", "lms", "mnist", "ms", "painted", "planar", "slabs"]
__all__ += ["stack", "table"]
