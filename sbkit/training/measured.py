"""What measures give, in one form: copies on the CPU, as tensors whose first axis is the runs."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import RESULTS, Fleet, SbkitError, Task, registries, takes, told
from sbkit.data.stack import Stack

Measure = str | Callable[[Fleet, Task], Any]
Value = Tensor | list[Tensor]  # (runs, …), or several of them


def named(chosen: Measure | Iterable[Measure], fleet: Fleet, task: Task) -> dict[str, Callable[..., Any]]:
    """Measures by name, with those that come along; `SbkitError` if fleet or task lack what one needs."""
    asked: list[tuple[str, Callable[..., Any]]] = []
    for measure in [chosen] if isinstance(chosen, str) or not isinstance(chosen, Iterable) else chosen:
        if isinstance(measure, str):
            beside = registries.measure.about[measure].beside
            asked += [(name, registries.measure[name]) for name in (measure, *beside)]
        elif callable(measure):
            inner = measure.func if isinstance(measure, functools.partial) else measure
            usual = getattr(inner, "__name__", type(inner).__name__)
            asked.append((registries.measure.of(measure) or usual, measure))
        else:
            raise SbkitError(f"A measure is a name or a function (fleet, task) → tensor, got {measure!r}.")
    found: dict[str, Callable[..., Any]] = {}
    for name, function in asked:
        twice = any(name == other and function is not one for other, one in asked)
        if twice and registries.measure.of(function):  # the arguments of a partial tell it apart
            fixed = ", ".join(f"{key}={value!r}" for key, value in getattr(function, "keywords", {}).items())
            name = f"{name} {fixed}".strip()
        if found.setdefault(name, function) is not function:
            way = "write one as `def other(...)`"
            raise SbkitError(f"Measures have different names, got {name!r} twice; {way}.")
        _check(name, function, fleet, task)
    return found


def _check(name: str, function: Callable[..., Any], fleet: Fleet, task: Task) -> None:
    """Refuse a measure whose name is taken, or that cannot be asked of this fleet and task."""
    size = sum(p[0].numel() for p in fleet.parameters())
    about = registries.measure.about[registries.measure.of(function)]
    if name in RESULTS:
        raise SbkitError(
            f"Every run tells its {name} anyway, got a measure {name!r}; try `def my_{name}(…)`."
        )
    if not takes(function, "fleet", "task"):
        raise SbkitError(f"A measure takes (fleet, task), got {name}{inspect.signature(function)}.")
    for needs, fits, got in (
        ("needs classes", task.classes or not about.classes, f"a {task.sort} task"),
        ("is for two classes", about.classes != 2 or task.outputs == 2, task.outputs),
        ("needs two columns", task.z.shape[-1] >= about.columns, "a task with one"),
        (f"takes nets of up to {about.weights:,} weights", size <= (about.weights or size), f"{size:,}"),
        ("is of one plane, of one task", about.columns < 2 or task.z.ndim == 2, f"a stack of {len(task.z)}"),
    ):
        if not fits:
            raise SbkitError(f"The measure {name!r} {needs}, got {got}; leave it out.")


def taken(name: str, measure: Callable[..., Any], fleet: Fleet, task: Task, **options: Any) -> Value:
    """What a measure gives of a fleet and a task; of a stack, what it gives of each run and its own task."""
    if not isinstance(task, Stack):
        return value_of(name, measure(fleet, task, **options), fleet.runs)
    parts = enumerate(task.parts)
    each = [value_of(name, measure(fleet.only(r), part, **options), 1) for r, part in parts]
    several = [one if isinstance(one, list) else [one] for one in each]
    found = [torch.cat(part) for part in zip(*several, strict=True)]
    return found if isinstance(each[0], list) else found[0]


def value_of(name: str, given: Any, runs: int) -> Value:
    """What the measure `name` gave, as a tensor (runs, …) or a list of them, detached from all else.

    A number a run may come as a tensor, an array or a list. Raises `SbkitError` on everything else.

    >>> value_of("norm", np.array([1.0, 2.0]), 2)
    tensor([1., 2.], dtype=torch.float64)
    """
    if isinstance(given, list | tuple) and given and all(getattr(part, "ndim", 0) for part in given):
        return [_tensor(name, part, runs) for part in given]
    return _tensor(name, given, runs)


def _tensor(name: str, given: Any, runs: int) -> Tensor:
    value = _converted(given)
    if value is None or value.is_complex() or value.shape[:1] != (runs,):
        rule = f"The measure {name!r} returns one value a run or more, a tensor or array ({runs}, …)"
        got = told(given if value is None or isinstance(given, float | int) else value)
        way = "average over all axes but the first; of a dict, torch.stack(list(values.values()), dim=1)"
        raise SbkitError(f"{rule}, got {got}; {way}; of one number, torch.full((fleet.runs,), number).")
    return value


def _converted(given: Any) -> Tensor | None:
    """A copy as a tensor on the CPU; None of what is no array of numbers."""
    if isinstance(given, Tensor):
        value = given.detach().to_dense().cpu().clone()
        value = value.float() if value.dtype in (torch.bfloat16, torch.float16) else value
        vars(value).update(vars(given))  # the plane that it is over
        return value
    if isinstance(given, list | tuple):
        given = [part.item() if isinstance(part, Tensor) and part.numel() == 1 else part for part in given]
    try:
        array = np.asarray(given)
        return torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("="), order="C"))
    except (TypeError, ValueError):
        return None
