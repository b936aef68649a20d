"""Lessons: what can be told of one from its signature, and its call."""

import inspect
import time
from collections.abc import Callable, Iterable, Mapping
from keyword import iskeyword
from typing import Any

from sbkit.core import SbkitError, one_of
from sbkit.training.run import Run

Lesson = Callable[..., Any]  # dials → a run, a description, or several


def name_of(lesson: Lesson) -> str:
    """The name of a lesson, or an `SbkitError` if it is not a function."""
    if not callable(lesson):
        words = f"A lesson is a function of its dials, got {type(lesson).__name__}"
        raise SbkitError(f"{words}; pass the function itself, as in sb.lab(lesson).")
    name = getattr(lesson, "__name__", "lesson")
    return name if name.isidentifier() else "lesson"


def parameters(lesson: Lesson, given: Iterable[str] = ()) -> list[str]:
    """Names that a lesson takes, or an `SbkitError` on a given name that it does not, with the nearest.

    >>> parameters(lambda slabs, depth=2: None, ["slab"])
    Traceback (most recent call last):
    sbkit.SbkitError: No argument of lesson named 'slab'; there are slabs, depth. Did you mean 'slabs'?
    """
    called, given, taken = name_of(lesson), list(given), _taken(lesson).values()
    plain = [p for p in taken if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    names = [p.name for p in plain if p.kind is not p.POSITIONAL_ONLY]
    if takes_any(lesson):
        for name in given:
            if not name.isidentifier() or iskeyword(name):
                raise SbkitError(f"An argument has a name that Python can write, got {name!r}; try 'depth'.")
        names += [name for name in given if name not in names]
    for name in given:
        one_of(f"argument of {called}", name, names)
    if needed := [p.name for p in plain if p.default is p.empty and p.name not in given]:
        words = f"Every argument of a lesson has a default or a dial, {called} has neither for"
        raise SbkitError(f"{words} {', '.join(needed)}; give it a default.")
    return names


def takes_any(lesson: Lesson) -> bool:
    """Whether a lesson takes arguments of any name, by **."""
    return any(p.kind is p.VAR_KEYWORD for p in _taken(lesson).values())


def default_of(lesson: Lesson, name: str, missing: Any = None) -> Any:
    """The lesson's own default of an argument, `missing` where it has none."""
    found = _taken(lesson).get(name)
    return missing if found is None or found.default is found.empty else found.default


def _taken(lesson: Lesson) -> dict[str, inspect.Parameter]:
    """The arguments of a lesson as they are written, or an `SbkitError` of one built into Python."""
    try:
        return dict(inspect.signature(lesson).parameters)
    except ValueError as error:
        words = f"A lesson is a function that says what it takes, {name_of(lesson)} does not"
        raise SbkitError(f"{words}; write one, as in def lesson(depth=1).") from error


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
