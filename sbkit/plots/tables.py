"""Pictures of a sweep's table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sbkit.core import SbkitError, one_of, same
from sbkit.plots.bands import band_line
from sbkit.plots.shapes import Axis, Field, Lines
from sbkit.plots.words import say

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 24  # letters of a value along an axis


def bands(
    table: pd.DataFrame, x: str | Axis, y: str | Sequence[str], label: str = "", title: str = ""
) -> Lines:
    """Columns of a sweep against one of its axes: a line through the means over runs, a band min–max.

    table: as from `sweep`, where a setting that failed leaves a gap; x: a column of numbers, or an `Axis`
    labelled as one; y: columns to draw, a line each; label: of the vertical axis. Raises `SbkitError` on
    other column names, with the nearest, or text along x.

    >>> import pandas
    >>> table = pandas.DataFrame({"noise": [0.0, 0.0, 0.5], "loss": [0.25, 0.75, 1.0]})
    >>> bands(table, "noise", "loss").lines[0].y.tolist()
    [0.5, 1.0]
    """
    across = Axis.of(x)
    x, names = across.label, [y] if isinstance(y, str) else list(y)
    for name in [x, *names]:
        one_of("column", name, map(str, table.columns))
    if table[x].dtype.kind not in "iuf":
        raise SbkitError(f"Along x stand numbers, got {x!r} of {table[x].dtype}.")
    places = np.unique(table[x].to_numpy())  # (points,)
    lines = [
        band_line(name, places, _padded([table.loc[table[x] == place, name].to_numpy() for place in places]))
        for name in names
    ]
    runs = table.groupby(x)[names].count().to_numpy().max()  # of a setting that failed, none
    caption = say("captions", "sweep", runs=runs, places=len(places), x=x)
    return Lines(
        "bands", title or f"{label or names[0]} against {x}", across, Axis(label or names[0]), lines, caption
    )


def _padded(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Columns of unequal length side by side, NaN below the short ones. (runs, columns)"""
    values = np.full((max(map(len, columns)), len(columns)), np.nan, dtype=np.float32)
    for i, column in enumerate(columns):
        values[: len(column), i] = column
    return values


def cells(table: pd.DataFrame, value: str, axes: Mapping[str, Sequence[Any]]) -> Field:
    """A column of a sweep over two of its axes, a cell for every pair of values: the mean over runs.

    table: as from `sweep`; axes: the values along x and along y, by column. What is not finite is left out;
    a cell without a number is NaN. Raises `SbkitError` on other column names, with the nearest, or text.

    >>> import pandas
    >>> table = pandas.DataFrame({"depth": [1, 1, 2], "lr": [0.1, 0.1, 0.1], "loss": [0.25, 0.75, 1.0]})
    >>> cells(table, "loss", {"depth": [1, 2], "lr": [0.1, 0.2]}).values.tolist()
    [[0.5, 1.0], [nan, nan]]
    """
    for name in [value, *axes]:
        one_of("column", name, map(str, table.columns))
    if table[value].dtype.kind not in "iuf":
        raise SbkitError(f"The cells of a map are numbers, got {value!r} of {table[value].dtype}.")
    (x, xs), (y, ys) = axes.items()
    across, up = ([where(table, name, at) for at in axes[name]] for name in (x, y))  # (rows of table,) each
    numbers = table[value].to_numpy(float)
    found = [[numbers[column & row & np.isfinite(numbers)] for column in across] for row in up]
    mean, spread = (
        np.array([[of(cell) if len(cell) else np.nan for cell in row] for row in found])
        for of in (np.mean, np.std)
    )  # (rows, columns) each
    label = value.replace("_", " ")
    named = Axis(x, ticks=[_tick(at) for at in xs]), Axis(y, ticks=[_tick(at) for at in ys])
    about = {"spread": spread, "caption": _told(found, spread), "scale": Axis(label)}
    title = say("titles", "map", value=label[:1].upper() + label[1:], x=x, y=y)
    return Field("map", title, *named, mean, **about)


def where(table: pd.DataFrame, name: str, value: Any) -> np.ndarray:
    """Which rows of a table have this value in a column, in a table read from a file too. (rows,)

    None is found where it became NaN, and what became text by its text.
    """

    def is_it(cell: Any) -> bool:
        text = isinstance(cell, str) and not isinstance(value, str) and cell == str(value)
        return text or same(cell, value) or (value is None and empty(cell))

    return np.array([is_it(cell) for cell in table[name]], dtype=bool)


def empty(cell: Any) -> bool:
    """Whether a cell of a table holds nothing: None, NaN, or NA."""
    import pandas

    return bool(np.ndim(cell) == 0 and pandas.isna(cell))


def _tick(value: Any) -> str:
    """What stands for a value along an axis."""
    text = str(getattr(value, "__name__", value))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _told(found: list[list[np.ndarray]], spread: np.ndarray) -> str:
    """What the numbers of a map are: how many runs a cell, and how far they lie apart."""
    counts = sorted({len(cell) for row in found for cell in row} - {0}) or [0]
    runs = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    apart = say("captions", "cells_apart", most=f"{np.nanmax(spread):.2g}") if counts[-1] > 1 else ""
    none = say("captions", "cells_none") if np.isnan(spread).any() else ""
    return say("captions", "cells", runs=runs, apart=apart, none=none)
