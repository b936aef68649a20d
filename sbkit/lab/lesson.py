"""What can be told of a lesson from its signature and from what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from sbkit.core import SbkitError
from sbkit.plots import Description
from sbkit.training import Run
from sbkit.training.signature import Lesson as Lesson
from sbkit.training.signature import default_of as default_of
from sbkit.training.signature import name_of as name_of
from sbkit.training.signature import parameters as parameters


def made_by(name: str, made: Any) -> tuple[Run | None, list[Description]]:
    """What a lesson returned, as a run or as descriptions; anything else is an `SbkitError`."""
    if isinstance(made, Run):
        return made, []
    several = list(made) if isinstance(made, list | tuple) else [made]
    if several and all(isinstance(one, Description) for one in several):
        return None, _told_apart(several)
    got = type(made).__name__ if made is not None else "None; does it end with `return`?"
    raise SbkitError(
        f"A lesson returns a run, as sb.fit does, or a description (Field, Lines, Bars), "
        f"or a list of descriptions; {name} returned {got}"
    )


def _told_apart(several: list[Description]) -> list[Description]:
    """The same pictures, each with a name of its own: two `bands` become "bands" and "bands 2"."""
    kept: dict[str, Description] = {}
    for one in several:
        names = (one.name if k == 1 else f"{one.name} {k}" for k in count(1))
        name = next(name for name in names if name not in kept)
        kept[name] = one if name == one.name else replace(one, name=name)
    return list(kept.values())


def acts_at_once(lesson: Lesson, values: Mapping[str, Any], run: Run) -> frozenset[str]:
    """The values that the lesson hands on unchanged as settings of its run; nothing is trained.

    Told by a second call with other values: a setting that follows both times is the dial itself.
    """
    same = [name for name in values if name in run.settings and _equal(run.settings[name], values[name])]
    if not same:
        return frozenset()
    others = dict(values) | {name: values[name] / 2 or 1e-3 for name in same}
    try:
        second = lesson(**others)
        return frozenset(name for name in same if _equal(second.settings.get(name), others[name]))
    except Exception:  # a lesson that refuses the other values does something of its own with them
        return frozenset()


def _equal(setting: Any, value: Any) -> bool:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return number and setting == value


def written(name: str, values: Mapping[str, Any]) -> str:
    """The call of a lesson as text.

    >>> written("lesson", {"slabs": 5, "optimizer": "sgd"})
    "lesson(slabs=5, optimizer='sgd')"
    """
    return f"{name}({', '.join(f'{key}={literal(value)}' for key, value in values.items())})"


def literal(value: Any) -> str:
    """A value as Python text: functions by their name, numbers of numpy as Python's.

    >>> literal([np.float64(0.5), "sgd", len])
    "[0.5, 'sgd', len]"
    """
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    value = value.item() if isinstance(value, np.generic) else value
    return getattr(value, "__name__", None) or repr(value)
