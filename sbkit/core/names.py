"""Errors with their fix, checks of single arguments, and the registries of everything that has a name."""

from __future__ import annotations

import difflib
import inspect
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

NAME = re.compile(r"[^\W\d][\w -]*")


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
    """Whether a function can be called with these; True where it does not tell.

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

    given, usual: arguments that they are called with, and those with a default of their own; about: what may
    be told of one, with its type (None: anything). A name may be registered again, but for those of the
    package itself, once `close` was called. Raises `SbkitError` on all that does not fit.

    >>> greetings = Registry("greeting")
    >>> @greetings("hello", loud=True)
    ... def hello():
    ...     return "hello"
    >>> list(greetings), greetings["hello"](), greetings.about["hello"]
    (['hello'], 'hello', {'loud': True})
    """

    def __init__(
        self,
        kind: str,
        given: Iterable[str] | None = None,
        usual: Mapping[str, float] | None = None,
        about: Mapping[str, Any] | None = None,
    ):
        self.kind, self.given, self.usual, self.known = kind, given, usual or {}, about
        self.about: dict[str, dict[str, Any]] = {}
        self._closed: frozenset[str] = frozenset()
        self._functions: dict[str, Any] = {}

    def __call__(self, name: str, **about: Any) -> Callable[[Any], Any]:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            known = getattr(name, "__name__", "own")
            raise SbkitError(
                f"The name of a {self.kind} is letters, digits, _, - and spaces, a letter first, "
                f"got {name!r}; try {known if NAME.fullmatch(known) else 'own'!r}."
            )
        self._check_about(about)

        def register(function: Any) -> Any:
            own = hasattr(function, "__qualname__") and (function.__module__ or "").startswith("sbkit.")
            if name in self._closed and not own:
                raise SbkitError(
                    f"{name!r} is a {self.kind} of sbkit itself; try another name: 'own {name}'."
                )
            self._check_function(function, about.get("glance", ()))
            self._functions[name], self.about[name] = function, about
            return function

        return register

    def _check_about(self, about: Mapping[str, Any]) -> None:
        for key, value in about.items() if self.known is not None else ():
            kind = self.known[one_of(f"setting of a registered {self.kind}", key, self.known)]  # pyright: ignore
            if not isinstance(value, kind) or (kind is int and value < 1):
                rule = f"{getattr(kind, '__name__', kind)}{' of at least 1' if kind is int else ''}"
                raise SbkitError(f"{key} of a {self.kind} is {rule}, got {value!r}; leave it out.")

    def _check_function(self, function: Any, options: Iterable[str]) -> None:
        """Refuse what cannot be called as it will be."""
        if self.given is None:
            return
        taken = inspect.signature(function).parameters if callable(function) else {}
        fits = callable(function) and (not self.given or takes(function, *self.given))
        if not (fits and set(self.usual) <= set(taken)):
            got = f"one of {inspect.signature(function)}" if callable(function) else repr(function)
            call = ", ".join([*self.given, *(f"{name}={value}" for name, value in self.usual.items())])
            rule = f"A registered {self.kind} is a function ({call})"
            raise SbkitError(f"{rule}, got {got}; try def own({call}): ...")
        for name in options:
            one_of("argument of the function", name, inspect.signature(function).parameters)

    def close(self) -> None:
        """Keep the names registered so far: from now on others take other names."""
        self._closed = frozenset(self._functions)

    def __getitem__(self, name: str) -> Any:
        return self._functions[one_of(self.kind, name, self._functions)]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._functions

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def __repr__(self) -> str:
        return f"Registry({self.kind!r}: {', '.join(self)})"


LOOKS = {"beside": tuple | list, "columns": int, "glance": dict, "glance_every": int, "reach": float}
datasets = Registry("dataset", given=(), about={})
losses = Registry("loss", about={"classes": int | None, "regression": bool})
RATES, STEPS = {"lr": 0.1, "weight_decay": 0.0}, {"full_batch": bool, "needs_loss": bool}
optimizers = Registry("optimizer", ["fleet"], RATES, STEPS)
measures = Registry("measure", ["fleet", "task"], about=LOOKS | {"classes": int})
plots = Registry("plot", ["history"], about={"rows": bool, "first": bool})
REGISTRIES = datasets, losses, optimizers, measures, plots
