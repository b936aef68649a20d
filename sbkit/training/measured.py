"""What a measure gives, in one form wherever it goes: tensors of their own, on the CPU, the runs first."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import RESULTS, Fleet, SbkitError, Task, registries, takes

Measure = str | Callable[[Fleet, Task], Any]
Value = Tensor | list[Tensor]  # (runs, …), or several of them


def named(chosen: Measure | Iterable[Measure], task: Task) -> dict[str, Callable[..., Any]]:
    """Measures by name, with what is measured beside them; refused if they need classes and have none."""
    asked: list[tuple[str, Callable[..., Any]]] = []
    for measure in [chosen] if isinstance(chosen, str) or not isinstance(chosen, Iterable) else chosen:
        if isinstance(measure, str):
            beside = registries.measure.about[measure].beside
            asked += [(name, registries.measure[name]) for name in (measure, *beside)]
        elif callable(measure):
            inner = measure.func if isinstance(measure, functools.partial) else measure
            asked.append(
                (registries.measure.of(measure) or getattr(inner, "__name__", type(inner).__name__), measure)
            )
        else:
            raise SbkitError(f"A measure is a name or a function (fleet, task) → tensor, got {measure!r}.")
    found: dict[str, Callable[..., Any]] = {}
    for name, function in asked:
        own = name
        if registries.measure.of(function) and any(
            name == other and function is not it for other, it in asked
        ):
            fixed: Mapping[str, Any] = getattr(function, "keywords", {})  # of a partial, which tell it apart
            own = " ".join([name, ", ".join(f"{key}={value!r}" for key, value in fixed.items())]).strip()
        _check(own, function, found, task)
        found[own] = function
    return found


def _check(name: str, function: Callable[..., Any], found: Mapping[str, Any], task: Task) -> None:
    if name in RESULTS:
        raise SbkitError(
            f"Every run tells its {name} anyway, got a measure {name!r}; try `def my_{name}(…)`."
        )
    if found.get(name, function) is not function:
        raise SbkitError(f"Measures have different names, got {name!r} twice; write one as `def other(...)`.")
    about = registries.measure.about[registries.measure.of(function)]
    if about.classes and not task.classes:
        raise SbkitError(f"The measure {name!r} needs classes, got a regression task; leave it out.")
    if about.classes == 2 and task.outputs != 2:
        raise SbkitError(f"The measure {name!r} is for two classes, got {task.outputs}; leave it out.")
    if task.z.shape[1] < about.columns:
        raise SbkitError(f"The measure {name!r} needs two columns, got a task with one; leave it out.")
    if not takes(function, "fleet", "task"):
        raise SbkitError(f"A measure takes (fleet, task), got {name}{inspect.signature(function)}.")


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
        raise SbkitError(f"{rule}, got {_kind(given, value)}; {_fix(given, value)}.")
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


def _kind(given: Any, value: Tensor | None) -> str:
    """What was given, in words."""
    if value is None or isinstance(given, float | int):
        return "None" if given is None else f"a {type(given).__name__}"
    return f"{'complex ' if value.is_complex() else ''}{tuple(value.shape)}"


def _fix(given: Any, value: Tensor | None) -> str:
    if isinstance(given, Mapping):
        return "try torch.stack(list(values.values()), dim=1), or a measure for each of its values"
    if given is None:
        return "try `return` before the value"
    if value is not None and value.is_complex():
        return "try .abs() or .real of it"
    if value is None:
        return "try a tensor"
    if not value.ndim:
        return f"try torch.full((fleet.runs,), {value.item()!r}), if all runs have the same"
    return "sum or average over all axes but the first, that of the runs"
