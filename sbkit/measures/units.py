"""What the hidden units of the first layer answer, each a small map over a plane."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sbkit.core import Fleet, SbkitError, Task, check_pair, drawn, measure, whole
from sbkit.measures.boundary import plane

MOST = 16  # units
ROWS = 32  # test rows that slopes are the mean of


@measure("units", columns=2, rows=False, hidden=True, glance={"resolution": 16})
def units(
    fleet: Fleet,
    task: Task,
    run: int = 0,
    axes: tuple[int, int] = (0, 1),
    at: int | None = None,
    resolution: int = 24,
) -> list[Tensor]:
    """Answers of the first layer's units over a plane, and their weights to the output, per run.

    [maps (runs, units, resolution, resolution), weights (runs, units)] of the first 16 units. maps: a unit
    after its activation, over the plane of `boundary`, whose axes and row they take. weights: how much
    logit₁ minus the mean of the other logits grows as the unit's answer grows by 1, mean over 32 test rows;
    with one hidden layer that is the unit's outgoing weight (of two classes, the difference of both), the
    same on every row. In regression it is the first output that grows. run: the one that is drawn. NaN
    for a run that diverged. Raises `SbkitError` on nets without hidden layers, on fleets of other modules
    than those of `sb.mlp` and `deep_linear`, and on a run, axes, row or resolution out of range.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=10)
    >>> [tuple(part.shape) for part in units(mlp(task, width=5, runs=3), task, resolution=8)]
    [(3, 5, 8, 8), (3, 5)]
    """
    check_pair("sb.measures.units", fleet, task, trains=True)
    if not 0 <= whole("run", run, 0) < fleet.runs:
        raise SbkitError(f"run is one of 0…{fleet.runs - 1}, got {run}; try run=0.")
    slopes, answers = _slopes(fleet, task)  # (runs, width), (runs, n, outputs)
    x, about = plane("units", task, axes, at, resolution, slopes.numel())
    with torch.no_grad():
        maps = next(fleet.layers(x))[..., :MOST].mT.unflatten(-1, (resolution, resolution))
    finite = answers.isfinite().flatten(1).all(1)  # (runs,)
    maps = maps.where(finite.view(-1, 1, 1, 1), math.nan).cpu()  # (runs, units, r, r)
    vars(maps)["plane"] = about | {"run": run}
    return [maps, slopes[:, :MOST].where(finite.unsqueeze(1), math.nan).cpu()]


def _slopes(fleet: Fleet, task: Task) -> tuple[Tensor, Tensor]:
    """Mean slope of the score along each unit of the first layer (runs, width), and the answers there."""
    rows = task.x_test[drawn(len(task.x_test), ROWS)]  # (n, d)
    with torch.enable_grad():
        *hidden, answers = fleet.layers(rows.detach().clone().requires_grad_())
        if not hidden:
            raise SbkitError("units needs a hidden layer, got nets without one; try depth=1 or more.")
        score = answers[..., 0]  # (runs, n)
        if task.classes:
            others = answers.sum(-1) - answers[..., 1]
            score = answers[..., 1] - others / (answers.shape[-1] - 1)
        (slopes,) = torch.autograd.grad(score.sum(), hidden[0])  # (runs, n, width)
    return slopes.mean(1), answers.detach()
