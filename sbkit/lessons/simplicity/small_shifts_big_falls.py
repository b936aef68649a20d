"""Small shifts, big falls: exercises on pushes."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from sbkit.core import SbkitError, Task, check_task
from sbkit.course.exercise import exercise


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


# Radii at which a threshold on data 0.1 to 1 away from it begins to err, is half right, is never right.
falls = exercise(
    want=[0.1, 0.55, 1.0],
    atol=0.02,
    expects="Three radii are expected: where errors begin, where half is right, where none",
    right="A push of r passes the points nearer than r: a line from all right to none.",
    rest="The points lie evenly between 0.1 and 1 from the threshold: which are passed by a push?",
)

SLOPE = torch.tensor([[3.0, -4.0], [0.5, 0.0], [-8.0, -6.0]], dtype=torch.float64)  # (n, d)


def _steepest(slope: Tensor, norm: str) -> Tensor:
    return slope / slope.norm(dim=-1, keepdim=True) if norm == "l2" else slope.sign()


# A function (slope, norm) → the step of size 1 that climbs most, a row a point. (n, d), "l2" or "linf"
steepest = exercise(
    "slope and norm",
    tries=[(SLOPE, "l2"), (SLOPE, "linf")],
    want=_steepest,
    wrong={
        "That step goes downhill: the attack raises the score of the other class.": (
            lambda slope, norm: -_steepest(slope, norm),
            lambda slope, norm: -_steepest(slope, "l2"),
        ),
        "One length for all points: each row is to have length 1, by dim=-1, keepdim=True.": (
            lambda slope, norm: slope / slope.norm(),
            lambda slope, norm: slope / slope.norm() if norm == "l2" else slope.sign(),
        ),
    },
    must={
        "For 'l2' the step points along the slope, and each row has length 1.": (
            lambda l2, linf: torch.allclose(l2, _steepest(SLOPE, "l2"), atol=1e-4),
            lambda slope, norm: slope.sign(),
        ),
        "Right for 'l2'. For 'linf' each coordinate moves by 1 on its own: which way?": (
            lambda l2, linf: torch.allclose(linf, SLOPE.sign(), atol=1e-4),
            lambda slope, norm: _steepest(slope, "l2"),
        ),
    },
    right="The slope over its length; the slope's signs. The rest of the attack is a loop.",
)
