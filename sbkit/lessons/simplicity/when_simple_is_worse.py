"""When simple is worse: exercises on a feature that says nothing on some rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sbkit.course.exercise import exercise

# Best accuracy from a linear feature that says nothing on 10, 50 and 100 % of the rows.
ceiling = exercise(
    want=[0.95, 0.75, 0.5],
    atol=0.001,
    expects="Three accuracies are expected, for p = 0.1, 0.5 and 1",
    wrong={
        "Where the feature says nothing, a guess is still right on half of two balanced classes.": [
            0.9,
            0.5,
            0,
        ],
        "Those are the errors. Count apart: the rows on which the feature speaks, and those on which one "
        "guesses.": [0.05, 0.25, 0.5],
    },
    right="Half of what is guessed is right: what is left to a better feature is p/2.",
    rest="Count apart: the rows on which the feature speaks, and those on which one guesses.",
)

Y = torch.arange(4000) % 2  # (n,)


def _noisy(y: Tensor, p: float) -> Tensor:
    near, side = torch.rand(len(y)) < p, 2 * y - 1
    return torch.where(near, 0.2 * torch.rand(len(y)) - 0.1, side * (0.1 + 0.9 * torch.rand(len(y))))


def _seen(x: Tensor) -> Sequence[Tensor]:
    """Share of rows that a threshold tells right, that are near it, and that are clean or near. (3,)"""
    right, near = (x > 0) == (Y == 1), x.abs() < 0.1 - 1e-6
    fits = near | (right & (x.abs() <= 1))
    return right.double().mean(), near.double().mean(), fits.double().mean()


HEAD = "With p = 0.2 a threshold at 0 is right on {0:.2f} of the labels, "

# A function (y, p) → a linear feature of labels y that says nothing on a share p of them. (n,)
# Values lie 0.1 to 1 from 0, noisy ones within 0.1 of it (Shah et al. 2020, appendix B).
noisy = exercise(
    "y and p",
    tries=[(Y, 0.2)],
    want=_noisy,
    many=True,
    expects="4000 values are expected, one a label",
    measured=_seen,
    must={
        HEAD + "as if no row were noisy. Choose a share p of the rows and draw those anew.": (
            lambda right, *_: abs(right - 1) >= 0.03,
            lambda y, p: _noisy(y, 0.0),
        ),
        HEAD + "which is what 0.8 should give: is p the share that is noisy, or the share that is not?": (
            lambda right, *_: abs(right - 0.6) >= 0.03,
            lambda y, p: _noisy(y, 1 - p),
        ),
        HEAD + "so the noisy rows lie. They should say nothing: draw them without looking at the label.": (
            lambda right, *_: abs(right - 0.8) >= 0.03,
            lambda y, p: (2 * y - 1) * torch.where(torch.rand(len(y)) < p, -1, 1),
        ),
        HEAD + "0.90 is expected: clean rows 0.1 to 1 from 0, noisy ones within 0.1.": (
            lambda right, near, fits: abs(right - 0.9) < 0.03 and abs(near - 0.2) < 0.03 and fits == 1,
            lambda y, p: 3 * _noisy(y, p),
        ),
    },
    right=HEAD + "as the authors' code has it: p is the share that says nothing.",
)
