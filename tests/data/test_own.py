"""Own rows: what kinds are taken, and how they become a task."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from cases import animals
from torch.testing import assert_close

import sbkit as sb

TABLE = animals()
NAMES, ROWS = list(TABLE)[:3], len(TABLE)
X, KIND = TABLE[NAMES].to_numpy(), TABLE["kind"].to_numpy(dtype=str)
Y = np.arange(ROWS) % 2  # sorted: Bird, cat


# ---------------------------------------------------------------- what is taken

TAKEN = {
    "arrays": (X, Y),
    "tensors": (torch.tensor(X), torch.tensor(Y)),
    "half precision, with a gradient": (torch.tensor(X).bfloat16().requires_grad_(), torch.tensor(Y).half()),
    "lists": (X.tolist(), Y.tolist()),
    "words": (X, KIND),
    "a list of words": (X, list(KIND)),
    "bools": (X, Y > 0),
    "whole floats": (X, Y.astype(float)),
    "a column": (X, Y[:, None]),
    "categories": (X, pd.Series(pd.Categorical(KIND))),
    "a Series": (TABLE[NAMES], TABLE["kind"]),
    "a Series of x": (TABLE, TABLE["kind"]),
    "a name": (TABLE, "kind"),
    "a table of x": (TABLE, TABLE[["kind"]]),
    "a place": (pd.DataFrame(np.c_[X, Y]), 3),
    "objects": (X.astype(object), Y.astype(object)),
    "nullable": (TABLE[NAMES].convert_dtypes(), pd.Series(Y, dtype="Int64")),
}


@pytest.mark.parametrize("kind", TAKEN)
def test_takes(kind):
    """The same task, whatever the rows came in."""
    x, y = TAKEN[kind]
    task, plain = sb.data.table(*TAKEN[kind]), sb.data.table(X, Y)
    assert_close(task.z, plain.z, rtol=1e-2 if kind.startswith("half") else 1e-6, atol=1e-2)
    assert torch.equal(task.y, plain.y) and torch.equal(task.y_test, plain.y_test)
    labelled = isinstance(x, pd.DataFrame) and not isinstance(x.columns, pd.RangeIndex)
    assert list(task.features) == (NAMES if labelled else ["x1", "x2", "x3"])


def test_takes_a_file(written):
    path = written(TABLE.to_csv(index=False))
    for name in (path, Path(path).absolute()):
        task = sb.data.table(name, "kind")
        assert_close(task.z, sb.data.table(TABLE, "kind").z)
        assert list(task.features) == NAMES


def test_names_that_pandas_reads_as_missing(written):
    path = written(TABLE.rename(columns={"age": "NA"}).to_csv(index=False))
    assert list(sb.data.table(path, "kind").features) == ["height", "weight", "NA"]


def test_one_column_needs_no_second_axis():
    for x in (X[:, 0], X[:, 0].tolist(), torch.tensor(X[:, 0])):
        assert list(sb.data.table(x, Y).features) == ["x1"]
    assert list(sb.data.table(TABLE["age"], Y).features) == ["age"]


def test_truths_are_zero_and_one():
    old = TABLE["age"] > 1
    task = sb.data.table(TABLE.assign(old=old, young=pd.array(~old, dtype="boolean")), "kind")
    assert torch.equal(task.z[:, 3], (task.z[:, 2] > 1).float()) and torch.equal(
        task.z[:, 4], 1 - task.z[:, 3]
    )


def test_a_column_that_only_looks_like_y_stays():
    """An array has no name; a column `y` of the table, a coordinate perhaps, is not it."""
    assert list(sb.data.table(TABLE[NAMES].set_axis(["x", "y", "z"], axis=1), Y).features) == ["x", "y", "z"]


def test_what_was_given_is_not_changed():
    table, x = TABLE.copy(), torch.tensor(X, dtype=torch.float32)
    sb.data.table(table, "kind", standardize=True)
    task = sb.data.table(x, Y)
    task.z.zero_()
    pd.testing.assert_frame_equal(table, TABLE)
    assert_close(x, torch.tensor(X, dtype=torch.float32))


# ---------------------------------------------------------------- y

VALUES = X @ [1.0, 2.0, 3.0]
TWO = np.c_[VALUES, X @ [1.0, -1.0, 1.0]]


@pytest.mark.parametrize(
    ("y", "outputs"),
    [(VALUES, 1), (VALUES[:, None], 1), (TWO, 2), (Y.astype(float)[:, None], 1), (pd.Series(VALUES), 1)],
    ids=["floats", "one column", "two columns", "whole, two axes", "Series"],
)
def test_values_to_predict(y, outputs):
    task = sb.data.table(X, y)
    assert not task.classes and task.y.shape == (30, outputs) and task.y.dtype == torch.float32
    snapshot = sb.last(
        sb.fit(sb.mlp(task, runs=2), task, optimizer="adam", batch=16, steps=5, measure="spectrum")
    )
    assert snapshot.loss.isfinite().all()


@pytest.mark.parametrize(
    ("y", "order"),
    [
        (["b", "c", "a", "b"], [1, 2, 0, 1]),
        ([7, -1, 30, 7], [1, 0, 2, 1]),
        ([2.0, 10.0, -3.0, 2.0], [1, 2, 0, 1]),
        ([True, False, False, True], [1, 0, 0, 1]),
        (["b", 2, 1.5, 2], [2, 1, 0, 1]),  # numbers before words
    ],
    ids=str,
)
def test_classes_are_numbered_in_sorted_order(y, order):
    task = sb.data.table(np.arange(40.0), y * 10)
    rows = torch.cat([task.z, task.z_test])[:, 0].long()
    assert torch.equal(torch.cat([task.y, task.y_test]), torch.tensor(order * 10)[rows])
    assert task.outputs == len(set(y))


# ---------------------------------------------------------------- training and test rows


@pytest.mark.parametrize("test", [0.1, 0.25, 0.9])
def test_every_class_is_split(test):
    y = np.repeat([0, 1, 2, 3], [2, 3, 50, 200])
    task = sb.data.table(np.arange(255.0) % 100, y, test=test)
    for mine, count in zip(task.y_test.bincount(), (2, 3, 50, 200), strict=True):
        assert mine == min(max(round(test * count), 1), count - 1)
    assert len(task.y) + len(task.y_test) == 255


def test_every_row_is_used_once_and_rows_are_mixed():
    with pytest.warns(UserWarning, match="'x1'"):
        task = sb.data.table(np.arange(400.0), np.repeat([0, 1], 200))
    rows = torch.cat([task.z, task.z_test])[:, 0]
    assert torch.equal(rows.sort().values, torch.arange(400.0))
    for part in (task.y, task.y_test):
        assert 10 < part[: len(part) // 2].sum() < len(part) // 2 - 10


def test_seed_decides():
    state = torch.random.get_rng_state()
    first, again, other = (sb.data.table(X, Y, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.equal(first.z, again.z) and not torch.equal(first.z, other.z)


def test_given_test_rows_are_the_test_rows():
    task = sb.data.table(TABLE[:30], "kind", test=(TABLE[30:][["kind", *reversed(NAMES)]], "kind"))
    assert_close(task.z.sort(0).values, torch.tensor(X[:30]).float().sort(0).values)
    assert_close(task.z_test.sort(0).values, torch.tensor(X[30:]).float().sort(0).values)
    again = sb.data.table(X[:30], KIND[:30], test=(X[30:], KIND[30:]))
    assert torch.equal(again.z, task.z) and torch.equal(again.y_test, task.y_test)


def test_standardize_by_the_training_rows():
    far = np.c_[1000 * X + 5000, np.full(ROWS, 0.1)]
    task = sb.data.table(far, Y, standardize=True)
    deviation, mean = torch.std_mean(task.z, 0, correction=0)
    assert_close(task.x[:, :3], ((task.z - mean) / deviation)[:, :3], rtol=1e-4, atol=1e-4)
    assert_close(task.x_test[:, :3], ((task.z_test - mean) / deviation)[:, :3], rtol=1e-4, atol=1e-4)
    assert (task.x[:, 3] == 0).all() and (task.x_test[:, 3] == 0).all()
    assert_close(task.z.abs().max(), torch.tensor(far.max()).float(), rtol=0.5, atol=0.0)
    plain = sb.data.table(far, Y)
    assert torch.equal(plain.x, plain.z) and torch.equal(plain.z, task.z)
    copy = pickle.loads(pickle.dumps(task)).to(dtype=torch.float64)
    assert copy.x.dtype == torch.float64
    assert_close(copy.x.float(), task.x, rtol=1e-3, atol=1e-4)


# ---------------------------------------------------------------- features


@pytest.mark.parametrize(
    ("features", "columns"),
    [
        (None, {"height": (0,), "weight": (1,), "age": (2,)}),
        ({"body": ["weight", "height"]}, {"body": (1, 0), "age": (2,)}),
        ({"years": 2, "body": range(2)}, {"years": (2,), "body": (0, 1)}),
        ({"age": ("age", 0)}, {"age": (2, 0), "weight": (1,)}),
        ({"all": np.arange(3)}, {"all": (0, 1, 2)}),
    ],
    ids=str,
)
def test_groups(features, columns):
    task = sb.data.table(TABLE, "kind", features)
    assert {name: feature.columns for name, feature in task.features.items()} == columns
    assert all(feature.pieces is None for feature in task.features.values()) and task.kinds == {}


def test_numbers_as_labels_come_before_places():
    table = pd.DataFrame(X, columns=[2, 1, 7])
    task = sb.data.table(table, Y, {"a": 2, "b": [7]})
    assert {n: f.columns for n, f in task.features.items()} == {"a": (0,), "b": (2,), "1": (1,)}


def test_two_hundred_rows_train_by_default():
    """Fewer rows than a usual minibatch: `fit` takes all of them."""
    x = np.random.default_rng(0).normal(size=(200, 3))
    task = sb.data.table(x, np.where(x[:, 0] + x[:, 1] > 0, "yes", "no"))
    snapshot = sb.last(sb.fit(sb.mlp(task, runs=2), task))
    assert "training" not in snapshot.state and snapshot.test_accuracy.min() > 0.8
