"""Pictures for those who do not see them: each as one sentence and as a table of its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sbkit.plots.images import Images
from sbkit.plots.parts import Array, Axis
from sbkit.plots.shapes import Bars, Description, Field, Lines, Scatter
from sbkit.plots.words import number, say

ROWS, GRID, FEW = 200, 11, 6  # most rows of a table, most places of a plane a side, bars in a sentence
LINE_PARTS = {"y": "line_y", "start": "line_start", "low": "line_low", "high": "line_high"}  # their heads


@dataclass(frozen=True)
class Table:
    """A table of numbers, each row with a name, which is a text or a number too.

    note: what the numbers are; head: what stands above the names and above each column. blocks: the columns,
    one (rows,) or several (rows, columns) in each, mostly the very arrays that are drawn; the last rows of a
    shorter one are empty.
    """

    note: str
    head: Sequence[str]
    names: Sequence[str] | Array
    blocks: Sequence[Array]


def tabled(shape: Description) -> Table:
    """The numbers of a picture: at most 200 rows, evenly spaced, which the note says.

    >>> tabled(Bars("r", "Reliance", "accuracy lost", ["linear", "slab5"], [0.5, 0.0])).blocks
    [array([0.5, 0. ], dtype=float32)]
    """
    table = TABLES[type(shape)](shape)
    if (count := len(table.names)) <= ROWS:
        return table
    kept = slice(None, None, -(-count // ROWS))
    names, blocks = table.names[kept], [block[kept] for block in table.blocks]
    return Table(table.note + say("tables", "some", n=len(names), all=count), table.head, names, blocks)


def described(shape: Description) -> str:
    """A picture in one sentence, and one more for each of its marks.

    >>> described(Bars("r", "Reliance", "accuracy lost", ["linear", "slab5"], [0.5, 0.0]))
    'Reliance: accuracy lost of linear 0.5, slab5 0.'
    """
    kind, values = SENTENCES[type(shape)](shape)
    labels = {side: axis.label for side in "xy" if (axis := getattr(shape, side, None))}
    marks = [(mark.label, number(mark.low), number(mark.high)) for mark in getattr(shape, "marks", ())]
    told = [say("sentences", "mark", label=label, low=low, high=high) for label, low, high in marks]
    return "".join([say("sentences", kind, title=shape.title, **labels, **values), *told])


def _in_unit(axis: Axis) -> str:
    return say("tables", "in", label=axis.label, unit=axis.unit) if axis.unit else axis.label


def _range(axis: Axis, *ends: float) -> str:
    low, high = (f"{number(end)} {axis.unit}".strip() for end in ends)
    return say("sentences", "range", low=low, high=high)


def _bar_names(bars: Bars) -> list[str]:
    """The name of each bar, with its side if it has one."""
    count = len(bars.block)
    return [f"{n}, {bars.sides[k // count]}" if bars.sides else n for k, n in enumerate(bars.names)]


def _bars(bars: Bars) -> Table:
    runs = [] if bars.dots is None else [say("tables", "run", run=run) for run in range(bars.dots.shape[1])]
    ends = [] if bars.low is None else [say("tables", "low"), say("tables", "high")]
    head = [say("tables", "name"), say("legends", "mean" if runs else "value"), *ends, *runs]
    given = (bars.values, bars.low, bars.high, bars.dots)
    return Table(_in_unit(bars.y), head, _bar_names(bars), [block for block in given if block is not None])


def _bars_told(bars: Bars) -> tuple[str, dict[str, Any]]:
    told = zip(_bar_names(bars)[:FEW], bars.values[:FEW], strict=True)
    rest = say("sentences", "more", n=len(bars.names) - FEW) if len(bars.names) > FEW else ""
    return "bars", {"shown": ", ".join(f"{name} {number(v)}" for name, v in told), "rest": rest}


def _lines(lines: Lines) -> Table:
    """A row for every x, a column for every line, for where it began and for the ends of its band."""
    xs = np.unique(np.concatenate([line.x for line in lines.lines]))  # (rows,)
    head, blocks = [lines.x.label], []
    for line in lines.lines:
        fits = not lines.grows and np.array_equal(line.x, xs[: len(line.x)])
        for part, word in LINE_PARTS.items():
            if (values := getattr(line, part)) is not None:
                head.append(say("tables", word, line=line.name))
                blocks.append(values if fits else _placed(values, np.searchsorted(xs, line.x), len(xs)))
    return Table(say("tables", "by", y=_in_unit(lines.y), x=lines.x.label), head, xs, blocks)


def _placed(values: Array, places: Any, count: int) -> Array:
    """An array of so many values with some at these places, NaN at all others."""
    made = np.full(count, np.nan, dtype=np.float32)
    made[places] = values
    return made


def _lines_told(lines: Lines) -> tuple[str, dict[str, Any]]:
    ends = [f"{line.name} {number(line.y[-1]) if line.y.size else '–'}" for line in lines.lines]
    return "lines", {"ends": ", ".join(ends)}


def _chance(field: Field) -> Axis:
    """What the values of a field are."""
    return field.scale or Axis(say("axes", "chance", name=field.class_name(1)))


def _size(values: Array) -> str:
    return " × ".join(map(str, values.shape))


def _field(field: Field) -> Table:
    """All tiles, or the values at up to 11 × 11 places of a plane; the lowest row stands last."""
    (x, y), axis, corner = field.grid(), _chance(field), f"{field.y.label} \\ {field.x.label}"
    if field.x.ticks:
        return Table(_in_unit(axis), [corner, *x], y[::-1].tolist(), [field.values[::-1]])
    rows, columns = (slice(None, None, (n + GRID - 3) // (GRID - 1) or 1) for n in field.values.shape)
    cells = field.values[rows, columns][::-1]
    note = say("tables", "grid", label=_in_unit(axis), shown=_size(cells), all=_size(field.values))
    return Table(note, [corner, *map(number, x[columns])], y[rows][::-1], [cells])


def _field_told(field: Field) -> tuple[str, dict[str, Any]]:
    about = {"label": _chance(field).label, "all": _size(field.values)}
    if field.scale is None:
        return "chance", about | {"share": round(100 * float((field.values > 0.5).mean()))}
    known = field.values[np.isfinite(field.values)]
    ends = _range(field.scale, known.min(), known.max()) if known.size else say("sentences", "no_range")
    return "cells" if field.x.ticks else "field", about | {"range": ends}


def _listed(shape: Scatter | Images) -> Table:
    """The columns of a shape, the one of texts first."""
    columns = shape.listed()
    texts = [head for head, column in columns.items() if isinstance(column, list | tuple)]
    head = texts[0] if texts else next(iter(columns))
    names = columns.pop(head)
    note = _in_unit(shape.y if isinstance(shape, Scatter) else shape.scale)
    blocks = [np.asarray(column) for column in columns.values()]
    return Table(note, [head, *columns], names if texts else np.asarray(names), blocks)


def _scatter_told(scatter: Scatter) -> tuple[str, dict[str, Any]]:
    labels, counts = np.unique([] if scatter.labels is None else scatter.labels, return_counts=True)
    classes = zip(labels.astype(int), counts, strict=True)
    parts = [say("sentences", "points_of", n=n, name=scatter.class_name(label)) for label, n in classes]
    return "scatter", {"points": ", ".join(parts) or say("sentences", "points", n=len(scatter.points))}


def _images_told(images: Images) -> tuple[str, dict[str, Any]]:
    (n, h, w), scale, labels = images.pixels.shape[:3], images.scale, ", ".join(images.labels)
    about = {"label": scale.label, "range": _range(scale, scale.low, scale.high)}
    about["labels"] = say("sentences", "images_labels", labels=labels) if labels else ""
    return "images", {"n": n, "h": h, "w": w, **about}


TABLES: dict[type, Callable[[Any], Table]] = {
    **{Bars: _bars, Lines: _lines, Field: _field, Scatter: _listed, Images: _listed}
}
SENTENCES: dict[type, Callable[[Any], tuple[str, dict[str, Any]]]] = {
    **{Bars: _bars_told, Lines: _lines_told, Field: _field_told, Scatter: _scatter_told, Images: _images_told}
}
