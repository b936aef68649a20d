"""What lies between two fleets, and around one: errors on a path, and the noise that weights bear."""

from __future__ import annotations

import copy
import math
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor

from sbkit.core import Fleet, SbkitError, Task, between, check_pair, generator, numbers, told, whole
from sbkit.measures.scores import accuracy

DRAWS, STEPS, FAR = 10, 15, 2.0  # of noise, of bisection, and where it begins: from 0 to this σ
ROUNDING = 1e-6  # of an accuracy


@torch.no_grad()
def path(a: Fleet, b: Fleet, task: Task, points: int = 11) -> Tensor:
    """Test error of the nets (1 − t)·a + t·b for `points` even steps of t from 0 to 1. (points, runs)

    Run r of a goes straight to run r of b, with weights and float buffers alike: running statistics of
    BatchNorm are halfway too, not taken anew, so a bump may be theirs (`sb.models.calibrate` at each point
    would tell). 1 − accuracy, in 0…1; NaN for a run that diverged (Frankle et al. 2020, section 2, with
    t in place of α). Raises `SbkitError` unless both fleets have one architecture and as many runs, and
    for regression.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=50)
    >>> path(mlp(task, runs=3), mlp(task, runs=3, seed=9), task).shape
    torch.Size([11, 3])
    """
    for fleet in (a, b):
        _check("path", fleet, task)
        fleet.predict(task.x_test[:1])  # refuses inputs of another task
    points = whole("points", points, low=2)
    for one, other in zip_longest(_form(a), _form(b)):
        if one != other:
            rule = "A path joins two fleets of one architecture and as many runs"
            raise SbkitError(f"{rule}, got {one!r} and {other!r}; build both with one function.")
    midway, end, errors = copy.deepcopy(a), b.state_dict(), []
    for i in range(points):
        mixed = {name: _mixed(t, end[name], i / (points - 1)) for name, t in a.state_dict().items()}
        midway.load_state_dict(mixed)
        errors.append(1 - accuracy(midway.predict(task.x_test), task.y_test))
    return torch.stack(errors)


def _form(fleet: Fleet) -> list[str]:
    """The layers of a fleet and what is in them, line by line."""
    parts = [f"{name} {told(t)}, {t.device}" for name, t in fleet.state_dict().items()]
    return [*map(str.strip, str(fleet).splitlines()), *parts]


def _mixed(one: Tensor, other: Tensor, t: float) -> Tensor:
    """(1 − t) of one and t of the other, exact at both ends; counts stay those of the one."""
    return one.lerp(other, t) if one.is_floating_point() else one


def barrier(errors: Any) -> Tensor:
    """How far errors rise on the way: the highest minus the mean of the ends. (points, runs) → (runs,)

    0: both nets lie in one valley, as far as the points tell. Ends that differ leave half their difference
    even if nothing rises. Errors of `path`, or losses; NaN where one is (Frankle et al. 2020, section 2).
    Raises `SbkitError` on fewer than two points.

    >>> barrier([[0.1, 0.2], [0.5, 0.2], [0.3, 0.2]])
    tensor([0.3000, 0.0000], dtype=torch.float64)
    """
    errors = numbers("A barrier", errors)
    if errors.ndim < 1 or len(errors) < 2:
        rule = "A barrier is of two points or more, errors (points, runs)"
        raise SbkitError(f"{rule}, got {told(errors)}; try sb.measures.path(a, b, task).")
    return errors.amax(0) - (errors[0] + errors[-1]) / 2


@torch.no_grad()
def perturbation_radius(fleet: Fleet, task: Task, drop: float = 0.1, seed: int = 0) -> Tensor:
    """How much Gaussian noise on all weights costs `drop` of the training accuracy: its σ. (runs,)

    The σ at which the mean accuracy over 10 draws is the clean one less `drop`, by 15 bisections of 0…2, so
    known to 6·10⁻⁵; ∞ where 2 is not enough. Each run has its own draws, the same at every σ. 1/σ² is the
    flatness measure of Jiang et al. 2020 (appendix C), which does not know the scale of weights: a net of
    larger ones bears more. NaN for a run that diverged. Raises `SbkitError` on drops out of 0…1, and for
    regression.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=50, n_test=10)
    >>> perturbation_radius(mlp(task, runs=3), task).shape
    torch.Size([3])
    """
    _check("perturbation_radius", fleet, task)
    drop = between("drop", drop, 0, 1, open_low=True)
    wanted = accuracy(fleet.predict(task.x), task.y) - drop  # (runs,)
    noisy, clean = copy.deepcopy(fleet), [p.detach() for p in fleet.parameters()]  # (runs, …) each
    rngs = [generator(seed, fleet.seed + r) for r in range(fleet.runs)]
    draws = [[_drawn(w, rngs) for w in clean] for _ in range(DRAWS)]
    low, high = torch.zeros_like(wanted), torch.full_like(wanted, FAR)
    for _ in range(STEPS):
        sigma, found = (low + high) / 2, []
        for draw in draws:
            for p, w, noise in zip(noisy.parameters(), clean, draw, strict=True):
                p.data = w + sigma.to(w).view(-1, *[1] * (w.ndim - 1)) * noise
            found.append(accuracy(noisy.predict(task.x), task.y))
        fell = ~(torch.stack(found).mean(0) > wanted + ROUNDING)  # (runs,)
        low, high = low.where(fell, sigma), sigma.where(fell, high)
    radius = ((low + high) / 2).where(high < FAR, math.inf)
    return radius.where(wanted.isfinite(), math.nan)


def _drawn(w: Tensor, rngs: list[torch.Generator]) -> Tensor:
    """Standard normal numbers like w (runs, …), each run's from its own generator."""
    return torch.stack([torch.randn(w.shape[1:], generator=rng) for rng in rngs]).to(w)


def _check(name: str, fleet: Fleet, task: Task) -> None:
    check_pair(f"sb.measures.{name}", fleet, task, trains=True)
    if not task.classes:
        raise SbkitError(f"{name} counts errors of classes, got a regression task; try sb.data.digits(300).")
