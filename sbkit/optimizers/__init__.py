"""Optimizers on fleets.

Each is a function (fleet, lr, weight_decay, its own options) → `torch.optim.Optimizer`, registered by
name. All take `step(closure)`; the closure fills the gradients and returns the loss (runs,) to those
that say `needs_loss`; those that say `full_batch` get all rows at every step.
"""

from sbkit.optimizers import elementwise, per_run
from sbkit.optimizers.settings import Settings, build

__all__ = ["Settings", "build", "elementwise", "per_run"]
