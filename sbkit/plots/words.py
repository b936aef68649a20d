"""The catalogue of all labels and captions, `words.json`, which Python and the stage share."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

LETTERS = 32  # of a class's name in a legend


@cache
def words() -> dict[str, dict[str, str]]:
    """The whole catalogue: part → name → text, with {places} for values."""
    return json.loads((Path(__file__).parent / "words.json").read_text(encoding="utf-8"))


def class_names(names: Sequence[str]) -> list[str]:
    """The names of classes in captions and legends; a bare number gets the word "class" in front.

    >>> class_names(["1", "cat"])
    ['class 1', 'cat']
    """
    return [say("legends", "class", c=name) if name.lstrip("-").isdigit() else name for name in names]


def short(name: str, letters: int = LETTERS) -> str:
    """A name cut for a legend, a sentence or an axis, on one line.

    >>> short("a" * 100)
    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…'
    """
    name = " ".join(name.split())
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def number(value: float) -> str:
    """A number in words: three significant digits, and a dash for none.

    >>> number(-0.12345), number(float("nan"))
    ('−0.123', '–')
    """
    return f"{value:.3g}".replace("-", "−") if math.isfinite(value) else "–"


def say(part: str, name: str, /, **values: Any) -> str:
    """A text of the catalogue, its places filled.

    >>> say("captions", "over_runs", runs=8)
    'line = mean, band = min–max over 8 runs'
    """
    return words()[part][name].format(**values)
