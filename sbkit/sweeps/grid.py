"""Grids of lessons → one tidy table."""

from __future__ import annotations

import functools
import itertools
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas
import torch
from tqdm.auto import tqdm

from sbkit.core import threads
from sbkit.core.environment import headless
from sbkit.sweeps.axes import check_seeds, checked
from sbkit.sweeps.rows import run_of
from sbkit.sweeps.store import Cache
from sbkit.sweeps.workers import spread, workers
from sbkit.training import Run
from sbkit.training.signature import Signature


def sweep(
    lesson: Callable[..., Run],
    *,
    jobs: int | None = None,
    cache: str | os.PathLike[str] | None = None,
    **axes: Any,
) -> pandas.DataFrame:
    """One row for each setting and run at the end of training: settings, step, loss, accuracies, measures.

    axes: values to try, by the name of the lesson's argument; all combinations are trained, the seeds
    of each as one fleet. Columns: the settings, run, seed, net_seed, step, epoch, state, error, loss,
    accuracy, test_accuracy, test_loss, then the measured values: "reliance[linear]" for vectors, an array
    for larger ones. net_seed is the seed of the row's own net, fleet.seed + run; seed is the same, but where
    it is an axis: then it is the value tried. No net is counted twice: an axis has each value once, and seeds
    lie at least as far apart as the lesson has runs (`seed=[0, 8]` for 8), unless they do not reach the nets.
    A setting that fails is one row, its `state` "failed" and its `error` a sentence ("" elsewhere).

    jobs: settings trained at once, in processes of one thread each, -1 for one a core; by default as
    `joblib.parallel_config` says, else one. A process takes seconds to start.
    cache: a folder that keeps the rows of each finished setting; the same call goes on where it was
    interrupted. A setting is trained again when anything that made its rows has changed: its values, the
    code of the lesson and of all functions of yours that it names, the values these use, what you have
    registered, sbkit or torch; files that a lesson reads are not compared.

    Raises `SbkitError`, before any training, on a name that the lesson does not take, an axis that is empty
    or holds a value twice, seeds whose nets overlap, or a joblib back end that gives rows only at the end.

    >>> from sbkit import fit, mlp, slabs
    >>> def lesson(depth=1, seed=0):
    ...     task = slabs(n=512, n_test=512)
    ...     return fit(mlp(task, depth=depth, width=8, runs=2, seed=seed), task, steps=50)
    >>> sweep(lesson, depth=[0, 1])[["depth", "run", "step"]].values.tolist()
    [[0, 0, 50], [0, 1, 50], [1, 0, 50], [1, 1, 50]]
    """
    lists = checked(lesson, axes)
    names = sorted(lists)
    grid = [dict(zip(names, each, strict=True)) for each in itertools.product(*(lists[n] for n in names))]
    at_once = workers(jobs)
    store = None if cache is None else Cache(cache, lesson)
    tables = {place: rows for place, one in enumerate(grid) if store and (rows := store.get(one))}
    check_seeds(lists, functools.partial(_born, lesson, store))
    left = {place: setting for place, setting in enumerate(grid) if place not in tables}
    try:
        with _bar(len(grid), len(tables)) as bar, threads(torch.get_num_threads()):  # workers may be threads
            for place, rows in spread(lesson, left, jobs, at_once):
                tables[place] = rows
                if store and not rows[0]["error"]:
                    store.put(grid[place], rows)
                bar.update()
    except KeyboardInterrupt as interrupt:
        kept = f"kept in {store.folder}: the same call goes on from there" if store else "lost: name a cache"
        interrupt.add_note(f"{len(tables)} of {len(grid)} settings were finished and are {kept}.")
        raise
    _warn_of_failed(lesson, [(one, tables[place][0]["error"]) for place, one in enumerate(grid)])
    return _tidy(setting | row | setting for place, setting in enumerate(grid) for row in tables[place])


def _warn_of_failed(lesson: Callable[..., Run], errors: Sequence[tuple[dict[str, Any], str]]) -> None:
    """Say how many settings failed and how the first did; errors: each setting with its error or ""."""
    if failed := [(setting, error) for setting, error in errors if error]:
        setting, error = failed[0]
        call = f"{Signature.of(lesson).name}({', '.join(f'{k}={v!r}' for k, v in setting.items())})"
        words = f"{len(failed)} of {len(errors)} settings failed, see the column error; the first was {call}"
        warnings.warn(f"{words}: {error}", stacklevel=3)


def _tidy(rows: Iterable[dict[str, Any]]) -> pandas.DataFrame:
    """Rows as a table; a column that holds None keeps it, and not NaN."""
    table = pandas.DataFrame(list(rows), dtype=object)
    for name in table:
        if not any(value is None for value in table[name]):
            table[name] = table[name].infer_objects()
    return table


def _born(lesson: Callable[..., Run], store: Cache | None, setting: dict[str, Any]) -> range | None:
    """The seeds of the nets of a setting; None where it fails, which its row tells."""
    if rows := store.get(setting) if store else None:
        return range(rows[0]["net_seed"], rows[0]["net_seed"] + len(rows))
    try:
        fleet = run_of(lesson, setting).fleet
        return range(fleet.seed, fleet.seed + fleet.runs)
    except Exception:
        return None


def _bar(settings: int, found: int) -> Any:
    """How far a sweep is, with the time left."""
    quiet = settings < 2 or headless()
    about = {"desc": "sweep", "unit": "setting", "postfix": f"{found} from the cache" if found else None}
    return tqdm(total=settings, initial=found, disable=quiet, leave=False, **about)
