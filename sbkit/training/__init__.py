"""Training: `fit` checks and prepares, `Run` is the only loop, `progress` shows a bar to those who wait."""

from sbkit.training.fit import fit, last, progress
from sbkit.training.run import Run
from sbkit.training.signature import NotAnewError, anew
from sbkit.training.stages import stages

__all__ = ["NotAnewError", "Run", "anew", "fit", "last", "progress", "stages"]
