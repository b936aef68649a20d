"""Descriptions drawn by plotly, for all that stands still."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sbkit.core import SbkitError
from sbkit.plots.shapes import Axis, Bars, Description, Field, Mark
from sbkit.plots.theme import INK, faint
from sbkit.plots.traces import DRAW, plain

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

WIDE, HIGH, ACROSS = 420, 440, 3  # pixels a plot, plots a row
LETTERS = 58  # of a caption in a line


def figure(descriptions: Description | Sequence[Description]) -> Figure:
    """The descriptions side by side in one still figure, three a row, each with title and caption.

    Raises `SbkitError` on anything that is no `Field`, `Lines` or `Bars`.

    >>> bars = Bars("r", "Reliance", "accuracy lost", ["linear", "slab5"], [0.5, 0.0])
    >>> figure(bars).data[0].y.tolist()
    [0.5, 0.0]
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
    """Title and caption as plotly writes them."""
    lines = [plain(line) for line in textwrap.wrap(shape.caption, LETTERS)]
    caption = "".join(f"<br>{line}" for line in lines)
    return f"<span style='font-size:17px'><b>{plain(shape.title)}</b></span>{caption}"


def _finish(fig: Figure, shape: Description, i: int, place: dict[str, Any]) -> None:
    """Axes of plot i, and its legend inside it, at the top right."""
    fig.update_xaxes(**(_names(shape) if isinstance(shape, Bars) else _axis(shape.x)), **place)
    fig.update_yaxes(**_axis(shape.y), **place)
    for mark in [] if isinstance(shape, Field) else shape.marks:
        _mark(fig, shape, mark, i, place)
    suffix = "" if i == 1 else str(i)
    layout: Any = fig.layout
    across, up = layout[f"xaxis{suffix}"].domain, layout[f"yaxis{suffix}"].domain
    for trace in fig.select_traces(**place):
        if trace.showlegend:
            trace.legend = f"legend{suffix}"
        if trace.type == "heatmap" and trace.showscale:  # room for the bar of colours
            across = layout[f"xaxis{suffix}"].domain = (across[0], 0.15 * across[0] + 0.85 * across[1])
            trace.colorbar.update(x=across[1], xanchor="left", y=sum(up) / 2, len=up[1] - up[0])
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
    text = plain(mark.label)
    note = {"text": text, "showarrow": False, "yanchor": "bottom", "font": {"size": 13}}
    fig.add_annotation(x=sum(ends) / 2, y=mark.high, **note, **place)
    fig.layout.annotations[-1].update(xref=across)  # pyright: ignore


def _rises(shape: Description) -> bool:
    """True for lines that end above their middle, so that the room is below them."""
    ends = [
        (line.y[-1], line.y.min(), line.y.max()) for line in getattr(shape, "lines", ()) if len(line.y) > 1
    ]
    return bool(ends) and all(last > low / 2 + high / 2 for last, low, high in ends)


def _names(bars: Bars) -> dict[str, Any]:
    """Names along an axis of numbers, so that bars of several sides stand around them."""
    count = len(bars.names) // max(1, len(bars.sides))
    names = [plain(name) for name in bars.names[:count]]
    return {"tickvals": list(range(count)), "ticktext": names, "showgrid": False, "zeroline": False}


def _axis(axis: Axis) -> dict[str, Any]:
    made: dict[str, Any] = {"title": {"text": plain(axis.text), "standoff": 6}}
    if axis.ticks:
        return made | {"type": "category", "showgrid": False}
    ends = [axis.low, axis.high]
    if axis.log:
        made |= {"type": "log", "exponentformat": "power", "dtick": 1}
        ends = [None if end is None else math.log10(end) for end in ends]
    if None in ends:
        return made | ({} if ends == [None, None] or axis.log else {"rangemode": "tozero"})
    return made | {"range": ends}
