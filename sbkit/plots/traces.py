"""Descriptions as traces: dicts in plotly's own words, which `png` reads too."""

from __future__ import annotations

import html
from typing import Any

import numpy as np

from sbkit.plots import theme
from sbkit.plots.shapes import Bars, Description, Field, Line, Lines, Mark
from sbkit.plots.words import say, short

Trace = dict[str, Any]


def escaped(text: str) -> str:
    """Text that plotly shows as it stands, without taking parts of it for tags or for places of values.

    >>> escaped("<b>5 %{y}")
    '&lt;b&gt;5 %&#123;y}'
    """
    return html.escape(text, quote=False).replace("%{", "%&#123;")


def traces(shape: Description) -> list[Trace]:
    """What is drawn of a shape, from back to front."""
    if isinstance(shape, Field):
        return _field(shape)
    return _lines(shape) if isinstance(shape, Lines) else _bars(shape)


def span(shape: Description, mark: Mark) -> tuple[float, float] | None:
    """Where a mark begins and ends along x; None for all along."""
    names = shape.block if isinstance(shape, Bars) else ()
    k = names.index(mark.at) if mark.at in names else None
    return None if k is None else (k - 0.45, k + 0.45)


def rises(shape: Description) -> bool:
    """True for lines that end above their middle, so that the room is below them."""
    curves = [line.y for line in getattr(shape, "lines", ()) if len(line.y) > 1]
    return bool(curves) and all(y[-1] > y.min() / 2 + y.max() / 2 for y in curves)


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


def _points(field: Field) -> list[Trace]:
    """The rows on a field, one trace a class, each with its own colour and symbol."""
    if field.points is None or field.labels is None:
        return []
    made = []
    for label in np.unique(field.labels).astype(int):
        x, y = field.points[field.labels == label].T  # (n,) each
        style = theme.point_style(label) | {"size": 8, "line": {"color": theme.WHITE, "width": 1}}
        about = {"marker": style, "showlegend": True}
        made.append(_scatter(x, y, "markers", escaped(short(field.class_name(label))), **about))
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
    sides, count, made = bars.sides or ("",), len(bars.block), []
    wide, names = 0.8 / len(sides), [escaped(name) for name in bars.block]
    for side, label in enumerate(sides):
        part = slice(side * count, (side + 1) * count)
        at = np.arange(count) + (side - (len(sides) - 1) / 2) * wide  # (names,)
        style = {"marker": {"color": theme.line_style(side)["color"], "opacity": 0.75}, "width": 0.95 * wide}
        about = {"name": escaped(label), "showlegend": bool(bars.sides), "hovertext": names}
        made.append({"type": "bar", "x": at, "y": bars.values[part], "hoverinfo": "text+y"} | about | style)
        if bars.dots is not None:
            made.append(_dots(at, bars.dots[part], wide))
    return made


def _dots(at: Any, dots: Any, wide: float) -> Trace:
    """A circle a run, beside each other on their bar; dots (bars, runs)."""
    runs = dots.shape[1]
    across = at[:, None] + 0.7 * wide * ((np.arange(runs) + 0.5) / runs - 0.5)  # (bars, runs)
    style = {"symbol": "circle-open", "size": 7, "color": theme.GREY, "line": {"width": 1.5}}
    about = {"hovertext": [f"run {r}" for r in range(runs)] * len(at), "hoverinfo": "text+y"}
    return _scatter(across.ravel(), dots.ravel(), "markers", marker=style, cliponaxis=False, **about)
