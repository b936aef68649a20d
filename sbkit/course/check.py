"""The exercises of all lessons by name: `sb.check.<name>(answer)` finds the one and gives its verdict."""

from __future__ import annotations

import functools
import importlib
import re
from pathlib import Path

from sbkit.core import SbkitError, one_of
from sbkit.course.exercise import Exercise

PACKAGE = Path(__file__).parents[1]
WRITTEN = re.compile(r"^(\w+) = exercise\(", re.MULTILINE)


@functools.cache
def _modules() -> dict[str, str]:
    """The lesson that every exercise is written in, by the exercise's name; nothing is imported for that."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted((PACKAGE / "lessons").rglob("*.py"))}
    names = {path: ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in texts}
    return {name: names[path] for path, text in texts.items() for name in WRITTEN.findall(text)}


def __getattr__(name: str) -> Exercise:
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        module = _modules()[one_of("exercise", name, _modules())]
    except SbkitError as error:
        raise AttributeError(str(error)) from error
    return getattr(importlib.import_module(module), name)


def __dir__() -> list[str]:
    return sorted(_modules())
