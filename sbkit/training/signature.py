"""Lessons: what their signatures say, and how they are called."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from keyword import iskeyword
from typing import Any

from sbkit.core import SbkitError, one_of
from sbkit.training.run import Run

Lesson = Callable[..., Any]  # dials → a run, a description, or several
MISSING: Any = inspect.Parameter.empty


@dataclass(frozen=True)
class Signature:
    """A lesson and what its signature says, read once: its arguments with their defaults, `MISSING` for none.

    needed: what has no default, also if it cannot be named. open: it takes arguments of any name, by **.

    >>> Signature.of(lambda slabs, depth=2: None).defaults["depth"]
    2
    """

    lesson: Lesson
    name: str
    defaults: dict[str, Any]
    needed: tuple[str, ...]
    open: bool

    @classmethod
    def of(cls, lesson: Lesson | Signature) -> Signature:
        """The signature of a lesson, or an `SbkitError` if it is none or does not say what it takes."""
        if isinstance(lesson, Signature):
            return lesson
        name = name_of(lesson)
        try:
            parts = inspect.signature(lesson).parameters.values()
        except ValueError as error:  # of a function that is built into Python
            words = f"A lesson is a function that says what it takes, {name} does not"
            raise SbkitError(f"{words}; write one, as in def lesson(depth=1).") from error
        named = [p for p in parts if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        first = [p for p in parts if p.kind is p.POSITIONAL_ONLY]
        needed = tuple(p.name for p in [*first, *named] if p.default is MISSING)
        defaults = {p.name: p.default for p in named}
        return cls(lesson, name, defaults, needed, any(p.kind is p.VAR_KEYWORD for p in parts))

    def names(self, given: Iterable[str] = ()) -> list[str]:
        """Names that the lesson takes, or an `SbkitError` on a given name that it does not, with the nearest.

        >>> Signature.of(lambda slabs, depth=2: None).names(["slab"])
        Traceback (most recent call last):
        sbkit.SbkitError: No argument of lesson named 'slab'; there are slabs, depth. Did you mean 'slabs'?
        """
        given, names = list(given), list(self.defaults)
        if self.open:
            for name in given:
                if not name.isidentifier() or iskeyword(name):
                    words = "An argument has a name that Python can write"
                    raise SbkitError(f"{words}, got {name!r}; try 'depth'.")
            names += [name for name in given if name not in names]
        for name in given:
            one_of(f"argument of {self.name}", name, names)
        if needed := [name for name in self.needed if name not in given]:
            raise SbkitError(
                f"Every argument of a lesson has a default or a dial, {self.name} has neither for "
                f"{', '.join(needed)}; give it a default."
            )
        return names


def name_of(lesson: Lesson) -> str:
    """The name of a lesson, or an `SbkitError` if it is not a function."""
    if not callable(lesson):
        raise SbkitError(
            f"A lesson is a function of its dials, got {type(lesson).__name__}; "
            "pass the function itself, as in sb.lab(lesson)."
        )
    name = getattr(lesson, "__name__", "lesson")
    return name if name.isidentifier() else "lesson"


class NotAnewError(SbkitError):
    """A lesson returned a fleet that it did not make."""


def anew(lesson: Lesson, values: Mapping[str, Any]) -> Any:
    """What a lesson returns for these values; the fleet of its run is one that this very call made.

    Raises `NotAnewError` for a fleet that was there before, as an outer variable, a default argument or in
    a cache: its next run would begin with what the last one trained, and two runs would train it at once.

    >>> from sbkit import fit, mlp, slabs
    >>> task = slabs(n=512, n_test=512)
    >>> anew(lambda lr: fit(mlp(task, runs=2), task, lr=lr), {"lr": 0.1}).step
    0
    """
    start = time.perf_counter()
    made = lesson(**values)
    if isinstance(made, Run) and made.fleet.born < start:
        raise NotAnewError(
            "A lesson makes its fleet anew at every call, got one that was there before; make it inside the "
            "lesson, or copy it there: sb.fit(copy.deepcopy(fleet), task)."
        )
    return made
