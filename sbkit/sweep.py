"""Grids of lessons → one tidy table."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from sbkit.core import SbkitError, Snapshot, one_of
from sbkit.training import Run, last

if TYPE_CHECKING:
    import pandas

LARGEST = 64  # numbers of a measured value that become columns; larger ones stay arrays


def sweep(lesson: Callable[..., Run], **axes: Any) -> pandas.DataFrame:
    """One row for each setting and run at the end of training: settings, step, loss, accuracies, measures.

    axes: values to try, by the name of the lesson's argument; all combinations are trained, the seeds
    of each as one fleet. Columns: the settings, run, seed, step, epoch, state, loss, accuracy,
    test_accuracy, then the measured values: "reliance[linear]" for vectors, an array for larger ones.
    Spreads over workers where `joblib.parallel_config` says so. Raises `SbkitError`, before any
    training, on a name that the lesson does not take or an empty axis.

    >>> from sbkit import fit, mlp, slabs
    >>> def lesson(depth=1, seed=0):
    ...     task = slabs(n=512, n_test=512)
    ...     return fit(mlp(task, depth=depth, width=8, runs=2, seed=seed), task, steps=50)
    >>> sweep(lesson, depth=[0, 1])[["depth", "run", "step"]].values.tolist()
    [[0, 0, 50], [0, 1, 50], [1, 0, 50], [1, 1, 50]]
    """
    import joblib
    import pandas
    from sklearn.model_selection import ParameterGrid
    from tqdm.auto import tqdm

    grid = list(ParameterGrid(checked(lesson, axes)))
    quiet = len(grid) < 2 or "SBKIT_HEADLESS" in os.environ
    work = (joblib.delayed(_rows)(lesson, setting) for setting in grid)
    tables: Any = joblib.Parallel(return_as="generator")(work)
    bar = tqdm(tables, total=len(grid), desc="sweep", unit="setting", disable=quiet, leave=False)
    return pandas.DataFrame([row for table in bar for row in table])


def checked(lesson: Callable[..., Run], axes: Mapping[str, Any]) -> dict[str, list]:
    """The axes as lists, in the order given."""
    for name, values in axes.items():
        one_of(f"argument of {lesson.__name__}", name, inspect.signature(lesson).parameters)
        if isinstance(values, str) or not hasattr(values, "__iter__") or not list(values):
            raise SbkitError(
                f"An axis is a list of values to try, got {name}={values!r}; try {name}=[{values!r}]."
            )
    return {name: list(values) for name, values in axes.items()}


def first_row(lesson: Callable[..., Run], setting: Mapping[str, Any]) -> dict[str, Any]:
    """What a sweep would tell of run 0 of a setting, before it is trained: its columns."""
    run = _run(lesson, setting)
    return {**setting, **_row(run.snapshot(glance=True), 0, run.fleet.seed)}


def _run(lesson: Callable[..., Run], setting: Mapping[str, Any]) -> Run:
    run = lesson(**setting)
    if not isinstance(run, Run):
        raise SbkitError(f"A sweep's lesson returns a run, got {type(run).__name__}; return sb.fit(...).")
    return run


def _rows(lesson: Callable[..., Run], setting: dict[str, Any]) -> list[dict[str, Any]]:
    """Train one setting and tell of its runs."""
    run = _run(lesson, setting)
    snapshot = last(run)
    return [setting | _row(snapshot, r, run.fleet.seed + r) for r in range(run.fleet.runs)]


def _row(snapshot: Snapshot, r: int, seed: int) -> dict[str, Any]:
    row = {"run": r, "seed": seed, "step": snapshot.step, "epoch": snapshot.epoch, "state": snapshot.state[r]}
    for name in ("loss", "accuracy", "test_accuracy"):
        row[name] = float(getattr(snapshot, name)[r])
    for name, value in snapshot.values.items():
        row |= _columns(name, value, r, snapshot)
    return row


def _columns(name: str, value: Any, r: int, snapshot: Snapshot) -> dict[str, Any]:
    """A measured value of run r as columns: a number, a vector by name or position, or one array."""
    if isinstance(value, list):
        return {
            k: v for i, part in enumerate(value) for k, v in _columns(f"{name}{i}", part, r, snapshot).items()
        }
    own = value[r] if isinstance(value, Tensor) else value
    if not isinstance(own, Tensor) or own.ndim == 0:
        return {name: float(own)}
    if own.ndim > 1 or len(own) > LARGEST:
        return {name: own.numpy()}
    features = dict.fromkeys(("reliance", "alone", "conflict"), list(snapshot.sample.features))
    keys = features | {"kinds": list(snapshot.sample.kinds)}
    return {f"{name}[{key}]": float(v) for key, v in zip(keys.get(name, range(len(own))), own, strict=True)}
