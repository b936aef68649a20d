"""A quantity over a plane, or over a table of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sbkit.core import SbkitError
from sbkit.plots.axes import Array, Axis, Frozen, array, same
from sbkit.plots.words import say

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Field(Frozen):
    """A chance from 0 to 1 over a plane, 0.5 its boundary, with points of known labels on it.

    values (rows, columns): rows ascend along y, columns along x, from the axes' low to high (0 to 1 if
    not given); axes with ticks make a table of cells. spread (rows, columns): how far runs disagree, a
    standard deviation. points (n, 2) and labels (n,): the rows shown. scale: for values that are no
    chance, what they are, from low to high (the values' own ends if not given); from −a to a, 0 is
    neutral. names: of the classes that labels count, "class 0", … where there are none; the chance is that
    of the second. NaN is a place without a value. Raises `SbkitError` on shapes that do not match.

    >>> Field("f", "A plane", "x1", "x2", values=[[0.0, 1.0]]).table()
         x    y  value
    0  0.0  0.5    0.0
    1  1.0  0.5    1.0
    """

    name: str
    title: str
    x: Axis
    y: Axis
    values: Array
    spread: Array | None = None
    points: Array | None = None
    labels: Array | None = None
    caption: str = ""
    scale: Axis | None = None
    names: Sequence[str] = ()

    def __post_init__(self) -> None:
        owner = f"Field {self.name!r}"
        values = array(owner, "values", self.values, 2)
        x, y = (_ended(Axis.of(axis)) for axis in (self.x, self.y))
        self._put(x=x, y=y, values=values, names=tuple(str(name) for name in self.names))
        if not values.size:
            raise SbkitError(f"{owner}: values has at least one row and column, got {values.shape}.")
        if self.scale is not None or x.ticks:
            self._put(scale=_spanned(Axis.of(self.scale or "value"), values))
        if x.ticks or y.ticks:
            same(owner, "values", values.shape, (len(y.ticks), len(x.ticks)), "a row and column a tick")
        for name, ndim in {"spread": 2, "points": 2, "labels": 1}.items():
            if (given := getattr(self, name)) is not None:
                self._put(**{name: array(owner, name, given, ndim)})
        if self.spread is not None:
            same(owner, "spread", self.spread.shape, values.shape, "as values")
        if self.points is not None:
            same(owner, "points", self.points.shape, (len(self.points), 2), "two coordinates a point")
            if self.labels is None:
                self._put(labels=np.zeros(len(self.points), np.float32))
            same(owner, "labels", self.labels.shape, (len(self.points),), "one a point")  # pyright: ignore

    def class_name(self, label: int) -> str:
        """What a class is called."""
        return self.names[label] if label < len(self.names) else say("legends", "class", c=label)

    def grid(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Coordinates or names of the columns (columns,) and of the rows (rows,)."""
        rows, columns = self.values.shape
        return _places(self.x, columns), _places(self.y, rows)

    def table(self) -> pd.DataFrame:
        """The field as a table: x, y, value and, where known, spread; a row a cell."""
        import pandas as pd

        x, y = np.meshgrid(*self.grid())  # (rows, columns) each
        table = {"x": x.ravel(), "y": y.ravel(), "value": self.values.ravel()}
        return pd.DataFrame(table | ({} if self.spread is None else {"spread": self.spread.ravel()}))


def _ended(axis: Axis) -> Axis:
    """The axis with both ends: 0 to 1 where not given."""
    low = 0.0 if axis.low is None else axis.low
    return replace(axis, low=low, high=low + 1 if axis.high is None else axis.high)


def _spanned(scale: Axis, values: Array) -> Axis:
    """The scale with both ends, those of the values where not given."""
    if scale.log:
        raise SbkitError("The scale of a field is not logarithmic; give the logarithms as values.")
    finite = values[np.isfinite(values)]
    low = scale.low if scale.low is not None else float(finite.min(initial=np.inf))
    high = scale.high if scale.high is not None else float(finite.max(initial=-np.inf))
    if not np.isfinite([low, high]).all():  # no value at all
        return replace(scale, low=0.0, high=1.0)
    return replace(scale, low=low, high=high if high > low else low + (abs(low) or 1.0))


def _places(axis: Axis, n: int) -> NDArray[Any]:
    if axis.ticks:
        return np.array(axis.ticks)
    ends = axis.low, axis.high
    return np.linspace(*(ends if n > 1 else (np.mean(ends), 0)), n, dtype=np.float32)  # pyright: ignore
