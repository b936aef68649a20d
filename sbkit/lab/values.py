"""Dials, their values, which one is meant, and what was probably meant by something that is no dial."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sbkit.lab.lesson import number

FEW = 12  # values that are advised as a list


@dataclass(frozen=True)
class Dial:
    """One control: its name, what it is, where it starts, and its range."""

    name: str
    kind: Literal["choice", "whole", "number", "log", "switch", "widget"]
    start: Any
    options: tuple[Any, ...] = ()  # of a choice; of a slider low, high and, if given, step
    widget: Any = None

    @property
    def slides(self) -> bool:
        """Whether it goes from low to high."""
        return self.kind in ("whole", "number", "log")


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
    like = [k for k, option in enumerate(options) if same(option, value)]
    order = {k: (options[k] is not value, type(options[k]) is not type(value)) for k in like}
    return min(like, key=order.__getitem__, default=None)


def nearest(given: Any, start: Sequence[Any]) -> Iterator[Any]:
    """Dials that may have been meant, likeliest first; start: the default that they have to hold, if any."""
    several = _several(given)
    tupled = isinstance(given, tuple) and len(given) in (2, 3)
    ends = several[:2] if tupled else several
    if (tupled or len(several) > FEW) and all(map(finite, ends)):
        held = [plain(end) for end in (*ends, *start) if finite(end)]
        yield from _sliders(held, several[2:] if tupled else [])
    some = [plain(value) for k, value in enumerate(several) if place(several[:k], value) is None][:FEW]
    yield from (some, [*start, *some], [*start], [1, 2, 4])


def _several(given: Any) -> list[Any]:
    """What there is to choose from: of a mapping its values, of a single thing itself."""
    given = given.tolist() if hasattr(given, "tolist") else given  # arrays, tensors, series
    if isinstance(given, str | bytes) or not hasattr(given, "__len__") or not hasattr(given, "__iter__"):
        return [given]
    found = list(given.values() if isinstance(given, Mapping) else given)
    return sorted(found, key=str) if isinstance(given, set | frozenset) else found


def _sliders(ends: Sequence[Any], rest: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    low, high = min(ends), max(ends)
    if any(isinstance(end, float) for end in ends):
        low, high = float(low), float(high)
    if any(isinstance(part, str) for part in rest) and high > 0:
        yield (low if low > 0 else high / 1e4), high, "log"
    yield (low, high, *rest)
    yield low, high
