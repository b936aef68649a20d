"""The names that stand around a lesson, and whether they lead to a value."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from keyword import iskeyword
from typing import Any

from sbkit.training.signature import Lesson

NOTHING = object()


def names_around(lesson: Lesson) -> Mapping[str, Any]:
    """The names that the lesson's own cell or file has."""
    while isinstance(lesson, functools.partial):
        lesson = lesson.func
    lesson = getattr(inspect.unwrap(lesson), "__func__", lesson)
    return getattr(lesson, "__globals__", None) or getattr(type(lesson).__call__, "__globals__", {})


def leads(names: Mapping[str, Any], path: str, value: Any) -> bool:
    """Whether a dotted path from these names ends at this very value."""
    first, *rest = path.split(".")
    found = names.get(first, NOTHING)
    for part in rest:
        found = getattr(found, part, NOTHING)
    return found is value


def writable(name: str) -> bool:
    """Whether Python takes a name that a reader would write."""
    return name.isidentifier() and not iskeyword(name) and not name.startswith("_")
