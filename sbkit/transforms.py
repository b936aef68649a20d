"""What `sb.fit(transform=…)` may do to a minibatch; what is random each run draws by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sbkit.core import Fleet, ascend, between, one_of, whole
from sbkit.core.ascent import NORMS
from sbkit.losses import against

Transform = Callable[..., tuple[Tensor, Tensor]]  # (fleet, x, y[, step, generators]) → x, y


def noise(std: float) -> Transform:
    """Inputs with fresh N(0, std²) added to every number at every step, in units of x.

    Small noise acts as a penalty on slopes, ½·std²·‖∂f/∂x‖² for the square loss (Bishop 1995). Raises
    `SbkitError` on a std below 0.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> from sbkit.training import fit, last
    >>> task = slabs(n=256, n_test=64)
    >>> last(fit(mlp(task, runs=2), task, transform=noise(0.1), steps=50)).step
    50
    """
    std = between("std", std, 0, math.inf)

    def transform(
        fleet: Fleet, x: Tensor, y: Tensor, generators: Sequence[torch.Generator]
    ) -> tuple[Tensor, Tensor]:
        drawn = [torch.randn(x.shape[1:], generator=rng, dtype=x.dtype) for rng in generators]  # (n, d) each
        return x + std * torch.stack(drawn).to(x.device), y

    return transform


def adversary(norm: str, radius: float, steps: int) -> Transform:
    """Inputs moved by at most `radius`, at every step anew, to where the run's present net errs most.

    Training on them is adversarial training (Madry et al. 2018): `steps` steps of 2.5·radius/steps up the
    loss from the inputs themselves, along its gradient ("l2") or the gradient's sign ("linf"), each followed
    by a projection onto the ball, as `sb.measures.attack` does. The loss is the usual one of the labels, for
    classes the log odds against the right one, which has the cross-entropy's directions and does not vanish.
    Dropout rests meanwhile. A step of training then costs steps + 1 of them. Raises `SbkitError` on other
    norms, and on numbers out of range.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=256, n_test=64)
    >>> x, y = task.x.expand(2, -1, -1), task.y.expand(2, -1)
    >>> moved, _ = adversary("linf", radius=0.1, steps=3)(mlp(task, runs=2), x, y)
    >>> bool(((moved - x).abs() <= 0.1001).all())
    True
    """
    one_of("norm", norm, NORMS)
    radius, steps = between("radius", radius, 0, math.inf), whole("steps", steps)

    def transform(fleet: Fleet, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return ascend(lambda moved: against(fleet(moved), y), x, x, norm, radius, steps), y

    return transform
