"""Columns by their names and places, before anything is loaded that reads tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from sbkit.core import SbkitError, one_of


def place(column: Any, names: list[str]) -> int:
    """Place of a column among `names`, by its label or its place, from the end if negative; others raise."""
    if not isinstance(column, int | np.integer) or isinstance(column, bool) or str(column) in names:
        return names.index(one_of("column", str(column), names))
    if not -len(names) <= column < len(names):
        rule = f"Columns are counted from 0 to {len(names) - 1}, or from −1 to −{len(names)} backwards"
        raise SbkitError(f"{rule}, got {column}; there are {some(names, str)}.")
    return int(column) % len(names)


def some(names: Iterable[Any], shown: Callable[[Any], str] = repr) -> str:
    """The first few of many, as `shown`."""
    names = [shown(name) for name in names]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def numbered(names: Sequence[str]) -> Iterator[str]:
    """The names in their order, those that return numbered from 1."""
    repeats, seen = Counter(names), Counter()
    for name in names:
        seen[name] += 1
        yield f"{name}_{seen[name]}" if repeats[name] > 1 else name
