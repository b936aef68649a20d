"""What is drawn of many runs: their mean, their band, and the words for both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sbkit.core import Snapshot
from sbkit.plots.parts import Array
from sbkit.plots.shapes import Line
from sbkit.plots.words import say


def alive(snapshot: Snapshot) -> NDArray[np.bool_]:
    """Which runs can be shown: their loss is finite. (runs,)"""
    states = np.array([state != "diverged" for state in snapshot.state])
    return states & snapshot.loss.isfinite().numpy()


def shown(snapshot: Snapshot, values: torch.Tensor) -> Array:
    """Values (runs, …) of the runs that can be shown, NaN where not finite. (runs shown, …)

    If no run can be shown, all runs are kept and everything is NaN.
    """
    kept, table = alive(snapshot), finite(values)
    return table[kept] if kept.any() else np.full_like(table, np.nan)


def finite(values: torch.Tensor) -> Array:
    """Values as an array, NaN where they are not finite."""
    return values.detach().cpu().float().nan_to_num(np.nan, np.nan, np.nan).numpy()


def middle(values: Array) -> tuple[Array, Array]:
    """Mean and standard deviation over runs, the first axis, of what is finite; NaN where nothing is."""
    known = np.isfinite(values)  # (runs, …)
    count = known.sum(0)
    with np.errstate(invalid="ignore"):  # where nothing is, 0 / 0
        mean = np.where(known, values, 0).sum(0, dtype=float) / count
        off = np.where(known, values - mean, 0)
        return mean, np.sqrt((off * off).sum(0) / count)


def band_line(name: str, x: Any, values: Array, dash: bool = False) -> Line:
    """The mean of values (runs, points) over runs, as a line with its min–max band.

    NaN and infinity are left out; one run alone has no band.

    >>> line = band_line("loss", [0, 50], np.array([[1.0, 0.5], [3.0, np.nan]]))
    >>> line.y.tolist(), line.high.tolist()
    ([2.0, 0.5], [3.0, 0.5])
    """
    known = np.where(np.isfinite(values), values, np.nan)  # (runs, points)
    ends = [np.fmin.reduce(known), np.fmax.reduce(known)] if len(values) > 1 else [None, None]
    return Line(name, x, middle(values)[0], *ends, dash=dash)


def step_line(
    name: str, history: Sequence[Snapshot], of: Callable[[Snapshot], torch.Tensor], dash: bool = False
) -> Line:
    """A line over steps: values (runs,) taken from each snapshot by `of`, NaN where a run cannot be shown."""
    columns = [np.where(alive(snapshot), finite(of(snapshot)), np.nan) for snapshot in history]
    return band_line(name, [snapshot.step for snapshot in history], np.stack(columns, axis=1), dash)


def told(snapshot: Snapshot) -> dict[str, str]:
    """The words of a snapshot's captions: how many rows, and what lines, bands, bars and dots show.

    >>> one = Snapshot(0, 0.0, torch.ones(8), *[torch.ones(8)] * 3, {}, ("training",) * 8, 100, None)
    >>> told(one)["over"], told(one)["mean"]
    ('line = mean, band = min–max over 8 runs', 'mean of 8 runs')
    """
    runs, known = len(snapshot.loss), alive(snapshot).sum()
    over = say("captions", "over_one") if runs == 1 else say("captions", "over_runs", runs=runs)
    mean = say("captions", "mean_one") if runs == 1 else say("captions", "mean_runs", runs=known)
    dots = "" if known == 1 else say("captions", "dots")
    return {"rows": f"{snapshot.rows:,}", "over": over, "mean": mean, "dots": dots}


def left_out(snapshot: Snapshot) -> str:
    """The runs that cannot be shown, as a sentence; empty where all can."""
    out = [str(run) for run in np.flatnonzero(~alive(snapshot))]
    if len(out) == len(snapshot.loss):
        return say("captions", "left_out_all")
    return say("captions", "left_out", runs=", run ".join(out)) if out else ""
