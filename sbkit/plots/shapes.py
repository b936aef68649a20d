"""What a picture is, whoever draws it: fields, lines, bars and points, with captions and data tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sbkit.core import SbkitError
from sbkit.plots.images import Images
from sbkit.plots.parts import Array, Axis, Classed, Frozen, Mark, array, ended, several, spanned, split
from sbkit.plots.words import say

if TYPE_CHECKING:
    import pandas as pd

MOST_POINTS, MOST_BINS = 10_000, 200  # more can be drawn, but not be told apart


@dataclass(frozen=True)
class Field(Classed):
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
        x, y = (ended(Axis.of(axis)) for axis in (self.x, self.y))
        self._put(x=x, y=y)
        tiles = (len(y.ticks), len(x.ticks)) if x.ticks or y.ticks else ()
        self._array("values", 2, tiles, "a row and column a tick")
        if not self.values.size:
            rule = f"Field {self.name!r}: values has at least one row and column"
            raise SbkitError(f"{rule}, got {self.values.shape}.")
        if self.scale is not None or tiles:
            self._put(scale=spanned(Axis.of(self.scale or "value"), self.values))
        self._array("spread", 2, self.values.shape, "as values")
        self._classed()
        if self.points is not None and self.labels is None:
            self._put(labels=np.zeros(len(self.points), dtype=np.float32))

    def grid(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Coordinates or names of the columns (columns,) and of the rows (rows,)."""
        rows, columns = self.values.shape
        return _places(self.x, columns), _places(self.y, rows)

    def boundary(self) -> tuple[Array, Array]:
        """Where the values are one half: x and y of lines, NaN between two of them. (points,) each"""
        from contourpy import contour_generator

        if min(self.values.shape) < 2:
            return np.empty(0, np.float32), np.empty(0, np.float32)
        found = contour_generator(*self.grid(), self.values, line_type="ChunkCombinedNan").lines(0.5)
        [[lines]] = found  # pyright: ignore
        x, y = np.empty((2, 0)) if lines is None else lines.T
        return x.astype(np.float32), y.astype(np.float32)

    def table(self) -> pd.DataFrame:
        """The field as a table: x, y, value and, where known, spread; a row a place or tile."""
        import pandas as pd

        x, y = np.meshgrid(*self.grid())  # (rows, columns) each
        table = {"x": x, "y": y, "value": self.values, "spread": self.spread}
        return pd.DataFrame({name: values.ravel() for name, values in table.items() if values is not None})


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
    same names, and bars of one name are drawn side by side. low, high (bars,): an interval a bar, drawn as
    a whisker; NaN for a bar without one. x: where bars touch, as those of a `histogram`, the axis whose
    equal parts they stand on. Raises `SbkitError` on shapes that do not match, and where low > high.

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
    low: Array | None = None
    high: Array | None = None
    x: Axis | None = None

    def __post_init__(self) -> None:
        names, blocks = tuple(str(name) for name in several(self.names)), max(1, len(self.sides))
        self._put(y=Axis.of(self.y), names=names, x=None if self.x is None else ended(Axis.of(self.x)))
        self._array("values", 1, (len(names),), "one a name")
        self._array("dots", 2, (len(names),), "a row a name")
        owner = f"Bars {self.name!r}"
        if names != self.block * blocks:
            raise SbkitError(f"{owner}: the same names stand on each of {blocks} sides, got {names}.")
        for end in ("low", "high"):
            self._array(end, 1, (len(names),), "one a name")
        low, high = self.low, self.high
        if low is None or high is None:
            if low is not high:
                raise SbkitError(f"{owner}: an interval has both ends, got one; try low=…, high=….")
        elif (wrong := np.flatnonzero(low > high)).size:
            got = f"{low[wrong[0]]:g} to {high[wrong[0]]:g} at {names[wrong[0]]!r}"
            raise SbkitError(f"{owner}: an interval runs from low up to high, got {got}; swap them.")

    @classmethod
    def histogram(
        cls, name: str, title: str, x: Axis | str, values: Any, bins: int = 20, caption: str = ""
    ) -> Bars:
        """How many of the values lie in each of so many equal parts of an axis: bars that touch.

        values (n,), or (runs, n): the mean count over runs then, with a dot a run. x: the axis, or its label;
        from the least to the largest value where it has no ends of its own: give both, where two histograms
        are compared or one moves. Parts of a log axis are of equal ratio. What is not finite or lies outside
        is left out, and the caption says how many. Raises `SbkitError` unless there are 1 to 200 bins.

        >>> Bars.histogram("w", "Weights", "weight", [0.1, 0.2, 0.9], bins=2).table()
                 name  value
        0  0.1 to 0.5    2.0
        1  0.5 to 0.9    1.0
        """
        if not isinstance(bins, int | np.integer) or isinstance(bins, bool) or not 1 <= bins <= MOST_BINS:
            raise SbkitError(f"A histogram has 1 to {MOST_BINS} bins, got {bins!r:.60}; try bins=20.")
        runs = array(f"Bars {name!r}: values", values)  # (n,) or (runs, n)
        if runs.ndim not in (1, 2):
            raise SbkitError(f"Bars {name!r}: values has shape (n,) or (runs, n), got {runs.shape}.")
        runs = runs[None] if runs.ndim == 1 else runs
        axis = _around(Axis.of(x), runs)
        edges = split(axis, bins)  # (bins + 1,)
        counts = np.stack([np.histogram(run[np.isfinite(run)], edges)[0] for run in runs], axis=1)
        finest = float(np.max(np.abs(edges[1:]) / np.diff(edges), initial=1))  # ends in bins
        ends = [f"{edge:.{max(3, 1 + math.ceil(math.log10(finest)))}g}" for edge in edges]
        names = [f"{low} to {high}".replace("-", "−") for low, high in zip(ends, ends[1:], strict=False)]
        out, dots = runs.size - int(counts.sum()), counts if len(runs) > 1 else None
        more = say("captions", "left_out_values", n=out, all=runs.size) if out else ""
        about = {"dots": dots, "caption": caption + more, "x": axis}
        return cls(name, title, Axis(say("axes", "count"), low=0), names, counts.mean(1), **about)

    @property
    def block(self) -> tuple[str, ...]:
        """The names that stand on each side."""
        return tuple(self.names[: len(self.names) // max(1, len(self.sides))])

    @property
    def edges(self) -> NDArray[Any]:
        """Where the places of bars begin and end: around 0, 1, …, or where they touch. (names + 1,)"""
        count = len(self.block)
        return np.arange(count + 1) - 0.5 if self.x is None else split(self.x, count)

    def table(self) -> pd.DataFrame:
        """The bars as a table: name, value, low and high where known, and a column a run; a row a bar.

        First its side, if any.
        """
        import pandas as pd

        sides = {"side": np.repeat(self.sides, len(self.block))} if self.sides else {}
        ends = {} if self.low is None else {"low": self.low, "high": self.high}
        runs = {} if self.dots is None else {f"run {r}": dots for r, dots in enumerate(self.dots.T)}
        return pd.DataFrame({**sides, "name": self.names, "value": self.values, **ends, **runs})


def _around(axis: Axis, values: Array) -> Axis:
    """The axis with both ends: those of the finite values on it where not given."""
    on = values[np.isfinite(values) & ((values > 0) | (not axis.log))]
    low, high = (float(on.min()), float(on.max())) if on.size else (1.0, 1.0)
    low, high = low if axis.low is None else axis.low, high if axis.high is None else axis.high
    if low >= high:  # one value, or none on this side of the end that is given
        middle = low if axis.high is None else high
        room = abs(middle) / 2 or 0.5
        low = middle - room if axis.low is None else low
        high = middle + room if axis.high is None else high
    return replace(axis, low=low, high=high)


@dataclass(frozen=True)
class Scatter(Classed):
    """Points on a pair of axes, each in the colour and shape of its class; axes may be given by labels alone.

    points (n, 2): x and y of each, at most 10,000. labels (n,): their classes, whole numbers from 0 to 255,
    called by names, else "class 0", …. diagonal: the line y = x is drawn, over what both axes show. marks:
    ranges of y drawn over. A point that is not finite, or not above 0 on a log axis, is left out, and the
    caption says so. Raises `SbkitError` on other shapes and labels, and on more points.

    >>> Scatter("c", "Calibration", "confidence", "accuracy", [[0.6, 0.5], [0.9, 0.8]], diagonal=True).table()
         x    y
    0  0.6  0.5
    1  0.9  0.8
    """

    name: str
    title: str
    x: Axis
    y: Axis
    points: Array
    labels: Array | None = None
    diagonal: bool = False
    caption: str = ""
    names: Sequence[str] = ()
    marks: Sequence[Mark] = ()

    def __post_init__(self) -> None:
        owner = f"Scatter {self.name!r}"
        self._put(x=Axis.of(self.x), y=Axis.of(self.y))
        self._classed()
        if (count := len(self.points)) > MOST_POINTS:
            fix = f"points[::{-(-count // MOST_POINTS)}]"
            raise SbkitError(f"{owner} shows at most {MOST_POINTS:,} points, got {count:,}; try {fix}.")
        labels = np.empty(0) if self.labels is None else self.labels  # (n,)
        if (wrong := labels[~np.isin(labels, range(256))]).size:
            rule = f"{owner}: labels are whole numbers from 0 to 255"
            raise SbkitError(f"{rule}, got {wrong[0]:g}; number the classes, and call them by names=….")

    @property
    def shown(self) -> Any:
        """Which points have a place on both axes. (n,)"""
        linear = np.array([not axis.log for axis in (self.x, self.y)])
        return (np.isfinite(self.points) & ((self.points > 0) | linear)).all(1)

    @property
    def note(self) -> str:
        """How many points are left out, as a sentence; empty where none is."""
        out, count = int((~self.shown).sum()), len(self.points)
        return say("captions", "left_out_points", n=f"{out:,}", all=f"{count:,}") if out else ""

    def listed(self) -> dict[str, Any]:
        """x, y and, where there are labels, the class of each point, (n,) each."""
        x, y = self.points.T  # (n,) each
        names = [] if self.labels is None else [self.class_name(int(label)) for label in self.labels]
        return {"x": x, "y": y} | ({} if self.labels is None else {say("tables", "class"): names})

    def table(self) -> pd.DataFrame:
        """The points as a table: x, y and, where there are labels, class; a row a point."""
        import pandas as pd

        return pd.DataFrame(self.listed())


Description = Field | Lines | Bars | Scatter | Images
SHAPES = ", ".join(shape.__name__ for shape in Description.__args__)  # as messages name them


def captioned(shape: Description) -> str:
    """The caption of a picture, and what the picture has to say of itself."""
    return (shape.caption + getattr(shape, "note", "")).strip()
