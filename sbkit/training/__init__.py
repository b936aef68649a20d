"""Training: `fit` checks and prepares, `Run` is the only loop."""

from sbkit.training.fit import fit, last
from sbkit.training.run import Run

__all__ = ["Run", "fit", "last"]
