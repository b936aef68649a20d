"""What the features span: exercises on the cosines between inputs, layer by layer."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.course.exercise import exercise, normal


def _next(c: Tensor, angle: Tensor) -> Tensor:
    return ((1 - c**2).sqrt() + angle * c) / torch.pi


def _deeper(c: Tensor) -> Tensor:
    return _next(c, torch.pi - torch.arccos(c))


# A function from the cosines of two inputs (n,) to those of what a wide ReLU layer makes of them. (n,)
deeper = exercise(
    "c",
    tries=[(torch.linspace(-1, 1, 9, dtype=torch.float64),)],
    want=_deeper,
    wrong={
        "Two equal inputs get a cosine of π instead of 1: divide by π.": lambda c: torch.pi * _deeper(c),
        "Equal inputs get 0 instead of 1: what stands before c is π minus the angle.": (
            lambda c: _next(c, torch.arccos(c))
        ),
    },
    right="Every angle but 0 shrinks from layer to layer: all inputs end up alike.",
    rest="At a right angle (c = 0) the formula gives 1/π = 0.318, yours {0[4]:.3f}.",
)


def _cosines(rows: Tensor) -> Tensor:
    """Cosines between rows (n, width). (n, n)"""
    return F.normalize(rows, dim=-1) @ F.normalize(rows, dim=-1).mT


# A function from features h (n, width) to the centred cosine kernel of their n rows. (n, n)
alike = exercise(
    "h",
    tries=[(normal(6, 4) + 2,)],
    want=lambda h: _cosines(h - h.mean(0)),
    wrong={
        "That is the uncentred kernel: subtract the mean over inputs first.": _cosines,
        "You took each row's own mean away; it is the mean row that goes.": (
            lambda h: _cosines(h - h.mean(1, keepdim=True))
        ),
    },
    must={
        "Its diagonal is not 1: after centring, divide every row by its own length.": (
            lambda found: (found.diagonal() - 1).abs().max() <= 1e-4,
            lambda h: (h - h.mean(0)) @ (h - h.mean(0)).mT,
        )
    },
    right="The mean goes before the lengths are taken: what is left tells inputs apart.",
    rest="Its diagonal is right, the rest is not: centre, then dot products of rows.",
)
