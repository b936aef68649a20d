"""Columns of x that hold the answer: refused where one is y, pointed out where one tells y by itself."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sbkit.core import SbkitError
from sbkit.data.columns import some

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
    import pandas as pd

    columns, answers = z.numpy(), y.numpy()
    of = _of_values if y.is_floating_point() else _of_classes
    if of(columns, answers, names):  # a row that returns says what it said before, and is counted once
        once = ~pd.DataFrame(columns).duplicated().to_numpy()  # (n,)
        return [names[j] for j in of(columns[once], answers[once], names)]
    return []


def _of_classes(z: Values, y: NDArray[np.int64], names: list[str]) -> list[int]:
    order = np.argsort(y, kind="stable")
    counts = np.bincount(y)  # (C,)
    starts = np.cumsum(counts) - counts
    sorted_z = z[order]  # (n, k)
    low, high = np.minimum.reduceat(sorted_z, starts), np.maximum.reduceat(sorted_z, starts)  # (C, k)
    fixed = np.all(low == high, 0) & np.any(low != low[:1], 0)  # (k,): one value a class, not one for all
    _check_not_y(low[:, fixed], np.flatnonzero(fixed), names)
    by = low.argsort(0, kind="stable")  # (C, k)
    lower, upper = np.take_along_axis(high, by, 0)[:-1], np.take_along_axis(low, by, 0)[1:]
    apart = np.all(lower < upper, 0)  # (k,)
    limit = ACCIDENT - math.log(z.shape[1])
    if _log_orders(counts) >= limit:
        apart[:] = False
    return [j for j in range(z.shape[1]) if apart[j] or _by_value(z[:, j], y, counts, limit)]


def _check_not_y(values: Values, columns: NDArray[np.intp], names: list[str]) -> None:
    """Refuse columns that are the classes under other numbers, alone or one-hot; values (C, columns)."""
    wrong = [j for j, own in zip(columns, values.T, strict=True) if len(np.unique(own)) == len(own)]
    ones = {}
    for j, own in zip(columns, values.T, strict=True):
        kinds, counts = np.unique(own, return_counts=True)
        if len(kinds) == 2 and counts.min() == 1:
            ones[j] = int(np.flatnonzero(own == kinds[counts.argmin()])[0])
    if not wrong and len(set(ones.values())) >= len(values) - 1:
        wrong = list(ones)
    if wrong:
        _refuse([names[j] for j in wrong])


def _refuse(names: list[str]) -> None:
    said = some([repr(name) for name in names])
    raise SbkitError(
        f"x does not hold y, got it under other names or numbers in {said}; "
        f"leave that out, try table.drop(columns={names})."
    )


def _log_orders(counts: NDArray[np.int64]) -> float:
    """Logarithm of the share of all orders of the rows in which the classes lie one after the other."""
    ways = math.lgamma(len(counts) + 1) + sum(math.lgamma(count + 1) for count in counts.tolist())
    return ways - math.lgamma(int(counts.sum()) + 1)


def _by_value(column: Values, y: NDArray[np.int64], counts: NDArray[np.int64], limit: float) -> bool:
    """Whether every value of a column has one class, in rows enough that this is no accident."""
    if not _each_one_class(column[:LOOKED], y[:LOOKED]):
        return False
    if not _each_one_class(column, y):
        return False
    rows = np.unique(column, return_counts=True)[1]  # of each value
    shares = np.log(counts / counts.sum())  # (C,)
    powers = np.outer(rows, shares)  # (values, C)
    top = powers.max(1)
    return float((top + np.log(np.exp(powers - top[:, None]).sum(1))).sum()) < limit


def _each_one_class(column: Values, y: NDArray[np.int64]) -> bool:
    values, of = np.unique(column, return_inverse=True)
    if not 2 <= len(values) <= FEW:
        return False
    low = np.full(len(values), np.iinfo(np.int64).max)
    high = np.full(len(values), -1)
    np.minimum.at(low, of, y)
    np.maximum.at(high, of, y)
    return bool((low == high).all())


def _of_values(z: Values, y: Values, names: list[str]) -> list[int]:
    same = [j for j in range(z.shape[1]) for own in y.T if _is(z[:, j], own) or _is(z[:, j], -own)]
    if same:
        _refuse([names[j] for j in dict.fromkeys(same)])
    if math.log(2) - math.lgamma(len(y) + 1) >= ACCIDENT - math.log(z.shape[1]):
        return []
    return [j for j in range(z.shape[1]) if any(_rises(z[:, j], own) for own in y.T)]


def _is(column: Values, y: Values) -> bool:
    return bool(np.allclose(column, y, rtol=1e-6, atol=0))


def _rises(column: Values, y: Values) -> bool:
    """Whether y rises, or falls, strictly with the column: the same order, the same ties."""
    for rows in (LOOKED, len(y)):
        order = np.lexsort((y[:rows], column[:rows]))
        dx, dy = np.diff(column[:rows][order]), np.diff(y[:rows][order])
        if not ((dx > 0) == (dy != 0)).all() or not ((dy >= 0).all() or (dy <= 0).all()):
            return False
    return bool(np.ptp(y) > 0)
