"""Exercises on blocks of pixels."""

from __future__ import annotations

import copy
from typing import Any

from sbkit.course.verdict import Verdict, called, exercise, numbers
from sbkit.data import dominoes


@exercise
def ties(answer: Any) -> Verdict:
    """Accuracy and AUC with the top shuffled, if the top decides and the bottom only orders equal tops.

    >>> ties([0.5, 0.5])
    ✗ The accuracy is right. AUC asks pairs, one row of each class: how often are their tops equal, and ...
    """
    accuracy, auc = numbers(answer, 2, "Two numbers are expected, an accuracy and an AUC").tolist()
    if abs(accuracy - 0.5) > 0.001:
        return Verdict(False, "A shuffled top shows either class to either class: how often is it right?")
    if abs(auc - 0.75) > 0.001:
        hint = "AUC asks pairs, one row of each class: how often are their tops equal, and who decides then?"
        return Verdict(False, f"The accuracy is right. {hint}")
    return Verdict(True, "¼ won by the tops, ½ by the bottoms: an AUC above ½ can hide behind a guess.")


@exercise
def gap(answer: Any) -> Verdict:
    """A function (task, name) → distance between the mean images of the two classes in a block.

    >>> gap(lambda task, name: 1.0)
    ✗ Both blocks got 1.00, but they differ: take the columns of `name` alone.
    """
    task = dominoes(n=64, n_test=64)
    found, wanted = [], []
    for name in task.features:
        told = f"task and {name!r}"
        found.append(called(answer, "task and name", told, copy.deepcopy(task), name))
        z = task.z[:, task.columns(name)].double()  # (n, pixels)
        wanted.append(float((z[task.y == 1].mean(0) - z[task.y == 0].mean(0)).norm()))
    top, bottom = numbers(found, 2, "One number a block is expected").tolist()
    got = f"got {top:.2f} for the top, {bottom:.2f} for the bottom"
    if abs(top - wanted[0]) < 0.01 and abs(bottom - wanted[1]) < 0.01:
        return Verdict(True, f"{got.capitalize()}: the top's classes lie further apart.")
    if abs(top - bottom) < 1e-6:
        return Verdict(
            False, f"Both blocks got {top:.2f}, but they differ: take the columns of `name` alone."
        )
    if abs(top - wanted[0] ** 2) < 0.02:
        return Verdict(False, f"Squared, it seems; {got}. A distance ends with a root.")
    hint = (
        "Mean image of class 1 minus that of class 0 in training rows, then the root of the sum of squares."
    )
    return Verdict(False, f"{got.capitalize()}. {hint}")
