"""Who pays: errors of each class, how unevenly they change, and the group that fares worst."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.core import Fleet, SbkitError, Task, check_pair, numbers, told
from sbkit.measures.scores import accuracy


def class_rates(logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
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
    fits = isinstance(y, Tensor) and y.dtype == torch.int64 and logits.ndim > 1
    if not fits or y.shape not in (logits.shape[-2:-1], logits.shape[:-1]):
        rule = "Rates are of logits (runs, n, C) and int64 classes (n,)"
        raise SbkitError(f"{rule}, got {told([logits, y])}; try fleet.predict(task.x_test), task.y_test.")
    classes = logits.shape[-1]
    if y.numel() and not 0 <= int(y.min()) <= int(y.max()) < classes:
        got = f"{int(y.min())} to {int(y.max())}"
        raise SbkitError(f"Classes of {classes} logits are 0…{classes - 1}, got {got}; try its own task's y.")
    own = F.one_hot(y, classes).to(logits)  # (…, n, C)
    seen = F.one_hot(logits.argmax(-1), classes).to(logits)  # (runs, n, C)
    alive = logits.isfinite().all(-1).all(-1).unsqueeze(-1)  # (runs, 1)
    false, missed = (seen * (1 - own)).sum(-2), (own * (1 - seen)).sum(-2)  # (runs, C) each
    rates = false / (1 - own).sum(-2), missed / own.sum(-2)
    return tuple(rate.where(alive, math.nan) for rate in rates)  # pyright: ignore[reportReturnType]


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
    if parts[0].shape != parts[1].shape or not parts[0].ndim:
        rule = "The changes of both rates are (…, classes), in percent"
        raise SbkitError(
            f"{rule}, got {told(parts)}; try both of class_rates, 100 * (after - before) / before."
        )
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
    of = _group_of(groups, y.shape[-1]).to(y.device)  # (n,)
    logits = fleet.predict(task.x_test)  # (runs, n, C)
    return torch.stack([accuracy(logits[:, of == g], y[..., of == g]) for g in of.unique()]).amin(0)


def _group_of(groups: Any, rows: int) -> Tensor:
    """The group of each test row. (n_test,)"""
    with suppress(TypeError, ValueError, RuntimeError):
        found = torch.as_tensor(groups if isinstance(groups, Tensor) else np.asarray(groups))
        counts = not (found.is_floating_point() or found.is_complex())
        if found.shape == (rows,) and counts and found.min() >= 0:
            return found
    rule = f"groups are whole numbers from 0, one for each of the {rows:,} test rows"
    raise SbkitError(f"{rule}, got {told(groups)}; try groups=task.y_test.")
