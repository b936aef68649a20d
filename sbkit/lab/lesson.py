"""What a lesson returned, which of its numbers act at once, and names for the values it takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import Enum
from functools import partial
from itertools import count
from typing import Any

import numpy as np

from sbkit.core import SbkitError
from sbkit.optimizers.settings import LIVE
from sbkit.plots import Description
from sbkit.training import Run

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # of an object, another one in every kernel


def made_by(name: str, made: Any) -> tuple[Run | None, list[Description]]:
    """What a lesson returned, as a run or as descriptions; anything else is an `SbkitError`."""
    if isinstance(made, Run):
        return made, []
    several = list(made) if isinstance(made, list | tuple) else [made]
    if several and all(isinstance(one, Description) for one in several):
        named = zip(told_apart(one.name for one in several), several, strict=True)  # "bands" and "bands 2"
        return None, [one if one.name == name else replace(one, name=name) for name, one in named]
    got = type(made).__name__ if made is not None else "None; does it end with `return`?"
    raise SbkitError(
        f"A lesson returns a run, as sb.fit does, or a description (Field, Lines, Bars), "
        f"or a list of descriptions; {name} returned {got}"
    )


class Count(int):
    """A whole number that can be told from every equal one."""


def marked(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same values; numbers that may be settings of a run are new objects, equal to what they were.

    So that `acts_at_once` knows them again: what a lesson hands on unchanged is the very object.
    """
    return {name: _twin(v) if name in LIVE and number(v) else v for name, v in values.items()}


def number(value: Any) -> bool:
    """Whether a value is a number, NumPy's too, and no truth value."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _twin(value: Any) -> Any:
    """A number that is equal and another object."""
    return Count(value) if isinstance(value, int) else value * type(value)(1)


def acts_at_once(handed: Mapping[str, Any], run: Run) -> frozenset[str]:
    """The `marked` numbers that a lesson handed on unchanged, as settings of its run of the same name."""
    live = (name for name in handed if name in run.settings and number(handed[name]))
    return frozenset(name for name in live if run.given.get(name) is handed[name])


def label(value: Any) -> str:
    """A value as a reader meets it in a list: texts as they are, functions by their name, no addresses.

    >>> label(np.float64(0.5)), label(len), label(lambda: 0), label([len, object()])
    ('0.5', 'len', '<lambda>', '[<built-in function len>, <object object>]')
    """
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, str):
        return value
    if isinstance(value, partial):
        named = [f"{name}={label(part)}" for name, part in value.keywords.items()]
        return f"partial({', '.join([*map(label, (value.func, *value.args)), *named])})"
    value = value.item() if isinstance(value, np.generic) else value
    name = getattr(value, "__name__", None)
    text = name if isinstance(name, str) else " ".join(ADDRESS.sub("", str(value)).split())
    return text if len(text) <= 60 else text[:59] + "…"


def labels(values: Iterable[Any]) -> list[str]:
    """A label for each of several values, all different.

    >>> labels([1, True, 1.0, "1", len, len])
    ['1', 'True', '1.0', "'1'", 'len', 'len 2']
    """
    values = list(values)
    texts = [label(value) for value in values]
    mixed = not all(isinstance(value, str) for value in values)
    quoted = [mixed and type(value) is str and texts.count(value) > 1 for value in values]
    return told_apart(repr(v) if q else t for v, t, q in zip(values, texts, quoted, strict=True))


def told_apart(names: Iterable[str]) -> list[str]:
    """The same names, each once: a second "a" becomes "a 2"."""
    kept: list[str] = []
    for one in names:
        names = (one if k == 1 else f"{one} {k}" for k in count(1))
        kept.append(next(name for name in names if name not in kept))
    return kept
