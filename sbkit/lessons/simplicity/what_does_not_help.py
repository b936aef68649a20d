"""What does not help: exercises on votes and on margins."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from sbkit.course.exercise import exercise

# Share right of a majority of 3, 5 and 9 voters, each right on 3/4 of the points and erring on its own.
majority = exercise(
    want=[27 / 32, 0.8965, 0.9511],
    atol=0.006,
    expects="Three shares are expected, for 3, 5 and 9 voters",
    wrong={
        "That is one voter's share. A vote errs where more than half of the voters err at once.": [0.75] * 3,
        "That is the chance that one or more are right: ask for more than half.": [
            1 - 0.25**k for k in (3, 5, 9)
        ],
        "That is the chance that all are right: more than half of them are enough.": [
            0.75**k for k in (3, 5, 9)
        ],
    },
    right="Nine points more with 3, fifteen with 5, twenty with 9, if each errs on its own.",
    rest="Add up the chances of 2 or 3 right of 3, of 3, 4 or 5 right of 5, and so on.",
)

Z = torch.tensor([[[0.0, 0.0], [-1.0, 0.0], [3.0, 4.0], [6.0, 8.0]], [[1, 1], [1, 2.5], [1, 9], [1, 0.9]]])
Y = torch.tensor([[0, 0, 1, 1], [0, 1, 0, 0]])


def _nearest(z: Tensor, y: Tensor, **options: Any) -> Tensor:
    """The least distance of two points of different class."""
    return torch.cdist(z[y == 0], z[y == 1], **options).min()


HEAD = "Points at (0, 0) and (-1, 0) against (3, 4) and (6, 8): 2.5 is expected, "

# A function (z, y) → half the distance of the two nearest points of different class, z (n, k), y (n,).
margin = exercise(
    "z and y",
    tries=list(zip(Z, Y, strict=True)),
    want=lambda z, y: _nearest(z, y) / 2,
    wrong={
        HEAD + "you gave 5, the whole distance; the boundary stands halfway.": _nearest,
        HEAD + "and no pair within one class: choose the rows by y first.": (
            lambda z, y: torch.pdist(z).min() / 2,
            lambda z, y: torch.cdist(z, z).min() / 2,
            lambda z, y: torch.pdist(z).min(),
        ),
        HEAD + "with Euclidean distances, not the largest coordinate.": (
            lambda z, y: _nearest(z, y, p=math.inf) / 2
        ),
    },
    right="No boundary can keep farther from every point: that is what the data allow.",
    rest=HEAD + "half of the least distance between the two classes.",
)
