"""The registered plots whose curves are not over steps: margins, and the spectra of weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from sbkit.core import Snapshot, measure, plot
from sbkit.plots.bands import band_line, over_runs, shown
from sbkit.plots.shapes import Axis, Lines
from sbkit.plots.words import say

History = Sequence[Snapshot]


@plot("margin")
def margin(history: History) -> Lines:
    """Share of rows below each margin: as they are, and with the features of a kind shuffled."""
    latest = history[-1]
    curves = shown(latest, latest.values["margin"])  # (runs, kinds, places)
    reach = measure.about["margin"].reach
    places = np.linspace(-reach, reach, curves.shape[2], dtype=np.float32)
    names = [say("axes", "as_is"), *(say("axes", "cut", kind=kind) for kind in latest.sample.kinds)]
    lines = [band_line(name, places, curves[:, i], dash=i == 2) for i, name in enumerate(names)]
    x, y = Axis(say("axes", "margin"), low=-reach, high=reach), Axis(say("axes", "below"), low=0, high=1.02)
    caption = say("captions", "margin", rows=f"{latest.rows:,}", over=over_runs(latest))
    return Lines("margin", say("titles", "margin"), x, y, lines, caption)


@plot("spectrum", rows=False, first=True)
def spectrum(history: History) -> Lines | None:
    """Singular values of every layer's weights, largest first, a band over runs; dashed: at step 0."""
    first, latest = history[0], history[-1]
    layers = [_resolved(latest, values) for values in latest.values["spectrum"]]  # (runs, k) each
    lines = [
        band_line(say("axes", "layer", i=i), np.arange(1, 1 + values.shape[1]), values)
        for i, values in enumerate(layers, start=1)
    ]
    if not lines:
        return None
    caption = say("captions", "spectrum", over=over_runs(latest))
    if first.step == 0:  # of the same runs
        caption += say("captions", "spectrum_start")
        starts = [
            band_line("", np.arange(v.shape[1]), _resolved(latest, v)).y for v in first.values["spectrum"]
        ]
        lines = [dataclasses.replace(line, start=y) for line, y in zip(lines, starts, strict=True)]
    axes = Axis(say("axes", "index"), low=1), Axis(say("axes", "singular"), log=True)
    return Lines("spectrum", say("titles", "spectrum"), *axes, lines, caption)


def _resolved(snapshot: Snapshot, values: Tensor) -> np.ndarray:
    """Singular values (runs, k), NaN where single precision cannot tell them from 0."""
    table = shown(snapshot, values)
    return np.where(table > np.finfo(np.float32).eps * table[:, :1], table, np.nan)
