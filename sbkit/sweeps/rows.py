"""What a sweep tells of a run: one row of its table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor

from sbkit.core import RESULTS, SbkitError, Snapshot
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
    if both := sorted(set(setting) & set(run.plan.measure)):
        raise SbkitError(f"A column is an axis or a measure, got {both[0]!r} as both; rename one of them.")
    names = [*setting, *run.plan.measure]
    if any(other != name and other.startswith(name) for name in run.plan.measure for other in names):
        row(
            run.snapshot(glance=True), 0, run.fleet.seed, setting
        )  # a list of vectors tells its name and a number
    return run


def failed(error: Exception) -> dict[str, Any]:
    """The one row of a setting that failed."""
    return dict.fromkeys(RESULTS, math.nan) | {"state": "failed", "error": words(error)}


def words(error: Exception) -> str:
    """Kind and first line of an error."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def row(snapshot: Snapshot, r: int, seed: int, axes: Iterable[str] = ()) -> dict[str, Any]:
    """The results of run r, whose net has this seed: `RESULTS`, then what was measured."""
    numbers = {name: float(getattr(snapshot, name)[r]) for name in ("loss", "accuracy", "test_accuracy")}
    about = {"step": snapshot.step, "epoch": snapshot.epoch, "state": snapshot.state[r], "error": ""}
    told = {"run": r, "seed": seed, "net_seed": seed} | about | numbers
    for name, value in snapshot.values.items():
        columns = _columns(name, value, r, snapshot)
        if both := sorted(set(columns) & {*told, *axes}):
            words = f"A column has one name, got {both[0]!r} from the measure {name!r} and from another"
            raise SbkitError(f"{words}; rename one of them.")
        told |= columns
    return told


def _columns(name: str, value: Any, r: int, snapshot: Snapshot) -> dict[str, Any]:
    """A measured value of run r as columns: a number, a vector by name or position, or one array."""
    if isinstance(value, list | Mapping):
        parts = (
            [(f"{name}{i}", v) for i, v in enumerate(value)]
            if isinstance(value, list)
            else [(f"{name}[{key}]", v) for key, v in value.items()]
        )
        return {k: v for part, of in parts for k, v in _columns(part, of, r, snapshot).items()}
    own = value[r] if isinstance(value, Tensor) else value
    if not isinstance(own, Tensor) or own.ndim == 0:
        return {name: float(own)}
    if own.ndim > 1 or len(own) > LARGEST:
        return {name: own.numpy()}
    features = dict.fromkeys(("reliance", "alone", "conflict"), list(snapshot.sample.features))
    keys = (features | {"kinds": list(snapshot.sample.kinds)}).get(snapshot.measures.get(name, name))
    return {f"{name}[{key}]": float(v) for key, v in zip(keys or range(len(own)), own, strict=True)}
