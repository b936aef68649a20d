"""The settings of a sweep, trained in joblib's workers."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Iterator, Mapping
from numbers import Integral
from typing import Any

import joblib
import torch

from sbkit.core import SbkitError, registries, threads
from sbkit.sweeps.rows import failed, row, run_of, words
from sbkit.sweeps.store import Row, registered
from sbkit.training import NotAnewError, Run, last

Shared = tuple[list[Any], torch.dtype, bool]  # what is registered, the float type, whether others train too


def spread(
    lesson: Callable[..., Run], left: Mapping[int, dict[str, Any]], jobs: Any, at_once: int
) -> Iterator[tuple[int, list[Row]]]:
    """Place and rows of every setting as it finishes, trained where joblib has its workers.

    at_once: how many are trained at the same time. Where a process dies, the settings that it may have had
    run again one at a time: one that ends its process then, alone, has failed. (A Dask cluster replaces its
    workers itself.)
    """
    own = registered()
    backend, _ = joblib.parallel.get_active_backend()
    if at_once > 1 and not getattr(backend, "supports_sharedmem", False):
        _check_sendable(lesson, own, left)
    shared = own, torch.get_default_dtype(), at_once > 1
    work = {place: joblib.delayed(_rows)(place, lesson, left[place], shared) for place in left}
    suspects = None
    while work:
        options: Any = {"batch_size": 1, "pre_dispatch": 1 if suspects else "2*n_jobs"}
        parallel: Any = joblib.Parallel(jobs, return_as="generator_unordered", **options)
        try:
            for place, rows in parallel(list(work.values())[:suspects]):
                del work[place]
                yield place, rows
            suspects = None
        except NotAnewError:
            raise
        except Exception as error:  # of joblib or a worker: a lesson's own are rows
            if suspects:
                place = next(iter(work))
                del work[place]
                yield place, [failed(error)]
            else:
                again = "What it had runs again, one setting at a time."
                warnings.warn(f"A worker stopped: {words(error)} {again}", stacklevel=3)
            suspects = 2 * at_once


def workers(jobs: Any) -> int:
    """How many settings are trained at once, or an `SbkitError` where joblib cannot."""
    fits = isinstance(jobs, Integral) and not isinstance(jobs, bool) and jobs != 0
    if jobs is not None and not fits:
        raise SbkitError(f"jobs is a number of processes, or -1 for one a core, got {jobs!r}; try 2.")
    try:
        joblib.Parallel(jobs, return_as="generator_unordered")
        return joblib.effective_n_jobs(jobs)  # pyright: ignore[reportArgumentType]
    except ValueError as error:
        raise SbkitError(
            f"A sweep takes rows from so many processes, each as it is finished, and joblib says: {error}; "
            "try joblib.parallel_config('loky'), 'threading' or 'dask', or try jobs=2."
        ) from error


def _check_sendable(*things: Any) -> None:
    try:
        pickle.dumps(joblib.wrap_non_picklable_objects(things))
    except Exception as error:
        words = f"A lesson in other processes is sent there with all that it uses, and could not: {error}"
        raise SbkitError(f"{words}; make that inside the lesson, or train it here, with jobs=1.") from error


def _rows(
    place: int, lesson: Callable[..., Run], setting: dict[str, Any], shared: Shared
) -> tuple[int, list[Row]]:
    """Train one setting, perhaps in another process, and tell of its runs."""
    own, dtype, crowded = shared
    torch.set_default_dtype(dtype)
    for registry, name, function, about in own:
        getattr(registries, registry)(name, **about)(function)
    try:
        with threads(1 if crowded else torch.get_num_threads()):
            run = run_of(lesson, setting)
            snapshot = last(run)
        return place, [row(snapshot, r, run.fleet.seed + r) for r in range(run.fleet.runs)]
    except NotAnewError:  # a fault of the lesson at every setting
        raise
    except Exception as error:
        return place, [failed(error)]
