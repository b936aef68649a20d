"""Small shifts, big falls: pushes, what they are spent on, and exercises on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from sbkit.core import SbkitError, Task, check_task
from sbkit.course.exercise import exercise
from sbkit.plots import Axis, Field

PUSHED = "Left half: answered class 0; right half: class 1. A point in the other class's half has fallen."


def _same_columns(task: Task, change: Tensor) -> None:
    if not isinstance(change, Tensor):
        given = type(change).__name__
        raise SbkitError(f"A change of the inputs is a tensor (…, d), got a {given}; try task.x_test[0].")
    if change.shape[-1:] != task.x_test.shape[1:]:
        columns, given = task.x_test.shape[1], tuple(change.shape)
        raise SbkitError(f"A change of the inputs has their {columns} columns, (…, {columns}), got {given}.")


def shifted(task: Task, delta: Tensor) -> Tensor:
    """Test inputs moved by a label-signed perturbation: x + (2y − 1)·δ. (…, d) → (…, n_test, d)

    One δ a run gives each run its own inputs. Raises `SbkitError` unless there are two classes and δ has
    as many columns as the inputs.

    >>> from sbkit.data import slabs
    >>> task = slabs(n=10, n_test=20)
    >>> shifted(task, torch.zeros(3, 2)).shape
    torch.Size([3, 20, 2])
    """
    check_task(task)
    if not task.classes or task.outputs != 2:
        raise SbkitError(f"A label-signed perturbation is for two classes, got {task.outputs} outputs.")
    _same_columns(task, delta)
    return task.x_test + (2 * task.y_test - 1).unsqueeze(1) * delta.unsqueeze(-2)


def budget(task: Task, change: Tensor, features: str | Iterable[str]) -> Tensor:
    """Share of a change's length that acts on the named features: ‖z-change on them‖ / ‖z-change‖. (…)

    change (…, d) of inputs; it is taken back to feature coordinates by the least squares solution through
    the derivative of `task.embed` at the first test row, exact where `embed` is linear (a rotation). 1 =
    all on these features; NaN for no change. Lengths are no parts of a whole: 0.98 here leaves 0.2 there,
    since squares add up to 1. Raises `SbkitError` on an unknown feature, or other columns than the inputs.

    >>> from sbkit.data import slabs
    >>> task = slabs(blocks=(1, 5), n=10, n_test=20)
    >>> budget(task, task.embed(torch.tensor([[1.0, 0.0]])), "linear").round(decimals=3)
    tensor([1.])
    """
    check_task(task)
    columns = task.columns(features)
    _same_columns(task, change)
    slope = torch.func.jacrev(lambda z: task.embed(z.unsqueeze(0))[0])(task.z_test[0])  # (d, k)
    back = change @ torch.linalg.pinv(slope).mT.detach()  # (…, k)
    return back[..., columns].norm(dim=-1) / back.norm(dim=-1)


def pushed(task: Task, radius: float = 0.55) -> Field:
    """300 test points, on the linear feature and one of slabs, pushed so far along the first. (2 classes)"""
    S = torch.tensor([1.0, 0.0])
    y: Any = task.y_test[:300]
    points: Any = task.z_test[:300, :2] - radius * (2 * y - 1).unsqueeze(1) * S  # (300, 2)
    share = ((points[:, 0] > 0) == (y == 1)).float().mean()
    x, up = (Axis(name, low=-1.25, high=1.25) for name in ("linear feature", "a slab feature"))
    halves: Any = [[0.3, 0.7]]
    told = f"Pushed by {radius:.2f}: {share:.0%} of these points are still right"
    return Field("pushed", told, x, up, halves, points=points, labels=y, caption=PUSHED)


X, WHOSE = torch.arange(6, dtype=torch.float64).view(3, 2), torch.tensor([0, 1, 1])  # (n, d), (n,)
DELTA = torch.tensor([1.0, -2.0], dtype=torch.float64)  # (d,)

# A function (x, y, delta) → x with class 1 moved by delta, class 0 by −delta. (n, d), (n,), (d,)
both_ways = exercise(
    "x, y and delta",
    tries=[(X, WHOSE, DELTA)],
    want=lambda x, y, delta: x + (2 * y - 1).unsqueeze(1) * delta,
    wrong={
        "That is the friend's push: one class moves away from the boundary.": lambda x, y, delta: x + delta,
        "Class 0 doesn't move: y is 0 there. Make it −1 first.": (
            lambda x, y, delta: x + y.unsqueeze(1) * delta
        ),
        "The two classes have changed places: class 1 moves by +delta.": (
            lambda x, y, delta: x + (1 - 2 * y).unsqueeze(1) * delta
        ),
    },
    right="Two arrows, one for each class: whoever pushes has to know the class.",
    rest="The class decides the sign: +1 for class 1, −1 for class 0.",
)

# A function (distance, r) → share of points still right after a push of r. (n,), a number
standing = exercise(
    "distance and r",
    tries=[(torch.linspace(-0.2, 1, 240), 0.55)],
    want=lambda distance, r: (distance > r).double().mean(),
    wrong={
        "A point that was wrong from the start doesn't become right: keep the sign of its distance.": (
            lambda distance, r: (distance.abs() > r).double().mean() + (distance < 0).double().mean()
        ),
    },
    right="A push fells the points that were nearer than its length, and no others.",
    rest="Count the points whose distance is larger than r.",
)
