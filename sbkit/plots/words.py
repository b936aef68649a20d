"""The catalogue: every label and caption of the panel stands in `words.json`, here and in the stage."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def words() -> dict[str, dict[str, str]]:
    """The whole catalogue: part → name → text, with {places} for values."""
    return json.loads((Path(__file__).parent / "words.json").read_text(encoding="utf-8"))


def say(part: str, name: str, /, **values: Any) -> str:
    """A text of the catalogue, its places filled.

    >>> say("captions", "over_runs", runs=8)
    'line = mean, band = min–max over 8 runs'
    """
    return words()[part][name].format(**values)
