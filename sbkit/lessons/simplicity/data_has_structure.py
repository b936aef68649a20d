"""Data has structure: exercises on what the span of the inputs leaves to chance."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sbkit.course.exercise import exercise, normal


class Student(nn.Module):
    """φ(x) = Σ v_k erf(w_k·x / √(2N)), both layers normal at birth. (n, inputs) → (n, 1)"""

    def __init__(self, units: int = 8, scale: float = 1.0, inputs: int = 64):
        super().__init__()
        self.w = nn.Parameter(scale * torch.randn(units, inputs))
        self.v = nn.Parameter(torch.randn(1, units))

    def forward(self, x: Tensor) -> Tensor:
        """What the student says of each row."""
        return torch.erf(x @ self.w.T / (2 * x.shape[-1]) ** 0.5) @ self.v.T


# Shares of random weights' squared length outside 10, 32 and 64 of 64 dimensions.
unreached = exercise(
    want=[54 / 64, 32 / 64, 0.0],
    atol=0.006,
    expects="Three shares are expected, for inputs of 10, 32 and 64 dimensions among 64",
    wrong={
        "That is the share within reach. Count the directions that the inputs do not have.": [
            10 / 64,
            0.5,
            1.0,
        ]
    },
    right="In the directions that the inputs do not have, a network stays as it was born.",
    rest="A random vector has, on average, the same squared length in each of 64 directions.",
)

W, X = normal(4, 10, seed=1), normal(6, 10)  # (units, d), (n, d)


def _within(w: Tensor, x: Tensor) -> Tensor:
    """The part of weights in the span of the inputs. (units, d)"""
    return w @ torch.linalg.pinv(x) @ x


# A function (w, x) → the part of weights w (units, d) orthogonal to all inputs x (n, d). (units, d)
untouched = exercise(
    "w and x",
    tries=[(W, X)],
    want=lambda w, x: w - _within(w, x),
    wrong={
        "That is the part in the span of the inputs, which training changes. And the rest?": _within,
        "Nothing was taken away: take w's part in the span of the inputs.": lambda w, x: w,
    },
    must={
        "Along the inputs there is still something left, 0 is expected: take w's part in their span away.": (
            lambda found: (found @ X.mT).norm() <= 1e-4 * (W @ X.mT).norm(),
            lambda w, x: w - w @ x.mT @ x,
        ),
    },
    right="No step of gradient descent reaches this part: it is as it was at birth.",
    rest="It is orthogonal to the inputs, but more than their span was taken away from w.",
)
