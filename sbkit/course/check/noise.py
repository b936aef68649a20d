"""Exercises on features that say nothing on some rows."""

from __future__ import annotations

from typing import Any

import torch

from sbkit.course.verdict import Verdict, called, exercise, numbers


@exercise
def ceiling(answer: Any) -> Verdict:
    """Best accuracy from a linear feature that says nothing on 10, 50 and 100 % of the rows: three numbers.

    >>> ceiling([0.9, 0.5, 0.0])
    ✗ Where the feature says nothing, a guess is still right on half of two balanced classes.
    """
    given = numbers(answer, 3, "Three accuracies are expected, for p = 0.1, 0.5 and 1")
    p = torch.tensor([0.1, 0.5, 1.0], dtype=torch.float64)
    if torch.allclose(given, 1 - p / 2, atol=0.001, rtol=0):
        return Verdict(True, "Half of what is guessed is right: what is left to a better feature is p/2.")
    if torch.allclose(given, 1 - p, atol=0.001, rtol=0):
        return Verdict(
            False, "Where the feature says nothing, a guess is still right on half of two balanced classes."
        )
    return Verdict(
        False, "Count apart: the rows on which the feature speaks, and those on which one guesses."
    )


@exercise
def noisy(answer: Any) -> Verdict:
    """A function (y, p) → a linear feature of labels y (n,) that says nothing on a share p of them. (n,)

    Values lie 0.1 to 1 from 0, noisy ones within 0.1 of it (Shah et al. 2020, appendix B).

    >>> noisy(lambda y, p: 2.0 * y - 1)
    ✗ With p = 0.2 a threshold at 0 is right on 1.00 of the labels, as if no row were noisy. ...
    """
    y = torch.arange(4000) % 2
    x = numbers(
        called(answer, "y and p", "y and p = 0.2", y.clone(), 0.2),
        len(y),
        "4000 values are expected, one a label",
    )
    right, near = (x > 0) == (y == 1), x.abs() < 0.1 - 1e-6
    found = float(right.double().mean())
    head = f"With p = 0.2 a threshold at 0 is right on {found:.2f} of the labels, "
    for expected, hint in (
        (1.0, "as if no row were noisy. Choose a share p of the rows and draw those anew."),
        (0.6, "which is what 0.8 should give: is p the share that is noisy, or the share that is not?"),
        (0.8, "so the noisy rows lie. They should say nothing: draw them without looking at the label."),
    ):
        if abs(found - expected) < 0.03:
            return Verdict(False, head + hint)
    clean = bool(right[~near].all()) and x.abs().max() <= 1
    if abs(found - 0.9) >= 0.03 or abs(float(near.double().mean()) - 0.2) >= 0.03 or not clean:
        return Verdict(False, head + "0.90 is expected: clean rows 0.1 to 1 from 0, noisy ones within 0.1.")
    return Verdict(True, head + "as the authors' code has it: p is the share that says nothing.")
