"""Surviving a cut: what is left of a network whose matrices lose directions, and exercises on such cuts."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.plots import Axis, Field, Lines
from sbkit.plots.bands import band_line, shown, step_line

RANK = 6  # to which the lesson cuts
DIRECTION = Axis("direction, strongest first", low=1)
STRENGTH = Axis("singular value", low=1e-4, high=10, log=True)
STRENGTHS = "Singular values of the second matrix, mean and range of networks. Watch beyond direction 6."
SURVIVAL = "Share of new digits that are right. Where the two lines part, the cut to rank 6 hurts."
MOMENTS = "Singular values of the second matrix. Beyond direction 6 little grows back between two cuts."


def nearest(matrix: Tensor, rank: int) -> Tensor:
    """The matrix of this rank nearest to the given one: its strongest directions alone. (…, m, n)

    >>> nearest(torch.diag(torch.tensor([3.0, 1.0])), 1)
    tensor([[3., 0.],
            [0., 0.]])
    """
    u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
    return u[..., :rank] * s[..., None, :rank] @ vh[..., :rank, :]


def right(fleet: Fleet, task: Task, rank: int = RANK) -> Tensor:
    """Share of new rows that are right once both hidden matrices are cut to a rank. (runs,)"""
    small = copy.deepcopy(fleet)
    for weight in small.weights()[:2]:
        weight.data = nearest(weight.data, rank)
    return (small.predict(task.x_test).argmax(-1) == task.y_test).double().mean(-1)


def strengths(fleet: Fleet, task: Task) -> Tensor:
    """Singular values of the second matrix, largest first. (runs, directions)"""
    weight = fleet.weights()[1].detach()  # (runs, out, in)
    return torch.linalg.svdvals(weight.nan_to_num(0, 0, 0))


@plot("strengths", rows=False)
def strengths_lines(history: Sequence[Snapshot]) -> Lines | None:
    """The singular values as they are."""
    values = history[-1].values.get("strengths", torch.empty(0))
    each = {"now": torch.as_tensor(shown(history[-1], values))} if values.numel() else {}
    return falling("strengths", "How strong is each direction?", each, STRENGTHS)


def falling(name: str, title: str, each: dict[str, Tensor], caption: str = MOMENTS) -> Lines | None:
    """Singular values (runs, directions) under each name, over directions; None where there are none."""
    lines = [
        band_line(who, range(1, values.shape[-1] + 1), values.clamp_min(1e-6).numpy())
        for who, values in each.items()
    ]
    return Lines(name, title, DIRECTION, STRENGTH, lines, caption) if lines else None


def survival(fleet: Fleet, task: Task) -> Tensor:
    """Share of new rows that are right: as the networks are, and cut to rank 6. (runs, 2)"""
    whole = (fleet.predict(task.x_test).argmax(-1) == task.y_test).double().mean(-1)
    return torch.stack([whole, right(fleet, task)], -1)


@plot("survival", rows=False)
def survival_lines(history: Sequence[Snapshot]) -> Lines | None:
    """Both shares over steps."""
    if not history[-1].values.get("survival", torch.empty(0)).numel():
        return None
    lines = [
        step_line(name, history, lambda seen, i=i: seen.values["survival"][:, i], dash=bool(i))
        for i, name in enumerate(("as it is", f"cut to rank {RANK}"))
    ]
    axes = Axis("step", low=0), Axis("share right", low=0, high=1)
    return Lines("survival", "Does it survive the cut?", *axes, lines, SURVIVAL, grows=True)


def digit(rank: int = 2) -> Field:
    """One digit of 8 × 8 pixels as the nearest matrix of some rank."""
    from sklearn.datasets import load_digits

    pixels: Any = load_digits(return_X_y=True)[0]
    image = torch.as_tensor(pixels[13].reshape(8, 8) / 16).flip(0)  # (8, 8), the top row last
    x, y = Axis("column", low=0, high=7), Axis("row", low=0, high=7)
    caption = f"A digit, {rank} of its 8 directions kept; dark is ink. From which rank on can you read it?"
    scale = Axis("ink", low=0, high=1)
    return Field(
        "digit", "How many directions?", x, y, nearest(image, rank).numpy(), caption=caption, scale=scale
    )


# Least ranks that hold 50, 80 and 95 % of the energy of singular values 3, 2, 1, 1, 1.
energy = exercise(
    want=[1, 2, 5],
    expects="Three ranks are expected, for 50, 80 and 95 %",
    wrong={"These are shares of the sum; energy is the sum of the squares.": [2, 4, 5]},
    right="Squares let the first direction hold half; the last per cents take the most rank.",
    rest="The energies are 9, 4, 1, 1 and 1 of 16: add from the largest until the share is reached.",
)


def _trained(steps: int) -> Tensor:
    """A matrix after so many steps of gradient descent towards a noisy target, cut every 20. (12, 12)"""
    target, weight = normal(12, 12, seed=1), torch.zeros(12, 12, dtype=torch.float64)
    for step in range(1, int(steps) + 1):
        weight = weight + 0.01 * (target - weight)
        weight = nearest(weight, 3) if step % 20 == 0 else weight
    return weight


def _moved(steps: int) -> Callable[..., Tensor]:
    """How far a cut moves the matrix after so many steps, as a share of its length."""
    return lambda train, cut: ((weight := train(steps)) - cut(weight)).norm() / weight.norm()


# A function (train, cut) → how far the cut moves a matrix, at the moment which is hardest for it.
no_op = exercise(
    "train and cut",
    tries=[(_trained, lambda weight: nearest(weight, 3))],
    want=_moved(599),
    many=True,
    wrong={
        "0: the cut moves nothing, for training has just made the same cut itself.": _moved(600),
    },
    must={
        "There's a harder moment: let the matrix grow as long as it can between two cuts.": (
            lambda moved: moved >= float(_moved(598)(_trained, lambda weight: nearest(weight, 3))) + 1e-6,
            _moved(590),
        ),
    },
    right="Now the cut moves the matrix by {0:.1%} of its length, so it's a test that can fail.",
)

# Steps between two cuts, and in all: 19 after the last cut, as for the others.
late = exercise(
    want=[100, 519],
    many=True,
    expects="Two numbers are expected: the steps between two cuts, and the steps in all",
    wrong={
        "That's the experiment your friend objects to: the last cut is 99 steps old.": [100, 599],
        "Those are the networks that survived. Take those that didn't.": ([20, 599], [20, 519]),
    },
    must={
        "Keep the 100 steps between two cuts: change one thing only.": (lambda a: a[0] == 100, [50, 519]),
        "Ask 19 steps after the last cut, as for the others.": (lambda a: a[1] % 100 == 19, [100, 550]),
        "Train for about as long: 500 to 700 steps.": (lambda a: 500 <= a[1] <= 700, [100, 119]),
    },
    right="19 steps after the last cut for all: now only the number of cuts differs.",
)
