"""The shapes of a description as plotly's traces."""

from __future__ import annotations

import html
from typing import Any

import numpy as np

from sbkit.plots.shapes import Array, Axis, Bars, Field, Line, Lines
from sbkit.plots.theme import (
    BANDS,
    GREY,
    INK,
    LINES,
    RISING,
    SYMBOLS,
    WHITE,
    faint,
    line_style,
    scale_bands,
)
from sbkit.plots.words import say, short

CALM = [[0, "rgba(90,90,90,0)"], [1, "rgba(90,90,90,0.85)"]]  # disagreement, laid over a field


def plain(text: str) -> str:
    """Text as plotly shows it: its few tags are not for names that look like some, nor are its places.

    >>> plain("<b>5 %{y}")
    '&lt;b&gt;5 %&#123;y}'
    """
    return html.escape(text, quote=False).replace("%{", "%&#123;")


def _field(field: Field) -> list[Any]:
    import plotly.graph_objects as go

    x, y = ([plain(at) for at in along] if along.dtype.kind == "U" else along for along in field.grid())
    plane = {"x": x, "y": y, "showscale": False}
    chance = say("axes", "chance", name=short(field.class_name(1)))
    told = "" if field.scale is not None else f"{plain(chance)} "
    hover = f"{plain(field.x.label)} %{{x}}, {plain(field.y.label)} %{{y}}: {told}%{{z:.3g}}<extra></extra>"
    if field.scale is not None:
        return [*_scaled(field, field.scale, plane, hover), *_points(field)]
    colours = {"colorscale": scale_bands(), "zmin": 0, "zmax": 1}
    traces: list[Any] = [go.Heatmap(z=field.values, hovertemplate=hover, **plane, **colours)]
    if field.spread is not None:
        calm = {"colorscale": CALM, "zmin": 0, "zmax": 0.5, "hoverinfo": "skip"}
        traces.append(go.Heatmap(z=field.spread, **plane, **calm))
    level = {"start": 0.5, "end": 0.5, "size": 1, "coloring": "none"}
    line = {"color": INK, "width": 2}
    traces.append(go.Contour(z=field.values, x=x, y=y, contours=level, line=line, hoverinfo="skip"))
    traces[-1].update(showscale=False, showlegend=False)
    return traces + _points(field)


def _scaled(field: Field, scale: Axis, plane: dict[str, Any], hover: str) -> list[Any]:
    """The heat map of any quantity, with the bar that says what its colours are; cells with numbers."""
    import plotly.graph_objects as go

    signed = scale.low is not None and scale.low == -(scale.high or 0)
    colours = {"colorscale": scale_bands(BANDS + 1) if signed else RISING}
    bar = {"title": {"text": plain(scale.text), "side": "right"}, "thickness": 12}
    ends = {"zmin": scale.low, "zmax": scale.high, "hovertemplate": hover}
    made = go.Heatmap(z=field.values, **ends, **plane, **colours)
    made.update(showscale=True, colorbar=bar | {"outlinewidth": 0, "tickfont": {"size": 12}})
    if not field.x.ticks:
        return [made]
    made.update(texttemplate="%{z:.3g}", xgap=2, ygap=2)
    none = np.isnan(field.values)  # (rows, columns)
    grey = {"colorscale": [[0, GREY], [1, GREY]], "texttemplate": "%{text}", "hoverinfo": "skip"}
    grey |= {"z": np.where(none, 0.0, np.nan), "text": np.where(none, say("legends", "none"), "")}
    return [made, go.Heatmap(xgap=2, ygap=2, **plane, **grey)]


def _points(field: Field) -> list[Any]:
    """The rows on a field, a trace a class: its colour is the field's end, its symbol the class's own."""
    import plotly.graph_objects as go

    if field.points is None or field.labels is None:
        return []
    traces: list[Any] = []
    for label in np.unique(field.labels).astype(int):
        part = field.points[field.labels == label]  # (n, 2)
        look = {"size": 8, "symbol": SYMBOLS[label % len(SYMBOLS)], "color": LINES[label % len(LINES)]}
        look["line"] = {"color": WHITE, "width": 1}
        at = {
            "x": part[:, 0],
            "y": part[:, 1],
            "mode": "markers",
            "name": plain(short(field.class_name(label))),
        }
        traces.append(go.Scatter(**at, marker=look, showlegend=True))
    return traces


def _lines(lines: Lines) -> list[Any]:
    import plotly.graph_objects as go

    traces: list[Any] = []
    for i, line in enumerate(lines.lines):
        style, name = line_style(i, line.dash), plain(line.name)
        traces += _band(line, style["color"]) + _start(line, style["color"])
        mode = "lines" if len(line.x) > 1 else "markers"
        hover = f"{name}: %{{y:.3g}} at %{{x}}<extra></extra>"
        traces.append(go.Scatter(x=line.x, y=line.y, mode=mode, name=name, hovertemplate=hover))
        traces[-1].update(line=style | {"width": 2.5}, showlegend=len(lines.lines) > 1)
    return traces


def _band(line: Line, colour: str) -> list[Any]:
    import plotly.graph_objects as go

    if line.low is None or line.high is None:
        return []
    around = {"x": np.concatenate([line.x, line.x[::-1]]), "y": np.concatenate([line.high, line.low[::-1]])}
    fill = {"fill": "toself", "fillcolor": faint(colour), "line": {"width": 0}, "mode": "lines"}
    return [go.Scatter(**around, **fill, hoverinfo="skip", showlegend=False)]


def _start(line: Line, colour: str) -> list[Any]:
    import plotly.graph_objects as go

    if line.start is None:
        return []
    look = {"color": faint(colour, 0.6), "width": 1.5, "dash": "dash"}
    hover = f"{plain(say('tables', 'start', line=line.name))}: %{{y:.3g}}<extra></extra>"
    made = go.Scatter(x=line.x, y=line.start, mode="lines", name=say("legends", "start"), line=look)
    return [made.update(hovertemplate=hover, showlegend=False)]


def _bars(bars: Bars) -> list[Any]:
    import plotly.graph_objects as go

    sides = bars.sides or ("",)
    count, wide = len(bars.names) // len(sides), 0.8 / len(sides)
    traces: list[Any] = []
    for side, label in enumerate(sides):
        block = slice(side * count, (side + 1) * count)
        at = np.arange(count) + (side - (len(sides) - 1) / 2) * wide  # (names,)
        about = {"customdata": [plain(name) for name in bars.names[block]], "name": plain(label)}
        colour = LINES[side % len(LINES)]
        look = {"marker": {"color": colour, "opacity": 0.75}, "showlegend": bool(bars.sides)}
        hover = f"%{{customdata}} {plain(label)}: %{{y:.3f}}<extra></extra>"
        traces.append(go.Bar(x=at, y=bars.values[block], width=0.95 * wide, **about, **look))
        traces[-1].hovertemplate = hover
        if bars.dots is not None:
            traces.append(_dots(at, bars.dots[block], wide))
    return traces


def _dots(at: Array, dots: Array, wide: float) -> Any:
    """A circle a run, beside each other on their bar; dots (bars, runs)."""
    import plotly.graph_objects as go

    runs = dots.shape[1]
    across = 0.7 * wide * ((np.arange(runs) + 0.5) / runs - 0.5)  # (runs,)
    where = {"x": (at[:, None] + across).ravel(), "y": dots.ravel()}
    look = {"symbol": "circle-open", "size": 7, "color": GREY, "line": {"width": 1.5, "color": INK}}
    about = {"customdata": np.tile(np.arange(runs), len(at)), "showlegend": False, "cliponaxis": False}
    hover = "run %{customdata}: %{y:.3f}<extra></extra>"
    return go.Scatter(**where, **about, mode="markers", marker=look, hovertemplate=hover)


DRAW: dict[type, Any] = {Field: _field, Lines: _lines, Bars: _bars}
