"""Descriptions as traces: dicts in plotly's own words, which `png` reads too."""

from __future__ import annotations

import base64
import html
import io
import math
from dataclasses import replace
from typing import Any

import numpy as np

from sbkit.plots import theme
from sbkit.plots.images import Images
from sbkit.plots.parts import Axis, Mark
from sbkit.plots.shapes import Bars, Description, Field, Line, Lines, Scatter
from sbkit.plots.words import say, short

Trace = dict[str, Any]
LETTERS, TOLD = 48, 4_000  # of labels in a row of images, pixels that say their values


def escaped(text: str) -> str:
    """Text that plotly shows as it stands, without taking parts of it for tags or for places of values.

    >>> escaped("<b>5 %{y}")
    '&lt;b&gt;5 %&#123;y}'
    """
    return html.escape(text, quote=False).replace("%{", "%&#123;")


def traces(shape: Description) -> list[Trace]:
    """What is drawn of a shape, from back to front."""
    return TRACES[type(shape)](shape)


def span(shape: Description, mark: Mark) -> tuple[float, float] | None:
    """Where a mark begins and ends along x; None for all along."""
    if not isinstance(shape, Bars) or mark.at not in shape.block:
        return None
    left, right = shape.edges[shape.block.index(mark.at) :][:2]
    return left + 0.05 * (right - left), right - 0.05 * (right - left)


def rises(shape: Description) -> bool:
    """True for lines that end above their middle, and along a diagonal: the room is below them."""
    curves = [line.y for line in getattr(shape, "lines", ()) if len(line.y) > 1]
    return (
        getattr(shape, "diagonal", False)
        or bool(curves)
        and all(y[-1] > y.min() / 2 + y.max() / 2 for y in curves)
    )


def _field(field: Field) -> list[Trace]:
    x, y = ([escaped(at) for at in along] if along.dtype.kind == "U" else along for along in field.grid())
    plane = {"type": "heatmap", "x": x, "y": y, "showscale": False}
    mute = plane | {"hoverinfo": "skip"}
    signed = field.scale is None or field.scale.low == -(field.scale.high or 0)
    what = say("axes", "chance", name=short(field.class_name(1))) if field.scale is None else ""
    told = f"{escaped(field.x.label)} %{{x}}, {escaped(field.y.label)} %{{y}}: {escaped(what)} %{{z:.3g}}"
    made = plane | {"z": field.values, "hovertemplate": f"{told}<extra></extra>"}
    bands = theme.BANDS if field.scale is None else theme.BANDS + 1  # an odd one in the middle for no change
    made["colorscale"] = theme.scale_bands(bands) if signed else theme.RISING
    if field.scale is not None:
        made |= {"zmin": field.scale.low, "zmax": field.scale.high, "showscale": True}
        made["colorbar"] = {"title": {"text": escaped(field.scale.text), "side": "right"}, "thickness": 12}
        return [made, *_tiles(field, made, mute), *_points(field)]
    calm = {"z": field.spread, "colorscale": theme.CALM, "zmin": 0, "zmax": 0.5}
    half = {"z": field.values, "contours": {"start": 0.5, "end": 0.5, "size": 1, "coloring": "none"}}
    half |= {"type": "contour", "line": {"color": theme.INK, "width": 2}, "showlegend": False}
    spread = [] if field.spread is None else [mute | calm]
    return [made | {"zmin": 0, "zmax": 1}, *spread, mute | half, *_points(field)]


def _tiles(field: Field, made: Trace, mute: Trace) -> list[Trace]:
    """Write its number into each tile; grey ones lie over those that have none."""
    if not field.x.ticks:
        return []
    apart, none = {"xgap": 2, "ygap": 2}, np.isnan(field.values)  # (rows, columns)
    made |= apart | {"texttemplate": "%{z:.3g}"}
    grey = {"z": np.where(none, 0.0, np.nan), "text": np.where(none, say("legends", "none"), "")}
    colour = {"colorscale": [(0, theme.GREY), (1, theme.GREY)], "texttemplate": "%{text}"}
    return [mute | apart | grey | colour]


def _points(shape: Field | Scatter, legend: bool = True) -> list[Trace]:
    """Points on two axes, one trace a class, each with its own colour and symbol."""
    if shape.points is None or shape.labels is None:
        return []
    made = []
    for label in np.unique(shape.labels).astype(int):
        x, y = shape.points[shape.labels == label].T  # (n,) each
        style = theme.point_style(label) | {"size": 8, "line": {"color": theme.WHITE, "width": 1}}
        about = {"marker": style, "showlegend": legend}
        made.append(_scatter(x, y, "markers", escaped(short(shape.class_name(label))), **about))
    return made


def _cloud(shape: Scatter) -> list[Trace]:
    """The points that have a place, over the line y = x as far as both axes reach."""
    labels = np.zeros(len(shape.points)) if shape.labels is None else shape.labels  # (n,)
    shown = replace(shape, points=shape.points[shape.shown], labels=labels[shape.shown])
    made = _points(shown, legend=shape.labels is not None)
    ends = [end for axis in (shape.x, shape.y) for end in (axis.low, axis.high) if end is not None]
    log = shape.x.log or shape.y.log
    reached = [at for at in [*shown.points.ravel().tolist(), *ends] if at > 0 or not log]
    if shape.diagonal and reached:
        line = (np.geomspace if log else np.linspace)(min(reached), max(reached), 50)  # bent on one log axis
        style = {"color": theme.GREY, "width": 1.5, "dash": "dash"}
        made.insert(0, _scatter(line, line, "lines", say("legends", "diagonal"), line=style, showlegend=True))
    return made


def _scatter(x: Any, y: Any, mode: str, name: str = "", **about: Any) -> Trace:
    return {"type": "scatter", "x": x, "y": y, "mode": mode, "name": name, "showlegend": False} | about


def _lines(lines: Lines) -> list[Trace]:
    several, made = len(lines.lines) > 1, []
    for i, line in enumerate(lines.lines):
        style = theme.line_style(i, line.dash)
        made += _band(line, theme.faint(style["color"]))
        if line.start is not None:
            pale = {"color": theme.faint(style["color"], 0.6), "width": 1.5, "dash": "dash"}
            made.append(_scatter(line.x, line.start, "lines", say("legends", "start"), line=pale))
        mode = "lines" if len(line.x) > 1 else "markers"
        about = {"line": style | {"width": 2.5}, "marker": {"color": style["color"]}, "showlegend": several}
        made.append(_scatter(line.x, line.y, mode, escaped(line.name), **about))
    return made


def _band(line: Line, colour: str) -> list[Trace]:
    if line.low is None or line.high is None:
        return []
    kept = np.isfinite(line.low) & np.isfinite(line.high)
    x, low, high = (values[kept] for values in (line.x, line.low, line.high))  # (points kept,) each
    around = np.concatenate([x, x[::-1]]), np.concatenate([high, low[::-1]])
    fill = {"fill": "toself", "fillcolor": colour, "line": {"width": 0}, "hoverinfo": "skip"}
    return [_scatter(*around, "lines", **fill)]


def _bars(bars: Bars) -> list[Trace]:
    sides, count, made, room = bars.sides or ("",), len(bars.block), [], np.diff(bars.edges)  # (names,)
    wide, share = room * (0.8 if bars.x is None else 1) / len(sides), 0.95 if bars.x is None else 1
    for side, label in enumerate(sides):
        part = slice(side * count, (side + 1) * count)
        at = bars.edges[:-1] + room / 2 + (side - (len(sides) - 1) / 2) * wide  # (names,)
        style = {"color": theme.line_style(side)["color"], "opacity": 0.75}
        style |= {} if bars.x is None else {"line": {"color": theme.WHITE, "width": 1}}
        about = {"name": escaped(label), "showlegend": bool(bars.sides), "hovertext": _told(bars, part)}
        about |= {"marker": style, "width": share * wide, "hoverinfo": "text+y"}
        made.append({"type": "bar", "x": at, "y": bars.values[part]} | about)
        if bars.dots is not None:
            made.append(_dots(at, bars.dots[part], wide))
        if bars.low is not None and bars.high is not None:
            made.append(_whiskers(at, bars.low[part], bars.high[part], wide / 5))
    return made


def _told(bars: Bars, part: slice) -> list[str]:
    """What is said of each bar beside its value: its name and interval."""
    names = [escaped(name) for name in bars.block]
    if bars.low is None or bars.high is None:
        return names
    ends = zip(names, bars.low[part], bars.high[part], strict=True)
    return [f"{name} ({low:.3g} … {high:.3g})" if low <= high else name for name, low, high in ends]


def _whiskers(at: Any, low: Any, high: Any, half: Any) -> Trace:
    """A line from low to high, (bars,) each, with a bar across at each end; none where one is not finite."""
    at = np.where(np.isfinite(low) & np.isfinite(high), at, np.nan)
    gap = np.full_like(at, np.nan)
    x = np.stack([at - half, at + half, gap, at, at, gap, at - half, at + half, gap], axis=1)  # (bars, 9)
    y = np.stack([low, low, gap, low, high, gap, high, high, gap], axis=1)
    style = {"line": {"color": theme.INK, "width": 1.5, "dash": "solid"}, "hoverinfo": "skip"}
    return _scatter(x.ravel(), y.ravel(), "lines", **style)


def room(images: Images) -> tuple[float, float]:
    """Width and height of the grid, in pixels of its images."""
    rows, columns = images.grid
    across, down = images.steps(columns)
    return columns * across, rows * down


def _images(images: Images) -> list[Trace]:
    """One picture an image, so that each says its own name, and the labels below them."""
    (high, wide), columns = images.pixels.shape[1:3], images.grid[1]
    across, down = images.steps(columns)
    rows, places = np.divmod(np.arange(len(images.pixels)), columns)  # (n,) each
    x, y, below = places * across, rows * down, high / 2 + down / 2
    told, axes = _values(images)
    made: list[Trace] = []
    for k, colours in enumerate(images.painted()):
        name = escaped(images.labels[k] if images.labels else say("sentences", "image", k=k))
        lines = [f"{escaped(axis.label)} %{{customdata[{i}]}}" for i, axis in enumerate(axes)]
        about = {"hovertemplate": "<br>".join([name, *lines]) + "<extra></extra>", "customdata": told[k]}
        place = {"x0": x[k] + 0.5, "y0": y[k] + 0.5, "dx": 1, "dy": 1}
        made.append({"type": "image", "source": _source(colours)} | place | about)
    if images.labels:
        texts = [escaped(short(label, max(4, LETTERS // columns))) for label in images.labels]
        about = {"text": texts, "hoverinfo": "skip", "textfont": {"size": 12, "color": theme.INK}}
        made.append(_scatter(x + wide / 2, y + below, "text", **about))
    return made


def _values(images: Images) -> tuple[list[Any], list[Axis]]:
    """What is said of each pixel, (n, h, w, values), and the axis of each; nothing of very many."""
    given = [(images.pixels, images.scale), (images.overlay, images.heat)]
    told = [(values, axis) for values, axis in given if values is not None and values.ndim == 3]
    if images.pixels.size > TOLD or not told:
        return [None] * len(images.pixels), []
    steps = [2 - math.floor(math.log10(axis.high - axis.low)) for _, axis in told]  # digits behind the point
    rounded = [values.astype(float).round(step) for (values, _), step in zip(told, steps, strict=True)]
    return np.stack(rounded, axis=-1).tolist(), [axis for _, axis in told]


def _source(colours: Any) -> str:
    """An image (h, w, 3) as the address of a PNG."""
    from PIL import Image

    made = io.BytesIO()
    Image.fromarray(colours).save(made, "png")
    return "data:image/png;base64," + base64.b64encode(made.getvalue()).decode()


def _dots(at: Any, dots: Any, wide: Any) -> Trace:
    """A circle a run, beside each other on their bar; dots (bars, runs)."""
    runs = dots.shape[1]
    across = at[:, None] + 0.7 * np.outer(wide, (np.arange(runs) + 0.5) / runs - 0.5)  # (bars, runs)
    style = {"symbol": "circle-open", "size": 7, "color": theme.GREY, "line": {"width": 1.5}}
    about = {"hovertext": [f"run {r}" for r in range(runs)] * len(at), "hoverinfo": "text+y"}
    return _scatter(across.ravel(), dots.ravel(), "markers", marker=style, cliponaxis=False, **about)


TRACES = {Field: _field, Lines: _lines, Bars: _bars, Scatter: _cloud, Images: _images}
