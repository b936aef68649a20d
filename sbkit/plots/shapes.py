"""What a picture is, whoever draws it: fields, lines and bars, with their captions and data tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from sbkit.core import SbkitError

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float32]


def _array(owner: str, name: str, values: Any, ndim: int) -> Array:
    """`values` (list, array or tensor) as float32 of `ndim` axes, or an `SbkitError`."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    try:
        array = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise SbkitError(f"{owner}: {name} is an array of numbers, got {values!r:.60}.") from error
    if array.ndim != ndim:
        raise SbkitError(f"{owner}: {name} has {ndim} axes, got shape {array.shape}.")
    return array


def _same(owner: str, name: str, got: tuple[int, ...], wanted: tuple[int, ...], fix: str) -> None:
    if got != wanted:
        raise SbkitError(f"{owner}: {name} has shape {wanted}, {fix}, got {got}.")


class _Frozen:
    """Lets a frozen dataclass tidy its own fields while it is built."""

    def _put(self, **fields: Any) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class Axis(_Frozen):
    """What an axis shows: its label, its unit, and where it starts and ends.

    low, high: the range, None where the data say; during a run it may grow, never shrink.
    Raises `SbkitError` unless low < high, and low > 0 on a log axis.

    >>> Axis("time", unit="s").text
    'time (s)'
    """

    label: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    log: bool = False

    def __post_init__(self) -> None:
        ends = [None if e is None or not math.isfinite(e) else float(e) for e in (self.low, self.high)]
        self._put(low=ends[0], high=ends[1])
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise SbkitError(f"An axis runs from low to a larger high, got {self.low} to {self.high}.")
        if self.log and self.low is not None and self.low <= 0:
            raise SbkitError(f"A log axis starts above 0, got {self.low}; try log=False.")

    @property
    def text(self) -> str:
        """Label and unit, as written beside the axis."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    @classmethod
    def of(cls, axis: Axis | str) -> Axis:
        """An axis from its label alone, or the axis itself."""
        return axis if isinstance(axis, Axis) else cls(str(axis))


@dataclass(frozen=True)
class Line(_Frozen):
    """One curve: y over x, (points,) each, with an optional band from low to high (min–max over runs).

    Raises `SbkitError` unless all are as long as x.

    >>> Line("train", x=[0, 50], y=[0.7, 0.3]).y
    array([0.7, 0.3], dtype=float32)
    """

    name: str
    x: Array
    y: Array
    low: Array | None = None
    high: Array | None = None
    dash: bool = False

    def __post_init__(self) -> None:
        owner = f"Line {self.name!r}"
        self._put(x=_array(owner, "x", self.x, 1))
        for name in ("y", "low", "high"):
            if (values := getattr(self, name)) is not None:
                self._put(**{name: _array(owner, name, values, 1)})
                _same(owner, name, getattr(self, name).shape, self.x.shape, "as x")


@dataclass(frozen=True)
class Mark(_Frozen):
    """A range of values drawn over a picture: what was expected, a published number.

    at: the one bar that it is drawn over; None, all along. Raises `SbkitError` unless low ≤ high.

    >>> Mark("you said: about half", 0.4, 0.6).low
    0.4
    """

    label: str
    low: float
    high: float
    at: str | None = None

    def __post_init__(self) -> None:
        self._put(low=float(self.low), high=float(self.high))
        if not self.low <= self.high:
            raise SbkitError(f"A mark runs from low to high, got {self.low} to {self.high}.")


@dataclass(frozen=True)
class Lines(_Frozen):
    """Curves on one pair of axes; axes may be given by their labels alone.

    grows: every frame of a run brings one more point, and the stage joins them. marks: ranges drawn over.

    >>> Lines("loss", "Loss", "step", "loss", [Line("train", [0, 50], [0.7, 0.3])]).table()
        line     x    y  low  high
    0  train   0.0  0.7  NaN   NaN
    1  train  50.0  0.3  NaN   NaN
    """

    name: str
    title: str
    x: Axis
    y: Axis
    lines: Sequence[Line]
    caption: str = ""
    grows: bool = False
    marks: Sequence[Mark] = ()

    def __post_init__(self) -> None:
        self._put(x=Axis.of(self.x), y=Axis.of(self.y), lines=tuple(self.lines))
        if not self.lines or not all(isinstance(line, Line) for line in self.lines):
            raise SbkitError(f"Lines {self.name!r} holds at least one `Line`, got {self.lines!r:.60}.")

    def table(self) -> pd.DataFrame:
        """The points as a table: line, x, y, low, high; a row a point."""
        import pandas as pd

        return pd.concat([_line_rows(line) for line in self.lines], ignore_index=True)


def _line_rows(line: Line) -> pd.DataFrame:
    import pandas as pd

    empty = np.full_like(line.x, np.nan)
    ends = {name: empty if (end := getattr(line, name)) is None else end for name in ("low", "high")}
    return pd.DataFrame({"line": line.name, "x": line.x, "y": line.y, **ends})


@dataclass(frozen=True)
class Field(_Frozen):
    """A quantity from 0 to 1 over a plane, 0.5 its boundary, with points of known labels on it.

    values (rows, columns): rows ascend along y, columns along x, from the axes' low to high (0 to 1 if
    not given). spread (rows, columns): how far runs disagree, a standard deviation. points (n, 2) and
    labels (n,): the rows shown. Raises `SbkitError` on shapes that do not match.

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

    def __post_init__(self) -> None:
        owner = f"Field {self.name!r}"
        values = _array(owner, "values", self.values, 2)
        self._put(x=_ended(Axis.of(self.x)), y=_ended(Axis.of(self.y)), values=values)
        for name, ndim in {"spread": 2, "points": 2, "labels": 1}.items():
            if (given := getattr(self, name)) is not None:
                self._put(**{name: _array(owner, name, given, ndim)})
        if self.spread is not None:
            _same(owner, "spread", self.spread.shape, values.shape, "as values")
        if self.points is not None:
            _same(owner, "points", self.points.shape, (len(self.points), 2), "two coordinates a point")
            if self.labels is None:
                self._put(labels=np.zeros(len(self.points), np.float32))
            _same(owner, "labels", self.labels.shape, (len(self.points),), "one a point")  # pyright: ignore

    def grid(self) -> tuple[Array, Array]:
        """Coordinates of the columns (columns,) and of the rows (rows,)."""
        rows, columns = self.values.shape
        return _ticks(self.x, columns), _ticks(self.y, rows)

    def table(self) -> pd.DataFrame:
        """The plane as a table: x, y, value and, where known, spread; a row a cell."""
        import pandas as pd

        x, y = np.meshgrid(*self.grid())  # (rows, columns) each
        table = {"x": x.ravel(), "y": y.ravel(), "value": self.values.ravel()}
        return pd.DataFrame(table | ({} if self.spread is None else {"spread": self.spread.ravel()}))


def _ended(axis: Axis) -> Axis:
    """The axis with both ends: 0 to 1 where not given."""
    low = 0.0 if axis.low is None else axis.low
    return replace(axis, low=low, high=low + 1 if axis.high is None else axis.high)


def _ticks(axis: Axis, n: int) -> Array:
    ends = axis.low, axis.high
    return np.linspace(*(ends if n > 1 else (np.mean(ends), 0)), n, dtype=np.float32)  # pyright: ignore


@dataclass(frozen=True)
class Bars(_Frozen):
    """One bar a name, values (bars,), each with a dot a run, dots (bars, runs); marks: ranges over them.

    Raises `SbkitError` on shapes that do not match.

    >>> Bars("r", "Reliance", "accuracy lost", ["linear", "slab5"], [0.5, 0.0]).table()
         name  value
    0  linear    0.5
    1   slab5    0.0
    """

    name: str
    title: str
    y: Axis
    names: Sequence[str]
    values: Array
    dots: Array | None = None
    caption: str = ""
    marks: Sequence[Mark] = ()

    def __post_init__(self) -> None:
        owner, names = f"Bars {self.name!r}", tuple(str(name) for name in self.names)
        self._put(y=Axis.of(self.y), names=names, values=_array(owner, "values", self.values, 1))
        _same(owner, "values", self.values.shape, (len(names),), "one a name")
        if self.dots is not None:
            self._put(dots=_array(owner, "dots", self.dots, 2))
            _same(owner, "dots", self.dots.shape[:1], (len(names),), "a row a name")  # pyright: ignore

    def table(self) -> pd.DataFrame:
        """The bars as a table: name, value, and a column a run; a row a bar."""
        import pandas as pd

        runs = {} if self.dots is None else {f"run {r}": dots for r, dots in enumerate(self.dots.T)}
        return pd.DataFrame({"name": self.names, "value": self.values, **runs})


Description = Field | Lines | Bars
