"""Real pixels: exercises on two blocks of an image."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from sbkit.core import Task
from sbkit.course.exercise import exercise
from sbkit.data import dominoes


def convnet(task: Task, channels: int = 8) -> nn.Module:
    """A small net for images, grey or in colour: two layers of 3 × 3 windows, and a linear one."""
    shape: Any = task.embed.shape
    colours, height, width = shape
    first, second = nn.Conv2d(colours, channels, 3), nn.Conv2d(channels, 16, 3, stride=2)
    last = nn.Linear(16 * ((height - 3) // 2) * ((width - 3) // 2), 2)
    look = nn.Unflatten(1, shape), first, nn.ReLU(), second, nn.ReLU(), nn.Flatten()
    return nn.Sequential(*look, last)


# Accuracy and AUC with the top shuffled, if the top decides and the bottom only orders equal tops.
ties = exercise(
    want=[0.5, 0.75],
    atol=0.001,
    expects="Two numbers are expected, an accuracy and an AUC",
    must={
        "A shuffled top shows either class to either class: how often is it right?": (
            lambda found: abs(found[0] - 0.5) <= 0.001,
            [0.75, 0.75],
        ),
        "The accuracy is right. AUC asks pairs, one row of each class: how often are their tops equal, and "
        "who decides then?": (lambda found: abs(found[1] - 0.75) <= 0.001, [0.5, 0.5]),
    },
    right="¼ won by the tops, ½ by the bottoms: an AUC above ½ can hide behind a guess.",
)


def _apart(task: Task, names: str | list[str]) -> Tensor:
    """Distance between the mean images of the two classes in the columns of these features."""
    z = task.z[:, task.columns(names)].double()  # (n, pixels)
    return (z[task.y == 1].mean(0) - z[task.y == 0].mean(0)).norm()


def _blocks() -> list[tuple[Task, str]]:
    task = dominoes(n=64, n_test=64)
    return [(task, name) for name in task.features]


GOT = "Got {0:.2f} for the top, {1:.2f} for the bottom. "

# A function (task, name) → distance between the mean images of the two classes in a block.
gap = exercise(
    "task and name",
    tries=_blocks,
    want=_apart,
    atol=0.01,
    wrong={
        GOT + "Squared, it seems: a distance ends with a root.": lambda task, name: _apart(task, name) ** 2,
    },
    must={
        "Both blocks got {0:.2f}, but they differ: take the columns of `name` alone.": (
            lambda top, bottom: abs(top - bottom) >= 1e-6,
            lambda task, name: _apart(task, list(task.features)),
        )
    },
    right=GOT + "The top's classes lie further apart.",
    rest=GOT + "Mean image of class 1 minus that of class 0 in training rows, then the root of the sum of "
    "squares.",
)
