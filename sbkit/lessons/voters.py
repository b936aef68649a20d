"""Nets whose answers are known beforehand, to try exercises on: each feature has so many votes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from sbkit.core import Fleet, Task, generator
from sbkit.models import mlp

# Of exercises whose answer is the accuracy of both runs: their fleet stays as it is, hints tell the means.
ACCURACIES: dict[str, Any] = {
    "keeps": True,
    "within": (0, 1),
    "expects": "2 accuracies are expected, one a run",
    "measured": lambda *shares: [each.mean() for each in shares],
}


def voters(task: Task, votes: Sequence[float]) -> Fleet:
    """Two linear nets whose score logit₁ − logit₀ is the sum of the features, each times its votes."""
    fleet = mlp(task, depth=0, runs=2)
    for parameter in fleet.parameters():
        parameter.data.zero_()
    fleet.weights()[0].data[:, 1] = task.embed(torch.tensor([votes]))  # (runs, d)
    return fleet


def shuffled_apart(task: Task, *groups: str | Iterable[str]) -> Tensor:
    """Test features with the columns of each group in an order of rows of its own. (n_test, k)"""
    z = task.z_test.clone()
    for seed, names in enumerate(groups):
        columns, order = task.columns(names), torch.randperm(len(z), generator=generator(seed))
        z[:, columns] = z[order][:, columns]
    return z


def right_on(fleet: Fleet, task: Task, z: Tensor, y: Tensor | None = None) -> Tensor:
    """Share of points with features z (n, k) that get the labels y (n,), the test rows' own. (runs,)"""
    return (fleet(task.embed(z)).argmax(-1) == (task.y_test if y is None else y)).float().mean(-1)
