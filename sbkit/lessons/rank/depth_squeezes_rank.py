"""Depth squeezes rank: exercises on the rank of products."""

from __future__ import annotations

import math

from torch import Tensor

from sbkit.course.exercise import exercise, normal
from sbkit.measures import effective_rank

LOST = [1 / 2, 5 / 6, 13 / 12]  # in nats, to the Gram matrix of 1, 2 and 3 factors

# Effective rank over width of WWᵀ for wide products W of 1, 2 and 3 normal matrices.
gram = exercise(
    want=[math.exp(-lost) for lost in LOST],
    atol=0.006,
    expects="Three shares are expected, for 1, 2 and 3 factors",
    wrong={
        "Those are the sums. What is left is exp of minus the sum.": LOST,
        "A share is below 1: is there a minus before the sum?": [math.exp(lost) for lost in LOST],
        "Less than is left: does the sum begin at j = 2?": [math.exp(-1 - lost) for lost in LOST],
        "More than is left: the sum for L factors ends at j = L + 1.": [
            math.exp(0.5 - lost) for lost in LOST
        ],
    },
    right="Each further factor takes 1/(L + 1) nats: ever less, and it never stops.",
    rest="A sum of fractions 1/j, a minus, an exp: which step differs?",
)


def _product(factors: Tensor) -> Tensor:
    """W₃W₂W₁ of each draw. (3, draws, n, n) → (draws, n, n)"""
    return factors[2] @ factors[1] @ factors[0]


# A function of factors (depth, draws, n, n) → the effective rank of each draw's product. (draws,)
squeezed = exercise(
    "factors",
    tries=[(normal(3, 4, 6, 6),)],
    want=lambda factors: effective_rank(_product(factors)),
    atol=1e-3,
    expects="Four effective ranks are expected, one a draw",
    wrong={
        "The first factor acts first: later ones stand to its left.": (
            lambda factors: effective_rank(_product(factors.flip(0)))
        ),
        "That is the entropy, in nats: the effective rank is its exp.": (
            lambda factors: effective_rank(_product(factors)).log()
        ),
        "Those are ranks of WWᵀ: take the singular values of W.": (
            lambda factors: effective_rank(_product(factors) @ _product(factors).mT)
        ),
        "Those are the factors' own ranks, averaged: multiply first.": (
            lambda factors: effective_rank(factors).mean(0)
        ),
        "Entry times entry is another product: matrices multiply by @.": (
            lambda factors: effective_rank(factors.prod(0))
        ),
    },
    right="One number a draw. Each factor alone has a larger one, on average.",
    rest="Those are not the ranks of W_L⋯W_1: multiply all the factors of a draw, then take the rank.",
)
