"""The axes of a sweep: lists of values, each once, whose settings share no nets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from torch import Tensor, nn

from sbkit.core import RESULTS, SbkitError, distinct
from sbkit.training import Run
from sbkit.training.signature import name_of, parameters

Birth = Callable[[dict[str, Any]], range | None]  # a setting → the seeds of its nets, None if it fails


def checked(lesson: Callable[..., Run], axes: Mapping[str, Any]) -> dict[str, list]:
    """The axes as lists, in the order given."""
    if not callable(lesson):
        raise SbkitError(f"A sweep's lesson is a function that returns a run, got {lesson!r}.")
    called, taken = name_of(lesson), parameters(lesson, axes)
    for name in ("jobs", "cache"):
        if name in taken:
            raise SbkitError(f"{name} is an argument of sb.sweep itself; rename that of {called}.")
    lists = {name: _listed(values) for name, values in axes.items()}
    for name, values in axes.items():
        if name in RESULTS and name != "seed":
            raise SbkitError(f"{name!r} is a result of every sweep; rename that argument of {called}.")
        if not lists[name]:
            raise SbkitError(
                f"An axis is a list of values to try, got {name}={values!r}; try {name}=[{values!r}]."
            )
        if len(once := distinct(lists[name])) < len(lists[name]):
            words = f"An axis has each value once, or its nets are counted twice, got {name}={lists[name]!r}"
            raise SbkitError(f"{words}; try {name}={once!r}.")
    return lists


def _listed(values: Any) -> list:
    """The values of an axis, read once, numbers of NumPy and torch as Python's; none of a single value."""
    single = isinstance(values, str | bytes | Mapping | nn.Module | Run)
    try:
        each = iter(() if single else values)
    except TypeError:
        return []
    return [_number(value) for value in each]


def _number(value: Any) -> Any:
    plain = isinstance(value, np.number | np.bool_) or (isinstance(value, Tensor) and value.ndim == 0)
    return value.item() if plain else value


def check_seeds(axes: Mapping[str, Sequence[Any]], born: Birth) -> None:
    """Refuse seeds so close that settings share nets: run r of a fleet with seed s has the seed s + r.

    Seeds that do not reach the nets, but the data or the minibatches alone, may lie as close as they like.
    Few settings are looked at: every seed beside one value of each other axis, and the largest of those.
    """
    for name in [name for name, values in axes.items() if "seed" in name and len(values) > 1]:
        others = {other: values for other, values in axes.items() if other != name}
        for held in _held(others):
            found = {n: nets for n, value in enumerate(axes[name]) if (nets := born(held | {name: value}))}
            if found:
                larger = [
                    held | {name: axes[name][next(iter(found))], other: most} for other, most in _most(others)
                ]
                runs = max(len(nets) for nets in [*found.values(), *map(born, larger)] if nets)
                _check_apart(name, axes[name], {n: nets.start for n, nets in found.items()}, runs)
                break


def _held(others: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """The other axes' first values, and each of their values beside the first ones of the rest."""
    first = {name: values[0] for name, values in others.items()}
    yield first
    yield from (first | {name: value} for name, values in others.items() for value in values[1:])


def _most(others: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, int]]:
    """The largest value of every axis of whole numbers: one of them may be how many runs there are."""
    for name, values in others.items():
        if len(values) > 1 and all(type(value) is int for value in values):
            yield name, max(values)


def _check_apart(name: str, values: Sequence[Any], starts: Mapping[int, int], runs: int) -> None:
    for one, other in pairwise(sorted(starts, key=lambda n: starts[n])):
        if 0 < starts[other] - starts[one] < runs:
            nets = [
                f"{name}={values[n]!r} (nets {starts[n]} to {starts[n] + runs - 1})" for n in (one, other)
            ]
            numbers = all(isinstance(value, int) for value in values)
            fix = f"{name}={[values[0] + runs * n for n in range(len(values))]}" if numbers else "others"
            raise SbkitError(
                f"The {runs} runs of a fleet have seeds in a row, so that {' and '.join(nets)} share nets, "
                f"which would be counted twice; try {fix}."
            )
