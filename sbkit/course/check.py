"""The exercises of all lessons by name: `sb.check.<name>(answer)` finds the one and gives its verdict."""

from __future__ import annotations

import functools
import importlib
import math
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from sbkit.core import SbkitError, one_of
from sbkit.course.claims import bounds
from sbkit.course.exercise import Exercise, Verdict

PACKAGE = Path(__file__).parents[1]
WRITTEN = re.compile(r"^(\w+) = exercise\(", re.MULTILINE)
SEEDS = 5
UNSEEN = range(10**6, 10**8)  # no lesson uses such a seed


def study(measure: Callable[[int], Any], within: tuple[float | None, float | None]) -> Verdict:
    """Whether a forecast of yours holds at five seeds that nobody has seen.

    measure: seed → numbers, one a network, each at least once. within: (low, high), None for no bound, where
    you expect every number, written down before you run it: for a claim one may not choose one's seeds, nor
    one's bounds afterwards. The seeds are drawn by the machine at each call, so a second call is a new study.

    >>> study(lambda seed: seed % 7 + torch.zeros(8), within=(0, 6)).right
    True
    """
    if measure is ... or within is ...:
        return Verdict(False, "No answer yet: put your function of seed and your range in place of the dots.")
    seeds = random.SystemRandom().sample(UNSEEN, SEEDS)
    asked = Exercise("seed", want=None, right="")
    try:
        low, high = bounds(within)
        each = asked.answers(measure, [(seed,) for seed in seeds], "Numbers, one a network, are expected")
    except SbkitError as why:
        return Verdict(False, str(why))
    found = torch.cat([part.flatten() for part in each])
    if not low <= high or (low == -math.inf and high == math.inf):
        return Verdict(False, f"A forecast can be wrong, its lower bound first; got {within}, try (0, 0.5).")
    lie = int(((found >= low) & (found <= high)).sum())  # NaN never does
    told = f"You expected {low:g} to {high:g}. At {SEEDS} new seeds {lie} of {len(found)} numbers lie there"
    told = f"{told}; they go from {found.min():.3g} to {found.max():.3g}."
    more = (
        "It holds."
        if lie == len(found)
        else "It doesn't hold: leave the range, and say what you had assumed."
    )
    return Verdict(lie == len(found), f"{told} {more}")


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
