"""Exercises on shortest fits and on margins."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sbkit.core import generator
from sbkit.course.verdict import Verdict, called, exercise, numbers


@exercise
def shortest(answer: Any) -> Verdict:
    """β₁, β₂ of the least ℓ2 fit of 2 β₁ + β₂ = 2, then those of the least ℓ1 fit: four numbers.

    >>> shortest([1, 0, 1, 0])
    ✗ The last two are right. Of the first: the least ℓ2 fit is a multiple of the input, (2, 1).
    """
    given = numbers(answer, 4, "Four numbers are expected, β₁ and β₂ of the one fit, then of the other")
    right = torch.tensor([0.8, 0.4, 1.0, 0.0], dtype=torch.float64)
    near = (given - right).abs() <= 0.006  # (4,)
    if near.all():
        return Verdict(True, "The one spreads over all that helps, the other takes what helps most.")
    if near[2:].all():
        hint = "The last two are right. Of the first: the least ℓ2 fit is a multiple of the input, (2, 1)."
        return Verdict(False, hint)
    if near[:2].all():
        hint = "The first two are right. Of the last: one of the two unknowns buys more a unit; use it alone."
        return Verdict(False, hint)
    off = [float(2 * pair[0] + pair[1]) for pair in given.split(2) if abs(2 * pair[0] + pair[1] - 2) > 0.02]
    if off:
        return Verdict(False, f"A fit has 2 β₁ + β₂ = 2, one of yours has {off[0]:.3g}.")
    return Verdict(False, "Both fit, and shorter ones exist. Order: least ℓ2 first, least ℓ1 second.")


@exercise
def normalized_margin(answer: Any) -> Verdict:
    """A function (beta, X, y, p) → the smallest y·(X @ beta), divided by the ℓp length of beta: a number.

    >>> normalized_margin(lambda beta, X, y, p: (y * (X @ beta)).min())
    ✗ Twice the weights, twice your margin; it should not change. Divide by the length of beta.
    """
    rng = generator(0)
    X = torch.randn(6, 4, dtype=torch.float64, generator=rng)  # (rows, columns)
    beta = torch.randn(4, dtype=torch.float64, generator=rng)
    y = torch.tensor([1.0, -1, 1, 1, -1, -1], dtype=torch.float64)
    given = [(beta, 1), (beta, 2), (2 * beta, 2)]
    told = "beta (4,), X (6, 4), y (6,) and p"
    called_with = [(b.clone(), X.clone(), y.clone(), p) for b, p in given]
    answers = [called(answer, "beta, X, y and p", told, *each) for each in called_with]
    first, found, twice = numbers(answers, 3, "One number is expected for each β")
    sides = y * (X @ beta)  # (rows,)
    if _near(first, sides.min() / beta.norm(p=1)) and _near(found, sides.min() / beta.norm()):
        return Verdict(True, "Negative where a row is on the wrong side; the same for β and for 2 β.")
    if not _near(twice, found):
        hint = "Twice the weights, twice your margin; it should not change. Divide by the length of beta."
        return Verdict(False, hint)
    for other, hint in (
        (sides.min(), "Right for p = 2; use p for the length."),
        ((X @ beta).abs().min(), "A row on the wrong side counts as negative: multiply by y."),
        (sides.mean(), "That is the average row; the margin is that of the worst."),
        (sides.max(), "That is the best row; the margin is that of the worst."),
    ):
        if _near(found, other / beta.norm()):
            return Verdict(False, hint)
    return Verdict(False, f"On a try with p = 2 you have {found:.3g}. Smallest y·(X @ beta), over ‖beta‖ₚ.")


def _near(found: Tensor, expected: Tensor) -> bool:
    return bool((found - expected).abs() <= 1e-4 * (1 + expected.abs()))
