"""The pictures of two runs, A and B, in one list: curves and bars together, fields with their difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.nn.functional import interpolate

from sbkit.plots.images import Images
from sbkit.plots.parts import Array, Axis
from sbkit.plots.shapes import MOST_POINTS, Bars, Description, Field, Lines, Scatter
from sbkit.plots.theme import BANDS
from sbkit.plots.words import say, short

SIDES = ("A", "B")
MOST = 2  # lines that get a plot each; more stay with their own side


def paired(a: Sequence[Description], b: Sequence[Description], labels: Sequence[str]) -> list[Description]:
    """What A and B show under the same name, drawn together; the rest of each beside it.

    labels: of A and of B, in legends and titles. A line of A is solid, of B dashed; two lines (train and
    test) get a plot each, more than two a plot a side. Bars stand beside each other. Points without classes
    are of the class A or B. Images, and points of classes, have a plot a side.
    Fields of one plane are followed by B − A.

    >>> a, b = ([Bars("r", "Reliance", "lost", ["linear", "slab"], [v, 0])] for v in (0.5, 0.3))
    >>> [both] = paired(a, b, ["A sgd", "B sam"])
    >>> both.sides, both.values.tolist()
    (('A sgd', 'B sam'), [0.5, 0.0, 0.30000001192092896, 0.0])
    """
    others = {picture.name: picture for picture in b}
    made: list[Description] = []
    for picture in a:
        if type(others.get(picture.name)) is type(picture):
            made += JOIN[type(picture)](picture, others.pop(picture.name), labels)
        else:
            made.append(_of_side(picture, 0, labels))
    return made + [_of_side(picture, 1, labels) for picture in others.values()]


def _of_side(picture: Description, side: int, labels: Sequence[str]) -> Description:
    """A picture of one side alone, which its title says."""
    return replace(picture, name=f"{picture.name} {SIDES[side]}", title=_title(picture, labels[side]))


def _title(picture: Description, side: str) -> str:
    return say("titles", "of_side", title=picture.title, side=side)


def _fields(a: Field, b: Field, labels: Sequence[str]) -> list[Description]:
    sides = [_of_side(a, 0, labels), _of_side(b, 1, labels)]
    if (a.x, a.y, a.names) != (b.x, b.y, b.names):
        return [sides[0], replace(sides[1], caption=sides[1].caption + say("captions", "between_none"))]
    change = _resampled(b.values, a.values.shape) - a.values  # (rows, columns)
    reach = 1.0 if a.scale is None else float(np.abs(change).max(initial=1e-6, where=np.isfinite(change)))
    what = a.scale or Axis(say("axes", "chance", name=short(a.class_name(1))))
    least = f"{reach / (BANDS + 1):.2g}"  # what the colours can tell apart
    scale = Axis(say("axes", "between"), what.unit, low=-reach, high=reach)
    about = {"name": f"{a.name} B − A", "title": _title(a, scale.label), "spread": None, "scale": scale}
    caption = say("captions", "between", what=what.label, least=least)
    return [*sides, replace(a, values=change, caption=caption, **about)]


def _resampled(values: Array, shape: tuple[int, ...]) -> Array:
    """A grid at another resolution, corners on corners: a glance is coarser than a look."""
    if values.shape == shape:
        return values
    grid = torch.from_numpy(values)[None, None]  # (1, 1, rows, columns)
    return interpolate(grid, size=shape, mode="bilinear", align_corners=True)[0, 0].numpy()


def _lines(a: Lines, b: Lines, labels: Sequence[str]) -> list[Description]:
    axes = {"x": _joint(a.x, b.x), "y": _joint(a.y, b.y)}
    names = [line.name for line in a.lines]
    if names != [line.name for line in b.lines] or len(names) > MOST:
        return [_of_side(replace(one, **axes), side, labels) for side, one in enumerate((a, b))]
    made: list[Description] = []
    for name, *lines in zip(names, a.lines, b.lines, strict=True):
        both = [replace(line, name=labels[side], dash=side == 1) for side, line in enumerate(lines)]
        about = {} if len(names) == 1 else {"name": f"{a.name} {name}", "title": _title(a, name)}
        made.append(replace(a, lines=both, caption=_captions(a, b), **axes, **about))
    return made


def _bars(a: Bars, b: Bars, labels: Sequence[str]) -> list[Description]:
    y = _joint(a.y, b.y)
    if a.sides or b.sides:
        return [_of_side(replace(one, y=y), side, labels) for side, one in enumerate((a, b))]
    if (a.x or b.x) and (a.x, a.names) != (b.x, b.names):  # bars that touch, on other parts of an axis
        return [_of_side(replace(one, y=y), side, labels) for side, one in enumerate((a, b))]
    names = list(dict.fromkeys((*a.names, *b.names)))
    runs = max(0 if one.dots is None else one.dots.shape[1] for one in (a, b))
    values = np.concatenate([_rows(one, names, runs) for one in (a, b)])  # (names of both, 3 + runs)
    ends = None if a.low is None and b.low is None else values[:, 1:3].T
    low, high = (None, None) if ends is None else ends
    caption = _captions(a, b) + say("captions", "between_bars")
    about = {"values": values[:, 0], "low": low, "high": high, "sides": tuple(labels)}
    return [replace(a, y=y, names=names * 2, caption=caption, dots=values[:, 3:] if runs else None, **about)]


def _rows(bars: Bars, names: Sequence[str], runs: int) -> Array:
    """Value, low, high and dots of every name, NaN where the bars have none. (names, 3 + runs)"""
    rows = np.full((len(names), 3 + runs), np.nan, dtype=np.float32)
    at = [names.index(name) for name in bars.names]
    rows[at, 0] = bars.values
    if bars.low is not None and bars.high is not None:
        rows[at, 1], rows[at, 2] = bars.low, bars.high
    if bars.dots is not None:
        rows[at, 3 : 3 + bars.dots.shape[1]] = bars.dots
    return rows


def _scatters(a: Scatter, b: Scatter, labels: Sequence[str]) -> list[Description]:
    """Points without classes in one plot, A and B their classes; others beside each other on equal axes."""
    axes: Any = {"x": _joint(a.x, b.x), "y": _joint(a.y, b.y)}
    classes = a.labels is not None or b.labels is not None
    if classes or len(a.points) + len(b.points) > MOST_POINTS:
        return [_of_side(replace(one, **axes), side, labels) for side, one in enumerate((a, b))]
    about = {"labels": np.repeat([0, 1], [len(a.points), len(b.points)]), "names": tuple(labels)}
    about |= {"caption": _captions(a, b), "diagonal": a.diagonal or b.diagonal}
    return [replace(a, points=np.concatenate([a.points, b.points]), **axes, **about)]


def _images(a: Images, b: Images, labels: Sequence[str]) -> list[Description]:
    """Beside each other, in the same colours."""
    sides = [(a, b), (b, a)]
    both = [replace(one, scale=_joint(one.scale, o.scale), heat=_joint(one.heat, o.heat)) for one, o in sides]
    return [_of_side(one, side, labels) for side, one in enumerate(both)]


def _joint(one: Axis, other: Axis) -> Axis:
    """An axis that holds both ranges."""
    lows, highs = (one.low, other.low), (one.high, other.high)
    low = None if None in lows else min(lows)  # pyright: ignore
    return replace(one, low=low, high=None if None in highs else max(highs))  # pyright: ignore


def _captions(a: Description, b: Description) -> str:
    return a.caption if a.caption == b.caption else f"A: {a.caption} B: {b.caption}"


JOIN = {Field: _fields, Lines: _lines, Bars: _bars, Scatter: _scatters, Images: _images}
