"""What can be told of a lesson from its signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from keyword import iskeyword
from typing import Any

from sbkit.core import SbkitError, one_of

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
    called, given, kinds = name_of(lesson), list(given), _kinds(lesson)
    named = [p for p in kinds.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    names = [p.name for p in named]
    if takes_any(lesson):
        for name in given:
            if not name.isidentifier() or iskeyword(name):
                raise SbkitError(f"An argument has a name that Python can write, got {name!r}; try 'depth'.")
        names += [name for name in given if name not in names]
    for name in given:
        one_of(f"argument of {called}", name, names)
    positional = [p for p in kinds.values() if p.kind is p.POSITIONAL_ONLY]
    needed = [p.name for p in [*positional, *named] if p.default is p.empty and p.name not in given]
    if needed:
        words = f"Every argument of a lesson has a default or a dial, {called} has neither for"
        raise SbkitError(f"{words} {', '.join(needed)}; give it a default.")
    return names


def takes_any(lesson: Lesson) -> bool:
    """Whether a lesson takes arguments of any name, by **."""
    return any(p.kind is p.VAR_KEYWORD for p in _kinds(lesson).values())


def default_of(lesson: Lesson, name: str, missing: Any = None) -> Any:
    """The lesson's own default of an argument, `missing` where it has none."""
    found = _kinds(lesson).get(name)
    return missing if found is None or found.default is found.empty else found.default


def _kinds(lesson: Lesson) -> dict[str, inspect.Parameter]:
    """The arguments of a lesson as they are written, or an `SbkitError` of one built into Python."""
    try:
        return dict(inspect.signature(lesson).parameters)
    except ValueError as error:
        words = f"A lesson is a function that says what it takes, {name_of(lesson)} does not"
        raise SbkitError(f"{words}; write one, as in def lesson(depth=1).") from error
