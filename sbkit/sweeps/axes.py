"""The axes of a sweep: lists of values, each once, whose settings share no nets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from torch import Tensor, nn

from sbkit.core import RESULTS, SbkitError, distinct
from sbkit.training import Run
from sbkit.training.signature import MISSING, Signature

Birth = Callable[[dict[str, Any]], range | None]  # a setting → the seeds of its nets, None if it fails


def checked(lesson: Callable[..., Run], axes: Mapping[str, Any]) -> dict[str, list]:
    """The axes as lists, in the order given."""
    if not callable(lesson):
        raise SbkitError(f"A sweep's lesson is a function that returns a run, got {lesson!r}.")
    signature = Signature.of(lesson)
    called, taken = signature.name, signature.names(axes)
    for name in ("jobs", "cache"):
        if name in taken:
            raise SbkitError(f"{name} is an argument of sb.sweep itself; rename that of {called}.")
    lists = {name: _listed(values) for name, values in axes.items()}
    for name, values in axes.items():
        if name in RESULTS and name != "seed":
            raise SbkitError(f"{name!r} is a result of every sweep; rename that argument of {called}.")
        if not lists[name]:
            usual = signature.defaults.get(name, MISSING)
            some = values if np.size(values) else 1 if usual is MISSING else usual
            words = f"An axis is a list of values to try, got {name}={values!r}"
            raise SbkitError(f"{words}; try {name}=[{some!r}].")
        if len(once := distinct(lists[name])) < len(lists[name]):
            words = f"An axis has each value once, or its nets are counted twice, got {name}={lists[name]!r}"
            raise SbkitError(f"{words}; try {name}={once!r}.")
    return lists


def _listed(values: Any) -> list:
    """The values of an axis, read once, numbers of NumPy and torch as Python's; none of a single value."""
    single = isinstance(values, str | bytes | Mapping | nn.Module | Run)
    try:
        each = [] if single else list(values)
    except TypeError:
        return []
    numbers = np.number | np.bool_ | Tensor
    return [value.item() if isinstance(value, numbers) and value.ndim == 0 else value for value in each]


def check_seeds(axes: Mapping[str, Sequence[Any]], born: Birth) -> None:
    """Refuse seeds so close that settings share nets: run r of a fleet with seed s has the seed s + r.

    Seeds that do not reach the nets, but the data or the minibatches alone, may lie as close as they like.
    Few settings are tried: every seed beside one value of each other axis, and one beside every value.
    """
    for name in [name for name, values in axes.items() if "seed" in name and len(values) > 1]:
        seeds, first = axes[name], {other: values[0] for other, values in axes.items() if other != name}
        helds = [first, *(first | {other: value} for other in first for value in axes[other][1:])]
        rows = ({k: born(held | {name: seed}) for k, seed in enumerate(seeds)} for held in helds)
        row = next((row for row in rows if any(row.values())), {})  # of the first that does not fail
        starts = sorted((nets.start, k) for k, nets in row.items() if nets)
        if not starts:
            continue
        once = {name: seeds[starts[0][1]]}
        runs = max(len(nets) for held in helds if (nets := born(held | once)))
        for (one, k), (other, n) in pairwise(starts):
            if 0 < other - one < runs:
                _refuse_seeds(name, seeds, {repr(seeds[k]): one, repr(seeds[n]): other}, runs)


def _refuse_seeds(name: str, values: Sequence[Any], close: Mapping[str, int], runs: int) -> None:
    """Say which seeds share nets, by the first seed of each one's nets, and which would not."""
    nets = [f"{name}={seed} (nets {start} to {start + runs - 1})" for seed, start in close.items()]
    numbers = all(isinstance(value, int) for value in values)
    fix = f"{name}={[values[0] + runs * n for n in range(len(values))]}" if numbers else "others"
    raise SbkitError(
        f"The {runs} runs of a fleet have seeds in a row, so that {' and '.join(nets)} share nets, "
        f"which would be counted twice; try {fix}."
    )
