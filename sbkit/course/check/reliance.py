"""Exercises on simplicity and on what a network relies on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from sbkit.core import Fleet, Task
from sbkit.course.verdict import Verdict, accuracy_of, exercise, numbers
from sbkit.data import slabs
from sbkit.models import mlp


@exercise
def pieces(answer: Any) -> Verdict:
    """Least number of linear pieces that classify linear, 3-, 5- and 7-slab data: four whole numbers.

    >>> pieces([1, 1, 1, 1])
    ✗ The linear feature is right. A slab feature changes its label at every gap: count the gaps on [−1, 1].
    """
    given = numbers(answer, 4, "Four numbers are expected, for linear, 3, 5 and 7 slabs")
    right = [a == b for a, b in zip(given.tolist(), (1, 2, 4, 6), strict=True)]
    if all(right):
        return Verdict(True, "A threshold is one piece, and k slabs need one a gap: that order is the dial.")
    head = "The linear feature is right. " if right[0] else "One threshold is one piece. "
    return Verdict(False, head + "A slab feature changes its label at every gap: count the gaps on [−1, 1].")


@exercise
def shuffle(answer: Any) -> Verdict:
    """A function (fleet, task, name) → test accuracy of each run with that feature shuffled. (runs,)

    It is tried on nets that are known to use the linear feature and nothing else.

    >>> shuffle(lambda fleet, task, name: [1.0, 1.0])
    ✗ The nets use the linear feature alone: without its link they should be right on ...
    """
    task = slabs(blocks=(1, 5), n=64, n_test=4000)
    fleet = _reader(task, [1.0, 0.0])
    linear, slab = (accuracy_of(answer, fleet, task, name) for name in task.features)
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


@exercise
def apart(answer: Any) -> Verdict:
    """A function (fleet, task, names) → test accuracy of each run, each named feature shuffled on its own.

    It is tried on nets that give four linear features one vote each. (runs,)

    >>> apart(lambda fleet, task, names: [1.0, 1.0])
    ✗ Two of four votes shuffled: 1.00 of the rows are right, as if nothing had moved. ...
    """
    task = slabs(blocks=[1] * 4, n=64)
    found = accuracy_of(answer, _reader(task, [1.0] * 4), task, list(task.features)[:2])
    head = f"Two of four votes shuffled: {found:.2f} of the rows are right, "
    if abs(found - 0.87) < 0.03:  # one vote alone is overruled, two against two are a coin
        return Verdict(True, head + "more than if both moved together: now each errs on its own rows.")
    for low, high, hint in (
        (0.999, 1.0, "as if nothing had moved. Reorder the features' columns of z, then embed."),
        (0.97, 0.999, "as if only one had moved. Go through all the names."),
        (0.72, 0.78, "which is what one permutation for both gives. Draw another for each feature."),
        (0.47, 0.53, "so no vote is left. Move the named features only, and leave the labels."),
    ):
        if low <= found <= high:
            return Verdict(False, head + hint)
    return Verdict(False, head + "which no shuffle gives. Compare the largest logit with y_test.")


@exercise
def follow(answer: Any) -> Verdict:
    """A function (fleet, task, name) → share of rows on which each run follows that feature against the rest.

    It is tried on nets that follow the linear feature and nothing else. (runs,)

    >>> follow(lambda fleet, task, name: [0.0, 0.0])
    ✗ The nets follow the linear feature alone; got 0.00 for it, 0.00 for the slab. Count the answers ...
    """
    task = slabs(blocks=(1, 5), n=64, n_test=4000)
    fleet = _reader(task, [1.0, 0.0])
    linear, slab = (accuracy_of(answer, fleet, task, name) for name in task.features)
    if linear > 0.999 and slab < 0.001:
        return Verdict(True, "The linear feature wins every conflict, the slab none: a vote for every row.")
    head = f"The nets follow the linear feature alone; got {linear:.2f} for it, {slab:.2f} for the slab. "
    if abs(linear - 0.5) < 0.1:
        return Verdict(False, head + "A shuffle makes half of the conflicts: take rows of the other class.")
    if linear > 0.9:
        return Verdict(False, head + "Did anything move? Put the feature's columns of other rows into z.")
    return Verdict(False, head + "Count the answers 1 − y_test: that is what the moved feature says.")


def _reader(task: Task, votes: Sequence[float]) -> Fleet:
    """Two linear nets whose score logit₁ − logit₀ is the sum of the features, each times its vote."""
    fleet = mlp(task, depth=0, runs=2)
    for parameter in fleet.parameters():
        parameter.data.zero_()
    fleet.weights()[0].data[:, 1] = task.embed(torch.tensor([votes]))  # (runs, d)
    return fleet
