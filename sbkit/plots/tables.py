"""Pictures of a sweep's table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sbkit.core import SbkitError, one_of, same
from sbkit.plots.bands import band_line, middle
from sbkit.plots.parts import Axis
from sbkit.plots.shapes import Field, Lines
from sbkit.plots.words import say, short

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
    _check(table, [x, *names], x, "Along x stand numbers")
    table = table.dropna(subset=[x])
    each, places = table.groupby(x), np.unique(table[x])  # (points,)
    wide = table.set_index([each.cumcount().rename(None), x])[names].unstack()  # a row a run
    lines = [band_line(name, places, np.asarray(wide[name])) for name in names]
    runs = each[names].count().max().max()  # of a setting that failed, none
    caption, label = say("captions", "sweep", runs=runs, places=len(places), x=x), label or names[0]
    return Lines("bands", title or f"{label} against {x}", across, Axis(label), lines, caption)


def _check(table: pd.DataFrame, names: Iterable[str], numbers: str, rule: str) -> None:
    """Refuse columns that are not there, and one that is not of numbers."""
    for name in names:
        one_of("column", name, map(str, table.columns))
    if table[numbers].dtype.kind not in "iuf":
        raise SbkitError(f"{rule}, got {numbers!r} of {table[numbers].dtype}.")


def tiles(table: pd.DataFrame, value: str, axes: Mapping[str, Sequence[Any]]) -> Field:
    """A column of a sweep over two of its axes, a tile for every pair of values: the mean over runs.

    table: as from `sweep`; axes: the values along x and along y, by column. What is not finite is left out;
    a tile without a number is NaN. Raises `SbkitError` on other column names, with the nearest, or text.

    >>> import pandas
    >>> table = pandas.DataFrame({"depth": [1, 1, 2], "lr": [0.1, 0.1, 0.1], "loss": [0.25, 0.75, 1.0]})
    >>> tiles(table, "loss", {"depth": [1, 2], "lr": [0.1, 0.2]}).values.tolist()
    [[0.5, 1.0], [nan, nan]]
    """
    _check(table, [value, *axes], value, "The tiles of a map are numbers")
    across, up = (np.stack([where(table, name, at) for at in axes[name]]) for name in axes)  # (values, rows)
    inside = up[:, None] & across  # (rows of tiles, columns, rows of the table)
    numbers = np.where(inside, table[value].to_numpy(float), np.nan)
    mean, spread = middle(np.moveaxis(numbers, -1, 0))  # (rows of tiles, columns) each
    label, (x, y) = value.replace("_", " "), axes
    title = say("titles", "map", value=label[:1].upper() + label[1:], x=x, y=y)
    ticks = [[short(str(getattr(at, "__name__", at)), LONGEST) for at in axes[name]] for name in axes]
    columns, rows = (Axis(name, ticks=of) for name, of in zip(axes, ticks, strict=True))
    caption = _told(np.isfinite(numbers).sum(-1), spread)
    return Field("map", title, columns, rows, mean, spread, caption=caption, scale=Axis(label))


def where(table: pd.DataFrame, name: str, value: Any) -> np.ndarray:
    """Which rows of a table have this value in a column. (rows,)

    Also in a table that was read from a file, where None became NaN and other values may be text.
    """

    def is_it(entry: Any) -> bool:
        text = isinstance(entry, str) and not isinstance(value, str) and entry == str(value)
        return text or same(entry, value) or (value is None and empty(entry))

    return np.array([is_it(entry) for entry in table[name]], dtype=bool)


def empty(entry: Any) -> bool:
    """Whether an entry of a table is none: None, NaN, or NA."""
    import pandas

    return bool(np.ndim(entry) == 0 and pandas.isna(entry))


def _told(count: np.ndarray, spread: np.ndarray) -> str:
    """The caption of a map: how many runs a tile averages, and how far apart they lie."""
    known = count[count > 0] if count.any() else count
    low, high = known.min(), known.max()
    apart = say("captions", "tiles_apart", most=f"{np.nanmax(spread):.2g}") if high > 1 else ""
    none = "" if count.all() else say("captions", "tiles_none")
    return say("captions", "tiles", runs=low if low == high else f"{low} to {high}", apart=apart, none=none)
