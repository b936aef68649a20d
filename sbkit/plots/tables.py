"""Pictures of a sweep's table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sbkit.core import SbkitError, one_of
from sbkit.plots.bands import band_line
from sbkit.plots.shapes import Axis, Lines
from sbkit.plots.words import say

if TYPE_CHECKING:
    import pandas as pd


def bands(
    table: pd.DataFrame, x: str | Axis, y: str | Sequence[str], label: str = "", title: str = ""
) -> Lines:
    """Columns of a sweep against one of its axes: a line through the means over runs, a band min–max.

    table: as from `sweep`; x: a column of numbers, or an `Axis` labelled as one; y: columns to draw, a
    line each; label: of the vertical axis. Raises `SbkitError` on other column names, with the nearest,
    or text along x.

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
    runs = table[x].value_counts().max()
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
