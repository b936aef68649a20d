"""What a sweep tells of a run: one row of its table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from sbkit.core import RESULTS, SbkitError, Snapshot
from sbkit.core.registries import measure
from sbkit.training import Run, anew

LARGEST = 64  # numbers of a measured value that become columns; larger ones stay arrays


def first_row(lesson: Callable[..., Run], setting: Mapping[str, Any]) -> dict[str, Any]:
    """What a sweep would tell of run 0 of a setting, before it is trained: its columns."""
    run = run_of(lesson, setting)
    return {**setting, **row(run.snapshot(glance=True), 0, run.fleet.seed)}


def run_of(lesson: Callable[..., Run], setting: Mapping[str, Any]) -> Run:
    """The run of a setting, refused if two of its columns would have one name."""
    run = anew(lesson, setting)
    if not isinstance(run, Run):
        raise SbkitError(f"A sweep's lesson returns a run, got {type(run).__name__}; return sb.fit(...).")
    names = [*setting, *run.plan.measure]
    if any(sum(other.startswith(name) for other in names) > 1 for name in run.plan.measure):
        row(run.snapshot(glance=True), 0, run.fleet.seed, setting)  # norm may tell norm0, norm1, …
    return run


def failed(error: Exception) -> dict[str, Any]:
    """The one row of a setting that failed."""
    return dict.fromkeys(RESULTS, math.nan) | {"state": "failed", "error": words(error)}


def words(error: Exception) -> str:
    """Type and first line of an error."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def row(snapshot: Snapshot, r: int, seed: int, axes: Iterable[str] = ()) -> dict[str, Any]:
    """The results of run r, whose net has this seed: `RESULTS`, then what was measured."""
    scores = ("loss", "accuracy", "test_accuracy", "test_loss")
    numbers = {name: float(getattr(snapshot, name)[r]) for name in scores}
    about = {"step": snapshot.step, "epoch": snapshot.epoch, "state": snapshot.state[r], "error": ""}
    told = {"run": r, "seed": seed, "net_seed": seed} | about | numbers
    for name, value in snapshot.values.items():
        columns = dict(_columns(name, value, r, snapshot))
        if both := sorted(set(columns) & {*told, *axes}):
            words = f"A column has one name, got {both[0]!r} from the measure {name!r} and from another"
            raise SbkitError(f"{words} or an axis; rename one of them.")
        told |= columns
    return told


def _columns(name: str, value: Any, r: int, snapshot: Snapshot) -> Iterator[tuple[str, Any]]:
    """A measured value of run r as columns: a number, a vector by name or position, or one array."""
    if isinstance(value, list):
        value = {f"{name}{i}": part for i, part in enumerate(value)}
    elif isinstance(value, Mapping):
        value = {f"{name}[{key}]": part for key, part in value.items()}
    if isinstance(value, dict):
        for part, of in value.items():
            yield from _columns(part, of, r, snapshot)
        return
    own = torch.as_tensor(value[r] if isinstance(value, Tensor) else value)
    if own.ndim == 0:
        yield name, float(own)
    elif own.ndim > 1 or len(own) > LARGEST:
        yield name, own.numpy()
    else:
        parts = measure.about[snapshot.measures.get(name, name)].parts
        keys = list(getattr(snapshot.sample, parts)) if parts else range(len(own))
        yield from ((f"{name}[{key}]", float(v)) for key, v in zip(keys, own, strict=True))
