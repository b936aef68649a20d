"""Descriptions hold what they are given, or say what is wrong with it; each has its table."""

import numpy as np
import pytest
import torch

from sbkit.core import SbkitError
from sbkit.plots import Axis, Bars, Field, Line, Lines, Mark

X = [0.0, 1.0, 2.0]


def test_lines_table_has_a_row_a_point():
    lines = Lines("l", "L", "x", "y", [Line("a", X, X, low=[0, 0, 0]), Line("b", X[:2], [5, 6])])
    table = lines.table()
    assert list(table.columns) == ["line", "x", "y", "low", "high"]
    assert list(table["line"]) == ["a"] * 3 + ["b"] * 2
    assert table["y"].tolist() == [0, 1, 2, 5, 6]
    assert table["high"].isna().all() and table["low"].notna().sum() == 3


def test_field_table_has_a_row_a_cell_and_rows_ascend():
    x, y = Axis("x", low=-1, high=1), Axis("y", low=0, high=10)
    field = Field("f", "F", x, y, [[0.0, 0.1, 0.2], [0.3, 0.4, 0.5]], spread=np.zeros((2, 3)))
    table = field.table().set_index(["x", "y"])
    assert len(table) == 6
    assert table.loc[(-1, 0), "value"] == 0
    assert table.loc[(1, 10), "value"] == 0.5
    assert (table["spread"] == 0).all()


def test_bars_table_has_a_column_a_run():
    table = Bars("b", "B", "y", ["a", "b"], [1, 2], dots=[[0, 2], [1, 3]]).table()
    assert list(table.columns) == ["name", "value", "run 0", "run 1"]
    assert table["run 1"].tolist() == [2, 3]


def test_a_scale_takes_the_ends_of_the_values():
    nan = float("nan")
    for values, ends in [
        ([[1.0, 3.0]], (1, 3)),
        ([[nan, 2.0]], (2, 4)),
        ([[nan]], (0, 1)),
        ([[0.0]], (0, 1)),
    ]:
        scale = Field("f", "F", "x", "y", values, scale=Axis("loss")).scale
        assert (scale.low, scale.high) == ends
    assert Field("f", "F", "x", "y", [[5.0]], scale=Axis("loss", low=-1, high=1)).scale.high == 1


def test_ticks_make_a_table_of_cells():
    field = Field("f", "F", Axis("depth", ticks=[1, 2]), Axis("optimizer", ticks=["sgd"]), [[0.5, 0.7]])
    assert field.table().values.tolist() == [
        ["1", "sgd", pytest.approx(0.5)],
        ["2", "sgd", pytest.approx(0.7)],
    ]
    assert field.scale.label == "value"


def test_bars_of_two_sides_name_them_in_their_table():
    table = Bars("b", "B", "y", ["p", "q"] * 2, [1, 2, 3, 4], sides=["A", "B"]).table()
    assert table["side"].tolist() == ["A", "A", "B", "B"] and table["name"].tolist() == ["p", "q"] * 2


def half(values):
    """Lines where a field over the unit square is one half, (points, 2) each."""
    x, y = Field("f", "F", "x", "y", values).boundary()
    parts = np.split(np.stack([x, y], axis=1), np.flatnonzero(np.isnan(x)))
    return [part[~np.isnan(part[:, 0])] for part in parts]


def test_the_boundary_of_a_plane_is_one_straight_line():
    [line] = half(np.tile(np.linspace(0, 1, 10), (10, 1)))
    assert np.allclose(line[:, 0], 0.5, atol=1e-6) and {0, 1} <= set(line[:, 1])


def test_a_peak_has_a_closed_boundary_a_saddle_two_and_a_flat_or_lonely_field_none():
    [ring] = half([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
    assert np.array_equal(ring[0], ring[-1]) and len(ring) == 5
    assert len(half([[1, 0], [0, 1]])) == 2
    assert [len(half(values)[0]) for values in (np.zeros((3, 3)), [[0, 1]], [[np.nan] * 2] * 2)] == [0, 0, 0]


def test_tensors_and_lists_become_float32():
    line = Line("a", torch.arange(3, device="cpu"), torch.ones(3, requires_grad=True), high=(1, 2, 3))
    assert {line.x.dtype, line.y.dtype, line.high.dtype} == {np.dtype("float32")}


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Line("a", X, [1]), r"Line 'a': y has shape \(3,\), as x, got \(1,\)"),
        (lambda: Line("a", X, ["one"] * 3), "Line 'a': y is an array of numbers, got"),
        (lambda: Line("a", [X], X), r"Line 'a': x has 1 axes, got shape \(1, 3\)"),
        (lambda: Lines("l", "L", "x", "y", []), "Lines 'l' holds at least one `Line`"),
        (lambda: Lines("l", "L", "x", "y", [X]), "Lines 'l' holds at least one `Line`"),
        (lambda: Field("f", "F", "x", "y", X), "Field 'f': values has 2 axes"),
        (lambda: Field("f", "F", "x", "y", [X], spread=[[1]]), "spread has shape .1, 3., as values"),
        (lambda: Field("f", "F", "x", "y", [X], points=[X]), "points has shape .1, 2., two coordinates"),
        (lambda: Field("f", "F", "x", "y", [X], points=[[1, 2]], labels=[0, 1]), "labels has shape .1,."),
        (
            lambda: Field("f", "F", Axis("x", ticks="ab"), "y", [X]),
            "values has shape .0, 2., a row and column",
        ),
        (lambda: Field("f", "F", "x", "y", [X], scale=Axis("l", log=True)), "give the logarithms as values"),
        (
            lambda: Bars("b", "B", "y", ["a", "b"], [1, 2], sides="AB"),
            "the same names stand on each of 2 sides",
        ),
        (lambda: Bars("b", "B", "y", ["a"], [1, 2]), "values has shape .1,., one a name"),
        (lambda: Bars("b", "B", "y", ["a"], [1], dots=[[1], [2]]), "dots has shape .1,., a row a name"),
        (lambda: Field("f", "F", "x", "y", [[]]), "at least one row and column, got .1, 0."),
        (lambda: Mark("m", 0.5, float("inf")), "from low to high, both finite, got 0.5 to inf"),
        (lambda: Axis("x", low=1, high=1), "from low to a larger high, got 1.0 to 1.0"),
        (lambda: Axis("x", low=0, log=True), "A log axis starts above 0, got 0.0; try log=False"),
    ],
)
def test_bad_input_gets_its_sentence(make, sentence):
    with pytest.raises(SbkitError, match=sentence):
        make()
