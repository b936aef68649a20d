"""What a picture is, whoever draws it: fields, lines and bars, with their captions and data tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from sbkit.core import SbkitError, numbers
from sbkit.plots.words import say

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float32]


def array(owner: str, values: Any) -> Array:
    """`values` (list, array or tensor of any real type) as float32, or an `SbkitError`.

    What is too large for float32 becomes infinite.
    """
    if isinstance(values, torch.Tensor):
        values = numbers(owner, values.detach()).cpu().numpy()
    if np.iscomplexobj(values):
        raise SbkitError(f"{owner} is an array of real numbers, got complex ones; try their abs().")
    try:
        with np.errstate(over="ignore"):
            return np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise SbkitError(f"{owner} is an array of numbers, got {values!r:.60}.") from error


def end(value: Any) -> float | None:
    """A finite number as a float; None for everything else."""
    known = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return float(value) if known and math.isfinite(value) else None


def several(values: Any) -> tuple[Any, ...]:
    """The items of a list or the like; no items for anything else."""
    return tuple(values) if isinstance(values, Iterable) else ()


class Frozen:
    """Lets a frozen dataclass tidy its own fields while it is built."""

    name: str

    def _put(self, **fields: Any) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def _array(self, name: str, ndim: int, shape: tuple[int, ...] = (), fix: str = "") -> Any:
        """Turn a field into an array of `ndim` axes, the first of lengths `shape`; an optional None stays."""
        if getattr(self, name) is None and hasattr(type(self), name):  # its default, None
            return
        owner = f"{type(self).__name__} {self.name!r}: {name}"
        made = array(owner, getattr(self, name))
        if made.ndim != ndim:
            raise SbkitError(f"{owner} has {ndim} axes, got shape {made.shape}.")
        if made.shape[: len(shape)] != shape:
            raise SbkitError(f"{owner} has shape {shape}, {fix}, got {made.shape}.")
        self._put(**{name: made})


@dataclass(frozen=True)
class Axis(Frozen):
    """What an axis shows: its label, its unit, and where it starts and ends.

    low, high: the range, None where the data say; during a run it may grow, never shrink. ticks: on both
    axes of a `Field`, the names of its columns or rows, which are then tiles instead of places.
    Raises `SbkitError` unless low < high, and low > 0 on a log axis.

    >>> Axis("time", unit="s").text
    'time (s)'
    """

    label: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    log: bool = False
    ticks: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name, value in {"low": self.low, "high": self.high}.items():
            if not isinstance(value, int | float | np.number | None) or isinstance(value, bool):
                rule = "An axis ends at a number or None"
                raise SbkitError(f"{rule}, got {name}={value!r:.60}; try {name}=None.")
        self._put(low=end(self.low), high=end(self.high), ticks=tuple(str(tick) for tick in self.ticks))
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
class Field(Frozen):
    """A chance from 0 to 1 over a plane, 0.5 its boundary, with points of known labels on it.

    values (rows, columns): rows ascend along y, columns along x, from the axes' low to high (0 to 1 if
    not given); axes with ticks make a table of tiles. spread (rows, columns): how far runs disagree, a
    standard deviation. points (n, 2) and labels (n,): the rows shown. scale: for values that are no
    chance, what they are, from low to high (the values' own ends if not given); from −a to a, 0 is
    neutral. names: what the classes are called, "class 0", … if not given; the chance is the second one's.
    NaN is a place without a value. Raises `SbkitError` on shapes that do not match.

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
        x, y = (_ended(Axis.of(axis)) for axis in (self.x, self.y))
        self._put(x=x, y=y, names=tuple(str(name) for name in self.names))
        tiles = (len(y.ticks), len(x.ticks)) if x.ticks or y.ticks else ()
        self._array("values", 2, tiles, "a row and column a tick")
        if not self.values.size:
            rule = f"Field {self.name!r}: values has at least one row and column"
            raise SbkitError(f"{rule}, got {self.values.shape}.")
        if self.scale is not None or tiles:
            self._put(scale=_spanned(Axis.of(self.scale or "value"), self.values))
        self._array("spread", 2, self.values.shape, "as values")
        if self.points is not None:
            count = len(self.points)
            self._array("points", 2, (count, 2), "two coordinates a point")
            self._put(labels=np.zeros(count) if self.labels is None else self.labels)
            self._array("labels", 1, (count,), "one a point")

    def class_name(self, label: int) -> str:
        """What a class is called."""
        return self.names[label] if label < len(self.names) else say("legends", "class", c=label)

    def grid(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Coordinates or names of the columns (columns,) and of the rows (rows,)."""
        rows, columns = self.values.shape
        return _places(self.x, columns), _places(self.y, rows)

    def table(self) -> pd.DataFrame:
        """The field as a table: x, y, value and, where known, spread; a row a place or tile."""
        import pandas as pd

        x, y = np.meshgrid(*self.grid())  # (rows, columns) each
        table = {"x": x, "y": y, "value": self.values, "spread": self.spread}
        return pd.DataFrame({name: values.ravel() for name, values in table.items() if values is not None})


def _ended(axis: Axis) -> Axis:
    """The axis with both ends: 0 to 1 where not given."""
    low = 0.0 if axis.low is None else axis.low
    return replace(axis, low=low, high=low + 1 if axis.high is None else axis.high)


def _spanned(scale: Axis, values: Array) -> Axis:
    """The scale with both ends, those of the values where not given."""
    if scale.log:
        raise SbkitError("The scale of a field is not logarithmic; give the logarithms as values.")
    finite = values[np.isfinite(values)] if np.isfinite(values).any() else np.array([0.0, 1.0])
    low = float(finite.min()) if scale.low is None else scale.low
    high = float(finite.max()) if scale.high is None else scale.high
    return replace(scale, low=low, high=high if high > low else low + (abs(low) or 1.0))


def _places(axis: Axis, n: int) -> NDArray[Any]:
    if axis.ticks:
        return np.array(axis.ticks)
    ends = axis.low, axis.high
    return np.linspace(*(ends if n > 1 else (np.mean(ends), 0)), n, dtype=np.float32)  # pyright: ignore


@dataclass(frozen=True)
class Line(Frozen):
    """One curve: y over x, (points,) each, with an optional band from low to high (min–max over runs).

    start: y where the run began, which is drawn beside it as pale dashes. Raises `SbkitError` unless all
    are as long as x.

    >>> Line("train", x=[0, 50], y=[0.7, 0.3]).y
    array([0.7, 0.3], dtype=float32)
    """

    name: str
    x: Array
    y: Array
    low: Array | None = None
    high: Array | None = None
    dash: bool = False
    start: Array | None = None

    def __post_init__(self) -> None:
        self._array("x", 1)
        for name in ("y", "low", "high", "start"):
            self._array(name, 1, self.x.shape, "as x")


@dataclass(frozen=True)
class Mark(Frozen):
    """A range of values drawn over a picture: what was expected, a published number.

    at: the one bar that it is drawn over; None, all along. Raises `SbkitError` unless low ≤ high, both
    finite.

    >>> Mark("you said: about half", 0.4, 0.6).low
    0.4
    """

    label: str
    low: float
    high: float
    at: str | None = None

    def __post_init__(self) -> None:
        low, high = end(self.low), end(self.high)
        if low is None or high is None or low > high:
            got, fix = f"{self.low!r} to {self.high!r}", "low=0.4, high=0.6"
            raise SbkitError(f"A mark runs from low to high, both finite, got {got}; try {fix}.")
        self._put(low=low, high=high)


@dataclass(frozen=True)
class Lines(Frozen):
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
        self._put(x=Axis.of(self.x), y=Axis.of(self.y), lines=several(self.lines))
        if not self.lines or not all(isinstance(line, Line) for line in self.lines):
            raise SbkitError(f"Lines {self.name!r} holds at least one `Line`, got {self.lines!r:.60}.")

    def table(self) -> pd.DataFrame:
        """The points as a table: line, x, y, low, high, and start where a line has one; a row a point."""
        import pandas as pd

        names = ["x", "y", "low", "high"] + ["start"] * any(line.start is not None for line in self.lines)
        parts = []
        for line in self.lines:
            given = {name: values for name in names if (values := getattr(line, name)) is not None}
            parts.append(pd.DataFrame({"line": line.name} | given))
        return pd.concat(parts, ignore_index=True).reindex(columns=["line", *names])


@dataclass(frozen=True)
class Bars(Frozen):
    """One bar a name, values (bars,), each with a dot a run, dots (bars, runs); marks: ranges over them.

    sides: what is compared, ("A", "B"); the bars are then as many equal blocks, one a side, each with the
    same names, and bars of one name are drawn side by side. Raises `SbkitError` on shapes that do not
    match.

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
    sides: Sequence[str] = ()

    def __post_init__(self) -> None:
        names, blocks = tuple(str(name) for name in several(self.names)), max(1, len(self.sides))
        self._put(y=Axis.of(self.y), names=names)
        self._array("values", 1, (len(names),), "one a name")
        self._array("dots", 2, (len(names),), "a row a name")
        if names != self.block * blocks:
            owner = f"Bars {self.name!r}"
            raise SbkitError(f"{owner}: the same names stand on each of {blocks} sides, got {names}.")

    @property
    def block(self) -> tuple[str, ...]:
        """The names that stand on each side."""
        return tuple(self.names[: len(self.names) // max(1, len(self.sides))])

    def table(self) -> pd.DataFrame:
        """The bars as a table: name, value, and a column a run; a row a bar; first its side, if any."""
        import pandas as pd

        sides = {"side": np.repeat(self.sides, len(self.block))} if self.sides else {}
        runs = {} if self.dots is None else {f"run {r}": dots for r, dots in enumerate(self.dots.T)}
        return pd.DataFrame({**sides, "name": self.names, "value": self.values, **runs})


Description = Field | Lines | Bars
