"""The registered plots: what is drawn of a history of snapshots, one function a measure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Snapshot, Task, plot, window
from sbkit.plots.bands import alive, band_line, curve, mean_of, middle, over_runs, shown
from sbkit.plots.shapes import Axis, Bars, Description, Field, Lines
from sbkit.plots.words import class_names, say, short

POINTS = 256  # test rows drawn on a field
MOST = 12  # bars in one plot
CURVES = 5  # features in one plot over steps: a colour each
History = Sequence[Snapshot]


@plot("loss")
def loss(history: History) -> Lines:
    """Mean training loss over steps, a band over runs."""
    name, y = say("axes", "train"), Axis(say("axes", "loss"), low=0)
    line = band_line(name, [s.step for s in history], curve(history, [s.loss for s in history]))
    caption = say("captions", "loss", over=over_runs(history[-1]))
    return Lines("loss", say("titles", "loss"), _steps(), y, [line], caption, grows=True)


@plot("accuracy")
def accuracy(history: History) -> Lines | None:
    """Accuracy on training and test rows over steps; none for regression."""
    latest, steps = history[-1], [s.step for s in history]
    if not latest.sample.classes or (latest.accuracy.isnan() & latest.loss.isfinite()).all():
        return None
    lines = [
        band_line(say("axes", "train"), steps, curve(history, [s.accuracy for s in history])),
        band_line(say("axes", "test"), steps, curve(history, [s.test_accuracy for s in history]), dash=True),
    ]
    caption = say("captions", "accuracy", rows=f"{latest.rows:,}", over=over_runs(latest))
    lows = np.stack([line.y if line.low is None else line.low for line in lines])  # (2, snapshots)
    lowest = np.fmin.reduce(lows, axis=None, initial=1 / latest.sample.outputs)  # where none is finite, that
    y = Axis(say("axes", "accuracy"), low=math.floor(10 * lowest) / 10, high=1.02)
    return Lines("accuracy", say("titles", "accuracy"), _steps(), y, lines, caption, grows=True)


@plot("boundary", rows=False)
def boundary(history: History) -> Field | None:
    """Chance of the second class over the plane of feature coordinates that was measured, mean over runs."""
    latest = history[-1]
    measured = latest.values["boundary"]
    plane = getattr(measured, "plane", {"axes": (0, 1), "at": None})  # it travels with the values
    axes, at = list(plane["axes"]), plane["at"]
    chance = shown(latest, measured)  # (runs, rows, columns)
    if not chance.size:
        return None
    z, y = latest.sample.z_test[:POINTS].cpu(), latest.sample.y_test[:POINTS].cpu()  # (n, k), (n,)
    x_axis, y_axis = _plane(latest.sample, *axes)
    row = say("captions", "boundary_first") if at is None else say("captions", "boundary_row", at=at)
    rest = say("captions", "boundary_rest", row=row) if z.shape[1] > 2 else ""
    several = alive(latest).sum() > 1
    disagree = say("captions", "boundary_disagree") if several else ""
    names = class_names(latest.sample.names)
    about = {"mean": mean_of(latest), "disagree": disagree, "rest": rest, "rows": f"{len(y):,}"}
    about["name"] = short(names[1] if names else say("legends", "class", c=1))
    caption = say("captions", "boundary", **about)
    mean, deviation = middle(chance)  # (rows, columns) each
    planes = {"values": mean, "spread": deviation if several else None}
    planes |= {"points": z[:, axes].numpy(), "labels": y.numpy(), "names": names}
    return Field("boundary", say("titles", "boundary"), x_axis, y_axis, **planes, caption=caption)


def _plane(sample: Task, across: int, up: int) -> tuple[Axis, Axis]:
    """The axes of two columns of z, as looked along: "size", or "size[0]" of several."""
    owner: dict[int, str] = {}
    for name, feature in sample.features.items():
        several = len(feature.columns) > 1
        owner |= {c: f"{name}[{i}]" if several else name for i, c in enumerate(feature.columns)}
    ends = zip((across, up), window(sample, (across, up)), strict=True)
    return tuple(Axis(owner.get(i, f"z{i}"), low=low, high=high) for i, (low, high) in ends)  # pyright: ignore


@plot("reliance")
def reliance(history: History) -> Bars:
    """Accuracy that every run loses when one feature is shuffled across test rows."""
    latest = history[-1]
    lost = shown(latest, latest.values["reliance"])  # (runs, features)
    names, simple = list(latest.sample.features), latest.sample.kinds.get("S", [])
    most = np.nan_to_num(middle(lost)[0])  # (features,)
    order = sorted(range(len(names)), key=lambda i: (names[i] not in simple, -most[i]))
    kept = sorted(order[:MOST])
    hidden = len(names) - len(kept)
    others = say("captions", "reliance_hidden", hidden=hidden) if hidden else ""
    title, caption = say("titles", "reliance"), say("captions", "reliance", **_shuffled(latest)) + others
    shown_names = [names[i] for i in kept]
    return Bars("reliance", title, _lost(lost), shown_names, *_means(lost[:, kept]), caption)


@plot("kinds")
def kinds(history: History) -> Bars | None:
    """Accuracy lost when all simplest features (S), or all others (Sᶜ), are shuffled together."""
    latest = history[-1]
    lost = shown(latest, latest.values["kinds"])  # (runs, kinds)
    if not lost.shape[1]:
        return None
    names = [f"{kind} ({len(of)})" for kind, of in latest.sample.kinds.items()]
    caption = say("captions", "kinds", **_shuffled(latest))
    return Bars("kinds", say("titles", "kinds"), _lost(lost), names, *_means(lost), caption)


@plot("alone")
def alone(history: History) -> Lines | None:
    """Accuracy with one feature intact and all others shuffled, over steps: the order of learning."""
    return _timeline("alone", history, "accuracy")


@plot("conflict")
def conflict(history: History) -> Lines | None:
    """Share of test rows on which one feature wins against all others, over steps."""
    return _timeline("conflict", history, "followed")


def _timeline(name: str, history: History, y: str) -> Lines | None:
    """A curve a feature, simplest first, of values (runs, features); a band over runs."""
    latest, steps = history[-1], [s.step for s in history]
    names = list(latest.sample.features)
    lines = [
        band_line(feature, steps, curve(history, [s.values[name][:, i] for s in history]))
        for i, feature in enumerate(names[:CURVES])
    ]
    if not lines:
        return None
    hidden = len(names) - len(lines)
    others = say("captions", "reliance_hidden", hidden=hidden) if hidden else ""
    caption = say("captions", name, rows=f"{latest.rows:,}", over=over_runs(latest)) + others
    axis = Axis(say("axes", y), low=0, high=1.02)
    return Lines(name, say("titles", name), _steps(), axis, lines, caption, grows=True)


def plain(name: str, history: History) -> Description | None:
    """A measure that has no plot of its own: (runs,) over steps, few columns as bars, else over an index."""
    latest, title = history[-1], name.replace("_", " ")
    values = latest.values[name]
    if (
        isinstance(values, list | tuple)
        and values
        and all(isinstance(p, Tensor) and p.ndim == 1 for p in values)
    ):
        values = torch.stack(list(values), dim=1)  # (runs, k)
    label, caption = Axis(title), say("captions", "measure", title=title, over=over_runs(latest))
    if isinstance(values, Tensor) and values.ndim == 1 and not values.is_complex():
        line = band_line(title, [s.step for s in history], curve(history, [s.values[name] for s in history]))
        return Lines(name, title, _steps(), label, [line], caption, grows=True)
    parts = [values] if isinstance(values, Tensor) else values
    if not isinstance(parts, list | tuple) or not parts or not all(map(_is_table, parts)):
        return None
    tables = [shown(latest, part) for part in parts]  # (runs, k) each
    if len(tables) == 1 and tables[0].shape[1] <= MOST:
        names = [str(i) for i in range(tables[0].shape[1])]
        caption = say("captions", "measure_bars", title=title, mean=mean_of(latest), dots=_dots(latest))
        return Bars(name, title, label, names, *_means(tables[0]), caption)
    lines = [band_line(f"{title} {i}", np.arange(t.shape[1]), t) for i, t in enumerate(tables)]
    return Lines(name, title, Axis(say("axes", "index")), label, lines, caption)


def _is_table(values: Any) -> bool:
    """Whether values are real numbers (runs, k)."""
    return isinstance(values, Tensor) and values.ndim == 2 and values.numel() > 0 and not values.is_complex()


def _steps() -> Axis:
    return Axis(say("axes", "step"), low=0)


def _lost(values: np.ndarray) -> Axis:
    """A little below 0 … ½, and as much more as the values (runs, bars) take."""
    low = min(-0.05, math.floor(20 * float(np.fmin.reduce(values, axis=None, initial=0))) / 20)
    high = math.ceil(10 * float(np.fmax.reduce(values, axis=None, initial=0.5))) / 10
    return Axis(say("axes", "lost"), low=low, high=high)


def _means(values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Bars (bars,) and, for several runs, dots (bars, runs) of values (runs, bars)."""
    return middle(values)[0], values.T if len(values) > 1 else None


def _shuffled(snapshot: Snapshot) -> dict[str, str]:
    """What the captions of shuffled features tell."""
    return {"rows": f"{snapshot.rows:,}", "mean": mean_of(snapshot), "dots": _dots(snapshot)}


def _dots(snapshot: Snapshot) -> str:
    return "" if alive(snapshot).sum() == 1 else say("captions", "dots")
