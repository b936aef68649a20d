"""Columns of x that hold the answer: refused where one is y, pointed out where one tells y by itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from sbkit.core import SbkitError
from sbkit.data.places import some

ACCIDENT = math.log(1e-6)  # a table of shuffled answers would be called a leak once in a million times
FEW = 256  # values of a column that are looked at one by one
LOOKED = 4096  # rows that rule most columns out

Values = NDArray[np.float64]


def leaks(z: Tensor, y: Tensor, names: list[str]) -> list[str]:
    """The columns of z (n, k) that tell y by themselves; one that is y, or its negation, raises.

    y: classes (n,), or values (n, outputs). Classes are told where each has its own range of the column,
    or every value of the column (256 at most) its own class; values where they rise or fall with the column.
    That is said only where it is no accident: with answers in random order it would happen to any of the k
    columns in less than one of 10⁶ tables, so that one of few rows, or a number for each row, is not called
    a leak. A second for 10⁶ rows of 50 columns.
    """
    columns, answers = z.numpy(), y.numpy()
    is_y = _is_values if y.is_floating_point() else _is_classes
    if same := [names[j] for j in is_y(columns, answers)]:
        fix = f"leave that out, try table.drop(columns={same})"
        raise SbkitError(f"x does not hold y, got it under other names or numbers in {some(same)}; {fix}.")
    sample = slice(None, None, max(1, len(columns) // LOOKED))
    telling = [j for j in range(len(names)) if _told(columns[sample, j], answers[sample])]
    if not telling:
        return []
    once = ~pd.DataFrame(columns).duplicated().to_numpy()  # (n,): a row that returns says nothing new
    limit = ACCIDENT - math.log(len(names))
    return [names[j] for j in telling if _told(columns[once, j], answers[once], limit)]


def _is_classes(z: Values, y: NDArray[np.int64]) -> list[Any]:
    """The columns that are the classes y (n,) under other numbers, alone or one-hot."""
    groups: Any = pd.DataFrame(z).groupby(y)
    low, high = groups.min().to_numpy(), groups.max().to_numpy()  # (C, k)
    fixed = np.flatnonzero((low == high).all(0) & (low != low[0]).any(0))  # one value a class, not the same
    if same := [j for j in fixed if len(np.unique(low[:, j])) == len(low)]:
        return same
    odd = {j: (low[:, [j]] == low[:, j]).sum(1) == 1 for j in fixed}  # (C,): the class has its value alone
    alone = [j for j in fixed if odd[j].sum() == 1 and len(np.unique(low[:, j])) == 2]
    return alone if len({int(odd[j].argmax()) for j in alone}) >= len(low) - 1 else []


def _is_values(z: Values, y: Values) -> list[int]:
    """The columns that are a column of y (n, outputs), or its negation."""
    both = np.concatenate([y, -y], axis=1).T  # (2 outputs, n)
    return [j for j in range(z.shape[1]) if any(np.allclose(z[:, j], own, rtol=1e-6, atol=0) for own in both)]


def _told(column: Values, y: NDArray[Any], limit: float = math.inf) -> bool:
    """Whether a column tells y, and shuffled answers would be told so with a chance of log < limit."""
    return any(_chance(column, own) < limit for own in y.reshape(len(y), -1).T)


def _chance(column: Values, y: NDArray[Any]) -> float:
    """Log of a bound on how often shuffled answers y (n,) would be told without an error; inf if y is not."""
    order = np.lexsort((y, column))
    dx, dy = np.diff(column[order]), np.diff(y[order])  # (n − 1,) each
    if ((dx == 0) & (dy != 0)).any():
        return math.inf
    if y.dtype.kind == "f":
        rises = ((dy != 0) == (dx > 0)).all() and ((dy >= 0).all() or (dy <= 0).all())
        return math.log(2) - math.lgamma(len(y) + 1) if rises and dy.any() else math.inf
    counts = np.unique(y, return_counts=True)[1]  # (C,)
    apart, values = np.count_nonzero(dy) + 1 == len(counts), np.count_nonzero(dx) + 1
    if not apart and values > FEW:
        return math.inf
    pieces = len(counts) if apart else values  # each takes one of the classes
    orders = math.lgamma(len(y) + 1) - sum(math.lgamma(count + 1) for count in counts.tolist())
    return pieces * math.log(len(counts)) - orders
