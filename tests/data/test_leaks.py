"""Columns that hold the answer: y is refused, what tells y is named, what does so by accident is not."""

import warnings

import numpy as np
import pytest
import torch

import sbkit as sb

RNG = np.random.default_rng(0)
N = 200
NOISE, COIN = RNG.normal(size=(N, 3)), RNG.integers(2, size=N)
THREE = RNG.integers(3, size=N)
VALUES = RNG.normal(size=N) * 3
HOT = np.eye(3)[THREE]

IS_Y = {
    "y": (COIN, COIN),
    "not y": (1 - COIN, COIN),
    "y + 1": (COIN + 1, COIN),
    "−2 y": (-2.5 * COIN, COIN),
    "of words": (COIN, np.where(COIN, "yes", "no")),
    "bools": (COIN > 0, np.where(COIN, "yes", "no")),
    "three classes": (THREE, THREE),
    "three classes in another order": (np.array([5, -1, 2])[THREE], THREE),
    "one-hot": (HOT, THREE),
    "one-hot but for the first": (HOT[:, 1:], THREE),
    "values": (VALUES, VALUES),
    "minus the values": (-VALUES, VALUES),
}
TELLS = {
    "a threshold": (COIN + 0.4 * RNG.random(N), COIN),
    "falling": (-COIN - 0.4 * RNG.random(N), COIN),
    "bands of three classes": (np.array([7, -1, 2])[THREE] + 0.4 * RNG.random(N), THREE),
    "sorted numbers of rows": (np.arange(N), np.sort(COIN)),
    "kinds within classes": (COIN + 2 * RNG.integers(5, size=N), COIN),
    "a line": (3 * VALUES + 1, VALUES),
    "a curve": (np.exp(VALUES), VALUES),
}
TELLS_NOT = {
    "noise": (RNG.normal(size=N), COIN),
    "numbers of rows": (np.arange(N), COIN),
    "random numbers of rows": (RNG.permutation(N), COIN),
    "all but one row": (np.where(np.arange(N) == 7, 1 - COIN, COIN), COIN),
    "a constant": (np.ones(N), COIN),
    "one of three classes": (HOT[:, 0], THREE),
    "pairs of rows": (np.arange(N) // 2, COIN),
    "a curve up and down": (VALUES**2, VALUES),
}


@pytest.mark.parametrize("case", IS_Y)
def test_y_among_the_columns_is_refused(case):
    column, y = IS_Y[case]
    width = column.shape[1] if column.ndim == 2 else 1
    said = ", ".join(f"'x{i}'" for i in range(4, 4 + width))
    with pytest.raises(sb.SbkitError, match=f"does not hold y, got it .* in {said}; leave that out"):
        sb.data.table(np.c_[NOISE, column], y)


@pytest.mark.parametrize("case", TELLS)
def test_a_column_that_tells_y_is_named(case):
    column, y = TELLS[case]
    with pytest.warns(UserWarning, match="tells y by itself, without an error: 'x4'. If") as told:
        task = sb.data.table(np.c_[NOISE, column], y)
    assert len(told) == 1 and told[0].filename == __file__ and len(task.y) + len(task.y_test) == N


@pytest.mark.parametrize("case", TELLS_NOT)
def test_other_columns_are_not(case):
    column, y = TELLS_NOT[case]
    sb.data.table(np.c_[NOISE, column], y)


def test_small_tables_are_not_called_leaks_by_accident():
    """Of tables of 8 to 16 random rows many have a column that happens to separate the classes."""
    happened = 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(8, 17))
        x, y = rng.normal(size=(n, 20)), np.arange(n) % 2
        happened += int(
            any(a.max() < b.min() or b.max() < a.min() for a, b in zip(x[y == 0].T, x[y == 1].T, strict=True))
        )
        sb.data.table(x, y)
        sb.data.table(x, rng.normal(size=n))
    assert happened > 5


def test_a_leak_is_found_in_given_test_rows_as_in_all():
    """A shortcut holds in training rows alone: that is no leak."""
    x = np.c_[NOISE, COIN]
    broken = np.c_[RNG.normal(size=(N, 3)), RNG.permutation(COIN)]
    with pytest.raises(sb.SbkitError, match="'x4'"):
        sb.data.table(x, COIN, test=(x, COIN))
    assert torch.equal(
        sb.data.table(x, COIN, test=(broken, COIN)).y.bincount(), torch.tensor(np.bincount(COIN))
    )


def test_a_row_that_returns_is_counted_once():
    """Else a column of fractions would tell the class of rows that stand in a table several times."""
    sb.data.table(np.tile(NOISE, (3, 1)), np.tile(COIN, 3))
    sb.data.table(NOISE, VALUES, test=(NOISE, VALUES))


def test_many_rows_of_many_columns():
    x, y = RNG.integers(0, 9, (100_000, 20)).astype(np.float32), RNG.integers(3, size=100_000)
    x[:, 7] = 3 * RNG.integers(0, 2, 100_000) + y
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        sb.data.table(x, y)
    assert ["'x8'" in str(one.message) for one in told] == [True]
