"""Descriptions as one PNG, drawn by matplotlib: for stored outputs, and for pages that draw nothing."""

from __future__ import annotations

import base64
import html
import io
import re
import textwrap
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from sbkit.plots.images import Images
from sbkit.plots.parts import Axis, Mark
from sbkit.plots.shapes import Bars, Description, Field, captioned
from sbkit.plots.theme import INK, NAMES, WHITE, faint
from sbkit.plots.traces import Trace, rises, room, span, traces

SYMBOLS = {"circle": "o", "square": "s", "triangle-up": "^", "diamond": "D", "cross": "P"}
DASHES = {"solid": "-", "dash": "--", "dot": ":", "longdash": (0, (8, 3)), "dashdot": "-."}
LARGEST, FEW = 100_000, 6  # bytes, names in one column of a legend
STYLE: Any = {"text.parse_math": False, "text.color": INK, "font.size": 8}  # names are text, also "$x$"
STYLE |= {"axes.grid": True, "axes.axisbelow": True, "grid.color": "#ebebeb", "axes.edgecolor": "#d0d0d0"}
STYLE |= {"xtick.major.size": 0, "ytick.major.size": 0, "ytick.minor.size": 0}
STYLE |= {"legend.edgecolor": "none", "legend.framealpha": 0.7, "xtick.minor.size": 0}


def png(descriptions: Sequence[Description]) -> bytes:
    """The descriptions as one PNG of at most 100 kB and 930 pixels across, each with title and caption.

    Of many, a field that is the only one is the largest.

    >>> png([Bars("r", "Reliance", "accuracy lost", ["linear", "slab5"], [0.5, 0.0])])[1:4]
    b'PNG'
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    rows = places([isinstance(shape, Field) for shape in descriptions])
    across = (9.3 if len(descriptions) > 1 else 6.2) / len(rows[0])  # inches
    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # a name in letters that its font lacks
        size = across * len(rows[0]), (0.7 if len(descriptions) == 1 else 0.85) * across * len(rows)
        canvas = FigureCanvasAgg(Figure(figsize=size, dpi=100, layout="constrained"))
        axes: Any = canvas.figure.subplot_mosaic(rows, empty_sentinel=-1)  # pyright: ignore
        for i, shape in enumerate(descriptions):
            draw(axes[i], shape, across * max(row.count(i) for row in rows))
        canvas.draw()
    return _packed(Image.fromarray(np.asarray(canvas.buffer_rgba())))


def smaller(*made: bytes) -> bytes:
    """Images, one below the other, as a PNG of at most 100 kB."""
    from PIL import Image

    images, top = [Image.open(io.BytesIO(one)).convert("RGBA") for one in made], 0
    sheet = Image.new("RGB", (max(one.width for one in images), sum(one.height for one in images)), "white")
    for one in images:
        sheet.paste(one, (0, top), one)
        top += one.height
    return _packed(sheet)


def _packed(image: Any) -> bytes:
    """An image of PIL's as a PNG of at most 100 kB, in fewer colours and pixels where it takes that."""
    from PIL import Image

    image, made = image.convert("RGB"), io.BytesIO()
    for colours, part in ((256, 1), (64, 1), (16, 1), (64, 2), (16, 4)):  # part: of each side's pixels
        made = io.BytesIO()
        few = image.reduce(part).quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(made, "png", optimize=True)
        if len(made.getvalue()) <= LARGEST:
            break
    return made.getvalue()


def places(fields: Sequence[bool]) -> list[list[int]]:
    """Which picture stands where, row by row, -1 for none; fields: which of them are fields.

    >>> places([True, False, False, False, False])
    [[0, 0, 1], [0, 0, 2], [3, 4, -1]]
    """
    count = len(fields)
    columns = {0: 1, 1: 1, 2: 2, 4: 2}.get(count, 3)
    large = columns == 3 and list(fields) == [True] + [False] * (count - 1)
    rest = [*range(3 if large else 0, count), -1, -1]
    rows = [rest[i : i + columns] for i in range(0, len(rest) - 2, columns)]
    return [[0, 0, 1], [0, 0, 2]] * large + rows or [[-1]]


def draw(axes: Any, shape: Description, across: float = 3.1) -> None:
    """Draw a shape with title and caption on matplotlib's axes, `across` inches wide."""
    caption = textwrap.wrap(captioned(shape), int(16 * across - 8))
    pad = 5 + 10 * len(caption)
    title = textwrap.fill(shape.title, int(10 * across))
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold", pad=pad)
    above = {"xytext": (0, 5), "textcoords": "offset points", "in_layout": False}
    axes.annotate("\n".join(caption), (0, 1), xycoords="axes fraction", **above)
    drawn = traces(shape)
    for trace in drawn:
        DRAW[trace["type"]](axes, trace, shape)
    for mark in getattr(shape, "marks", ()):
        _mark(axes, span(shape, mark), mark)
    for which in "xy" if not isinstance(shape, Images) else "":
        _along(axes, which, getattr(shape, which) or Axis(""))
    if isinstance(shape, Images):
        wide, high = room(shape)
        axes.set(xlim=(0, wide), ylim=(high, 0), aspect="equal")
        axes.set_axis_off()
    elif isinstance(shape, Bars) and shape.x is None:
        tilt = {"rotation": 40, "ha": "right"} if len(shape.block) > 4 else {}
        kept = range(0, len(shape.block), 1 + len(shape.block) // (NAMES + 1))
        axes.set_xticks(kept, [shape.block[k] for k in kept], **tilt)
        axes.grid(visible=False, axis="x")
    if named := sum(trace["showlegend"] for trace in drawn if "name" in trace):
        corner = {"loc": "lower right" if rises(shape) else "upper right", "ncols": 1 + named // FEW}
        beside = {"loc": "upper left", "bbox_to_anchor": (1, 1)}  # where it is the only picture
        axes.legend(**(beside if len(axes.figure.axes) == 1 else corner))


def _mark(axes: Any, at: tuple[float, float] | None, mark: Mark) -> None:
    where = axes.transData if at else axes.get_yaxis_transform()
    style = {"facecolor": _colour(faint(INK, 0.1)), "edgecolor": INK, "linestyle": "--", "transform": where}
    left, right = at or (0, 1)
    axes.fill_between([left, right], mark.low, mark.high, **style)
    axes.text((left + right) / 2, mark.high, mark.label, ha="center", va="bottom", transform=where)


def _along(axes: Any, which: str, axis: Axis) -> None:
    """Label, scale, range and names of the axis x or y."""
    from matplotlib.ticker import FormatStrFormatter, LogFormatter

    ends, drawn = (axis.low, axis.high), getattr(axes, f"{which}axis")
    axes.set(**{f"{which}label": axis.text})
    if axis.log:
        if not np.isfinite(getattr(axes.dataLim, f"minpos{which}")):  # nothing above 0 to scale by
            ends = (0.1, 1)
            axes.set(**{f"{which}lim": ends})
        axes.set(**{f"{which}scale": "log"})
        drawn.set_major_formatter(FormatStrFormatter("%g"))
        drawn.set_minor_formatter(LogFormatter(labelOnlyBase=False))
    if axis.ticks:
        drawn.set_ticks(range(len(axis.ticks)), axis.ticks)
    else:
        axes.set(**{f"{which}lim": ends})


def _colour(text: str) -> Any:
    """A colour as matplotlib takes it, of one as plotly does."""
    parts = [float(part) for part in re.findall(r"[\d.]+", text)]
    return (*(part / 255 for part in parts[:3]), *parts[3:]) if text.startswith("rgb") else text


def _heatmap(axes: Any, trace: Trace, field: Any) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    stops = [(at, _colour(colour)) for at, colour in trace["colorscale"]]
    colours = LinearSegmentedColormap.from_list("", stops, N=840)  # as many in each of 20 or 21 bands
    sides = [(-0.5, len(at.ticks) - 0.5) if at.ticks else (at.low, at.high) for at in (field.x, field.y)]
    style = {"origin": "lower", "extent": (*sides[0], *sides[1]), "aspect": "auto", "cmap": colours}
    image = axes.imshow(trace["z"].astype(float), vmin=trace.get("zmin"), vmax=trace.get("zmax"), **style)
    axes.grid(False)
    if trace["showscale"]:
        axes.figure.colorbar(image, ax=axes, label=field.scale.text).outline.set_visible(False)
    for (row, column), value in np.ndenumerate(trace["z"]) if "texttemplate" in trace else ():
        text = trace["text"][row, column] if "text" in trace else f"{value:.3g}"
        dark = np.mean(colours(image.norm(value))[:3]) < 0.6
        if np.isfinite(value):
            axes.text(column, row, text, ha="center", va="center", color=WHITE if dark else INK)


def _contour(axes: Any, trace: Trace, _: Any) -> None:
    z = trace["z"]  # (rows, columns)
    if min(z.shape) > 1 and np.fmin.reduce(z, axis=None) < 0.5 < np.fmax.reduce(z, axis=None):
        axes.contour(trace["x"], trace["y"], z, levels=[0.5], colors=INK)


def _scatter(axes: Any, trace: Trace, _: Any) -> None:
    x, y, line, marker = trace["x"], trace["y"], trace.get("line", {}), trace.get("marker", {})
    if "fill" in trace:
        axes.fill(x, y, color=_colour(trace["fillcolor"]), linewidth=0)
        return
    if trace["mode"] == "text":
        for at, up, text in zip(x, y, trace["text"], strict=True):
            axes.text(at, up, html.unescape(text), ha="center", va="center", in_layout=False)
        return
    about = {"label": _label(trace), "color": _colour(marker.get("color", line.get("color")))}
    if trace["mode"] == "lines":
        axes.plot(x, y, linestyle=DASHES[line["dash"]], linewidth=0.7 * line["width"], **about)
        return
    symbol, edge = marker.get("symbol", "circle"), marker.get("line", {})
    about |= {"marker": SYMBOLS[symbol.removesuffix("-open")], "markersize": 0.6 * marker.get("size", 8)}
    about |= {"markeredgecolor": edge.get("color"), "markeredgewidth": 0.5 * edge.get("width", 0)}
    about["clip_on"] = trace.get("cliponaxis", True)
    hollow = {"markerfacecolor": "none"} if symbol.endswith("-open") else {}
    axes.plot(x, y, linestyle="", **about, **hollow)


def _bar(axes: Any, trace: Trace, _: Any) -> None:
    marker, edge = trace["marker"], trace["marker"].get("line", {"color": None, "width": 0})
    about = {"label": _label(trace), "edgecolor": edge["color"], "linewidth": 0.7 * edge["width"]}
    axes.bar(trace["x"], trace["y"], trace["width"], color=marker["color"], alpha=marker["opacity"], **about)


def _image(axes: Any, trace: Trace, _: Any) -> None:
    from PIL import Image

    image = Image.open(io.BytesIO(base64.b64decode(trace["source"].partition(",")[2])))
    left, top = trace["x0"] - 0.5, trace["y0"] - 0.5
    axes.imshow(image, extent=(left, left + image.width, top + image.height, top), interpolation="none")


def _label(trace: Trace) -> str:
    """What a legend calls it; an underscore in front leaves it out."""
    return f" {html.unescape(trace['name'])}" if trace["showlegend"] else "_"


DRAW = {"heatmap": _heatmap, "contour": _contour, "scatter": _scatter, "bar": _bar, "image": _image}
