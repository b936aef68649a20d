"""Evading the bias: an exercise on networks that are kept apart."""

from __future__ import annotations

import torch
from torch.nn.functional import cosine_similarity

from sbkit.course.exercise import exercise

A = torch.tensor([[[3.0, 0.0], [0.0, 2.0]], [[1.0, 0.0], [1.0, 0.0]]])  # (tries, n, d)
B = torch.tensor([[[4.0, 0.0], [1.0, 1.0]], [[-2.0, 0.0], [0.0, 5.0]]])
HEAD = "(3, 0) with (4, 0) and (0, 2) with (1, 1): 0.75 is expected, got {0:.2f}. "

# A function (a, b) → mean over points of the squared cosine of two networks' gradients, (n, d) each.
alignment = exercise(
    "a and b",
    tries=list(zip(A, B, strict=True)),
    want=lambda a, b: cosine_similarity(a, b, dim=-1).square().mean(),
    wrong={
        HEAD + "Divide by both lengths, row by row: the raw product has no lower bound.": (
            lambda a, b: (a * b).sum(-1).mean()
        ),
        HEAD + "That is the cosine: square it, so that opposite directions count as one line.": (
            lambda a, b: cosine_similarity(a, b, dim=-1).mean()
        ),
        HEAD + "Sum over the points? Take their mean.": (
            lambda a, b: cosine_similarity(a, b, dim=-1).square().sum()
        ),
    },
    right="0 for right angles, 1 for one line, whatever the lengths: it cannot run away.",
    rest=HEAD + "Take the mean over points of one number a point.",
)
