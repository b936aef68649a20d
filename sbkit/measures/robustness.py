"""How small a change of the inputs undoes a fleet, and which features that change acts on."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.core import (
    Fleet,
    SbkitError,
    Task,
    ascend,
    between,
    check_memory,
    check_pair,
    generator,
    one_of,
    whole,
)
from sbkit.core.ascent import NORMS
from sbkit.losses import odds

AT_ONCE = 2**22  # numbers of perturbed inputs that are worked on together


def attack(
    fleet: Fleet,
    task: Task,
    norm: str = "l2",
    radius: float = 0.5,
    steps: int = 20,
    rows: int | None = None,
    train: bool = False,
    seed: int | None = None,
) -> Tensor:
    """Inputs moved by at most `radius` so that each run errs on as many as it can. (runs, n, d)

    Projected gradient ascent (Madry et al. 2018): `steps` steps of 2.5·radius/steps along the gradient of
    the log odds against the label ("l2", Euclidean length) or its sign ("linf", largest coordinate), each
    followed by a projection onto the ball. The cross-entropy has the same directions, but its gradient
    vanishes where a net is sure. rows: attack only the first so many test rows; to draw them from
    all, attack `task.sample(rows)`. train: attack training rows instead. seed: start at a random point of
    the ball instead of its centre. Each run has its own inputs; NaN for a run that diverged. Raises
    `SbkitError` on other norms, numbers out of range, a fleet of other inputs, and for regression.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=20)
    >>> moved = attack(mlp(task, runs=3), task, radius=0.1) - task.x_test
    >>> moved.shape, bool((moved.norm(dim=-1) <= 0.1001).all())
    (torch.Size([3, 20, 2]), True)
    """
    check_pair("sb.measures.attack", fleet, task)
    one_of("norm", norm, NORMS)
    radius, steps = between("radius", radius, 0, math.inf), whole("steps", steps)
    if not task.classes:
        raise SbkitError(f"An attack needs classes, got a {task.sort} task.")
    n = None if rows is None else whole("rows", rows)
    x, y = (task.x[:n], task.y[:n]) if train else (task.x_test[:n], task.y_test[:n])  # (n, d), (n,)
    size, what = x.element_size(), f"{fleet.runs} runs × {len(x):,} rows × {x.shape[1]:,} inputs"
    check_memory(fleet.runs * x.numel() * size * 2, f"{what} × {size} bytes × 2 copies", x.device)
    alive = fleet.predict(x).isfinite().flatten(1).all(1)  # (runs,); it also refuses inputs of another task
    start = _start(norm, radius, fleet, x, seed)  # (runs, n, d)
    each = max(1, AT_ONCE // (fleet.runs * x.shape[1]))
    parts = zip(start.split(each, 1), x.split(each), y.split(each), strict=True)
    found = [ascend(lambda m, y=y: odds(fleet(m), y), s, x, norm, radius, steps) for s, x, y in parts]
    return torch.cat(found, dim=1).where(alive.view(-1, 1, 1), math.nan)  # of no known direction: it stays


def _start(norm: str, radius: float, fleet: Fleet, x: Tensor, seed: int | None) -> Tensor:
    """Where the walk begins: the inputs, or a uniform point of the ball around each. (runs, n, d)"""
    if seed is None:
        return x.repeat(fleet.runs, 1, 1)
    return torch.stack([x + radius * _in_ball(norm, x, seed, fleet.seed + r) for r in range(fleet.runs)])


def _in_ball(norm: str, x: Tensor, *seeds: int) -> Tensor:
    """Points of the unit ball, uniform, one a row of x. (n, d)"""
    rng = generator(*seeds)
    if norm == "linf":
        return (2 * torch.rand(x.shape, generator=rng) - 1).to(x)
    length = torch.rand(len(x), 1, generator=rng) ** (1 / x.shape[1])
    return (length * F.normalize(torch.randn(x.shape, generator=rng), dim=-1)).to(x)


def universal_perturbation(
    fleet: Fleet, task: Task, radius: float, rows: int = 2000, steps: int = 20
) -> Tensor:
    """One direction for all inputs that undoes a two-class fleet: x + (2y − 1)·δ. (runs, d)

    δ, of length `radius`, is the top right-singular vector of the changes that `attack` makes to `rows`
    training rows, drawn from all (`Task.sample`), each times 2y − 1, signed as they point on average (Shah
    et al. 2020, section 5, whose code fits it to test rows; ours does not see them). NaN for a run that
    diverged. Raises `SbkitError` unless two classes, and on numbers out of range.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=50, n_test=20)
    >>> universal_perturbation(mlp(task, runs=3), task, radius=1.0).norm(dim=1).round(decimals=3)
    tensor([1., 1., 1.])
    """
    check_pair("sb.measures.universal_perturbation", fleet, task)
    if not task.classes or task.outputs != 2:
        raise SbkitError(f"A label-signed perturbation is for two classes, got {task.outputs} outputs.")
    few = task.sample(whole("rows", rows))
    moved = attack(fleet, few, "l2", radius, steps, train=True)  # (runs, n, d)
    change = (moved - few.x) * (2 * few.y - 1).unsqueeze(1)  # (runs, n, d)
    alive = change.isfinite().all(2).all(1)  # (runs,)
    finite = change.where(alive.view(-1, 1, 1), 0)
    direction = torch.linalg.svd(finite, full_matrices=False).Vh[:, 0]  # (runs, d)
    side = (finite @ direction.unsqueeze(2)).sum((1, 2))  # (runs,)
    length = torch.where(side < 0, -radius, radius).where(alive, math.nan)  # (runs,)
    return length.unsqueeze(1) * direction
