"""What a run makes small: its loss, what each row is told, and how much the row counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.core import Fleet, SbkitError, Task, numbers, registries
from sbkit.losses import Loss, loss_for

Rows = tuple[Tensor, Tensor | None]  # y and weight of some rows
CHANCES = ("cross_entropy", "logistic")  # losses whose targets are chances of the classes


@dataclass(frozen=True)
class Objective:
    """A mean over rows of weight × loss; it is not divided by the weights' sum.

    y: what the training rows are told: labels or values, as the task has them, or targets (runs, n, outputs)
    in their place. weight (runs, n): how much each row counts, None for all alike. told: whether y or weight
    is a run's own, with a leading axis `runs`, in place of the task's.
    """

    loss: Loss
    outputs: int
    dtype: torch.dtype
    y: Tensor
    weight: Tensor | None = None
    own: bool = False

    def encode(self, y: Tensor) -> Tensor:
        """Labels as targets of the loss; what a loss of labels takes, and targets, as they are. (…, outputs)"""
        told = self.loss.encode(y, self.outputs)
        return told.to(self.dtype) if told.is_floating_point() else told

    def shape(self, runs: int, rows: int) -> tuple[int, ...]:
        """That of what `encode` gives for so many rows: labels are one number a row."""
        return (runs, rows, self.outputs)[: 2 if self.loss.labels and not self.y.is_floating_point() else 3]

    def value(self, logits: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        """The mean over rows of logits (runs, n, outputs). (runs,)"""
        losses = self.loss.value(logits, self.encode(y).expand(self.shape(*logits.shape[:2])))  # (runs, n)
        return (losses if weight is None else losses * weight).mean(-1)

    def at(self, rows: Tensor) -> Rows:
        """y (runs, rows, …) and weight (runs, rows) of the rows of these numbers, (runs, rows)."""
        run = torch.arange(len(rows), device=rows.device)[:, None]
        return self.y[run, rows], None if self.weight is None else self.weight[run, rows]

    def few(self, rows: Tensor | slice) -> Rows:
        """The same of rows that all runs share."""
        y = self.y[:, rows] if self.own else self.y[rows]
        return y, None if self.weight is None else self.weight[:, rows]

    def test(self, y: Tensor) -> Tensor:
        """What test rows are told: labels, as rows of one 1 where the training rows have targets."""
        alike = self.y.is_floating_point() == y.is_floating_point() or not self.loss.labels
        return y if alike else F.one_hot(y, self.outputs).to(self.dtype)


Named = str | Callable[[Tensor, Tensor], Tensor] | None


def aimed(fleet: Fleet, task: Task, loss: Named, targets: Any, sample_weight: Any) -> Objective:
    """What `fit` was asked to make small; `SbkitError` on shapes, signs and ranges that do not fit."""
    n, outputs = task.x.shape[-2], task.outputs
    own = targets is not None or sample_weight is not None
    y = task.y if targets is None else _rows("targets", targets, (n, outputs), fleet.runs, task)
    weight = None if sample_weight is None else _rows("sample_weight", sample_weight, (n,), fleet.runs, task)
    chosen = loss_for(task, loss, y if targets is None else y[0])
    if targets is not None and task.classes:
        _check_targets(registries.loss.of(loss) or loss, chosen, y)
    if weight is not None and not (bool((weight >= 0).all()) and bool(weight.any(-1).all())):
        got = f"the least {float(weight.min()):g} and the most {float(weight.max()):g}"
        raise SbkitError(f"sample_weight is at least 0, and not 0 in all rows of a run, got {got}; try clamp(0).")
    y = y.expand(fleet.runs, *task.y.shape) if own and targets is None else y
    return Objective(chosen, outputs, task.x.dtype, y, weight, own)


def _rows(name: str, given: Any, shape: tuple[int, ...], runs: int, task: Task) -> Tensor:
    """Finite numbers for the training rows, of this shape or one of each run's own, as (runs, *shape)."""
    found = numbers(name, given).detach()
    if found.shape not in (shape, (runs, *shape)) or found.is_complex() or not found.isfinite().all():
        got = f"{tuple(found.shape)}, {found.dtype}" + ("" if found.isfinite().all() else " with NaN or infinity")
        way = "torch.nn.functional.one_hot(task.y).float()" if name == "targets" else "torch.ones(len(task.y))"
        rule = f"{name} are finite numbers {shape}, or ({runs}, {', '.join(map(str, shape))}), a run its own"
        raise SbkitError(f"{rule}, got {got}; try {way}.")
    return found.to(task.x, copy=True).expand(runs, *shape)


def _check_targets(name: Any, loss: Loss, y: Tensor) -> None:
    """Refuse targets of classes that a loss cannot mean."""
    if loss.signed and name == "hinge":
        raise SbkitError("loss='hinge' is for labels, got targets; try loss='cross_entropy'.")
    low, high = float(y.min()), float(y.max())
    sums = (y.sum(-1) - 1).abs().max()
    if name in (None, *CHANCES, "bce") and (low < 0 or high > 1):
        words = f"targets are chances from 0 to 1, got {low:g} … {high:g}"
        raise SbkitError(f"{words}; try targets.softmax(-1), or loss='square'.")
    if name in (None, *CHANCES) and sums > 1e-3:
        words = f"targets of a row are chances that add up to 1, got one off by {float(sums):g}"
        raise SbkitError(f"{words}; try targets / targets.sum(-1, keepdim=True).")
