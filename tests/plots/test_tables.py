"""A sweep's table as tiles: means over runs, and what has no number."""

import numpy as np
import pandas as pd
import pytest

from sbkit.core import SbkitError
from sbkit.plots import tiles

TABLE = pd.DataFrame(
    [
        {"depth": depth, "optimizer": name, "run": run, "loss": depth + run, "state": "finished"}
        for depth in (1, 2, 8)
        for name in ("sgd", "sam")
        for run in range(2)
    ]
)
AXES = {"depth": [1, 2, 8], "optimizer": ["sam", "sgd"]}


def test_a_tile_is_the_mean_of_its_runs():
    field = tiles(TABLE, "loss", AXES)
    np.testing.assert_allclose(field.values, [[1.5, 2.5, 8.5]] * 2)
    np.testing.assert_allclose(field.spread, 0.5)
    assert (field.x.ticks, field.y.ticks) == (("1", "2", "8"), ("sam", "sgd"))
    assert (field.scale.label, field.scale.low, field.scale.high) == ("loss", 1.5, 8.5)
    assert field.title == "Loss by depth and optimizer"
    assert field.caption == "Mean over runs, 2 a tile; they differ by ± 0.5 at most (standard deviation)."


def test_rows_are_the_second_axis():
    field = tiles(TABLE, "loss", {"optimizer": ["sgd", "sam"], "depth": [8, 1]})
    np.testing.assert_allclose(field.values, [[8.5, 8.5], [1.5, 1.5]])
    assert field.table()["y"].tolist() == ["8", "8", "1", "1"]


def test_what_is_not_finite_is_left_out_and_told():
    table = TABLE.assign(loss=[np.nan, np.inf, 1.0, np.nan, *[0.0] * 8])
    field = tiles(table, "loss", AXES)
    np.testing.assert_allclose(field.values[:, 0], [1.0, np.nan])
    assert "Mean over runs, 1 to 2 a tile" in field.caption and "No value: no run" in field.caption


def test_a_value_that_was_not_swept_has_no_number():
    assert np.isnan(tiles(TABLE, "loss", AXES | {"depth": [1, 3]}).values[:, 1]).all()


def test_none_is_found_though_a_table_makes_it_nan():
    table = pd.DataFrame({"lr": [None, 0.1], "depth": [1, 1], "loss": [3.0, 4.0]})
    np.testing.assert_allclose(tiles(table, "loss", {"lr": [None, 0.1], "depth": [1]}).values, [[3, 4]])


@pytest.mark.parametrize(
    ("value", "axes", "sentence"),
    [
        ("los", AXES, "No column named 'los'; .* Did you mean 'loss'"),
        ("loss", {"dept": [1], "run": [0]}, "No column named 'dept'; .* Did you mean 'depth'"),
        ("state", AXES, "The tiles of a map are numbers, got 'state'"),
    ],
)
def test_other_columns_get_their_sentence(value, axes, sentence):
    with pytest.raises(SbkitError, match=sentence):
        tiles(TABLE, value, axes)
