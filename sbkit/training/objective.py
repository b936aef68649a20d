"""What a run makes small: its loss, what each row is told, and how much the row counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from sbkit.core import Fleet, SbkitError, Task, numbers, registries, told
from sbkit.losses import SUMS, USUAL, Loss, Named, loss_for

CHANCES = ("cross_entropy", "logistic")  # losses whose targets are chances of the classes


@dataclass(frozen=True)
class Objective:
    """The mean over rows of weight × loss, not divided by the weights' sum.

    y: what training rows are told: labels or values as the task has them, or targets in their place. weight
    (runs, n): how much each row counts, None for all alike. own: whether a run has its own y (runs, n, …) or
    weight; otherwise y is the task's.
    """

    loss: Loss
    outputs: int
    dtype: torch.dtype
    y: Tensor
    weight: Tensor | None = None
    own: bool = False

    def encode(self, y: Tensor) -> Tensor:
        """What the loss takes: targets, or labels as rows of one 1 or as they are. (…, n[, outputs])"""
        given = self.loss.encode(y, self.outputs)
        return given.to(self.dtype) if given.is_floating_point() else given

    def shape(self, runs: int, rows: int) -> tuple[int, ...]:
        """That of what `encode` gives for so many rows: labels are one number a row."""
        bare = self.loss.labels and not (self.loss.many or self.y.is_floating_point())
        return (runs, rows) if bare else (runs, rows, self.outputs)

    def value(self, logits: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        """The mean over rows of logits (runs, n, outputs). (runs,)"""
        losses = self.loss.value(logits, self.encode(y).expand(self.shape(*logits.shape[:2])))  # (runs, n)
        return (losses if weight is None else losses * weight).mean(-1)

    def few(self, rows: Tensor | slice, stacked: bool) -> tuple[Tensor, Tensor | None]:
        """y, encoded, and weight of some rows, the same in all runs; stacked: each has its own task."""
        y = self.encode(self.y[:, rows] if self.own or stacked else self.y[rows])
        return y, None if self.weight is None else self.weight[:, rows]

    def test(self, y: Tensor) -> Tensor:
        """What test rows are told: labels, for a loss of targets as rows of one 1."""
        alike = self.y.is_floating_point() == y.is_floating_point() or not self.loss.labels
        return y if alike else replace(self.loss, labels=False).encode(y, self.outputs)


def aimed(fleet: Fleet, task: Task, loss: Named, targets: Any, sample_weight: Any) -> Objective:
    """What `fit` was asked to make small; `SbkitError` on shapes, signs and ranges that do not fit."""
    rows, y, weight = task.x.shape[-2], task.y, None
    own = targets is not None or sample_weight is not None
    if targets is not None:
        y = _of_rows("targets", targets, (rows, task.outputs), fleet.runs, task)
    elif own and task.x.ndim == 2:
        y = y.expand(fleet.runs, *y.shape)
    chosen = loss_for(task, loss, None if targets is None else y[0])
    if targets is not None:
        _check_chances(registries.loss.of(loss) or loss or USUAL[task.sort], y)
    if sample_weight is not None:
        weight = _of_rows("sample_weight", sample_weight, (rows,), fleet.runs, task)
        if weight.min() < 0 or not weight.any(-1).all():
            got = f"{float(weight.min()):g} … {float(weight.max()):g}"
            raise SbkitError(f"sample_weight is at least 0, in no run 0 everywhere, got {got}; try clamp(0).")
    return Objective(chosen, task.outputs, task.x.dtype, y, weight, own)


def _of_rows(name: str, given: Any, shape: tuple[int, ...], runs: int, task: Task) -> Tensor:
    """Finite numbers of all training rows, of this shape or for each run its own, as (runs, *shape)."""
    found = numbers(name, given).detach()
    fits = found.shape in (shape, (runs, *shape)) and not found.is_complex()
    if not fits or not found.isfinite().all():
        way = "torch.ones(len(task.y))" if len(shape) == 1 else "F.one_hot(task.y).float()"
        rule = f"{name}: finite numbers {shape}, or {(runs, *shape)}, for each run its own"
        raise SbkitError(f"{rule}, got {told(found)}{', NaN or infinity' if fits else ''}; try {way}.")
    return found.to(task.x, copy=True).expand(runs, *shape)


def _check_chances(name: Any, y: Tensor) -> None:
    """Refuse targets of classes that this loss cannot mean."""
    low, high, off = float(y.min()), float(y.max()), float((y.sum(-1) - 1).abs().max())
    way = "targets.softmax(-1), or loss='square'"
    if name == "hinge":
        raise SbkitError("loss='hinge' is for labels, got targets; try loss='cross_entropy'.")
    if name in (*CHANCES, "bce") and (low < 0 or high > 1):
        raise SbkitError(f"targets of loss={name!r} lie in 0 … 1, got {low:g} … {high:g}; try {way}.")
    if name in CHANCES and off > SUMS:
        raise SbkitError(f"targets of loss={name!r} add up to 1 a row, got one off by {off:g}; try {way}.")
