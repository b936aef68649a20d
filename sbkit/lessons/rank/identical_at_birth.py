"""Identical at birth: an exercise on units that are copies of the first."""

from __future__ import annotations

import torch
from torch import Tensor

from sbkit.course.exercise import exercise, normal

W = normal(5, 4)  # (units, inputs)


def _equal(found: Tensor, to: Tensor) -> bool:
    return torch.allclose(found, to.expand_as(found), atol=1e-4)


# A function (w, eps) → weights (units, inputs), each unit the first one plus eps of its difference.
copies = exercise(
    "w and eps",
    tries=[(W, 0.0), (W, 0.25), (W, 1.0)],
    want=lambda w, eps: w[0] + eps * (w - w[0]),
    keeps=True,
    must={
        "With eps = 0 every row is the first one; yours still differ.": (
            lambda none, *_: _equal(none, none[:1]),
            lambda w, eps: w,
        ),
        "With eps = 0 every row is the first one; yours are equal, but to another row.": (
            lambda none, *_: _equal(none, W[:1]),
            lambda w, eps: w.mean(0) + eps * (w - w.mean(0)),
        ),
        "With eps = 1 the weights are as they were: eps times the difference to w[0].": (
            lambda none, some, all: _equal(all, W),
            lambda w, eps: w[0] + 2 * eps * (w - w[0]),
        ),
    },
    right="Rank one plus eps times the rest: full rank for every eps above 0.",
    rest="eps = 0 and 1 are right; between them differences grow in proportion to eps.",
)
