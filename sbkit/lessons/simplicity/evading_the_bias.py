"""Evading the bias: its pictures, where images vary, and exercises on networks that are kept apart."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from sbkit.core import Fleet, Task
from sbkit.course.exercise import exercise, normal
from sbkit.measures import boundary
from sbkit.plots import Axis, Bars, Field, Images


def planes(fleet: Fleet, task: Task, members: list[int]) -> list[Field]:
    """What each of some members answers over the plane of the first two features, with 150 test points."""
    chance = boundary(fleet, task, resolution=30).numpy()  # (runs, 30, 30)
    x, y = (Axis(of, low=-1.05, high=1.05) for of in ("linear", "3 slabs"))
    some = {"points": task.z_test[:150, :2].numpy(), "labels": task.y_test[:150].numpy()}
    caption = "Colour: this network's chance of class 1. Black line: where it changes its mind."
    titles = {i: f"Network {i + 1}" for i in members}
    return [Field(of, of, x, y, chance[i], **some, caption=caption) for i, of in titles.items()]


def shares(name: str, title: str, caption: str, over: dict[str, Tensor], features: list[str]) -> Bars:
    """Bars from 0 to 1, a block a key of `over`, whose tensors are (teams, features); a dot a team."""
    right, y = torch.cat(list(over.values()), 1).T.numpy(), Axis("share right", low=0, high=1)
    sides = tuple(over) if len(over) > 1 else ()
    return Bars(name, title, y, features * len(over), right.mean(1), right, caption, sides=sides)


def shown(x: Tensor, shape: tuple[int, int], labels: list[str]) -> Images:
    """Collages x (n, pixels) as grey pictures of this shape, a label below each."""
    caption = "Four collages. Top left, a 0 or a 1 tells the class; the three others tell it in harder ways."
    return Images(
        "shown", "What a network sees", x.reshape(-1, *shape).numpy(), labels=labels, caption=caption
    )


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
        HEAD + "That's the cosine: square it, so that opposite directions count as one line.": (
            lambda a, b: cosine_similarity(a, b, dim=-1).mean()
        ),
        HEAD + "Sum over the points? Take their mean.": (
            lambda a, b: cosine_similarity(a, b, dim=-1).square().sum()
        ),
    },
    right="0 for right angles, 1 for one line, whatever the lengths: it cannot run away.",
    rest=HEAD + "Take the mean over points of one number a point.",
)

X = normal(400, 6) @ normal(6, 6, seed=1) + 2  # (n, d), not centred

# A function (x, count) → the directions in which x varies, as long as the standard deviation. (d, count)
varies = exercise(
    "x and count",
    tries=[(X, 2), (X[:, :5], 3)],
    want=main_axes,
    atol=0.05,
    measured=lambda *axes: [each @ each.mT for each in axes],  # whichever way an axis points
    expects="A column for each direction is expected, (inputs, count)",
    wrong={
        "Subtract the mean image first: it's the same in every row, so nothing varies along it.": (
            lambda x, count: main_axes(torch.cat([x, -x]), count)
        ),
        "All your directions are equally long: multiply each by the standard deviation along it.": (
            lambda x, count: torch.nn.functional.normalize(main_axes(x, count), dim=0)
        ),
        "Those are the directions in which x varies least: take the first ones.": (
            lambda x, count: main_axes(x, x.shape[1])[:, -count:]
        ),
    },
    right="A step of length 1 along any of them now changes an image as much as images do change.",
    rest="The singular value decomposition of x − x.mean(0) gives directions and how far the rows reach.",
)

AXES = [main_axes(X, 2), main_axes(normal(60, 20, seed=2), 4)]  # (d, count)


def _alike(*found: Tensor) -> float:
    """Largest share that the given axes and AXES have of the directions they span."""
    pairs = zip(found, AXES, strict=True)
    spans = [(torch.linalg.qr(a)[0].mT @ torch.linalg.qr(b)[0]).square().mean(0).sum() for a, b in pairs]
    return float(max(spans))


def _as_long(*found: Tensor) -> bool:
    """Whether axes have the lengths and angles of AXES, whatever their order: the same singular values."""
    pairs = zip(found, AXES, strict=True)
    return all(torch.allclose(torch.linalg.svdvals(a), torch.linalg.svdvals(b)) for a, b in pairs)


# A function of axes (d, count) → a control: as many, as long, at right angles, and not these. (d, count)
mixed = exercise(
    "axes",
    tries=[(axes,) for axes in AXES],
    want=lambda axes: axes.flip(0),
    many=True,
    must={
        "Two things differ now: keep how long the axes are, and the right angles between them.": (
            _as_long,
            lambda axes: axes.flip(0) * 2,
        ),
        "These still span the same directions, so the penalty wouldn't notice: mix the pixels instead.": (
            lambda *found: _alike(*found) < 0.9,
            lambda axes: axes.flip(1),
        ),
    },
    right="As many directions, as long, at right angles: only where they point has changed.",
)
