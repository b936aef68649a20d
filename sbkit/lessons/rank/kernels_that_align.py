"""Kernels that align: an exercise on how well a kernel knows the labels."""

from __future__ import annotations

import torch
from torch import Tensor

from sbkit.course.exercise import exercise, normal

VECTORS = 1 + normal(2, 6, 3)  # (kernels, rows, columns)
Y = torch.tensor([1.0, 1.0, 1.0, 1.0, -1.0, -1.0], dtype=torch.float64)  # their mean is not 0


def _ratio(K: Tensor, y: Tensor) -> Tensor:
    return y @ K @ y / (K.norm() * (y @ y))


def _inner(K: Tensor) -> Tensor:
    """K less the means of its columns and then of its rows. (n, n)"""
    K = K - K.mean(0)
    return K - K.mean(1, keepdim=True)


def _aligned(K: Tensor, y: Tensor) -> Tensor:
    return _ratio(_inner(K), y - y.mean())


# A function (K, y) → yᵀKy / (‖K‖·‖y‖²), K (n, n) and y (n,) centred first.
aligned = exercise(
    "K and y",
    tries=[(vectors @ vectors.mT, Y) for vectors in VECTORS],
    want=_aligned,
    wrong={
        "Neither is centred: from y its mean, from K the means of its columns and then of its rows.": _ratio,
        "K is centred, y is not: subtract its mean, in ‖y‖ too.": lambda K, y: _ratio(_inner(K), y),
        "y is centred, K is not: its norm counts what all rows share.": lambda K, y: _ratio(K, y - y.mean()),
        "That grows with K: divide by its norm, the root of the sum of squares.": (
            lambda K, y: _aligned(K, y) * _inner(K).norm()
        ),
        "That grows with y: divide by ‖y‖², not by ‖y‖.": lambda K, y: _aligned(K, y) * (y - y.mean()).norm(),
    },
    right="Whatever the size of K: 1 if it knows the labels only, near 0 if nothing.",
    rest="Centre K and y; then yᵀKy, over ‖K‖ and over ‖y‖².",
)
