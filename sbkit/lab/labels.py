"""Names for the values that a lesson takes, as a reader meets them in lists and links."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from functools import partial
from itertools import count
from typing import Any

import numpy as np

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # of an object, another one in every kernel


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
    """The same names, made different where they are not: a second "a" becomes "a 2"."""
    kept: list[str] = []
    for one in names:
        names = (one if k == 1 else f"{one} {k}" for k in count(1))
        kept.append(next(name for name in names if name not in kept))
    return kept
