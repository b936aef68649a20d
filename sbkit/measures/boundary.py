"""The decision boundary, on a plane through the features."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, SbkitError, Task, check_memory, check_pair, measure, whole, window


@measure("boundary", classes=True, columns=2, rows=False, glance={"resolution": 25})
def boundary(
    fleet: Fleet, task: Task, axes: tuple[int, int] = (0, 1), at: int | None = None, resolution: int = 100
) -> Tensor:
    """Probability of class 1 on a plane of two feature coordinates, per run. (runs, resolution, resolution)

    axes: columns of z; the plane goes through test row `at` (default the first) in all other columns.
    Entry [r, i, j]: coordinate axes[1] ascends with i, axes[0] with j, over `window`. 0.5 is the
    boundary; NaN for a run that diverged. The plane travels with the values, for whoever draws them:
    `.plane` of the tensor is {"axes": axes, "at": at}. Raises `SbkitError` on axes, row or resolution out
    of range, and for regression.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=10)
    >>> boundary(mlp(task), task, resolution=20).shape
    torch.Size([8, 20, 20])
    """
    check_pair("sb.boundary", fleet, task)
    if not task.classes:
        raise SbkitError(f"boundary needs classes, got a {task.sort} task.")
    x, about = plane("boundary", task, axes, at, resolution, 3 * fleet.runs)
    logits = fleet.predict(x)  # (runs, r·r, C)
    chance = (logits[..., 1] - logits[..., 0]).sigmoid() if task.outputs == 2 else logits.softmax(-1)[..., 1]
    finite = logits.isfinite().all(-1).all(-1, keepdim=True)  # (runs, 1)
    found = chance.where(finite, torch.nan).unflatten(1, (resolution, resolution)).cpu()
    vars(found)["plane"] = about
    return found


def plane(
    name: str, task: Task, axes: tuple[int, int], at: int | None, resolution: int, values: int
) -> tuple[Tensor, dict[str, Any]]:
    """Inputs (resolution², d) on a plane of two feature coordinates, row by row, and what plane it is.

    As `boundary` describes it. values: how many numbers are held at each point at once. Raises `SbkitError`,
    for the measure `name`.
    """
    across, up = _checked(name, task, axes, at, resolution)
    check_memory(resolution**2 * values * 4, f"{resolution}² points × {values:,} values × 4 bytes")
    (left, right), (bottom, top) = window(task, (across, up))
    z = task.whole.z_test[at or 0].expand(resolution, resolution, -1).clone()  # (r, r, k)
    line = torch.linspace(0, 1, resolution, dtype=z.dtype, device=z.device)  # (r,)
    z[..., across] = left + (right - left) * line
    z[..., up] = (bottom + (top - bottom) * line).unsqueeze(1)
    with torch.no_grad():
        return task.embed(z.flatten(0, 1)), {"axes": (int(across), int(up)), "at": at}


def _checked(
    name: str, task: Task, axes: tuple[int, int], at: int | None, resolution: int
) -> tuple[int, int]:
    columns = task.z_test.shape[1]
    if columns < 2:
        raise SbkitError(f"{name} needs two columns, a plane, got a task with one; leave it out.")
    if not _are_columns(axes, columns):
        raise SbkitError(f"axes are two different columns of z, 0…{columns - 1}, got {axes!r}; try (0, 1).")
    if not 0 <= whole("at", 0 if at is None else at, 0) < (rows := len(task.whole.z_test)):
        raise SbkitError(f"at is a test row, 0…{rows - 1}, got {at}; try at={rows - 1}.")
    whole("resolution", resolution, 2)
    return axes


def _are_columns(axes: Any, columns: int) -> bool:
    """Whether these are two different ones of so many columns."""
    if not isinstance(axes, tuple | list) or len(axes) != 2:
        return False
    whole_numbers = all(isinstance(axis, int | np.integer) and not isinstance(axis, bool) for axis in axes)
    return whole_numbers and axes[0] != axes[1] and all(0 <= axis < columns for axis in axes)
