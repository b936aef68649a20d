"""Exercises on what the span of the inputs leaves to chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import generator
from sbkit.course.verdict import Verdict, called, exercise, numbers


@exercise
def unreached(answer: Any) -> Verdict:
    """Shares of random weights' squared length outside 10, 32 and 64 of 64 dimensions: three numbers.

    >>> unreached([10 / 64, 32 / 64, 64 / 64])
    ✗ That is the share within reach. Count the directions that the inputs do not have.
    """
    given = numbers(answer, 3, "Three shares are expected, for inputs of 10, 32 and 64 dimensions among 64")
    inside = torch.tensor([10, 32, 64], dtype=torch.float64) / 64
    if torch.allclose(given, 1 - inside, atol=0.006, rtol=0):
        return Verdict(True, "In the directions that the inputs do not have, a network stays as it was born.")
    if torch.allclose(given, inside, atol=0.006, rtol=0):
        return Verdict(
            False, "That is the share within reach. Count the directions that the inputs do not have."
        )
    return Verdict(
        False, "A random vector has, on average, the same squared length in each of 64 directions."
    )


@exercise
def untouched(answer: Any) -> Verdict:
    """A function (w, x) → the part of weights w (units, d) orthogonal to all inputs x (n, d). (units, d)

    >>> untouched(lambda w, x: w)
    ✗ Along the inputs there is still 1.00 of what there was, 0 is expected: take w's part in their span away.
    """
    rng = generator(0)
    w, x = (torch.randn(n, 10, dtype=torch.float64, generator=rng) for n in (4, 6))  # (units, d), (n, d)
    kept = w @ torch.linalg.pinv(x) @ x  # (units, d): in the span
    found = _part(answer, w, x)
    if torch.allclose(found, w - kept, atol=1e-4):
        return Verdict(True, "No step of gradient descent reaches this part: it is as it was at birth.")
    if torch.allclose(found, kept, atol=1e-4):
        return Verdict(
            False, "That is the part in the span of the inputs, which training changes. And the rest?"
        )
    along = (found @ x.mT).norm() / (w @ x.mT).norm()
    if along > 1e-4:
        head = f"Along the inputs there is still {along:.2f} of what there was, 0 is expected"
        return Verdict(False, f"{head}: take w's part in their span away.")
    return Verdict(False, "It is orthogonal to the inputs, but more than their span was taken away from w.")


def _part(function: Any, w: Tensor, x: Tensor) -> Tensor:
    """What the reader's function makes of weights (units, d) and inputs (n, d). (units, d)"""
    answer = called(function, "w and x", "w (4, 10) and x (6, 10)", w.clone(), x.clone())
    flat = answer.flatten() if isinstance(answer, Tensor | np.ndarray) else answer
    return numbers(flat, w.numel(), "A tensor of shape (4, 10) is expected, as that of w").view_as(w)
