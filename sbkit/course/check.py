"""The exercises of all lessons by name: `sb.check.<name>(answer)` finds the one and gives its verdict."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import Any

from sbkit.core import SbkitError, one_of
from sbkit.course.exercise import Exercise

LESSONS = "sbkit.lessons"  # by name, when first asked for: no module of the kit imports a lesson


@functools.cache
def _exercises() -> dict[str, Exercise]:
    """Every exercise of every lesson, by its name."""
    folder = importlib.import_module(LESSONS)
    names = [found.name for found in pkgutil.walk_packages(folder.__path__, f"{LESSONS}.")]
    files = [vars(importlib.import_module(name)) for name in names]
    return {name: kept for file in files for name, kept in file.items() if isinstance(kept, Exercise)}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        return _exercises()[one_of("exercise", name, _exercises())]
    except SbkitError as error:
        raise AttributeError(str(error)) from error


def __dir__() -> list[str]:
    return sorted(_exercises())
