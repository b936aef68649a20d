"""Dials, their values, which one is meant, and what was probably meant by something that is no dial."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sbkit.lab.lesson import number

FEW = 12  # values that are advised as a list


@dataclass(frozen=True)
class Dial:
    """One control: its kind ("choice", "whole", "number", "log", "switch", "widget"), range and start."""

    name: str
    kind: str
    start: Any
    options: tuple[Any, ...] = ()  # of a choice; of a slider low, high and, if given, step
    widget: Any = None


def plain(value: Any) -> Any:
    """A number or truth value of NumPy as Python's own; all else as it is."""
    return value.item() if isinstance(value, np.number | np.bool_) else value


def finite(value: Any) -> bool:
    """Whether a value is a number that a slider can stand at."""
    return number(value) and math.isfinite(value)


def shown(value: Any) -> str:
    """A value as a sentence shows it, in one line."""
    text = " ".join(repr(plain(value)).split())
    return text if len(text) <= 60 else f"{text[:59]}…"


def same(one: Any, other: Any) -> bool:
    """Whether two values are one, or alike: a truth value is no number, NaN is NaN, arrays are apart.

    >>> same(1, np.float64(1)), same(1, True), same(math.nan, math.nan), same(np.ones(2), np.ones(2))
    (True, False, True, False)
    """
    if one is other:
        return True
    if isinstance(one, bool | np.bool_) != isinstance(other, bool | np.bool_):
        return False
    if number(one) and number(other) and math.isnan(one):
        return math.isnan(other)
    try:
        equal = one == other
    except Exception:  # what cannot be compared is not alike
        return False
    return isinstance(equal, bool | np.bool_) and bool(equal)


def place(options: Sequence[Any], value: Any) -> int | None:
    """Where a value stands among options: the very object first, then its like of the same type, then any.

    >>> place([1, True, 1.0], True), place([1.0, 2.0], 1), place([0], False)
    (1, 0, None)
    """
    tests = (
        lambda option: option is value,
        lambda option: type(option) is type(value) and same(option, value),
        lambda option: same(option, value),
    )
    return next((k for test in tests for k, option in enumerate(options) if test(option)), None)


def nearest(given: Any, start: list[Any]) -> Iterator[Any]:
    """Dials that may have been meant, likeliest first; start: the default that they have to hold, if any."""
    several, held = _several(given), [plain(value) for value in start if finite(value)]
    if isinstance(given, tuple) and len(given) in (2, 3) and several and all(map(finite, several[:2])):
        yield from _sliders(
            [*map(plain, several[:2]), *(s for s in map(plain, start) if finite(s))], given[2:]
        )
    if several is not None:
        some = [plain(value) for k, value in enumerate(several) if place(several[:k], value) is None]
        if len(some) > FEW:
            if all(map(finite, some)):
                yield from _sliders([*some, *held], ())
            some = some[:FEW]
        yield from (some, [*start, *some])
    else:
        one: Any = getattr(given, "tolist", lambda: given)()
        yield from ([one], [*start, one])
    yield from (start, [1, 2, 4])


def _several(given: Any) -> list[Any] | None:
    """What there is to choose from, if it is several things; of a mapping its values."""
    given = given.tolist() if hasattr(given, "tolist") else given  # arrays, tensors, series
    if isinstance(given, str | bytes) or not hasattr(given, "__len__") or not hasattr(given, "__iter__"):
        return None
    found = list(given.values() if isinstance(given, Mapping) else given)
    return sorted(found, key=str) if isinstance(given, set | frozenset) else found


def _sliders(ends: Sequence[Any], rest: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    low, high = min(ends), max(ends)
    if any(isinstance(end, float) for end in ends):
        low, high = float(low), float(high)
    if any(isinstance(part, str) for part in rest) and high > 0:
        yield low, high, "log"
        yield min(high / 1e4, *(float(end) for end in ends if end > 0)), float(high), "log"
    yield (low, high, *rest)
    yield low, high
