"""Exercises on small pushes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.course.verdict import Verdict, called, exercise, numbers


@exercise
def falls(answer: Any) -> Verdict:
    """Radii at which a threshold on data .1 to 1 away from it begins to err, is half right, is never right.

    >>> falls([0.1, 0.5, 1.0])
    ✗ 1 of 3 is off. The points lie evenly between 0.1 and 1 from the threshold: which are passed by a push?
    """
    given = numbers(
        answer, 3, "Three radii are expected: where errors begin, where half is right, where none"
    )
    wrong = [abs(a - b) > 0.02 for a, b in zip(given.tolist(), (0.1, 0.55, 1.0), strict=True)]
    if not any(wrong):
        return Verdict(True, "A push of r passes the points nearer than r: a line from all right to none.")
    hint = "The points lie evenly between 0.1 and 1 from the threshold: which are passed by a push?"
    return Verdict(False, f"{sum(wrong)} of 3 {'is' if sum(wrong) == 1 else 'are'} off. {hint}")


@exercise
def steepest(answer: Any) -> Verdict:
    """A function (slope, norm) → the step of size 1 that climbs most, a row a point. (n, d), "l2" or "linf"

    >>> steepest(lambda slope, norm: slope / slope.norm(dim=-1, keepdim=True))
    ✗ Right for 'l2'. For 'linf' each coordinate moves by 1 on its own: which way?
    """
    slope = torch.tensor([[3.0, -4.0], [0.5, 0.0], [-8.0, -6.0]], dtype=torch.float64)  # (n, d)
    wanted = {"l2": slope / slope.norm(dim=-1, keepdim=True), "linf": slope.sign()}
    found = {norm: _steps(answer, slope, norm) for norm in wanted}  # (n · d,) each
    good = {norm: bool((found[norm] - step.flatten()).abs().max() < 1e-4) for norm, step in wanted.items()}
    if all(good.values()):
        return Verdict(
            True, "The slope over its length; the slope's signs. The rest of the attack is a loop."
        )
    if good["l2"]:
        return Verdict(False, "Right for 'l2'. For 'linf' each coordinate moves by 1 on its own: which way?")
    if (found["l2"] + wanted["l2"].flatten()).abs().max() < 1e-4:
        return Verdict(False, "That step goes downhill: the attack raises the score of the other class.")
    if (found["l2"] - (slope / slope.norm()).flatten()).abs().max() < 1e-4:
        return Verdict(
            False, "One length for all points: each row is to have length 1, by dim=-1, keepdim=True."
        )
    return Verdict(False, "For 'l2' the step points along the slope, and each row has length 1.")


def _steps(function: Any, slope: Tensor, norm: str) -> Tensor:
    """What the reader's function makes of slopes (n, d), flat."""
    answer = called(function, "slope and norm", f"slope and {norm!r}", slope.clone(), norm)
    flat = answer.flatten() if isinstance(answer, Tensor | np.ndarray) else answer
    return numbers(flat, slope.numel(), f"A tensor of shape {tuple(slope.shape)} is expected, as the slope's")
