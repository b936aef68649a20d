"""Several tasks as one whose runs each have their own rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from sbkit.core import SAMPLE, SbkitError, Task, check_memory, check_task, told

ALIKE: dict[str, Callable[[Task], Any]] = {  # what stacked tasks share
    "training rows": lambda task: len(task.z),
    "test rows": lambda task: len(task.z_test),
    "columns of z": lambda task: task.z.shape[1],
    "inputs": lambda task: task.x.shape[1],
    "shape": lambda task: task.shape,
    "outputs": lambda task: task.outputs,
    "sort of labels": lambda task: task.sort,
    "features": lambda task: {name: feature.pieces for name, feature in task.features.items()},
    "float type": lambda task: task.x.dtype,
    "device": lambda task: task.x.device,
}


class Embeds(nn.ModuleList):
    """Each run's own map from features to inputs."""

    def forward(self, z: Tensor) -> Tensor:
        """(runs, n, k) → (runs, n, d)"""
        return torch.stack([embed(own) for embed, own in zip(self, z, strict=True)])


@dataclass(frozen=True, eq=False)
class Stack(Task):
    """Tasks of one shape as one: z (runs, n, k), x (runs, n, d), y (runs, n) or (runs, n, outputs).

    parts: the tasks, one a run; what is measured of run r is measured of its own.
    """

    parts: tuple[Task, ...] = ()

    def __post_init__(self) -> None:
        """Nothing is left to check: the parts are tasks."""

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Stack:
        """The same stack on another device or with another float type, as `Task.to`."""
        return stack([part.to(device, dtype) for part in self.parts])

    def sample(self, rows: int = SAMPLE) -> Task:
        """At most `rows` training and test rows of each part, the same ones that it draws by itself."""
        parts = [part.sample(rows) for part in self.parts]
        if parts[0] is self.parts[0]:
            return self
        found = stack(parts)
        vars(found).update(_outputs=self.outputs, _whole=self.whole)
        return found


def stack(tasks: Sequence[Task]) -> Stack:
    """Several tasks as one in which run r of a fleet learns tasks[r] and is judged by it.

    For what differs between runs beside their seed: fresh data, the share of noise, a rotation. x is
    (runs, n, d), z and y likewise, so a fleet for it has len(tasks) runs; run r equals run r of a fleet
    trained on tasks[r] alone. Measures are taken run by run, each of its own task, which `parts` keeps;
    outside `sb.fit` they take fleet.only(r) and parts[r]. Pictures of one plane are for single tasks. Raises
    `SbkitError` on tasks that differ in rows, columns, inputs, their shape, outputs or names of features.

    >>> from sbkit.data import slabs
    >>> task = stack([slabs(n=100, n_test=50, seed=seed) for seed in range(3)])
    >>> task.x.shape, task.y.shape, task.outputs
    (torch.Size([3, 100, 2]), torch.Size([3, 100]), 2)
    """
    if not isinstance(tasks, list | tuple) or not tasks:
        raise SbkitError(f"A stack is a list of tasks, got {told(tasks)}; try sb.data.stack([task, other]).")
    first, *_ = tasks
    for i, task in enumerate(tasks):
        check_task(task)
        if isinstance(task, Stack):
            rule = "A stack is of single tasks"
            raise SbkitError(f"{rule}, got one in place {i}; try its parts, [*task.parts].")
        for what, of in ALIKE.items():
            if of(task) != of(first):
                got = f"{of(first)} and, in place {i}, {of(task)}"
                way = "make them by one function that differs in its seed"
                raise SbkitError(f"Stacked tasks have the same {what}, got {got}; {way}.")
    size = first.x.element_size()
    numbers = sum(t.numel() for t in (first.z, first.z_test, first.x, first.x_test))
    what = f"{len(tasks)} tasks × {numbers:,} numbers × {size} bytes"
    check_memory(len(tasks) * numbers * size, what, first.x.device)
    return Stack(**{one.name: _joined(one.name, tasks) for one in fields(Task)}, parts=tuple(tasks))


def _joined(name: str, tasks: Sequence[Task]) -> Any:
    """A field of all tasks: tensors (runs, …), maps to inputs run by run, anything else the first's.

    Names are left out where they differ; where only some tasks tell of corrupted rows, the others have none.
    """
    values = [getattr(task, name) for task in tasks]
    tensors = [value for value in values if isinstance(value, Tensor)]
    if tensors:
        return torch.stack([torch.zeros_like(tensors[0]) if value is None else value for value in values])
    if name == "names" and len({tuple(value) for value in values}) > 1:
        return ()
    return Embeds(values) if name == "embed" else values[0]
