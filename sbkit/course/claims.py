"""Claims: a sentence, the tolerance written before the number is seen, and what was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import SbkitError


@dataclass(frozen=True)
class Claim:
    """A sentence and whether the measured numbers (any shape) all lie within [low, high].

    Prints as sentence, tolerance and verdict, the same on every processor; `digits` tells the rest.
    """

    sentence: str
    measured: Tensor
    low: float
    high: float
    published: str
    source: str

    @property
    def holds(self) -> bool:
        """True if every measured number lies within the tolerance (NaN never does)."""
        return bool(((self.measured >= self.low) & (self.measured <= self.high)).all())

    @property
    def tolerance(self) -> str:
        """The range in words."""
        if self.high == math.inf:
            return f"at least {self.low:g}"
        if self.low == -math.inf:
            return f"at most {self.high:g}"
        return f"{self.low:g} to {self.high:g}"

    @property
    def digits(self) -> dict[str, Any]:
        """What was measured: mean, smallest and largest, beside the published number."""
        m = self.measured
        spread = f"{m.mean():.4f} ({m.min():.4f} … {m.max():.4f}, {m.numel()} runs)"
        return {"claim": self.sentence, "published": f"{self.published} [{self.source}]", "ours": spread}

    def __repr__(self) -> str:
        return f"{self.sentence} [{self.tolerance}, every run]: {'holds' if self.holds else 'DOES NOT HOLD'}"


def claim(
    sentence: str,
    measured: Tensor | Sequence[float],
    within: tuple[float | None, float | None],
    published: Any = "",
    source: str = "",
) -> Claim:
    """A claim of a paper or lesson beside what was measured of it, one number a run.

    within: (low, high), None for no bound; every run must lie in it. published, source: the paper's
    number and where it stands. Raises `SbkitError` on an empty measurement or an empty range.

    >>> claim("The net ignores the slabs", torch.tensor([0.0, 0.01]), within=(-0.02, 0.02))
    The net ignores the slabs [-0.02 to 0.02, every run]: holds
    """
    tensor = measured if isinstance(measured, Tensor) else torch.from_numpy(np.array(measured, np.float64))
    numbers = tensor.double().flatten()
    low, high = (-math.inf if within[0] is None else within[0], math.inf if within[1] is None else within[1])
    if not len(numbers) or not low <= high:
        raise SbkitError(
            f"A claim has numbers and a range low ≤ high, got {len(numbers)} numbers and {within}."
        )
    return Claim(sentence, numbers, low, high, str(published), source)
