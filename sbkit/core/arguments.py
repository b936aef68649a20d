"""Fleets and tasks as arguments: what is neither is told before anything is computed."""

from __future__ import annotations

from os import PathLike
from typing import Any

from torch import nn

from sbkit.core.fleet import Fleet
from sbkit.core.names import SbkitError
from sbkit.core.task import Task


def check_task(given: Any) -> None:
    """Refuse what is no task, with the way to one."""
    if not isinstance(given, Task):
        table = hasattr(given, "columns") or isinstance(given, str | PathLike)
        own = 'table, y="label"), y the name of the column to tell' if table else "x, y)"
        got = f"got a {type(given).__name__}"
        raise SbkitError(f"A task is rows with their labels, an sb.Task, {got}; try sb.data.table({own}.")


def check_fleet(given: Any, trains: bool = False) -> None:
    """Refuse what is no fleet, with the way to one; what predicts as one does will do, unless it `trains`."""
    if not isinstance(given, Fleet) and (trains or not callable(getattr(given, "predict", None))):
        net = isinstance(given, nn.Module)
        way = "sb.models.fleet_of with a function that makes such a module" if net else "sb.mlp(task)"
        raise SbkitError(f"A fleet is many nets in one, got a {type(given).__name__}; try {way}.")


def check_pair(name: str, fleet: Any, task: Any, trains: bool = False, stacks: bool = False) -> None:
    """Refuse what is no fleet, or no task, or both the other way round, or, unless it `stacks`, many tasks.

    name: how the function is called.
    """
    if isinstance(fleet, Task) and not isinstance(task, Task):
        words = f"{name} takes the fleet first, then the task, got the task first"
        raise SbkitError(f"{words}; try {name}(fleet, task).")
    check_task(task)
    if task.z.ndim > 2 and not stacks:
        words = f"{name} takes one task, got a stack of {len(task.z)}"
        raise SbkitError(f"{words}; try it run by run: {name}(fleet.only(0), task.parts[0]).")
    check_fleet(fleet, trains)
