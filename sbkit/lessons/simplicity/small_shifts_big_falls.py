"""Small shifts, big falls: exercises on pushes."""

from __future__ import annotations

import torch
from torch import Tensor

from sbkit.course.exercise import exercise

# Radii at which a threshold on data 0.1 to 1 away from it begins to err, is half right, is never right.
falls = exercise(
    want=[0.1, 0.55, 1.0],
    atol=0.02,
    expects="Three radii are expected: where errors begin, where half is right, where none",
    right="A push of r passes the points nearer than r: a line from all right to none.",
    rest="The points lie evenly between 0.1 and 1 from the threshold: which are passed by a push?",
)

SLOPE = torch.tensor([[3.0, -4.0], [0.5, 0.0], [-8.0, -6.0]], dtype=torch.float64)  # (n, d)


def _steepest(slope: Tensor, norm: str) -> Tensor:
    return slope / slope.norm(dim=-1, keepdim=True) if norm == "l2" else slope.sign()


# A function (slope, norm) → the step of size 1 that climbs most, a row a point. (n, d), "l2" or "linf"
steepest = exercise(
    "slope and norm",
    tries=[(SLOPE, "l2"), (SLOPE, "linf")],
    want=_steepest,
    wrong={
        "That step goes downhill: the attack raises the score of the other class.": (
            lambda slope, norm: -_steepest(slope, norm),
            lambda slope, norm: -_steepest(slope, "l2"),
        ),
        "One length for all points: each row is to have length 1, by dim=-1, keepdim=True.": (
            lambda slope, norm: slope / slope.norm(),
            lambda slope, norm: slope / slope.norm() if norm == "l2" else slope.sign(),
        ),
    },
    must={
        "For 'l2' the step points along the slope, and each row has length 1.": (
            lambda l2, linf: torch.allclose(l2, _steepest(SLOPE, "l2"), atol=1e-4),
            lambda slope, norm: slope.sign(),
        ),
        "Right for 'l2'. For 'linf' each coordinate moves by 1 on its own: which way?": (
            lambda l2, linf: torch.allclose(linf, SLOPE.sign(), atol=1e-4),
            lambda slope, norm: _steepest(slope, "l2"),
        ),
    },
    right="The slope over its length; the slope's signs. The rest of the attack is a loop.",
    rest="",
)
