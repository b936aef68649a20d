"""Grids of lessons → one tidy table."""

from __future__ import annotations

import inspect
import math
import os
import pickle
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from numbers import Integral
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sbkit.cache import Cache, registered
from sbkit.core import SbkitError, Snapshot, datasets, measures, one_of, optimizers, threads
from sbkit.training import NotAnewError, Run, anew, last

if TYPE_CHECKING:
    import pandas

LARGEST = 64  # numbers of a measured value that become columns; larger ones stay arrays
RESULTS = ("run", "seed", "step", "epoch", "state", "error", "loss", "accuracy", "test_accuracy")
KINDS = {registry.kind: registry for registry in (datasets, measures, optimizers)}


def sweep(
    lesson: Callable[..., Run],
    *,
    jobs: int | None = None,
    cache: str | os.PathLike[str] | None = None,
    **axes: Any,
) -> pandas.DataFrame:
    """One row for each setting and run at the end of training: settings, step, loss, accuracies, measures.

    axes: values to try, by the name of the lesson's argument; all combinations are trained, the seeds
    of each as one fleet. Columns: the settings, run, seed, step, epoch, state, error, loss, accuracy,
    test_accuracy, then the measured values: "reliance[linear]" for vectors, an array for larger ones.
    A setting that fails is one row, its `state` "failed" and its `error` a sentence ("" elsewhere).

    jobs: settings trained at once, in processes of one thread each, -1 for one a core; by default as
    `joblib.parallel_config` says, else one. A process takes seconds to start.
    cache: a folder that keeps the rows of each finished setting; the same call goes on where it was
    interrupted. A setting is trained again when anything that made its rows has changed: its values, the
    code of the lesson and of all functions of yours that it names, the values these use, what you have
    registered, sbkit or torch; files that a lesson reads are not looked into.

    Raises `SbkitError`, before any training, on a name that the lesson does not take or an empty axis.

    >>> from sbkit import fit, mlp, slabs
    >>> def lesson(depth=1, seed=0):
    ...     task = slabs(n=512, n_test=512)
    ...     return fit(mlp(task, depth=depth, width=8, runs=2, seed=seed), task, steps=50)
    >>> sweep(lesson, depth=[0, 1])[["depth", "run", "step"]].values.tolist()
    [[0, 0, 50], [0, 1, 50], [1, 0, 50], [1, 1, 50]]
    """
    import pandas
    from sklearn.model_selection import ParameterGrid

    grid = list(ParameterGrid(checked(lesson, axes)))
    if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, Integral) or jobs == 0):
        raise SbkitError(f"jobs is a number of processes, or -1 for one a core, got {jobs!r}; try 2.")
    store = None if cache is None else Cache(cache, lesson)
    found = [store.get(setting) if store else None for setting in grid]
    tables = {place: rows for place, rows in enumerate(found) if rows}
    refused: list[NotAnewError] = []
    try:
        with _bar(len(grid), len(tables)) as bar, threads(torch.get_num_threads()):  # workers may be threads
            left = {place: setting for place, setting in enumerate(grid) if place not in tables}
            for place, rows in _spread(lesson, left, jobs if jobs is None else int(jobs)):
                if isinstance(rows, NotAnewError):
                    refused.append(rows)
                    continue
                tables[place] = rows
                if store and not rows[0]["error"]:
                    store.put(grid[place], rows)
                bar.update()
    except KeyboardInterrupt as interrupt:
        kept = f"kept in {store.folder}: the same call goes on from there" if store else "lost: name a cache"
        interrupt.add_note(f"{len(tables)} of {len(grid)} settings were finished and are {kept}.")
        raise
    if refused:
        raise refused[0]
    _tell_failures(lesson, [(setting, tables[place][0]["error"]) for place, setting in enumerate(grid)])
    return pandas.DataFrame([setting | row for place, setting in enumerate(grid) for row in tables[place]])


def checked(lesson: Callable[..., Run], axes: Mapping[str, Any]) -> dict[str, list]:
    """The axes as lists, in the order given."""
    if not callable(lesson):
        raise SbkitError(f"A sweep's lesson is a function that returns a run, got {lesson!r}.")
    called, taken = _called(lesson), inspect.signature(lesson).parameters
    for name in ("jobs", "cache"):
        if name in taken:
            raise SbkitError(f"{name} is an argument of sb.sweep itself; rename that of {called}.")
    lists = {name: _listed(values) for name, values in axes.items()}
    for name, values in axes.items():
        one_of(f"argument of {called}", name, taken)
        if name in RESULTS and name != "seed":
            raise SbkitError(f"{name!r} is a result of every sweep; rename that argument of {called}.")
        if not lists[name]:
            raise SbkitError(
                f"An axis is a list of values to try, got {name}={values!r}; try {name}=[{values!r}]."
            )
    return lists


def _listed(values: Any) -> list:
    """The values of an axis, read once; none of what is a single value."""
    try:
        each = iter(() if isinstance(values, str) else values)
    except TypeError:
        return []
    return list(each)


def _called(lesson: Callable[..., Run]) -> str:
    return getattr(lesson, "__name__", "lesson")


def _bar(settings: int, found: int) -> Any:
    """How far a sweep is, with the time left."""
    from tqdm.auto import tqdm

    quiet = settings < 2 or "SBKIT_HEADLESS" in os.environ
    about = {"desc": "sweep", "unit": "setting", "postfix": f"{found} from the cache" if found else None}
    return tqdm(total=settings, initial=found, disable=quiet, leave=False, **about)


def _tell_failures(lesson: Callable[..., Run], errors: list[tuple[dict[str, Any], str]]) -> None:
    failed = [(setting, error) for setting, error in errors if error]
    if failed:
        setting, error = failed[0]
        call = f"{_called(lesson)}({', '.join(f'{name}={value!r}' for name, value in setting.items())})"
        words = f"{len(failed)} of {len(errors)} settings failed, see the column error"
        warnings.warn(f"{words}; the first was {call}: {error}", stacklevel=3)


def _spread(
    lesson: Callable[..., Run], left: Mapping[int, dict[str, Any]], jobs: Any
) -> Iterator[tuple[int, list[dict[str, Any]] | NotAnewError]]:
    """Place and rows of every setting as it finishes, trained where joblib has its workers.

    Where a process dies, the settings that it may have had run again one at a time: one that ends its
    process then, alone, has failed. (A Dask cluster replaces its workers itself.)
    """
    import joblib

    workers, own = joblib.effective_n_jobs(jobs) if left else 1, registered()
    if workers > 1 and not getattr(joblib.parallel.get_active_backend()[0], "supports_sharedmem", False):
        _check_sendable(lesson, own, left)
    shared = own, torch.get_default_dtype(), workers > 1
    work = {place: joblib.delayed(_rows)(place, lesson, left[place], *shared) for place in left}
    suspects = None
    while work:
        options: Any = {"batch_size": 1, "pre_dispatch": 1 if suspects else "2*n_jobs"}
        spread: Any = joblib.Parallel(jobs, return_as="generator_unordered", **options)
        try:
            for place, rows in spread(list(work.values())[:suspects]):
                del work[place]
                yield place, rows
            suspects = None
        except Exception as error:  # of joblib or a worker: a lesson's own are rows
            if suspects:
                place = next(iter(work))
                del work[place]
                yield place, [_failed(left[place], error)]
            else:
                words = f"{_words(error)} What it had runs again, one setting at a time."
                warnings.warn(f"A worker stopped: {words}", stacklevel=3)
            suspects = 2 * workers


def _check_sendable(*things: Any) -> None:
    from joblib import wrap_non_picklable_objects

    try:
        pickle.dumps(wrap_non_picklable_objects(things))
    except Exception as error:
        words = f"A lesson in other processes is sent there with all that it uses, and could not: {error}"
        raise SbkitError(f"{words}; make that inside the lesson, or train it here, with jobs=1.") from error


def first_row(lesson: Callable[..., Run], setting: Mapping[str, Any]) -> dict[str, Any]:
    """What a sweep would tell of run 0 of a setting, before it is trained: its columns."""
    run = _run(lesson, setting)
    return {**setting, **_row(run.snapshot(glance=True), 0, run.fleet.seed)}


def _run(lesson: Callable[..., Run], setting: Mapping[str, Any]) -> Run:
    run = anew(lesson, setting)
    if not isinstance(run, Run):
        raise SbkitError(f"A sweep's lesson returns a run, got {type(run).__name__}; return sb.fit(...).")
    if both := sorted(set(setting) & set(run.plan.measure)):
        raise SbkitError(f"A column is an axis or a measure, got {both[0]!r} as both; rename one of them.")
    return run


def _rows(
    place: int,
    lesson: Callable[..., Run],
    setting: dict[str, Any],
    own: Iterable[Any],
    dtype: torch.dtype,
    crowded: bool,
) -> tuple[int, list[dict[str, Any]] | NotAnewError]:
    """Train one setting, perhaps in another process, and tell of its runs."""
    torch.set_default_dtype(dtype)
    for kind, name, function, about in own:
        KINDS[kind](name, **about)(function)
    try:
        with threads(1 if crowded else torch.get_num_threads()):
            run = _run(lesson, setting)
            snapshot = last(run)
        return place, [_row(snapshot, r, run.fleet.seed + r) for r in range(run.fleet.runs)]
    except NotAnewError as error:  # a fault of the lesson at every setting
        return place, error
    except Exception as error:
        return place, [_failed(setting, error)]


def _failed(setting: Mapping[str, Any], error: Exception) -> dict[str, Any]:
    """The one row of a setting that failed."""
    seed = setting.get("seed", math.nan)
    return dict.fromkeys(RESULTS, math.nan) | {"seed": seed, "state": "failed", "error": _words(error)}


def _words(error: Exception) -> str:
    """Kind and first line of an error."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def _row(snapshot: Snapshot, r: int, seed: int) -> dict[str, Any]:
    row = {"run": r, "seed": seed, "step": snapshot.step, "epoch": snapshot.epoch, "state": snapshot.state[r]}
    row["error"] = ""
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
