"""Depth squeezes rank: what theory says of wide random products, and exercises on the rank of products."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sbkit.course.exercise import exercise, normal
from sbkit.measures import effective_rank


def limit(depth: int) -> float:
    """Effective rank over width of very wide products of normal matrices (Penson and Życzkowski 2011).

    >>> round(limit(1), 3), round(limit(16), 3)
    (0.805, 0.194)
    """
    t = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    log_m = ((depth + 1) * t / 2 + 1).lgamma() - (t / 2 + 1).lgamma() - (depth * t / 2 + 2).lgamma()
    return (log_m - torch.autograd.grad(log_m, t)[0]).exp().item()


def relu_theory(depth: int) -> float:
    """Effective rank of the cosines between 32 perpendicular inputs after ReLU layers (Cho and Saul 2009).

    >>> round(relu_theory(1), 2)
    18.33
    """
    c = torch.eye(32, dtype=torch.float64)  # (inputs, inputs)
    for _ in range(depth):
        c = ((1 - c**2).clamp(min=0).sqrt() + (torch.pi - c.clamp(-1, 1).arccos()) * c) / torch.pi
    return effective_rank(c).item()


# Effective ranks of ovals 3 : 1, 9 : 1 and 1 : 1.
ovals = exercise(
    want=[4 / 27**0.25, 10 / 9**0.9, 2.0],
    atol=0.012,
    expects="Three effective ranks are expected, of one factor and of the two products",
    wrong={
        "Those are the entropies. The effective rank is their exp.": [0.562, 0.325, math.log(2)],
        "Those are stable ranks: these count by shares of the sum.": [10 / 9, 82 / 81, 2.0],
        "The last two are in the other order: aligned stretches add up.": [4 / 27**0.25, 2.0, 10 / 9**0.9],
    },
    right="The same two factors leave 1.38 directions or both: it depends on how they meet.",
    rest="Find the two lengths first, then each one's share of their sum.",
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
        "That is still the friend's rank, of a mean of matrices.": (
            lambda factors: effective_rank(_product(factors).mean(0))
        ),
        "The first factor acts first: later ones stand to its left.": (
            lambda factors: effective_rank(_product(factors.flip(0)))
        ),
        "Those are the factors' own ranks, averaged: multiply first.": (
            lambda factors: effective_rank(factors).mean(0)
        ),
    },
    right="One number a draw. Now the average is one of ranks.",
    rest="Those are not the ranks of W_L⋯W_1: multiply all the factors of a draw, then take the rank.",
)
