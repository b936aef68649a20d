"""From runs to what is drawn of them: mean, band, and the words that say so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from sbkit.core import Snapshot
from sbkit.plots.shapes import Array, Line
from sbkit.plots.words import say


def alive(snapshot: Snapshot) -> NDArray[np.bool_]:
    """Which runs can be shown: their loss is finite. (runs,)"""
    states = np.array([state != "diverged" for state in snapshot.state])
    return states & snapshot.loss.isfinite().numpy()


def shown(snapshot: Snapshot, values: torch.Tensor) -> Array:
    """Values (runs, …) of the runs that can be shown, or of none: NaN. (runs shown, at least 1, …)

    What is not finite in them is NaN, too.
    """
    kept, table = alive(snapshot), _finite(values)
    return table[kept] if kept.any() else np.full_like(table, np.nan)


def _finite(values: torch.Tensor) -> Array:
    """Values as an array, NaN where they are not finite."""
    table = values.detach().cpu().float().numpy()
    return np.where(np.isfinite(table), table, np.float32(np.nan))


def middle(values: Array) -> tuple[Array, Array]:
    """Mean and standard deviation over runs, the first axis, of what is finite; NaN where nothing is."""
    known = np.ma.masked_invalid(values.astype(float))
    return known.mean(0).filled(np.nan), known.std(0).filled(np.nan)


def curve(history: Sequence[Snapshot], values: Iterable[torch.Tensor]) -> Array:
    """One value a run and snapshot, (runs,) each, NaN where a run cannot be shown. (runs, snapshots)"""
    columns = [
        np.where(alive(snapshot), _finite(value), np.nan)
        for snapshot, value in zip(history, values, strict=True)
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def band_line(name: str, x: Sequence[float] | Array, values: Array, dash: bool = False) -> Line:
    """The mean of values (runs, points) over runs, as a line with its min–max band.

    NaN and infinity are left out; one run alone has no band.

    >>> line = band_line("loss", [0, 50], np.array([[1.0, 0.5], [3.0, np.nan]]))
    >>> line.y.tolist(), line.high.tolist()
    ([2.0, 0.5], [3.0, 0.5])
    """
    finite = np.isfinite(values)  # (runs, points)
    some, count = finite.any(0), np.maximum(finite.sum(0), 1)  # (points,) each
    mean = np.where(some, np.where(finite, values, 0).sum(0, dtype=float) / count, np.nan)
    low = np.where(some, np.where(finite, values, np.inf).min(0), np.nan)
    high = np.where(some, np.where(finite, values, -np.inf).max(0), np.nan)
    ends = {"low": low, "high": high} if len(values) > 1 else {}
    return Line(name, x, mean, dash=dash, **ends)  # pyright: ignore[reportArgumentType]


def over_runs(snapshot: Snapshot) -> str:
    """What line and band stand for, in words.

    >>> over_runs(Snapshot(0, 0.0, torch.ones(8), *[torch.ones(8)] * 2, {}, ("training",) * 8, 100, None))
    'line = mean, band = min–max over 8 runs'
    """
    runs = len(snapshot.loss)
    return say("captions", "over_one") if runs == 1 else say("captions", "over_runs", runs=runs)


def mean_of(snapshot: Snapshot) -> str:
    """How many runs a mean is over, in words."""
    one = len(snapshot.loss) == 1
    return say("captions", "mean_one") if one else say("captions", "mean_runs", runs=alive(snapshot).sum())


def left_out(snapshot: Snapshot) -> str:
    """The runs that cannot be shown, as a sentence; empty where all can."""
    out = [str(run) for run in np.flatnonzero(~alive(snapshot))]
    if len(out) == len(snapshot.loss):
        return say("captions", "left_out_all")
    return say("captions", "left_out", runs=", run ".join(out)) if out else ""
