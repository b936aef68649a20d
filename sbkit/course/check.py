"""Checks of exercises: whether an answer is right, what was expected, and a hint; never the solution.

Answers may be lists, numpy arrays or tensors, or functions. Each check returns one `Verdict`, which
shows as a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sbkit.core import Fleet, Task
from sbkit.data import slabs
from sbkit.models import mlp


@dataclass(frozen=True)
class Verdict:
    """right: whether the answer is; sentence: what to say of it."""

    right: bool
    sentence: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{'✓' if self.right else '✗'} {self.sentence}"


def _numbers(answer: Any) -> Tensor | None:
    """The answer as float64 numbers, or None if it is none."""
    try:
        return torch.as_tensor(answer, dtype=torch.float64).squeeze()
    except (TypeError, ValueError, RuntimeError):
        return None


def pieces(answer: Any) -> Verdict:
    """Least number of linear pieces that classify linear, 3-, 5- and 7-slab data: four whole numbers.

    >>> pieces([1, 1, 1, 1])
    ✗ The linear feature is right. A slab feature changes its label at every gap: count the gaps on [−1, 1].
    """
    given = _numbers(answer)
    if given is None or given.shape != (4,):
        return Verdict(False, f"Four numbers are expected, for linear, 3, 5 and 7 slabs; got {answer!r}.")
    right = [a == b for a, b in zip(given.tolist(), (1, 2, 4, 6), strict=True)]
    if all(right):
        return Verdict(True, "A threshold is one piece, and k slabs need one a gap: that order is the dial.")
    head = "The linear feature is right. " if right[0] else "One threshold is one piece. "
    return Verdict(False, head + "A slab feature changes its label at every gap: count the gaps on [−1, 1].")


def shuffle(answer: Any) -> Verdict:
    """A function (fleet, task, name) → test accuracy of each run with that feature shuffled. (runs,)

    It is tried on nets that are known to use the linear feature and nothing else.

    >>> shuffle(lambda fleet, task, name: [1.0, 1.0])
    ✗ The nets use the linear feature alone: without its link they should be right on ...
    """
    if not callable(answer):
        return Verdict(False, f"A function of (fleet, task, name) is expected; got {type(answer).__name__}.")
    task = slabs(blocks=(1, 5), n=64, n_test=4000)
    fleet = _linear_reader(task)
    given = [_numbers(answer(fleet, task, name)) for name in task.features]
    means = [
        float(numbers.mean()) for numbers in given if numbers is not None and numbers.shape == (fleet.runs,)
    ]
    if len(means) < len(given):
        return Verdict(False, f"{fleet.runs} accuracies are expected, one a run; got {given}.")
    linear, slab = means
    if abs(linear - 0.5) > 0.05:
        wanted = (
            "The nets use the linear feature alone: without its link they should be right on half the rows, "
        )
        hint = f"got {linear:.2f} for 'linear'. Permute the rows of its columns of z, then embed again."
        return Verdict(False, wanted + hint)
    if abs(slab - 1) > 1e-3:
        wanted = "The nets do not look at the slab: shuffling it should cost nothing, "
        hint = f"got {slab:.2f} for 'slab5'. Move that feature's columns only, and leave the labels."
        return Verdict(False, wanted + hint)
    return Verdict(
        True, "Half right without the linear feature, all right without the slab: one link at a time."
    )


def _linear_reader(task: Task) -> Fleet:
    """Two linear nets whose score logit₁ − logit₀ is the task's linear feature."""
    fleet = mlp(task, depth=0, runs=2)
    for parameter in fleet.parameters():
        parameter.data.zero_()
    fleet.weights()[0].data[:, 1] = task.embed(torch.tensor([[1.0, 0.0]]))  # (runs, d)
    return fleet
