"""Optimizers on fleets.

Each is a function (fleet, lr, weight_decay, its own options) → `torch.optim.Optimizer`, registered by
name. All take `step(closure)`; the closure fills the gradients and returns the loss (runs,) to those
that say `needs_loss`; those that say `full_batch` get all rows at every step. lr, momentum and the like may
have one number a run: then each run has an optimizer of its own (`apart`).
"""

from sbkit.optimizers import elementwise, per_run
from sbkit.optimizers.apart import stepper
from sbkit.optimizers.settings import Settings, about, build, taken

__all__ = ["Settings", "about", "build", "elementwise", "per_run", "stepper", "taken"]
