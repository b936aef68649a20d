"""A snapshot: what a plot may know of a run at one step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from sbkit.core.task import Task

# What a table tells of every run: no measure and no axis (but seed) has such a name.
RESULTS = (
    *("run", "seed", "net_seed", "step", "epoch", "state", "error"),
    *("loss", "accuracy", "test_accuracy", "test_loss"),
)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What is known of a run at one step: small, picklable, all that a plot may see.

    loss, accuracy, test_accuracy, test_loss: (runs,), NaN where they have no meaning. values: measure →
    tensor, leading axis runs. state: one word a run: "training", "converged" (it reached `stop`), "diverged"
    (its loss is no longer finite) or "finished" (all steps done). rows: how many test rows were measured.
    sample: a few rows of the task, always the same random ones, for names, points and axes. loss and
    accuracy are means over the training rows, or over 4,096 of them, always the same random ones (at a
    glance over those of `sample`); test_loss is of the labels, without sample_weight. measured: measure →
    the step at which its value was taken; an earlier one where costly measures take turns at glances.
    measures: name of a value → the registered measure that gave it, "" for a function of your own.
    """

    step: int
    epoch: float
    loss: Tensor
    accuracy: Tensor
    test_accuracy: Tensor
    test_loss: Tensor
    values: Mapping[str, Any]
    state: tuple[str, ...]
    rows: int
    sample: Task
    measured: Mapping[str, int] = field(default_factory=dict)
    measures: Mapping[str, str] = field(default_factory=dict)

    def of(self, measure: str) -> Snapshot:
        """The same snapshot with the step and epoch at which this measure's value was taken."""
        at = self.measured.get(measure, self.step)
        return self if at == self.step else replace(self, step=at, epoch=self.epoch * at / self.step)
