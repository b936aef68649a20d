"""Descriptions drawn by plotly: charts without dials, and `.figure()` of a panel."""

from __future__ import annotations

import base64
import math
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sbkit.core import SbkitError
from sbkit.plots.images import Images
from sbkit.plots.parts import Axis
from sbkit.plots.shapes import SHAPES, Bars, Description, Field, captioned
from sbkit.plots.theme import INK, NAMES, faint
from sbkit.plots.traces import escaped, rises, room, span, traces

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

WIDE, HIGH, ACROSS = 420, 440, 3  # pixels a plot, plots a row
CELL, LOW = {1: 560, 2: 420, 3: 280}, 400  # the same in a cell, by plots a row: 900 pixels wide, 440 high
FINEST = 50  # places of a field along each axis, in a cell
LETTERS = 58 / WIDE  # of a caption in a line, a pixel
FONT = {"size": 15, "color": INK, "family": "Arial, sans-serif"}
MARGIN = {"l": 70, "r": 30, "t": 120, "b": 60}  # pixels
PALE = {"gridcolor": "#ebf0f8", "zerolinecolor": "#ebf0f8", "linecolor": "#ebf0f8", "automargin": True}
WHITE = {"layout": {"xaxis": PALE, "yaxis": PALE, "plot_bgcolor": "white", "hovermode": "closest"}}
STYLE = {"template": WHITE, "barmode": "overlay", "font": FONT, "margin": MARGIN}


def figure(descriptions: Description | Sequence[Description], cell: bool = False) -> Figure:
    """The descriptions side by side in one plotly figure, three a row, each with title and caption.

    cell: as small as a notebook's cell in a window of 1366 pixels. Raises `SbkitError` on anything that is
    no description.

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
    wide, high = (CELL[columns], LOW) if cell else (WIDE, HIGH)
    gaps: dict[str, Any] = {"vertical_spacing": 0.42 / rows, "horizontal_spacing": 0.27 / columns}
    fig = make_subplots(rows, columns, subplot_titles=[_title(shape, wide) for shape in shapes], **gaps)
    fig.update_annotations(font={"size": 13, "color": INK}, yshift=4, align="center")
    beside = 120 if len(shapes) == 1 else 0  # pixels right of the only plot, for its legend
    fig.update_layout(STYLE, width=wide * columns + 60 + beside, height=high * rows + 40)
    for i, shape in enumerate(shapes):
        _draw(fig, shape, {"row": i // columns + 1, "col": i % columns + 1}, str(i + 1) if i else "")
    if beside:
        outside = {"x": 1.02, "xanchor": "left", "y": 1, "yanchor": "top"}
        fig.update_layout(margin_r=MARGIN["r"] + beside, legend=outside)
    return fig


def shown(descriptions: Sequence[Description]) -> dict[str, Any]:
    """The descriptions as a figure in a cell, by MIME type, as plotly's own renderers give it."""
    from plotly.io import renderers

    name = "colab" if "colab" in (renderers.default or "") else "plotly_mimetype"
    few = [_coarse(one) if isinstance(one, Field) else one for one in descriptions]
    return _brief(renderers[name].to_mimebundle(figure(few, cell=True).to_dict()))


def _coarse(field: Field) -> Field:
    """The field at no more places along each axis than a notebook has room for, its ends among them."""
    ends = [n - 1 for n in field.values.shape]
    few = np.ix_(*(np.linspace(0, end, min(end + 1, FINEST)).round().astype(int) for end in ends))
    spread = None if field.spread is None else field.spread[few]
    return replace(field, values=field.values[few], spread=spread)


def _brief(part: Any) -> Any:
    """The same JSON, its numbers with no more digits than a picture shows."""
    if isinstance(part, dict) and part.get("dtype") == "f8":
        few = np.frombuffer(base64.b64decode(part["bdata"]), "<f8").astype("<f4")
        return part | {"dtype": "f4", "bdata": base64.b64encode(few.tobytes()).decode()}
    if isinstance(part, dict):
        return {name: _brief(one) for name, one in part.items()}
    if isinstance(part, list):
        return [_brief(one) for one in part]
    return float(f"{part:.7g}") if isinstance(part, float) else part


def _title(shape: Description, wide: int) -> str:
    """Title and caption as plotly writes them."""
    lines = [escaped(line) for line in textwrap.wrap(captioned(shape), int(LETTERS * wide))]
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
