"""The registered plots: what is drawn of a history of snapshots, one function a measure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Snapshot, Task, measures, plots, window
from sbkit.plots.bands import alive, band_line, curve, left_out, mean_of, over_runs, shown
from sbkit.plots.shapes import Axis, Bars, Description, Field, Lines
from sbkit.plots.words import say

POINTS = 256  # test rows drawn on a field
MOST = 12  # bars in one plot
CURVES = 5  # features in one plot over steps: a colour each
History = Sequence[Snapshot]


def pictures(history: History, moving: bool = False, first: Snapshot | None = None) -> list[Description]:
    """All that can be drawn of a history: fields first, then loss and accuracy, then measures.

    A value stands at the step at which it was measured, in curves; other pictures of an earlier one say so.
    history: [latest] for a live frame, all snapshots for a still one. moving: the look was a glance at
    a sample of the rows, and captions say so. first: of the run; a plot registered with `first=True` gets
    it before a live frame's snapshot. A measure without a plot of its name gets a plain one.
    """
    names = ["loss", "accuracy", *(name for name in history[-1].values if name not in ("loss", "accuracy"))]
    drawn = [(name, picture) for name in names if (picture := _draw(name, history, first))]
    drawn.sort(key=lambda item: not isinstance(item[1], Field))  # stable: the rest keeps its order
    return [_with_rows(name, picture, history, moving) for name, picture in drawn]


def _draw(name: str, history: History, first: Snapshot | None) -> Description | None:
    if first and plots.about.get(name, {}).get("first"):
        history = [first, *history]
    history = list({seen.step: seen for seen in (snapshot.of(name) for snapshot in history)}.values())
    return plots[name](history) if name in plots else plain(name, history)


def _with_rows(name: str, picture: Description, history: History, moving: bool) -> Description:
    """The same picture, its caption completed by what the rows were and which runs are missing."""
    caption = picture.caption
    if plots.about.get(name, {}).get("rows", True):
        if moving:
            caption += say("captions", "sample")
        elif isinstance(picture, Lines) and picture.grows and history[0].rows < history[-1].rows:
            caption += say("captions", "earlier_sample", rows=history[0].rows)
    latest = history[-1].of(name)
    if latest.step < history[-1].step and not (isinstance(picture, Lines) and picture.grows):
        caption += say("captions", "earlier_step", step=f"{latest.step:,}")
    return dataclasses.replace(picture, caption=caption + left_out(history[-1]))


@plots("loss")
def loss(history: History) -> Lines:
    """Mean training loss over steps, a band over runs."""
    name, y = say("axes", "train"), Axis(say("axes", "loss"), low=0)
    line = band_line(name, [s.step for s in history], curve(history, [s.loss for s in history]))
    caption = say("captions", "loss", over=over_runs(history[-1]))
    return Lines("loss", say("titles", "loss"), _steps(), y, [line], caption, grows=True)


@plots("accuracy")
def accuracy(history: History) -> Lines | None:
    """Accuracy on training and test rows over steps; none for regression."""
    latest, steps = history[-1], [s.step for s in history]
    if latest.accuracy.isnan().all():
        return None
    lines = [
        band_line(say("axes", "train"), steps, curve(history, [s.accuracy for s in history])),
        band_line(say("axes", "test"), steps, curve(history, [s.test_accuracy for s in history]), dash=True),
    ]
    caption = say("captions", "accuracy", rows=f"{latest.rows:,}", over=over_runs(latest))
    lowest = min(
        [
            1 / latest.sample.outputs,
            *(np.nanmin(line.low if line.low is not None else line.y) for line in lines),
        ]
    )
    y = Axis(say("axes", "accuracy"), low=math.floor(10 * lowest) / 10, high=1.02)
    return Lines("accuracy", say("titles", "accuracy"), _steps(), y, lines, caption, grows=True)


@plots("boundary", rows=False)
def boundary(history: History) -> Field:
    """Chance of class 1 over the plane of the first two feature coordinates, mean over runs."""
    latest = history[-1]
    chance = shown(latest, latest.values["boundary"])  # (runs, rows, columns)
    z, y = latest.sample.z_test[:POINTS].cpu(), latest.sample.y_test[:POINTS].cpu()  # (n, k), (n,)
    x_axis, y_axis = _plane(latest.sample)
    rest = say("captions", "boundary_rest") if z.shape[1] > 2 else ""
    disagree = say("captions", "boundary_disagree") if len(chance) > 1 else ""
    about = {"mean": mean_of(latest), "disagree": disagree, "rest": rest, "rows": f"{len(y):,}"}
    caption = say("captions", "boundary", **about)
    spread = chance.std(0) if len(chance) > 1 else None  # (rows, columns)
    planes = {"values": chance.mean(0), "spread": spread, "points": z[:, :2].numpy(), "labels": y.numpy()}
    return Field("boundary", say("titles", "boundary"), x_axis, y_axis, **planes, caption=caption)


def _plane(sample: Task) -> tuple[Axis, Axis]:
    """The axes that the measure `boundary` looks along, columns 0 and 1: "size", or "size[0]" of several."""
    owner: dict[int, str] = {}
    for name, feature in sample.features.items():
        several = len(feature.columns) > 1
        owner |= {c: f"{name}[{i}]" if several else name for i, c in enumerate(feature.columns)}
    ends = window(sample)
    return tuple(Axis(owner.get(i, f"z{i}"), low=ends[i][0], high=ends[i][1]) for i in (0, 1))  # pyright: ignore


@plots("reliance")
def reliance(history: History) -> Bars:
    """Accuracy that every run loses when one feature is shuffled across test rows."""
    latest = history[-1]
    lost = shown(latest, latest.values["reliance"])  # (runs, features)
    names, simple = list(latest.sample.features), latest.sample.kinds.get("S", [])
    order = sorted(range(len(names)), key=lambda i: (names[i] not in simple, -lost[:, i].mean()))
    kept = sorted(order[:MOST])
    hidden = len(names) - len(kept)
    others = say("captions", "reliance_hidden", hidden=hidden) if hidden else ""
    title, caption = say("titles", "reliance"), say("captions", "reliance", **_shuffled(latest)) + others
    shown_names = [names[i] for i in kept]
    return Bars("reliance", title, _lost(lost), shown_names, *_means(lost[:, kept]), caption)


@plots("kinds")
def kinds(history: History) -> Bars | None:
    """Accuracy lost when all simplest features (S), or all others (Sᶜ), are shuffled together."""
    latest = history[-1]
    lost = shown(latest, latest.values["kinds"])  # (runs, kinds)
    if not lost.shape[1]:
        return None
    names = [f"{kind} ({len(of)})" for kind, of in latest.sample.kinds.items()]
    caption = say("captions", "kinds", **_shuffled(latest))
    return Bars("kinds", say("titles", "kinds"), _lost(lost), names, *_means(lost), caption)


@plots("alone")
def alone(history: History) -> Lines:
    """Accuracy with one feature intact and all others shuffled, over steps: the order of learning."""
    return _timeline("alone", history, "accuracy")


@plots("conflict")
def conflict(history: History) -> Lines:
    """Share of test rows on which one feature wins against all others, over steps."""
    return _timeline("conflict", history, "followed")


def _timeline(name: str, history: History, y: str) -> Lines:
    """A curve a feature, simplest first, of values (runs, features); a band over runs."""
    latest, steps = history[-1], [s.step for s in history]
    names = list(latest.sample.features)
    lines = [
        band_line(feature, steps, curve(history, [s.values[name][:, i] for s in history]))
        for i, feature in enumerate(names[:CURVES])
    ]
    hidden = len(names) - len(lines)
    others = say("captions", "reliance_hidden", hidden=hidden) if hidden else ""
    caption = say("captions", name, rows=f"{latest.rows:,}", over=over_runs(latest)) + others
    axis = Axis(say("axes", y), low=0, high=1.02)
    return Lines(name, say("titles", name), _steps(), axis, lines, caption, grows=True)


@plots("margin")
def margin(history: History) -> Lines:
    """Share of rows below each margin: as they are, and with the features of a kind shuffled."""
    latest = history[-1]
    curves = shown(latest, latest.values["margin"])  # (runs, kinds, places)
    reach = measures.about["margin"]["reach"]
    places = np.linspace(-reach, reach, curves.shape[2], dtype=np.float32)
    names = [say("axes", "as_is"), *(say("axes", "cut", kind=kind) for kind in latest.sample.kinds)]
    lines = [band_line(name, places, curves[:, i], dash=i == 2) for i, name in enumerate(names)]
    x, y = Axis(say("axes", "margin"), low=-reach, high=reach), Axis(say("axes", "below"), low=0, high=1.02)
    caption = say("captions", "margin", rows=f"{latest.rows:,}", over=over_runs(latest))
    return Lines("margin", say("titles", "margin"), x, y, lines, caption)


@plots("spectrum", rows=False, first=True)
def spectrum(history: History) -> Lines:
    """Singular values of every layer's weights, largest first, a band over runs; dashed: at step 0."""
    first, latest = history[0], history[-1]
    layers = [_resolved(latest, values) for values in latest.values["spectrum"]]  # (runs, k) each
    lines = [
        band_line(say("axes", "layer", i=i), np.arange(1, 1 + values.shape[1]), values)
        for i, values in enumerate(layers, start=1)
    ]
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


def plain(name: str, history: History) -> Description | None:
    """A measure that has no plot of its own: (runs,) over steps, few columns as bars, else over an index."""
    latest, title = history[-1], name.replace("_", " ")
    values = latest.values[name]
    if isinstance(values, list | tuple) and all(isinstance(p, Tensor) and p.ndim == 1 for p in values):
        values = torch.stack(list(values), dim=1)  # (runs, k)
    label, caption = Axis(title), say("captions", "measure", title=title, over=over_runs(latest))
    if isinstance(values, Tensor) and values.ndim == 1:
        line = band_line(title, [s.step for s in history], curve(history, [s.values[name] for s in history]))
        return Lines(name, title, _steps(), label, [line], caption, grows=True)
    parts = [values] if isinstance(values, Tensor) else values
    if not isinstance(parts, list | tuple) or not all(isinstance(p, Tensor) and p.ndim == 2 for p in parts):
        return None
    tables = [shown(latest, part) for part in parts]  # (runs, k) each
    if len(tables) == 1 and tables[0].shape[1] <= MOST:
        names = [str(i) for i in range(tables[0].shape[1])]
        caption = say("captions", "measure_bars", title=title, mean=mean_of(latest), dots=_dots(latest))
        return Bars(name, title, label, names, *_means(tables[0]), caption)
    lines = [band_line(f"{title} {i}", np.arange(t.shape[1]), t) for i, t in enumerate(tables)]
    return Lines(name, title, Axis(say("axes", "index")), label, lines, caption)


def _steps() -> Axis:
    return Axis(say("axes", "step"), low=0)


def _lost(values: np.ndarray) -> Axis:
    """A little below 0 … ½, and as much more as the values (runs, bars) take."""
    low = min(-0.05, math.floor(20 * float(values.min(initial=0))) / 20)
    high = math.ceil(10 * float(values.max(initial=0.5))) / 10
    return Axis(say("axes", "lost"), low=low, high=high)


def _means(values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Bars (bars,) and, for several runs, dots (bars, runs) of values (runs, bars)."""
    return values.mean(0), values.T if len(values) > 1 else None


def _shuffled(snapshot: Snapshot) -> dict[str, str]:
    """What the captions of shuffled features tell."""
    return {"rows": f"{snapshot.rows:,}", "mean": mean_of(snapshot), "dots": _dots(snapshot)}


def _dots(snapshot: Snapshot) -> str:
    return "" if alive(snapshot).sum() == 1 else say("captions", "dots")
