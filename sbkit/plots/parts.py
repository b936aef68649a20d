"""What pictures are made of: arrays, axes, marks, and the frozen dataclass that checks its own fields."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sbkit.core import SbkitError, numbers
from sbkit.plots.words import say

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
        rule = f"{owner} is an array of numbers, got {values!r:.60}"
        raise SbkitError(f"{rule}; try np.array(…, dtype=float), with rows of one length.") from error


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
        if over := made.ndim - ndim:
            means = f"mean({tuple(range(over)) if over > 1 else 0})"
            way = means if over > 0 else f"reshape{(1,) * -over + made.shape}"
            raise SbkitError(f"{owner} has {ndim} axes, got shape {made.shape}; try .{way} of an array.")
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
            got = f"{self.low} to {self.high}"
            raise SbkitError(f"An axis runs from low to a larger high, got {got}; leave one to the data.")
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


class Classed(Frozen):
    """A picture with points on it, each of a class that has a name."""

    points: Array | None
    labels: Array | None
    names: Sequence[str]

    def _classed(self) -> None:
        """Check the points (n, 2) and their labels (n,)."""
        self._put(names=tuple(str(name) for name in self.names))
        self._array("points", 2)
        if self.points is not None:
            self._array("points", 2, (len(self.points), 2), "two coordinates a point")
            self._array("labels", 1, (len(self.points),), "one a point")

    def class_name(self, label: int) -> str:
        """What a class is called."""
        return self.names[label] if label < len(self.names) else say("legends", "class", c=label)


def spanned(scale: Axis, values: Array) -> Axis:
    """A scale of colours with both ends, those of the values where not given."""
    if scale.log:
        raise SbkitError("A scale of colours is not logarithmic; give the logarithms as values.")
    finite = values[np.isfinite(values)] if np.isfinite(values).any() else np.array([0.0, 1.0])
    low = float(finite.min()) if scale.low is None else scale.low
    high = float(finite.max()) if scale.high is None else scale.high
    return replace(scale, low=low, high=high if high > low else low + (abs(low) or 1.0))


def ended(axis: Axis) -> Axis:
    """The axis with both ends: 0 to 1 where not given."""
    low = 0.0 if axis.low is None else axis.low
    return replace(axis, low=low, high=low + 1 if axis.high is None else axis.high)


def split(axis: Axis, count: int) -> NDArray[Any]:
    """The ends of so many equal parts of an axis that has ends; of equal ratio on a log axis. (count + 1,)"""
    return (np.geomspace if axis.log else np.linspace)(axis.low, axis.high, count + 1)  # pyright: ignore
