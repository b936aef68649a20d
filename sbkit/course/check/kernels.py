"""Exercises on kernels."""

from __future__ import annotations

from typing import Any

import torch

from sbkit.core import generator
from sbkit.course.verdict import Verdict, called, exercise, numbers
from sbkit.measures import alignment


@exercise
def aligned(answer: Any) -> Verdict:
    """A function (K, y) → yᵀKy / (‖K‖·‖y‖²), K (n, n) and y (n,) centred first: two numbers.

    >>> aligned(lambda K, y: y @ K @ y / (K.norm() * (y @ y)))
    ✗ Neither is centred: from y its mean, from K the means of its columns and then of its rows.
    """
    vectors = 1 + torch.randn(2, 6, 3, dtype=torch.float64, generator=generator(0))
    y = torch.tensor([1.0, 1.0, 1.0, 1.0, -1.0, -1.0], dtype=torch.float64)
    kernels = vectors @ vectors.mT  # (2, 6, 6)
    found = [called(answer, "K and y", "K (6, 6) and y (6,)", K.clone(), y.clone()) for K in kernels]
    given = numbers(found, 2, "One number is expected for each kernel")
    inner = kernels - kernels.mean(-1, keepdim=True)
    inner, own = inner - inner.mean(-2, keepdim=True), y - y.mean()
    right, size = alignment(kernels, y), inner.norm(dim=(-2, -1))
    whole = kernels.norm(dim=(-2, -1))
    none = "Neither is centred: from y its mean, from K the means of its columns and then of its rows."
    hints = {
        none: kernels @ y @ y / (whole * (y @ y)),
        "K is centred, y is not: subtract its mean, in ‖y‖ too.": right * (own @ own) / (y @ y),
        "y is centred, K is not: its norm counts what all rows share.": right * size / whole,
        "That grows with K: divide by its norm, the root of the sum of squares.": right * size,
        "That grows with y: divide by ‖y‖², not by ‖y‖.": right * own.norm(),
    }
    if torch.allclose(given, right, atol=1e-4, rtol=0):
        return Verdict(True, "Whatever the size of K: 1 if it knows the labels only, near 0 if nothing.")
    near = (hint for hint, those in hints.items() if torch.allclose(given, those, atol=1e-4, rtol=1e-4))
    return Verdict(False, next(near, "Centre K and y; then yᵀKy, over ‖K‖ and over ‖y‖²."))
