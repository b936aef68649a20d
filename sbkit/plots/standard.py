"""The registered plots: what is drawn of a history of snapshots, one function a measure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor, stack

from sbkit.core import Snapshot, Task, window
from sbkit.core.registries import plot
from sbkit.plots.bands import alive, band_line, finite, middle, shown, step_line, told
from sbkit.plots.images import Images
from sbkit.plots.parts import Array, Axis, spanned
from sbkit.plots.shapes import Bars, Description, Field, Line, Lines
from sbkit.plots.words import class_names, say, short

POINTS = 256  # test rows drawn on a field
MOST = 12  # bars in one plot
BINS = 24  # of a histogram
CURVES = 5  # features in one plot over steps: a colour each
History = Sequence[Snapshot]


def _words(name: str, latest: Snapshot, usual: str, title: str = "", more: str = "") -> dict[str, Any]:
    """Title and caption of a registered plot; of a measure without one, made from its `title`."""
    caption = say("captions", usual if title else name, title=title, **told(latest))
    return {"name": name, "title": title or say("titles", name), "caption": caption + more}


def _lines(
    name: str, history: History, y: Axis, lines: list[Line], x: Axis | None = None, **more: str
) -> Lines:
    """Curves over steps, or over x."""
    about, across = _words(name, history[-1], "measure", **more), x or Axis(say("axes", "step"), low=0)
    return Lines(**about, x=across, y=y, lines=lines, grows=x is None)


def _bars(name: str, latest: Snapshot, y: Axis, names: list[str], values: Array, **more: str) -> Bars:
    """Means of values (runs, bars) and, of several runs, their dots."""
    dots = values.T if len(values) > 1 else None  # (bars, runs)
    about = _words(name, latest, "measure_bars", **more)
    return Bars(**about, y=y, names=names, values=middle(values)[0], dots=dots)


@plot("loss")
def loss(history: History) -> Lines:
    """Mean training loss over steps, a band over runs."""
    line = step_line(say("axes", "train"), history, lambda s: s.loss)
    return _lines("loss", history, Axis(say("axes", "loss"), low=0), [line])


@plot("accuracy")
def accuracy(history: History) -> Lines | None:
    """Accuracy on training and test rows over steps; none for regression."""
    latest = history[-1]
    if latest.sample.sort == "regression" or (latest.accuracy.isnan() & latest.loss.isfinite()).all():
        return None
    lines = [
        step_line(say("axes", "train"), history, lambda s: s.accuracy),
        step_line(say("axes", "test"), history, lambda s: s.test_accuracy, dash=True),
    ]
    lows = np.stack([line.y if line.low is None else line.low for line in lines])  # (2, snapshots)
    guess = 1 / (2 if latest.sample.many else latest.sample.outputs)
    lowest = np.fmin.reduce(lows, axis=None, initial=guess)  # where none is finite, that
    y = Axis(say("axes", "accuracy"), low=math.floor(10 * lowest) / 10, high=1.02)
    return _lines("accuracy", history, y, lines)


@plot("boundary", rows=False, draws="plane")
def boundary(history: History) -> Field | None:
    """Chance of the second class over the plane of feature coordinates that was measured, mean over runs."""
    latest, sample = history[-1], history[-1].sample
    measured, names = latest.values["boundary"], class_names(sample.names)
    plane = getattr(measured, "plane", {"axes": (0, 1), "at": None})  # it travels with the values
    axes, chance = list(plane["axes"]), shown(latest, measured)  # chance (runs, rows, columns)
    if not chance.size:
        return None
    mean, spread = middle(chance)  # (rows, columns) each
    spread = spread if alive(latest).sum() > 1 else None
    rows = sample.z_test[:POINTS, axes], sample.y_test[:POINTS]  # (n, 2), (n,)
    points, labels = (part.cpu().numpy() for part in rows)
    drawn = Field("boundary", say("titles", "boundary"), *_plane(sample, *axes), mean, spread, points, labels)
    about = told(latest) | {"rows": f"{len(labels):,}", "rest": _rest(sample, plane["at"])}
    about["disagree"] = "" if spread is None else say("captions", "boundary_disagree")
    about["name"] = short(names[1] if names else drawn.class_name(1))
    return replace(drawn, caption=say("captions", "boundary", **about), names=names)


@plot("units", rows=False)
def units(history: History) -> Images | None:
    """Maps of one run's first hidden units on one scale, 0 neutral; below each its weight to the output."""
    latest, sample = history[-1], history[-1].sample
    maps, weights = latest.values["units"]  # (runs, units, rows, columns), (runs, units)
    if not maps.numel():
        return None
    plane = getattr(maps, "plane", {"axes": (0, 1), "at": None, "run": 0})  # it travels with the values
    names, run = class_names(sample.names), plane["run"]
    seen = alive(latest)[run]
    pixels = np.where(seen, finite(maps[run].flip(1)), np.nan)  # (units, rows, columns), row 0 on top
    reach = float(np.nan_to_num(np.abs(pixels)).max()) or 1.0
    across, up = _plane(sample, *plane["axes"])
    about = {"run": run, "x": across.label, "y": up.label, "rest": _rest(sample, plane["at"])}
    about["name"] = short(names[1] if names else say("legends", "class", c=1))
    kind = "units" if sample.classes else "units_values"
    labels = [f"{w:+.2g}".replace("-", "−") if w == w else "–" for w in finite(weights[run]).tolist()]
    scale = Axis(say("axes", "answer"), low=-reach, high=reach)
    caption = say("captions", kind, **about)
    return Images("units", say("titles", "units"), pixels, labels=labels, caption=caption, scale=scale)


def _rest(sample: Task, at: int | None) -> str:
    """Which row the coordinates off the plane are of; empty where there are none."""
    row = say("captions", "boundary_first") if at is None else say("captions", "boundary_row", at=at)
    return say("captions", "boundary_rest", row=row) if sample.z_test.shape[1] > 2 else ""


def _plane(sample: Task, across: int, up: int) -> tuple[Axis, Axis]:
    """The axes of two columns of z, named by their feature: "size", or "size[0]" of several columns."""
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
    return _bars("reliance", latest, _lost(lost), [names[i] for i in kept], lost[:, kept], more=more)


@plot("kinds")
def kinds(history: History) -> Bars | None:
    """Accuracy lost when all simplest features (S), or all others (Sᶜ), are shuffled together."""
    latest = history[-1]
    lost = shown(latest, latest.values["kinds"])  # (runs, kinds)
    names = [f"{kind} ({len(of)})" for kind, of in latest.sample.kinds.items()]
    return _bars("kinds", latest, _lost(lost), names, lost) if lost.shape[1] else None


def _lost(values: Array) -> Axis:
    """An axis from a little below 0 to ½, longer where the values (runs, bars) need it."""
    low = min(-0.05, math.floor(20 * float(np.fmin.reduce(values, axis=None, initial=0))) / 20)
    high = math.ceil(10 * float(np.fmax.reduce(values, axis=None, initial=0.5))) / 10
    return Axis(say("axes", "lost"), low=low, high=high)


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
    return _lines(name, history, axis, lines, more=more) if lines else None


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
    return _lines("spectrum", history, y, lines, x, more=more)


@plot("gradient_norms", rows=False, first=True)
def gradient_norms(history: History) -> Lines | None:
    """How much of the gradient reaches each layer, a band over runs; dashed: at step 0."""
    line, first = (_norms(snapshot) for snapshot in (history[-1], history[0]))
    if not len(line.x):
        return None
    began = history[0].step == 0
    x, y = Axis(say("axes", "layers"), low=1), Axis(say("axes", "gradient"), log=True)
    more = say("captions", "spectrum_start") if began else ""
    line = replace(line, start=first.y) if began else line
    return _lines("gradient_norms", history, y, [line], x, more=more)


def _norms(snapshot: Snapshot) -> Line:
    return _positive(say("axes", "gradient"), shown(snapshot, snapshot.values["gradient_norms"]), 0)


def _positive(label: str, table: Array, least: Any) -> Line:
    """Values (runs, k) over 1 … k, none where they are not above the least."""
    return band_line(label, np.arange(1, 1 + table.shape[1]), np.where(table > least, table, np.nan))


@plot("kernel", rows=False)
def kernel(history: History) -> Field | None:
    """The tangent kernel of test rows in the order of their labels, mean over runs, 0 neutral."""
    latest = history[-1]
    values = shown(latest, latest.values["kernel"])  # (runs, n, n)
    if values.shape[1] < 2:  # one row has no axis
        return None
    size: Any = np.diagonal(values, axis1=1, axis2=2).mean(1, dtype=float)  # (runs,)
    size[size <= 0] = np.nan
    mean = middle(values / size[:, None, None])[0]  # (n, n)
    reach = float(np.nan_to_num(np.abs(mean)).max()) or 1.0
    rows, n = Axis(say("axes", "by_label"), low=1, high=len(mean)), len(mean)
    about = say("captions", "kernel", n=n, **told(latest))
    scale = Axis(say("axes", "alike"), low=-reach, high=reach)
    return Field("kernel", say("titles", "kernel"), rows, rows, mean, caption=about, scale=scale)


@plot("mask", rows=False)
def mask(history: History) -> Field | None:
    """Which weights of a layer are left in the first run that has a loss: a row a unit, a column an input."""
    values = shown(history[-1], history[-1].values["mask"])  # (runs, out, in)
    if not values.size:
        return None
    run = next((r for r, each in enumerate(values) if np.isfinite(each).all()), 0)
    left = np.where(np.isfinite(values[run]), values[run] != 0, np.nan)  # (out, in)
    y = Axis(say("axes", "outputs"), low=0, high=left.shape[0])
    x = Axis(say("axes", "inputs"), low=0, high=left.shape[1])
    caption = say("captions", "mask", run=run)
    scale = Axis(say("axes", "left"), low=0, high=1)
    return Field("mask", say("titles", "mask"), x, y, left, caption=caption, scale=scale)


def _layer(snapshot: Snapshot, i: int, values: Tensor) -> Line:
    """Singular values (runs, k) of a layer, NaN where single precision cannot tell them from 0."""
    table = shown(snapshot, values)
    return _positive(say("axes", "layer", i=i + 1), table, np.finfo(np.float32).eps * table[:, :1])


@plot("sharpness")
def sharpness(history: History) -> Lines:
    """The largest eigenvalue of the Hessian over steps, a band over runs."""
    line = step_line(say("axes", "eigenvalue"), history, lambda s: s.values["sharpness"])
    return _lines("sharpness", history, Axis(say("axes", "eigenvalue"), low=0), [line])


@plot("hessian", first=True)
def hessian(history: History) -> Bars | None:
    """Histograms of the sizes of eigenvalues of Gauss–Newton and NME, on one log axis of eight decades."""
    latest = history[-1]
    tables = [shown(latest, part) for part in latest.values["hessian"]]  # (runs, P) each
    if not np.isfinite(np.concatenate(tables, axis=None)).any():
        return None
    seen = [finite(part).ravel() for one in (history[0], latest) for part in one.values["hessian"]]
    most = 10 ** math.ceil(math.log10(np.nanmax(np.abs(np.concatenate(seen)), initial=1e-30)))
    x = Axis(say("axes", "size"), low=1e-8 * most, high=most, log=True)
    parts = [Bars.histogram("", "", x, np.abs(table), BINS) for table in tables]
    values = np.concatenate([part.values for part in parts])  # (2 · bins,)
    sides = say("legends", "gauss_newton"), say("legends", "nme")
    about = _words("hessian", latest, "measure_bars")
    y = Axis(say("axes", "count"), low=0)
    return Bars(**about, y=y, names=[*parts[0].names] * 2, values=values, sides=sides, x=x)


@plot("loss_surface", first=True)
def loss_surface(history: History) -> Field | None:
    """Mean loss over a plane through the weights, in the colours of the first look."""
    latest = history[-1]
    mean, began = (middle(shown(seen, seen.values["loss_surface"]))[0] for seen in (latest, history[0]))
    if not mean.size:
        return None
    reach = getattr(latest.values["loss_surface"], "reach", 1.0)  # it travels with the values
    x, y = (Axis(say("axes", name), low=-reach, high=reach) for name in ("first", "second"))
    scale = spanned(Axis(say("axes", "loss"), low=0), began)
    about = {"caption": say("captions", "loss_surface", reach=f"{reach:g}", **told(latest)), "scale": scale}
    return Field("loss_surface", say("titles", "loss_surface"), x, y, mean, **about)


def by_shape(name: str, history: History) -> Description | None:
    """A measure without a plot of its own: (runs,) over steps, a few columns as bars, more over an index."""
    latest, title = history[-1], name.replace("_", " ")
    value: Any = latest.values[name]
    parts = [value] if isinstance(value, Tensor) else value
    known = isinstance(parts, list | tuple) and all(map(_is_known, parts))
    ndim = {part.ndim for part in parts} if known else set()
    if isinstance(value, Tensor) and ndim == {1}:
        line = step_line(title, history, lambda s: s.values[name])
        return _lines(name, history, Axis(title), [line], title=title)
    if ndim not in ({1}, {2}):
        return None
    tables = [shown(latest, part) for part in (parts if ndim == {2} else [stack(list(parts), dim=1)])]
    counts = [table.shape[1] for table in tables]  # tables (runs, k) each
    if len(tables) == 1 and counts[0] <= MOST:
        return _bars(name, latest, Axis(title), [str(i) for i in range(counts[0])], tables[0], title=title)
    lines = [band_line(f"{title} {i}", np.arange(k), tables[i]) for i, k in enumerate(counts)]
    return _lines(name, history, Axis(title), lines, Axis(say("axes", "index")), title=title)


def _is_known(values: Any) -> bool:
    """Whether values are real numbers, at least one."""
    return isinstance(values, Tensor) and values.numel() > 0 and not values.is_complex()
