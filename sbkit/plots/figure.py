"""Descriptions drawn by plotly, for all that stands still."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sbkit.core import SbkitError
from sbkit.plots.shapes import Array, Axis, Bars, Description, Field, Line, Lines, Mark
from sbkit.plots.theme import BLUE, GREY, INK, LINES, SYMBOLS, WHITE, faint, line_style, scale_bands

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

WIDE, HIGH, ACROSS = 420, 440, 3  # pixels a plot, plots a row
LETTERS = 58  # of a caption in a line
CALM = [[0, "rgba(90,90,90,0)"], [1, "rgba(90,90,90,0.85)"]]  # disagreement, laid over a field


def figure(descriptions: Description | Sequence[Description]) -> Figure:
    """The descriptions side by side in one still figure, three a row, each with title and caption.

    Raises `SbkitError` on anything that is no `Field`, `Lines` or `Bars`.

    >>> bars = Bars("r", "Reliance", "accuracy lost", ["linear", "slab5"], [0.5, 0.0])
    >>> figure(bars).data[0].x
    ('linear', 'slab5')
    """
    shapes = _checked(descriptions)
    columns = min(ACROSS, len(shapes))
    rows = math.ceil(len(shapes) / columns)
    fig = _grid(shapes, rows, columns)
    for i, shape in enumerate(shapes):
        place: dict[str, Any] = {"row": i // columns + 1, "col": i % columns + 1}
        for trace in DRAW[type(shape)](shape):
            fig.add_trace(trace, **place)
        _finish(fig, shape, i + 1, place)
    return fig


def _checked(descriptions: Description | Sequence[Description]) -> list[Description]:
    several = isinstance(descriptions, list | tuple)
    shapes: list[Any] = list(descriptions) if several else [descriptions]
    if not shapes or not all(isinstance(shape, Description) for shape in shapes):
        raise SbkitError(f"A figure is of Field, Lines or Bars, got {descriptions!r:.80}.")
    return shapes


def _grid(shapes: Sequence[Description], rows: int, columns: int) -> Figure:
    from plotly.subplots import make_subplots

    titles = [_title(shape) for shape in shapes]
    gaps: dict[str, Any] = {"vertical_spacing": 0.42 / rows, "horizontal_spacing": 0.27 / columns}
    fig = make_subplots(rows=rows, cols=columns, subplot_titles=titles, **gaps)
    layout: Any = fig.layout
    for note in layout.annotations:
        note.update(font={"size": 13, "color": INK}, yshift=4, align="center")
    fig.update_layout(
        template="plotly_white",
        font={"size": 15, "color": INK, "family": "Arial, sans-serif"},
        width=WIDE * columns + 60,
        height=HIGH * rows + 40,
        margin={"l": 70, "r": 30, "t": 120, "b": 60},
        barmode="overlay",
    )
    return fig


def _title(shape: Description) -> str:
    """Title and caption as plotly writes them; its few tags are not for names that look like some."""
    lines = [html.escape(line, quote=False) for line in textwrap.wrap(shape.caption, LETTERS)]
    caption = "".join(f"<br>{line}" for line in lines)
    return f"<span style='font-size:17px'><b>{html.escape(shape.title, quote=False)}</b></span>{caption}"


def _finish(fig: Figure, shape: Description, i: int, place: dict[str, Any]) -> None:
    """Axes of plot i, and its legend inside it, at the top right."""
    if not isinstance(shape, Bars):
        fig.update_xaxes(**_axis(shape.x), **place)
    fig.update_yaxes(**_axis(shape.y), **place)
    for mark in [] if isinstance(shape, Field) else shape.marks:
        _mark(fig, shape, mark, i, place)
    suffix = "" if i == 1 else str(i)
    for trace in fig.select_traces(**place):
        if trace.showlegend:
            trace.legend = f"legend{suffix}"
    layout: Any = fig.layout
    across, up = layout[f"xaxis{suffix}"].domain, layout[f"yaxis{suffix}"].domain
    corner = {"x": across[1], "xanchor": "right"}
    corner |= {"y": up[0], "yanchor": "bottom"} if _rises(shape) else {"y": up[1], "yanchor": "top"}
    layout[f"legend{suffix}"] = corner | {"bgcolor": "rgba(255,255,255,0.7)", "font": {"size": 13}}


def _mark(fig: Figure, shape: Description, mark: Mark, i: int, place: dict[str, Any]) -> None:
    """A range of values over plot i: a dashed frame with its label above."""
    names = getattr(shape, "names", ())
    k = names.index(mark.at) if mark.at in names else None
    ends = (0, 1) if k is None else (k - 0.45, k + 0.45)
    across = f"x{'' if i == 1 else i}" + (" domain" if k is None else "")
    look = {"line": {"color": INK, "width": 1.5, "dash": "dash"}, "fillcolor": faint(INK, 0.1)}
    span: dict[str, Any] = {"x0": ends[0], "x1": ends[1], "y0": mark.low, "y1": mark.high}
    fig.add_shape(type="rect", **span, **look, **place)
    fig.layout.shapes[-1].update(xref=across)  # pyright: ignore
    text = html.escape(mark.label, quote=False)
    note = {"text": text, "showarrow": False, "yanchor": "bottom", "font": {"size": 13}}
    fig.add_annotation(x=sum(ends) / 2, y=mark.high, **note, **place)
    fig.layout.annotations[-1].update(xref=across)  # pyright: ignore


def _rises(shape: Description) -> bool:
    """True for lines that end above their middle, so that the room is below them."""
    ends = [
        (line.y[-1], line.y.min(), line.y.max()) for line in getattr(shape, "lines", ()) if len(line.y) > 1
    ]
    return bool(ends) and all(last > (low + high) / 2 for last, low, high in ends)


def _axis(axis: Axis) -> dict[str, Any]:
    made: dict[str, Any] = {"title": {"text": html.escape(axis.text, quote=False), "standoff": 6}}
    ends = [axis.low, axis.high]
    if axis.log:
        made |= {"type": "log", "exponentformat": "power", "dtick": 1}
        ends = [None if end is None else math.log10(end) for end in ends]
    if None in ends:
        return made | ({} if ends == [None, None] or axis.log else {"rangemode": "tozero"})
    return made | {"range": ends}


def _field(field: Field) -> list[Any]:
    import plotly.graph_objects as go

    x, y = field.grid()
    plane = {"x": x, "y": y, "showscale": False}
    scale = {"colorscale": scale_bands(), "zmin": 0, "zmax": 1}
    hover = f"{field.x.label} %{{x:.2f}}, {field.y.label} %{{y:.2f}}: %{{z:.2f}}<extra></extra>"
    traces: list[Any] = [go.Heatmap(z=field.values, hovertemplate=hover, **plane, **scale)]
    if field.spread is not None:
        calm = {"colorscale": CALM, "zmin": 0, "zmax": 0.5, "hoverinfo": "skip"}
        traces.append(go.Heatmap(z=field.spread, **plane, **calm))
    level = {"start": 0.5, "end": 0.5, "size": 1, "coloring": "none"}
    line = {"color": INK, "width": 2}
    traces.append(go.Contour(z=field.values, x=x, y=y, contours=level, line=line, hoverinfo="skip"))
    traces[-1].update(showscale=False, showlegend=False)
    return traces + _points(field)


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
        at = {"x": part[:, 0], "y": part[:, 1], "mode": "markers", "name": f"class {label}"}
        traces.append(go.Scatter(**at, marker=look, showlegend=True))
    return traces


def _lines(lines: Lines) -> list[Any]:
    import plotly.graph_objects as go

    traces: list[Any] = []
    for i, line in enumerate(lines.lines):
        style, name = line_style(i, line.dash), html.escape(line.name, quote=False)
        traces += _band(line, style["color"])
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


def _bars(bars: Bars) -> list[Any]:
    import plotly.graph_objects as go

    names = [html.escape(name, quote=False) for name in bars.names]
    look = {"marker": {"color": BLUE, "opacity": 0.75}, "showlegend": False}
    hover = "%{x}: %{y:.3f}<extra></extra>"
    traces: list[Any] = [go.Bar(x=names, y=bars.values, hovertemplate=hover, **look)]
    return traces if bars.dots is None else [*traces, _dots(names, bars.dots)]


def _dots(names: list[str], dots: Array) -> Any:
    import plotly.graph_objects as go

    runs = dots.shape[1]
    hover = "%{x}, run %{customdata}: %{y:.3f}<extra></extra>"
    where = {
        "x": np.repeat(names, runs),
        "y": dots.ravel(),
        "customdata": np.tile(np.arange(runs), len(names)),
    }
    look = {"symbol": "circle-open", "size": 7, "color": GREY, "line": {"width": 1.5, "color": INK}}
    return go.Scatter(
        **where, mode="markers", marker=look, hovertemplate=hover, showlegend=False, cliponaxis=False
    )


DRAW: dict[type, Any] = {Field: _field, Lines: _lines, Bars: _bars}
