"""Overparameterize, then collapse: an exercise on factors and the one weight they amount to."""

from __future__ import annotations

import functools

from torch import Tensor, nn

from sbkit.course.exercise import exercise, normal


class Table(nn.Module):
    """One linear layer, asked for one entry of its weight: column and row, one-hot (n, 2 size) → (n, 1)"""

    def __init__(self, size: int = 20):
        super().__init__()
        self.layer = nn.Linear(size, size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """The entries' values."""
        column, row = x.chunk(2, dim=-1)
        return (self.layer(column) * row).sum(-1, keepdim=True)


SIZES = ((6, 4), (5, 6), (3, 5))  # (out, in), first to last


def _product(factors: list[Tensor]) -> Tensor:
    return functools.reduce(lambda first, second: second @ first, factors)


# A function of the factors (first to last, each (out, in)) → the one weight they amount to.
product = exercise(
    "a list of factors",
    tries=[([normal(*size) for size in SIZES],), ([normal(3, 4)],)],
    want=_product,
    atol=1e-10,
    expects="A weight of shape (3, 4) is expected, from 4 inputs to 3 outputs",
    wrong={
        "This is the transpose: a weight is (outputs, inputs) and acts as x @ weight.mT.": (
            lambda factors: _product(factors).mT
        ),
        "Those are rounded: keep the factors' own type, float64.": lambda factors: _product(factors).float(),
    },
    must={
        "The shape is right, the numbers are not: is every factor in once?": (
            lambda three, one: (three - _product([normal(*size) for size in SIZES])).abs().max() <= 1e-10,
            lambda factors: normal(3, 4, seed=1),
        ),
    },
    right="One matrix does what three did, in any order of multiplying but only one of factors.",
    rest="Right for three factors; a single factor should come back as it is.",
)
