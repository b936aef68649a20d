"""Descriptions as one PNG, for a page that draws nothing itself."""

# matplotlib, which Colab and most Jupyters bring: plotly needs a browser beside the kernel to make a PNG.

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from sbkit.core import SbkitError
from sbkit.plots.axes import Axis
from sbkit.plots.field import Field
from sbkit.plots.shapes import Bars, Description, Line, Lines
from sbkit.plots.theme import BANDS, GREY, INK, LINES, RISING, WHITE, line_style, scale_bands
from sbkit.plots.words import short

SYMBOLS, DASHES = "os^DPX", {"solid": "-", "dash": "--", "dot": ":", "longdash": (0, (8, 3)), "dashdot": "-."}
ACROSS, INCHES, DOTS = 3, 3.6, 80  # plots a row, the side of one, dots an inch


def png(descriptions: Sequence[Description]) -> bytes:
    """The descriptions side by side as one PNG, three a row, each with title and caption.

    Raises `SbkitError` where matplotlib is missing.

    >>> png([Bars("r", "Reliance", "accuracy lost", ["linear", "slab5"], [0.5, 0.0])])[1:4]
    b'PNG'
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SbkitError(
            "Still pictures are drawn by matplotlib, which is missing here; try pip install matplotlib."
        ) from error
    with rc_context({"text.parse_math": False}), warnings.catch_warnings():  # names are text, also "$x$"
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # a name in letters that its font lacks
        return _drawn(descriptions, Figure)


def _drawn(descriptions: Sequence[Description], canvas: Any) -> bytes:
    columns = max(1, min(ACROSS, len(descriptions)))
    rows = max(1, math.ceil(len(descriptions) / columns))
    figure = canvas(figsize=(INCHES * columns, INCHES * rows), dpi=DOTS, layout="constrained")
    for i, shape in enumerate(descriptions):
        axes = figure.add_subplot(rows, columns, i + 1)
        axes.set_title(shape.title, loc="left", fontsize=10, fontweight="bold")
        axes.tick_params(labelsize=8)
        DRAW[type(shape)](axes, shape)
        caption = "\n".join(textwrap.wrap(shape.caption, 58))
        axes.set_xlabel(f"{axes.get_xlabel()}\n{caption}", fontsize=7.5)
    told = io.BytesIO()
    figure.savefig(told, format="png")
    return told.getvalue()


def _scaled(axes: Any, which: str, axis: Axis) -> None:
    """Label, range and scale of the axis x or y."""
    set_label, set_limits = getattr(axes, f"set_{which}label"), getattr(axes, f"set_{which}lim")
    set_label(axis.text, fontsize=8)
    if axis.log:
        getattr(axes, f"set_{which}scale")("log")
        if not np.isfinite(getattr(axes.dataLim, f"minpos{which}")):  # nothing above 0 to scale by
            set_limits(0.1, 1)
    if axis.low is not None or axis.high is not None:
        set_limits(axis.low, axis.high)


def _field(axes: Any, field: Field) -> None:
    from matplotlib.colors import LinearSegmentedColormap, ListedColormap

    scale = field.scale or Axis("", low=0.0, high=1.0)
    signed = field.scale is None or scale.low == -(scale.high or 0)
    bands = [colour for _, colour in scale_bands(BANDS + (field.scale is not None))[::2]]
    parts = [[int(part) / 255 for part in band[4:-1].split(",")] for band in bands]
    colours = ListedColormap(parts) if signed else LinearSegmentedColormap.from_list("rising", RISING)
    axes.set_facecolor(GREY)  # where there is no value
    ends = _ends(field.x, field.values.shape[1]) + _ends(field.y, field.values.shape[0])
    look = {"origin": "lower", "extent": ends, "aspect": "auto"}
    image = axes.imshow(field.values.astype(float), cmap=colours, vmin=scale.low, vmax=scale.high, **look)
    if field.scale is not None:
        axes.figure.colorbar(image, ax=axes).set_label(scale.text, fontsize=8)
    elif np.fmin.reduce(field.values, axis=None) < 0.5 < np.fmax.reduce(field.values, axis=None):
        axes.contour(*field.grid(), field.values, levels=[0.5], colors=INK)
    if field.spread is not None:
        calm = np.clip(1.7 * np.clip(np.nan_to_num(field.spread), 0, 1), 0, 1)  # (rows, columns)
        axes.imshow(np.zeros_like(calm), cmap="gray", alpha=calm, **look)
    _points(axes, field)
    _along(axes, field)


def _ends(axis: Axis, count: int) -> tuple[float, float]:
    """Where an image begins and ends along an axis; cells stand around 0, 1, 2 …"""
    return (-0.5, count - 0.5) if axis.ticks else (float(axis.low or 0), float(axis.high or 0))


def _along(axes: Any, field: Field) -> None:
    """What stands along both axes of a field: numbers, or the names of its cells."""
    for which, axis in (("x", field.x), ("y", field.y)):
        getattr(axes, f"set_{which}label")(axis.text, fontsize=8)
        if axis.ticks:
            getattr(axes, f"set_{which}ticks")(range(len(axis.ticks)), axis.ticks)


def _points(axes: Any, field: Field) -> None:
    if field.points is None or field.labels is None:
        return
    for label in np.unique(field.labels).astype(int):
        part = field.points[field.labels == label]  # (n, 2)
        look = {"marker": SYMBOLS[label % len(SYMBOLS)], "color": LINES[label % len(LINES)]}
        axes.scatter(*part.T, s=16, edgecolors=WHITE, linewidths=0.5, label=_name(field, label), **look)
    axes.legend(fontsize=7, loc="upper right")


def _name(field: Field, label: int) -> str:
    """A class's name; one that starts with an underscore would be left out of the legend."""
    name = short(field.class_name(label))
    return f" {name}" if name.startswith("_") else name


def _lines(axes: Any, lines: Lines) -> None:
    for i, line in enumerate(lines.lines):
        _line(axes, line, **line_style(i, line.dash))
    for mark in lines.marks:
        axes.axhspan(mark.low, mark.high, color=INK, alpha=0.1, label=mark.label)
    _scaled(axes, "x", lines.x)
    _scaled(axes, "y", lines.y)
    if len(lines.lines) > 1 or lines.marks:
        axes.legend(fontsize=7)


def _line(axes: Any, line: Line, color: str, dash: str) -> None:
    if line.low is not None and line.high is not None:
        axes.fill_between(line.x, line.low, line.high, color=color, alpha=0.2, linewidth=0)
    if line.start is not None:
        axes.plot(line.x, line.start, color=color, alpha=0.6, linestyle="--", linewidth=1)
    marker = "o" if len(line.x) == 1 else ""
    axes.plot(line.x, line.y, color=color, linestyle=DASHES[dash], marker=marker, label=line.name)


def _bars(axes: Any, bars: Bars) -> None:
    sides = bars.sides or ("",)
    count, wide = len(bars.names) // len(sides), 0.8 / len(sides)
    for side, label in enumerate(sides):
        block = slice(side * count, (side + 1) * count)
        at = np.arange(count) + (side - (len(sides) - 1) / 2) * wide  # (names,)
        axes.bar(at, bars.values[block], 0.95 * wide, color=LINES[side % len(LINES)], alpha=0.75, label=label)
        if bars.dots is not None:
            dots = bars.dots[block]  # (names, runs)
            across = at[:, None] + 0.7 * wide * np.linspace(-0.5, 0.5, dots.shape[1])
            axes.scatter(across, dots, s=12, facecolors="none", edgecolors=INK, linewidths=0.8)
    for mark in bars.marks:
        axes.axhspan(mark.low, mark.high, color=INK, alpha=0.1)
        axes.annotate(mark.label, (0, mark.high), fontsize=7)
    tilt = {"rotation": 40, "ha": "right"} if count > 4 else {}
    axes.set_xticks(range(count), bars.names[:count], **tilt)
    _scaled(axes, "y", bars.y)
    if bars.sides:
        axes.legend(fontsize=7)


DRAW: dict[type, Any] = {Field: _field, Lines: _lines, Bars: _bars}
