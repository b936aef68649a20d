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

ACCIDENT = math.log(1e-6)  # of so many tables with shuffled answers is one called a leak
FEW = 256  # values of a column that may each belong to a class
ROWS = 4096  # rows at least that rule most columns out

Values = NDArray[np.float64]


def leaks(z: Tensor, y: Tensor, names: list[str]) -> list[str]:
    """The columns of z (n, k) that tell y by themselves; one that is y, or its negation, raises.

    y: classes (n,), or values (n, outputs). A column tells classes if each of them has its own range of it,
    or if each value of the column (256 at most) belongs to one class. It tells values if they rise or fall
    with it. Only what is no accident counts: with the answers in random order, fewer than one table in 10⁶
    would have such a column among its k. So a table of few rows is not called a leak, nor are numbers that
    count the rows. It takes a second for 10⁶ rows of 50 columns.
    """
    columns, answers = z.numpy(), y.numpy()
    is_y = _is_values if y.is_floating_point() else _is_classes
    if same := [names[j] for j in is_y(columns, answers)]:
        fix = f"leave that out, try table.drop(columns={same})"
        raise SbkitError(f"x does not hold y, got it under other names or numbers in {some(same)}; {fix}.")
    sample = slice(None, None, max(1, len(columns) // ROWS))
    telling = [j for j in range(len(names)) if _told(columns[sample, j], answers[sample])]
    if not telling:
        return []
    once = ~pd.DataFrame(columns).duplicated().to_numpy()  # (n,): a repeated row says nothing new
    limit = ACCIDENT - math.log(len(names))
    return [names[j] for j in telling if _told(columns[once, j], answers[once], limit)]


def _is_classes(z: Values, y: NDArray[np.int64]) -> list[Any]:
    """The columns that are the classes y (n,) under other numbers, alone or one-hot."""
    groups: Any = pd.DataFrame(z).groupby(y)
    low, high = groups.min().to_numpy(), groups.max().to_numpy()  # (C, k)
    fixed = np.flatnonzero((low == high).all(0))  # each class has one value of these columns
    same = [j for j in fixed if len(np.unique(low[:, j])) == len(low)]
    odd = low != np.median(low, axis=0)  # (C, k): of a one-hot column, its own class
    hot = {j: int(odd[:, j].argmax()) for j in fixed if odd[:, j].sum() == 1}
    return same or (list(hot) if len(set(hot.values())) >= len(low) - 1 else [])


def _is_values(z: Values, y: Values) -> list[int]:
    """The columns that are a column of y (n, outputs), or its negation."""
    both = np.concatenate([y, -y], axis=1).T  # (2 outputs, n)
    return [j for j in range(z.shape[1]) if any(np.allclose(z[:, j], own, rtol=1e-6, atol=0) for own in both)]


def _told(column: Values, y: NDArray[Any], limit: float = math.inf) -> bool:
    """Whether a column tells y, and shuffled answers would be told so with a chance of log < limit."""
    return any(_chance(column, own) < limit for own in y.reshape(len(y), -1).T)


def _chance(column: Values, y: NDArray[Any]) -> float:
    """Log of a bound on the chance that a column tells shuffled answers; inf if it does not tell y (n,)."""
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
