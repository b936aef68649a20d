"""Checks of exercises: whether an answer is right, what was expected, and a hint; never the solution.

Numbers may come as lists, tuples, arrays or tensors; functions get copies of what they are tried on. Each
check returns one `Verdict`, which shows as a sentence, whatever it was given.
"""

from sbkit.course.check.control import costs
from sbkit.course.check.dropout import dropped
from sbkit.course.check.features import alike, copies, deeper
from sbkit.course.check.kernels import aligned
from sbkit.course.check.latents import weigh
from sbkit.course.check.modes import mode, unseen
from sbkit.course.check.noise import ceiling, noisy
from sbkit.course.check.norms import normalized_margin
from sbkit.course.check.pixels import gap, ties
from sbkit.course.check.products import product
from sbkit.course.check.rank import energy, entropy, gram, opposite, spectrum, squeezed
from sbkit.course.check.reliance import apart, follow, pieces, shuffle
from sbkit.course.check.remedies import alignment, majority, margin
from sbkit.course.check.robustness import falls, steepest
from sbkit.course.check.sam import active, climb
from sbkit.course.check.span import unreached, untouched

__all__ = [
    "active",
    "aligned",
    "alignment",
    "alike",
    "apart",
    "ceiling",
    "climb",
    "copies",
    "costs",
    "deeper",
    "dropped",
    "energy",
    "entropy",
    "falls",
    "follow",
    "gap",
    "gram",
    "majority",
    "margin",
    "mode",
    "noisy",
    "normalized_margin",
    "opposite",
    "pieces",
    "product",
    "shuffle",
    "spectrum",
    "squeezed",
    "steepest",
    "ties",
    "unreached",
    "unseen",
    "untouched",
    "weigh",
]
