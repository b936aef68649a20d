"""What stands along an axis, and the checks that all shapes share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sbkit.core import SbkitError

Array = NDArray[np.float32]


def array(owner: str, name: str, values: Any, ndim: int) -> Array:
    """`values` (list, array or tensor of any real kind) as float32 of `ndim` axes, or an `SbkitError`.

    What is too large for float32 becomes infinite.
    """
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        values = (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    if np.iscomplexobj(values):
        raise SbkitError(f"{owner}: {name} is an array of real numbers, got complex ones; try their abs().")
    try:
        with np.errstate(over="ignore"):
            made = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise SbkitError(f"{owner}: {name} is an array of numbers, got {values!r:.60}.") from error
    if made.ndim != ndim:
        raise SbkitError(f"{owner}: {name} has {ndim} axes, got shape {made.shape}.")
    return made


def same(owner: str, name: str, got: tuple[int, ...], wanted: tuple[int, ...], fix: str) -> None:
    """Refuse a shape that is not the wanted one."""
    if got != wanted:
        raise SbkitError(f"{owner}: {name} has shape {wanted}, {fix}, got {got}.")


def number(value: Any) -> bool:
    """Whether a value is one number."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def end(value: Any) -> float | None:
    """A finite number as it is, None of everything else."""
    return float(value) if number(value) and math.isfinite(value) else None


def several(values: Any) -> tuple[Any, ...]:
    """What a list or the like holds; nothing of what is none."""
    return tuple(values) if isinstance(values, Iterable) else ()


class Frozen:
    """Lets a frozen dataclass tidy its own fields while it is built."""

    def _put(self, **fields: Any) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class Axis(Frozen):
    """What an axis shows: its label, its unit, and where it starts and ends.

    low, high: the range, None where the data say; during a run it may grow, never shrink. ticks: on both
    axes of a `Field`, the names of its columns or rows, which are then cells instead of places.
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
        for name in ("low", "high"):
            if getattr(self, name) is not None and not number(getattr(self, name)):
                got = f"got {name}={getattr(self, name)!r:.60}"
                raise SbkitError(f"An axis ends at a number or None, {got}; try {name}=None.")
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
