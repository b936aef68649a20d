"""A snapshot: what a plot may know of a run at one step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from sbkit.core.task import Task

# What a table tells of every run: no measure and no axis (but seed) has such a name.
RESULTS = ("run", "seed", "net_seed", "step", "epoch", "state", "error", "loss", "accuracy", "test_accuracy")


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What is known of a run at one step: small, picklable, all that a plot may see.

    loss, accuracy, test_accuracy: (runs,), NaN where they have no meaning. values: measure → tensor,
    leading axis runs. state: one word a run: "training", "converged" (it reached `stop`), "diverged"
    (its loss is no longer finite) or "finished" (all steps done). rows: test rows looked at.
    sample: a few rows of the task, for names, points and axes. loss is the mean over the first 4,096
    training rows (all, if fewer; `rows`, if the look was a glance).
    """

    step: int
    epoch: float
    loss: Tensor
    accuracy: Tensor
    test_accuracy: Tensor
    values: Mapping[str, Any]
    state: tuple[str, ...]
    rows: int
    sample: Task
