"""Evading the bias: where images vary, and exercises on that and on its control."""

from __future__ import annotations

import torch
from torch import Tensor

from sbkit.course.exercise import exercise, normal


def main_axes(x: Tensor, count: int) -> Tensor:
    """Directions in which rows x (n, d) vary most, each as long as its standard deviation. (d, count)

    >>> main_axes(torch.tensor([[3.0, 1.0], [-3.0, 1.0]]), 1).abs()
    tensor([[3.],
            [0.]])
    """
    _, size, directions = torch.linalg.svd(x - x.mean(0), full_matrices=False)
    return directions[:count].mT * size[:count] / len(x) ** 0.5


def mixed_axes(axes: Tensor, seed: int = 0) -> Tensor:
    """The same axes (d, count) with their pixels in another order, one order for all: the control. (d, count)

    >>> axes = torch.eye(3)[:, :2]
    >>> mixed_axes(axes).T @ mixed_axes(axes)
    tensor([[1., 0.],
            [0., 1.]])
    """
    return axes[torch.randperm(len(axes), generator=torch.Generator().manual_seed(seed))]


X = normal(400, 6) @ normal(6, 6, seed=1) + 2  # (n, d), not centred
AXES = [main_axes(X, 2), main_axes(normal(60, 20, seed=2), 4)]  # (d, count) each

# A function (x, count) → the directions in which x varies, as long as the standard deviation. (d, count)
varies = exercise(
    "x and count",
    tries=[(X, 2), (X[:, :5], 3)],
    want=main_axes,
    atol=0.05,
    measured=lambda *axes: [each @ each.mT for each in axes],  # whichever way an axis points
    wrong={
        "Subtract the mean image first: it's the same in every row, so nothing varies along it.": (
            lambda x, count: main_axes(torch.cat([x, -x]), count)
        ),
    },
    right="A step of length 1 along any of them now changes an image as much as images do change.",
    rest="The decomposition of x − x.mean(0) gives directions, each to be as long as the standard deviation.",
)


def _overlap(a: Tensor, b: Tensor) -> float:
    """Share of directions that axes a and b (d, count) have in common, 0 … 1."""
    return float((torch.linalg.qr(a)[0].mT @ torch.linalg.qr(b)[0]).square().sum() / a.shape[1])


# A function of axes (d, count) → a control: as many, as long, at right angles, and not these. (d, count)
mixed = exercise(
    "axes",
    tries=[(axes,) for axes in AXES],
    want=lambda axes: axes.flip(0),
    many=True,
    must={
        "Two things differ now: keep how long the axes are, and the right angles between them.": (
            lambda *found: all(map(torch.allclose, *(map(torch.linalg.svdvals, by) for by in (found, AXES)))),
            lambda axes: axes.flip(0) * 2,
        ),
        "These still span the same directions, so the penalty wouldn't notice: mix the pixels instead.": (
            lambda *found: max(map(_overlap, found, AXES)) < 0.9,
            lambda axes: axes.flip(1),
        ),
    },
    right="As many directions, as long, at right angles: only where they point has changed.",
)
