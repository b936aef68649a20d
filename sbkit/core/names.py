"""Errors with their fix, checks of single arguments, and the registries of everything that has a name."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
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
        raise SbkitError(f"{name} is a whole number of at least {low}, got {value!r}; try {low}.")
    return int(value)


def between(name: str, value: Any, low: float, high: float, open_low: bool = False) -> float:
    """`value` as a number in [low, high], or (low, high] if `open_low`; else an `SbkitError`.

    >>> between("noise", 0.1, 0, 1)
    0.1
    """
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not low <= value <= high or (open_low and value == low):
        rule = f"above {low:g}" if open_low else f"at least {low:g}"
        top = "" if high == math.inf else f" and at most {high:g}"
        near = high if isinstance(value, int | float) and value > high else 0.1 if open_low else low
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
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise SbkitError(f"No {kind} named {name!r}; there are {', '.join(names)}.{hint}")


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same to a lesson: NaN is NaN, arrays count by content, True is not 1.

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


class Registry(Mapping[str, Any]):
    """Functions of one kind by name: iterate for the names, call to register another.

    >>> greetings = Registry("greeting")
    >>> @greetings("hello", loud=True)
    ... def hello():
    ...     return "hello"
    >>> list(greetings), greetings["hello"](), greetings.about["hello"]
    (['hello'], 'hello', {'loud': True})
    """

    def __init__(self, kind: str):
        self.kind = kind
        self.about: dict[str, dict[str, Any]] = {}
        self._functions: dict[str, Any] = {}

    def __call__(self, name: str, **about: Any) -> Callable[[Any], Any]:
        def register(function: Any) -> Any:
            self._functions[name], self.about[name] = function, about
            return function

        return register

    def __getitem__(self, name: str) -> Any:
        return self._functions[one_of(self.kind, name, self._functions)]

    def __contains__(self, name: object) -> bool:
        return name in self._functions

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def __repr__(self) -> str:
        return f"Registry({self.kind!r}: {', '.join(self)})"


datasets = Registry("dataset")
losses = Registry("loss")
optimizers = Registry("optimizer")
measures = Registry("measure")
plots = Registry("plot")
