"""The registered plots: what is drawn of a history of snapshots, one function a measure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor, stack

from sbkit.core import Snapshot, Task, registries, window
from sbkit.core.registries import plot
from sbkit.plots.bands import alive, band_line, middle, shown, step_line, told
from sbkit.plots.shapes import Axis, Bars, Description, Field, Line, Lines
from sbkit.plots.words import class_names, say, short

POINTS = 256  # test rows drawn on a field
MOST = 12  # bars in one plot
CURVES = 5  # features in one plot over steps: a colour each
History = Sequence[Snapshot]


def _curves(
    name: str, history: History, y: Axis, lines: list[Line], x: Axis | None = None, more: str = ""
) -> Lines:
    """Curves over steps, or over x, under the title and caption of a name."""
    caption, across = say("captions", name, **told(history[-1])), x or Axis(say("axes", "step"), low=0)
    return Lines(name, say("titles", name), across, y, lines, caption + more, grows=x is None)


@plot("loss")
def loss(history: History) -> Lines:
    """Mean training loss over steps, a band over runs."""
    line = step_line(say("axes", "train"), history, lambda s: s.loss)
    return _curves("loss", history, Axis(say("axes", "loss"), low=0), [line])


@plot("accuracy")
def accuracy(history: History) -> Lines | None:
    """Accuracy on training and test rows over steps; none for regression."""
    latest = history[-1]
    if not latest.sample.classes or (latest.accuracy.isnan() & latest.loss.isfinite()).all():
        return None
    lines = [
        step_line(say("axes", "train"), history, lambda s: s.accuracy),
        step_line(say("axes", "test"), history, lambda s: s.test_accuracy, dash=True),
    ]
    lows = np.stack([line.y if line.low is None else line.low for line in lines])  # (2, snapshots)
    lowest = np.fmin.reduce(lows, axis=None, initial=1 / latest.sample.outputs)  # where none is finite, that
    y = Axis(say("axes", "accuracy"), low=math.floor(10 * lowest) / 10, high=1.02)
    return _curves("accuracy", history, y, lines)


@plot("boundary", rows=False, draws="plane")
def boundary(history: History) -> Field | None:
    """Chance of the second class over the plane of feature coordinates that was measured, mean over runs."""
    latest = history[-1]
    measured, sample = latest.values["boundary"], latest.sample
    plane = getattr(measured, "plane", {"axes": (0, 1), "at": None})  # it travels with the values
    axes, at = list(plane["axes"]), plane["at"]
    chance = shown(latest, measured)  # (runs, rows, columns)
    if not chance.size:
        return None
    z, y = sample.z_test[:POINTS].cpu(), sample.y_test[:POINTS].cpu()  # (n, k), (n,)
    row = say("captions", "boundary_first") if at is None else say("captions", "boundary_row", at=at)
    several, names = alive(latest).sum() > 1, class_names(sample.names)
    about = told(latest) | {"rows": f"{len(y):,}"}
    about["rest"] = say("captions", "boundary_rest", row=row) if z.shape[1] > 2 else ""
    about["disagree"] = say("captions", "boundary_disagree") if several else ""
    about["name"] = short(names[1] if names else say("legends", "class", c=1))
    mean, deviation = middle(chance)  # (rows, columns) each
    drawn = mean, deviation if several else None, z[:, axes].numpy(), y.numpy()
    caption = say("captions", "boundary", **about)
    return Field("boundary", say("titles", "boundary"), *_plane(sample, *axes), *drawn, caption, names=names)


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
    more = _hidden(len(names) - len(kept))
    return _lost("reliance", latest, [names[i] for i in kept], lost[:, kept], more)


@plot("kinds")
def kinds(history: History) -> Bars | None:
    """Accuracy lost when all simplest features (S), or all others (Sᶜ), are shuffled together."""
    latest = history[-1]
    lost = shown(latest, latest.values["kinds"])  # (runs, kinds)
    names = [f"{kind} ({len(of)})" for kind, of in latest.sample.kinds.items()]
    return _lost("kinds", latest, names, lost) if lost.shape[1] else None


def _lost(name: str, latest: Snapshot, names: list[str], lost: np.ndarray, more: str = "") -> Bars:
    """Bars from a little below 0 to ½, or as much more as the values (runs, bars) take."""
    low = min(-0.05, math.floor(20 * float(np.fmin.reduce(lost, axis=None, initial=0))) / 20)
    high = math.ceil(10 * float(np.fmax.reduce(lost, axis=None, initial=0.5))) / 10
    y, caption = Axis(say("axes", "lost"), low=low, high=high), say("captions", name, **told(latest))
    return Bars(name, say("titles", name), y, names, *_means(lost), caption + more)


def _means(values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Bars (bars,) and, for several runs, dots (bars, runs) of values (runs, bars)."""
    return middle(values)[0], values.T if len(values) > 1 else None


def _hidden(count: int) -> str:
    return say("captions", "reliance_hidden", hidden=count) if count else ""


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
    names = list(history[-1].sample.features)
    kept = enumerate(names[:CURVES])
    lines = [step_line(feature, history, lambda s, i=i: s.values[name][:, i]) for i, feature in kept]
    axis, more = Axis(say("axes", y), low=0, high=1.02), _hidden(len(names) - len(lines))
    return _curves(name, history, axis, lines, more=more) if lines else None


@plot("margin")
def margin(history: History) -> Lines:
    """Share of rows below each margin: as they are, and with the features of a kind shuffled."""
    latest, reach = history[-1], registries.measure.about["margin"].reach
    curves = shown(latest, latest.values["margin"])  # (runs, kinds, places)
    places = np.linspace(-reach, reach, curves.shape[2], dtype=np.float32)
    names = [say("axes", "as_is"), *(say("axes", "cut", kind=kind) for kind in latest.sample.kinds)]
    lines = [band_line(name, places, curves[:, i], dash=i == 2) for i, name in enumerate(names)]
    x, y = Axis(say("axes", "margin"), low=-reach, high=reach), Axis(say("axes", "below"), low=0, high=1.02)
    return _curves("margin", history, y, lines, x)


@plot("spectrum", rows=False, first=True)
def spectrum(history: History) -> Lines | None:
    """Singular values of every layer's weights, largest first, a band over runs; dashed: at step 0."""
    latest, began = history[-1], history[0].step == 0
    lines = [_layer(latest, i, values) for i, values in enumerate(latest.values["spectrum"])]
    if not lines:
        return None
    if began:  # of the same runs
        starts = [_layer(latest, i, values).y for i, values in enumerate(history[0].values["spectrum"])]
        lines = [replace(line, start=y) for line, y in zip(lines, starts, strict=True)]
    more = say("captions", "spectrum_start") if began else ""
    x, y = Axis(say("axes", "index"), low=1), Axis(say("axes", "singular"), log=True)
    return _curves("spectrum", history, y, lines, x, more)


def _layer(snapshot: Snapshot, i: int, values: Tensor) -> Line:
    """Singular values (runs, k) of a layer, NaN where single precision cannot tell them from 0."""
    table = shown(snapshot, values)
    known = np.where(table > np.finfo(np.float32).eps * table[:, :1], table, np.nan)
    return band_line(say("axes", "layer", i=i + 1), np.arange(1, 1 + table.shape[1]), known)


def plain(name: str, history: History) -> Description | None:
    """A measure that has no plot of its own: (runs,) over steps, few columns as bars, else over an index."""
    latest, title = history[-1], name.replace("_", " ")
    parts: Any = latest.values[name]
    about = told(latest) | {"title": title}
    label, caption = Axis(title), say("captions", "measure", **about)
    if isinstance(parts, Tensor) and parts.ndim == 1 and not parts.is_complex():
        line, steps = step_line(title, history, lambda s: s.values[name]), Axis(say("axes", "step"), low=0)
        return Lines(name, title, steps, label, [line], caption, grows=True)
    parts = [parts] if isinstance(parts, Tensor) else parts
    if isinstance(parts, list | tuple) and all(isinstance(p, Tensor) and p.ndim == 1 for p in parts):
        parts = [stack(list(parts), dim=1)] if parts else []  # (runs, k)
    if not isinstance(parts, list | tuple) or not parts or not all(map(_is_table, parts)):
        return None
    tables = [shown(latest, part) for part in parts]  # (runs, k) each
    if len(tables) == 1 and tables[0].shape[1] <= MOST:
        names = [str(i) for i in range(tables[0].shape[1])]
        return Bars(name, title, label, names, *_means(tables[0]), say("captions", "measure_bars", **about))
    lines = [band_line(f"{title} {i}", np.arange(t.shape[1]), t) for i, t in enumerate(tables)]
    return Lines(name, title, Axis(say("axes", "index")), label, lines, caption)


def _is_table(values: Any) -> bool:
    """Whether values are real numbers (runs, k)."""
    return isinstance(values, Tensor) and values.ndim == 2 and values.numel() > 0 and not values.is_complex()
