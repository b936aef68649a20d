"""Who pays: errors of each class, how unevenly they change, and the group that fares worst."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.core import Fleet, SbkitError, Task, check_pair, numbers, told
from sbkit.measures.scores import accuracy


def class_rates(logits: Tensor, y: Any) -> tuple[Tensor, Tensor]:
    """How often each class is seen where it is not, and missed where it is. (runs, classes) each, in 0…1

    logits (runs, n, C), y (n,), or (runs, n) where each run has its own labels. False positive rate: of the
    rows of all other classes, the share taken for this one; false negative rate: of its own rows, the share
    taken for another. NaN where there are no such rows, and for a run that diverged. Raises `SbkitError`
    on labels that are not classes 0…C−1, one a row.

    >>> logits = torch.eye(3)[[0, 0, 1, 2]].unsqueeze(0)  # one run, which takes row 1 for class 0
    >>> class_rates(logits, torch.tensor([0, 1, 1, 2]))
    (tensor([[0.3333, 0.0000, 0.0000]]), tensor([[0.0000, 0.5000, 0.0000]]))
    """
    logits = numbers("Logits", logits)
    if logits.ndim < 2:
        raise SbkitError(f"Logits are (runs, n, C), got {told(logits)}; try fleet.predict(task.x_test).")
    *_, n, classes = logits.shape
    rule = f"y is a class, 0…{classes - 1}, for each of {n:,} rows"
    fix = "task.y_test with fleet.predict(task.x_test)"
    y = _of_rows(rule, y, [(n,), logits.shape[:-1]], classes, fix).to(logits.device)
    own, seen = (F.one_hot(c, classes).to(logits) for c in (y, logits.argmax(-1)))  # (…, n, C)
    alive = logits.isfinite().all(-1).all(-1).unsqueeze(-1)  # (runs, 1)
    false, missed = (seen * (1 - own)).sum(-2), (own * (1 - seen)).sum(-2)  # (runs, C) each
    fpr, fnr = false / (1 - own).sum(-2), missed / own.sum(-2)
    return fpr.where(alive, math.nan), fnr.where(alive, math.nan)


def cev(fpr_change: Any, fnr_change: Any) -> Tensor:
    """How unevenly a change hurts the classes: combined error variance. (…, classes) twice → (…)

    The change of a class's rates is a point (Δfpr, Δfnr), 100 · (after − before) / before, in percent; this
    is the mean squared distance of the points to their centre, over both coordinates, so half of it (Blakeney
    et al. 2021, as their code has it). 0: all classes alike. NaN where a rate before was 0 or is not known.
    Raises `SbkitError` unless both have one shape.

    >>> cev([10.0, 0.0, -10.0], [0.0, 20.0, 10.0])
    tensor(66.6667, dtype=torch.float64)
    """
    return _points(fpr_change, fnr_change).var(-1, correction=0).mean(0)


def sde(fpr_change: Any, fnr_change: Any) -> Tensor:
    """How one-sided a change is: symmetric distance error. (…, classes) twice → (…)

    Mean over classes of |Δfpr − Δfnr| / √2, the distance of the points of `cev` to the diagonal, on which a
    class gains or loses in both ways alike (Blakeney et al. 2021). NaN and errors as in `cev`.

    >>> sde([10.0, 0.0, -10.0], [0.0, 20.0, 10.0])
    tensor(11.7851, dtype=torch.float64)
    """
    fpr, fnr = _points(fpr_change, fnr_change)
    return (fpr - fnr).abs().mean(-1) / math.sqrt(2)


def _points(fpr_change: Any, fnr_change: Any) -> Tensor:
    """Both changes together, (2, …, classes), NaN for what is infinite."""
    parts = [numbers("A change of rates", part) for part in (fpr_change, fnr_change)]
    if parts[0].shape != parts[1].shape or not parts[0].ndim or not parts[0].numel():
        rule = "The changes of both rates are (…, classes), in percent"
        raise SbkitError(f"{rule}, got {told(parts)}; try 100 * (after - before) / before of class_rates.")
    points = torch.stack(parts)
    return points.where(points.isfinite(), math.nan)


def worst_group(fleet: Fleet, task: Task, groups: Any) -> Tensor:
    """Test accuracy of each run in the group where it is least. (runs,), in 0…1

    groups (n_test,): the number of each test row's group, a whole number from 0; those without rows do not
    count. A few rows make a lucky or unlucky group: look at their number (Sagawa et al. 2020). NaN for a run
    that diverged. Raises `SbkitError` unless every test row has a group, and for regression.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=100)
    >>> worst_group(mlp(task, runs=3), task, task.y_test).shape
    torch.Size([3])
    """
    check_pair("sb.measures.worst_group", fleet, task)
    if not task.classes:
        raise SbkitError("Accuracy needs classes, got a regression task; compare its losses.")
    y = task.y_test  # (n,)
    rule = f"groups are whole numbers from 0, one for each of {y.shape[-1]:,} test rows"
    of = _of_rows(rule, groups, [y.shape[-1:]], math.inf, "groups=task.y_test").to(y.device)  # (n,)
    logits = fleet.predict(task.x_test)  # (runs, n, C)
    return torch.stack([accuracy(logits[:, of == g], y[..., of == g]) for g in of.unique()]).amin(0)


def _of_rows(rule: str, values: Any, shapes: Iterable[Any], high: float, fix: str) -> Tensor:
    """Whole numbers of at least 0 and less than `high`, of one of the shapes."""
    with suppress(TypeError, ValueError, RuntimeError):
        found = torch.as_tensor(values if isinstance(values, Tensor) else np.asarray(values))
        counts = not (found.is_floating_point() or found.is_complex())
        if found.shape in shapes and counts and 0 <= found.min() and found.max() < high:
            return found.long()
    got = told(values) if hasattr(values, "dtype") else f"{values!r:.60}"
    raise SbkitError(f"{rule}, got {got}; try {fix}.")
