"""Exercises on margins in other norms."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sbkit.core import generator
from sbkit.course.verdict import Verdict, called, exercise, numbers


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
