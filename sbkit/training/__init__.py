"""Training: `fit` checks and prepares, `Run` is the only loop, `progress` is for those who wait."""

from sbkit.training.anew import NotAnewError, anew
from sbkit.training.fit import fit, last
from sbkit.training.run import Run
from sbkit.training.wait import progress

__all__ = ["NotAnewError", "Run", "anew", "fit", "last", "progress"]
