"""Which margin: an exercise on margins in other norms."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sbkit.course.exercise import exercise, normal


class Convolution(nn.Module):
    """β = the circular convolution of two kernels, the first random, the second zero. (n, d) → (n, 1)"""

    def __init__(self, scale: float, d: int = 40):
        super().__init__()
        first, second = scale * torch.randn(d) / d**0.5, torch.zeros(d)
        self.u, self.v = nn.Parameter(first.double()), nn.Parameter(second.double())

    def forward(self, x: Tensor) -> Tensor:
        """β·x of each row, by the Fourier transform."""
        return (x @ torch.fft.irfft(torch.fft.rfft(self.u) * torch.fft.rfft(self.v), n=x.shape[-1]))[:, None]


X, BETA = normal(6, 4), normal(4, seed=2)  # (rows, columns), (columns,)
Y = torch.tensor([1.0, -1, 1, 1, -1, -1], dtype=torch.float64)


def _sides(beta: Tensor, X: Tensor, y: Tensor) -> Tensor:
    """How far each row lies on its own side, times the length of beta. (rows,)"""
    return y * (X @ beta)


# A function (beta, X, y, p) → the smallest y·(X @ beta), divided by the ℓp length of beta.
normalized_margin = exercise(
    "beta, X, y and p",
    tries=[(BETA, X, Y, 1), (BETA, X, Y, 2), (2 * BETA, X, Y, 2)],
    want=lambda beta, X, y, p: _sides(beta, X, y).min() / beta.norm(p=p),
    wrong={
        "Right for p = 2; use p for the length.": lambda beta, X, y, p: (
            _sides(beta, X, y).min() / beta.norm()
        ),
        "A row on the wrong side counts as negative: multiply by y.": (
            lambda beta, X, y, p: (X @ beta).abs().min() / beta.norm(p=p)
        ),
        "That is the average row; the margin is that of the worst.": (
            lambda beta, X, y, p: _sides(beta, X, y).mean() / beta.norm(p=p)
        ),
        "That is the best row; the margin is that of the worst.": (
            lambda beta, X, y, p: _sides(beta, X, y).max() / beta.norm(p=p)
        ),
    },
    must={
        "Twice the weights, twice your margin; it should not change. Divide by the length of beta.": (
            lambda first, found, twice: abs(twice - found) <= 1e-4 * (1 + abs(found)),
            lambda beta, X, y, p: _sides(beta, X, y).min(),
        )
    },
    right="Negative where a row is on the wrong side; the same for β and for 2 β.",
    rest="On a try with p = 2 you have {1:.3g}. Smallest y·(X @ beta), over ‖beta‖ₚ.",
)
