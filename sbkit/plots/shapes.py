"""What a picture is, whoever draws it: fields, lines and bars, with their captions and data tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sbkit.core import SbkitError
from sbkit.plots.axes import Array, Axis, Frozen, array, end, same, several
from sbkit.plots.field import Field

if TYPE_CHECKING:
    import pandas as pd


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
        owner = f"Line {self.name!r}"
        self._put(x=array(owner, "x", self.x, 1))
        for name in ("y", "low", "high", "start"):
            if (values := getattr(self, name)) is not None:
                self._put(**{name: array(owner, name, values, 1)})
                same(owner, name, getattr(self, name).shape, self.x.shape, "as x")


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
            known = sorted(value for value in (low, high) if value is not None) or [0.0]
            raise SbkitError(
                f"A mark runs from low to high, both finite, got {self.low!r} to {self.high!r}; "
                f"try low={known[0]}, high={known[-1]}."
            )
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

        return pd.concat([_line_rows(line) for line in self.lines], ignore_index=True)


def _line_rows(line: Line) -> pd.DataFrame:
    import pandas as pd

    empty = np.full_like(line.x, np.nan)
    ends = {name: empty if (end := getattr(line, name)) is None else end for name in ("low", "high")}
    start = {} if line.start is None else {"start": line.start}
    return pd.DataFrame({"line": line.name, "x": line.x, "y": line.y, **ends, **start})


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
        owner, names = f"Bars {self.name!r}", tuple(str(name) for name in several(self.names))
        self._put(y=Axis.of(self.y), names=names, values=array(owner, "values", self.values, 1))
        same(owner, "values", self.values.shape, (len(names),), "one a name")
        if self.dots is not None:
            self._put(dots=array(owner, "dots", self.dots, 2))
            same(owner, "dots", self.dots.shape[:1], (len(names),), "a row a name")  # pyright: ignore
        blocks = max(1, len(self.sides))
        if names != names[: len(names) // blocks] * blocks:
            raise SbkitError(f"{owner}: the same names stand on each of {blocks} sides, got {names}.")

    def table(self) -> pd.DataFrame:
        """The bars as a table: name, value, and a column a run; a row a bar; first its side, if any."""
        import pandas as pd

        count = len(self.names) // max(1, len(self.sides))
        sides = {"side": [side for side in self.sides for _ in range(count)]} if self.sides else {}
        runs = {} if self.dots is None else {f"run {r}": dots for r, dots in enumerate(self.dots.T)}
        return pd.DataFrame({**sides, "name": self.names, "value": self.values, **runs})


Description = Field | Lines | Bars
