"""Errors that say what to try, and checks of single arguments."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np


class SbkitError(ValueError):
    """A request that cannot be met: the rule, what was given, the nearest fix."""

    __module__ = "sbkit"  # the name users know it by


def whole(name: str, value: Any, low: int = 1) -> int:
    """`value` as a whole number of at least `low`, or an `SbkitError` that says so.

    >>> whole("runs", 8)
    8
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
        near = int(number) if (number := _number(value)) >= low else low
        raise SbkitError(f"{name} is a whole number of at least {low}, got {value!r}; try {near}.")
    return int(value)


def _number(value: Any) -> float:
    """The finite number that a value is or spells; NaN where it is none."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def between(name: str, value: Any, low: float, high: float, open_low: bool = False) -> float:
    """`value` as a number in [low, high], or (low, high] if `open_low`; else an `SbkitError`.

    >>> between("noise", 0.1, 0, 1)
    0.1
    """
    given = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    number = _number(value)
    fits = low <= number <= high and not (open_low and number == low)
    if not (given and fits):
        rule = f"above {low:g}" if open_low else f"at least {low:g}"
        top = "" if high == math.inf else f" and at most {high:g}"
        near = number if fits else high if number > high else 0.1 if open_low else low
        raise SbkitError(f"{name} is a number {rule}{top}, got {value!r}; try {near:g}.")
    return float(value)


def one_of(kind: str, name: Any, names: Iterable[str]) -> str:
    """`name` if it is among `names`, or an `SbkitError` that lists them and suggests the nearest.

    >>> one_of("optimizer", "adm", ["adam", "sgd"])
    Traceback (most recent call last):
    sbkit.SbkitError: No optimizer named 'adm'; there are adam, sgd. Did you mean 'adam'?
    """
    names = list(names)
    if name in names:
        return name
    text = str(getattr(name, "__name__", name))
    near = [close for t in (text, text.lower()) for close in difflib.get_close_matches(t, names, 1, 0.5)]
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise SbkitError(f"No {kind} named {name!r}; there are {', '.join(names) or 'none'}.{hint}")


def takes(function: Callable[..., Any], *given: Any, **named: Any) -> bool:
    """Whether a function can be called with these arguments; True if it has no signature.

    >>> takes(lambda fleet, task: 0, "fleet", "task"), takes(lambda fleet: 0, "fleet", "task")
    (True, False)
    """
    try:
        inspect.signature(function).bind(*given, **named)
    except TypeError:
        return False
    except ValueError:  # it has no signature
        pass
    return True


def same(one: Any, other: Any) -> bool:
    """Whether two values mean the same to a lesson: NaN equals NaN, arrays by their values, True is not 1.

    >>> same(1, np.int64(1)), same(1, True), same(np.ones(2), np.ones(2)), same([1], (1,))
    (True, False, True, False)
    """
    if one is other or isinstance(one, bool | np.bool_) != isinstance(other, bool | np.bool_):
        return one is other
    try:
        equal = one == other
        if np.ndim(equal):
            return np.shape(one) == np.shape(other) and bool(np.asarray(equal).all())
        return bool(equal) or bool(one != one and other != other)
    except (ValueError, TypeError, RuntimeError):  # of arrays whose shapes differ
        return False


def distinct(values: Iterable[Any]) -> list[Any]:
    """The values in their order, each once, as told apart by `same`.

    >>> distinct([[1], 2, [1], 2.0])
    [[1], 2]
    """
    found: list[Any] = []
    for value in values:
        if not any(same(value, one) for one in found):
            found.append(value)
    return found
