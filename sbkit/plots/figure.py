"""Descriptions drawn by plotly: charts without dials, and `.figure()` of a panel."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sbkit.core import SbkitError
from sbkit.plots.images import Images
from sbkit.plots.parts import Axis
from sbkit.plots.shapes import SHAPES, Bars, Description, captioned
from sbkit.plots.theme import INK, NAMES, faint
from sbkit.plots.traces import escaped, rises, room, span, traces

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

WIDE, HIGH, ACROSS = 420, 440, 3  # pixels a plot, plots a row
LETTERS = 58  # of a caption in a line
FONT = {"size": 15, "color": INK, "family": "Arial, sans-serif"}
MARGIN = {"l": 70, "r": 30, "t": 120, "b": 60}  # pixels
STYLE = {"template": "plotly_white", "barmode": "overlay", "font": FONT, "margin": MARGIN}


def figure(descriptions: Description | Sequence[Description]) -> Figure:
    """The descriptions side by side in one plotly figure, three a row, each with title and caption.

    Raises `SbkitError` on anything that is no description.

    >>> bars = Bars("r", "Reliance", "accuracy lost", ["linear", "slab5"], [0.5, 0.0])
    >>> figure(bars).data[0].y.tolist()
    [0.5, 0.0]
    """
    from plotly.subplots import make_subplots

    shapes: Any = descriptions if isinstance(descriptions, list | tuple) else [descriptions]
    if not shapes or not all(isinstance(shape, Description) for shape in shapes):
        raise SbkitError(f"A figure is of {SHAPES}, got {descriptions!r:.80}.")
    columns = min(ACROSS, len(shapes))
    rows = math.ceil(len(shapes) / columns)
    gaps: dict[str, Any] = {"vertical_spacing": 0.42 / rows, "horizontal_spacing": 0.27 / columns}
    fig = make_subplots(rows, columns, subplot_titles=[_title(shape) for shape in shapes], **gaps)
    fig.update_annotations(font={"size": 13, "color": INK}, yshift=4, align="center")
    fig.update_layout(STYLE, width=WIDE * columns + 60, height=HIGH * rows + 40)
    for i, shape in enumerate(shapes):
        _draw(fig, shape, {"row": i // columns + 1, "col": i % columns + 1}, str(i + 1) if i else "")
    return fig


def _title(shape: Description) -> str:
    """Title and caption as plotly writes them."""
    lines = [escaped(line) for line in textwrap.wrap(captioned(shape), LETTERS)]
    caption = "".join(f"<br>{line}" for line in lines)
    return f"<span style='font-size:17px'><b>{escaped(shape.title)}</b></span>{caption}"


def _draw(fig: Figure, shape: Description, place: dict[str, Any], plot: str) -> None:
    """A shape with its axes, and its legend and bar of colours inside its place."""
    layout: Any = fig.layout
    across, up = _both(shape, plot)
    fig.update_xaxes(**across, **place)
    fig.update_yaxes(**up, **place)
    up = layout[f"yaxis{plot}"].domain
    for trace in traces(shape):
        if trace.get("showscale"):
            left, right = layout[f"xaxis{plot}"].domain
            right = 0.15 * left + 0.85 * right  # room for the bar of colours
            layout[f"xaxis{plot}"].domain = left, right
            trace["colorbar"] |= {"x": right, "xanchor": "left", "y": sum(up) / 2, "len": up[1] - up[0]}
        fig.add_trace(trace | ({"legend": f"legend{plot}"} if trace.get("showlegend") else {}), **place)
    low = {"y": up[0], "yanchor": "bottom"} if rises(shape) else {"y": up[1], "yanchor": "top"}
    corner = {"x": layout[f"xaxis{plot}"].domain[1], "xanchor": "right", "font": {"size": 13}}
    layout[f"legend{plot}"] = low | corner | {"bgcolor": "rgba(255,255,255,0.7)"}
    _marks(fig, shape, plot)


def _marks(fig: Figure, shape: Description, plot: str) -> None:
    """Ranges of values over a plot: a dashed frame each, its label above."""
    style = {"line": {"color": INK, "width": 1.5, "dash": "dash"}, "fillcolor": faint(INK, 0.1)}
    for mark in getattr(shape, "marks", ()):
        at = span(shape, mark)
        left, right = at or (0, 1)
        refs = {"xref": f"x{plot}" if at else f"x{plot} domain", "yref": f"y{plot}"}
        fig.add_shape(type="rect", x0=left, x1=right, y0=mark.low, y1=mark.high, **style, **refs)
        note = {"showarrow": False, "yanchor": "bottom", "font": {"size": 13}}
        fig.add_annotation(text=escaped(mark.label), x=(left + right) / 2, y=mark.high, **note, **refs)


def _both(shape: Description, plot: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What plotly is told of the two axes."""
    if isinstance(shape, Images):
        wide, high = room(shape)
        square = {"scaleanchor": f"x{plot}", "constrain": "domain", "range": [high, 0], "visible": False}
        return {"visible": False, "constrain": "domain", "range": [0, wide]}, square
    x = shape.x
    return (_names(shape) if isinstance(shape, Bars) and x is None else _axis(x)), _axis(shape.y)  # pyright: ignore


def _names(bars: Bars) -> dict[str, Any]:
    """Names along an axis of numbers, so that bars of several sides stand around them; of many only some."""
    kept = range(0, len(bars.block), 1 + len(bars.block) // (NAMES + 1))
    names = [escaped(bars.block[k]) for k in kept]
    return {"tickvals": list(kept), "ticktext": names, "showgrid": False, "zeroline": False}


def _axis(axis: Axis) -> dict[str, Any]:
    made: dict[str, Any] = {"title": {"text": escaped(axis.text), "standoff": 6}, "hoverformat": ".3g"}
    if axis.ticks:
        return made | {"type": "category", "showgrid": False}
    ends = [axis.low, axis.high]
    if axis.log:
        made |= {"type": "log", "exponentformat": "power", "dtick": 1}
        ends = [None if end is None else math.log10(end) for end in ends]
    if None in ends:
        return made | ({} if ends == [None, None] or axis.log else {"rangemode": "tozero"})
    return made | {"range": ends}
