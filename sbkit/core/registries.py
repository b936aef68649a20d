"""The registries of all that has a name: `@measure("norm")` adds one, `measure["norm"]` takes it."""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, Generic, TypeVar

from sbkit.core.names import SbkitError, one_of, takes

NAME = re.compile(r"[^\W\d][\w -]*")


@dataclass(frozen=True)
class Entry:
    """What is said of a registered function; each registry adds its own words, with type and usual value."""


@dataclass(frozen=True)
class AboutMeasure(Entry):
    """What a measure needs, and how it is taken.

    classes: 0 for any task, 1 for one with classes, 2 for one with exactly two. columns: how many columns of
    z it needs at least. rows: whether it measures test rows. beside: measures that come along. glance: its
    arguments at a glance. glance_every: it is measured at one of so many glances. parts: what
    names its columns in a table, "features" or "kinds"; "" numbers them. weights: how many weights a net has
    at most, 0 for any number. hidden: whether it looks into hidden
    layers, so that `fit` tries it at once on the fleet.
    """

    classes: int = 0
    columns: int = 1
    rows: bool = True
    beside: tuple | list = ()
    glance: dict = field(default_factory=dict)
    glance_every: int = 1
    parts: str = ""
    weights: int = 0
    hidden: bool = False


@dataclass(frozen=True)
class AboutPlot(Entry):
    """How a plot is shown.

    rows: whether its caption says how many test rows were measured. first: whether step 0 stays in the
    picture. draws: an attribute; values that have it are drawn by this plot, whatever measure gave them.
    """

    rows: bool = True
    first: bool = False
    draws: str = ""


@dataclass(frozen=True)
class AboutOptimizer(Entry):
    """What an optimizer asks for.

    full_batch: every step takes all rows. needs_loss: its step takes the closure of the loss. by_run: it
    takes settings of one number a run as they are, a tuple; for others each run has an optimizer of its own.
    """

    full_batch: bool = False
    needs_loss: bool = False
    by_run: bool = False


@dataclass(frozen=True)
class AboutLoss(Entry):
    """classes: 2 where it is for two classes only; regression: whether it takes float targets."""

    classes: int | None = None
    regression: bool = False


Told = TypeVar("Told", bound=Entry)


class About(dict[str, Told]):
    """Entries by name; that of a name which is not registered is the usual one."""

    def __init__(self, usual: Told):
        super().__init__()
        self.usual = usual

    def __missing__(self, name: str) -> Told:
        return self.usual


class Registry(Mapping[str, Any], Generic[Told]):
    """Functions of one kind by name: iterate for the names, call to register another.

    told: the dataclass of what may be said of one. `about[name]` is such an entry, the usual one for a name
    that is not registered. given: arguments that every function is called with. usual: further ones, with
    the default that a function may give them. A name may be registered again, except those of the package
    itself once `close` was called. Raises `SbkitError` on all that does not fit.

    >>> greetings = Registry("greeting", AboutPlot)
    >>> @greetings("hello", rows=False)
    ... def hello():
    ...     return "hello"
    >>> list(greetings), greetings["hello"](), greetings.about["hello"]
    (['hello'], 'hello', AboutPlot(rows=False, first=False, draws=''))
    """

    def __init__(
        self,
        kind: str,
        told: type[Told] = Entry,
        given: Iterable[str] | None = None,
        usual: Mapping[str, float] | None = None,
    ):
        self.kind, self.told, self.given, self.usual = kind, told, given, usual or {}
        self.about = About(told())
        self._closed: dict[str, Any] = {}
        self._functions: dict[str, Any] = {}

    def __call__(self, name: str, **about: Any) -> Callable[[Any], Any]:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            known = getattr(name, "__name__", "own")
            raise SbkitError(
                f"The name of a {self.kind} is letters, digits, _, - and spaces, a letter first, "
                f"got {name!r}; try {known if NAME.fullmatch(known) else 'own'!r}."
            )
        told = self._told(about)

        def register(function: Any) -> Any:
            own = hasattr(function, "__qualname__") and (function.__module__ or "").startswith("sbkit.")
            if name in self._closed and not own:
                raise SbkitError(
                    f"{name!r} is a {self.kind} of sbkit itself; try another name: 'own {name}'."
                )
            self._check_function(function, about.get("glance", ()))
            self._functions[name], self.about[name] = function, told
            return function

        return register

    def _told(self, about: Mapping[str, Any]) -> Told:
        """The words said of one as its entry, each checked."""
        types: dict[str, Any] = {word.name: word.type for word in fields(self.told)}
        for key, value in about.items():
            fits = types[one_of(f"setting of a registered {self.kind}", key, types)]
            usual = value is getattr(self.about.usual, key)
            if not usual and (not isinstance(value, fits) or (fits is int and value < 1)):
                rule = f"{getattr(fits, '__name__', fits)}{' of at least 1' if fits is int else ''}"
                raise SbkitError(f"{key} of a {self.kind} is {rule}, got {value!r}; leave it out.")
        return self.told(**about)

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
        self._closed = dict(self._functions)

    def added(self) -> dict[str, Any]:
        """What was registered since `close`, by name."""
        return {name: one for name, one in self._functions.items() if self._closed.get(name) is not one}

    def __getitem__(self, name: str) -> Any:
        return self._functions[one_of(self.kind, name, self._functions)]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._functions

    def of(self, function: Any) -> str:
        """The name of a registered function, or of the one that a `partial` calls; "" of any other."""
        inner = function.func if isinstance(function, partial) else function
        return next((name for name, one in self._functions.items() if one is inner), "")

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def __repr__(self) -> str:
        return f"Registry({self.kind!r}: {', '.join(self)})"


dataset = Registry("dataset", Entry, given=())
loss = Registry("loss", AboutLoss, ["logits", "targets"])
optimizer = Registry("optimizer", AboutOptimizer, ["fleet"], {"lr": 0.1, "weight_decay": 0.0})
measure = Registry("measure", AboutMeasure, ["fleet", "task"])
plot = Registry("plot", AboutPlot, ["history"])
REGISTRIES = dataset, loss, optimizer, measure, plot
