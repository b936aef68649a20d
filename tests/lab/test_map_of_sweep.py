"""One call for a sweep and its heat map, or for the heat map of a sweep that was made before."""

import io
import warnings

import pandas as pd
import pytest

import sbkit as sb
from sbkit.core import SbkitError


@pytest.fixture(autouse=True)
def headless(monkeypatch):
    monkeypatch.setenv("SBKIT_HEADLESS", "1")


@pytest.fixture
def built():
    """How often the lesson was called."""
    return []


@pytest.fixture
def lesson(built):
    def lesson(depth=1, optimizer="sgd", lr=0.1, seed=0):
        built.append((depth, optimizer))
        task = sb.lms(5, dim=3, n=200, n_test=100)
        fleet = sb.mlp(task, depth=depth, width=8, runs=2, seed=seed)
        measure = ["reliance", "spectrum"]
        return sb.fit(fleet, task, optimizer=optimizer, lr=lr, steps=20, batch=50, measure=measure)

    return lesson


def test_the_dials_are_swept_and_drawn(lesson):
    made = sb.map(lesson, depth=range(2), optimizer=["sgd", "adam"], lr=[0.05])
    table = sb.sweep(lesson, depth=[0, 1], optimizer=["sgd", "adam"], lr=[0.05])
    pd.testing.assert_frame_equal(made.result(), table)
    [field] = made.session.pictures()
    means = table.groupby(["optimizer", "depth"]).test_accuracy.mean()
    assert field.values[1].tolist() == pytest.approx([means["adam", 0], means["adam", 1]])
    assert repr(made).startswith(
        "sb.map(lesson, value='test_accuracy', depth=[0, 1], optimizer=['sgd', 'adam']"
    )


def test_a_table_is_drawn_without_training(lesson, built):
    table = sb.sweep(lesson, depth=[0, 1], optimizer=["sgd", "adam"], lr=[0.05])
    built.clear()
    made = sb.map(lesson, table, value="reliance[linear]")
    assert built == [] and made.result() is table
    assert made.session.axes == {"depth": [0, 1], "optimizer": ["sgd", "adam"], "lr": [0.05]}


def test_with_a_table_axes_choose_and_order(lesson):
    table = sb.sweep(lesson, depth=[0, 1, 2], optimizer=["sgd", "adam"], lr=[0.05, 0.1])
    made = sb.map(lesson, table, value="loss", optimizer=["adam", "sgd"], depth=[2, 0], lr=[0.1])
    [field] = made.session.pictures()
    assert (field.x.ticks, field.y.ticks) == (("adam", "sgd"), ("2", "0"))
    kept = table[(table.depth == 2) & (table.optimizer == "adam") & (table.lr == 0.1)]
    assert field.values[0, 0] == pytest.approx(kept.loss.mean())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"depth": [0, 1], "optimizer": ["sgd", "sam"], "value": "acuracy"}, "Did you mean 'accuracy'"),
        ({"depth": [0, 1], "optimizer": ["sgd", "sam"], "value": "state"}, "No column named 'state'"),
        ({"depth": [0, 1]}, "A map is over two dials, got depth"),
        ({"depth": 3, "optimizer": ["sgd"]}, "An axis is a list of values to try, got depth=3"),
        ({"dept": [0, 1], "optimizer": ["sgd"]}, "Did you mean 'depth'"),
        ({"seed": [0, 8], "optimizer": ["sgd"]}, "'seed' is a result of every sweep"),
        ({"table": [1, 2]}, "table is a DataFrame as from sb.sweep"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_it_is_trained(lesson, built, given, sentence):
    with pytest.raises(SbkitError, match=sentence):
        sb.map(lesson, **given)
    assert len(built) <= 1


def test_a_table_with_too_many_dials_is_told_so(lesson):
    rows = [{"depth": d, "optimizer": o, "lr": r, "loss": 1.0} for d in (0, 1) for o in "ab" for r in (1, 2)]
    with pytest.raises(SbkitError, match="got depth, optimizer, lr with several values"):
        sb.map(lesson, pd.DataFrame(rows), value="loss")


def test_it_stays_out_of_a_star_import():
    assert "map" not in sb.__all__ and sb.map.__module__ == "sbkit.lab.map"


def tried(depth=1, rate=None, size=0.5, on=True, width=4, more="a"):
    """Every kind of dial, and nothing is done with most of them."""
    task = sb.slabs(n=100, n_test=50)
    return sb.fit(sb.mlp(task, depth=depth, width=width, runs=2), task, lr=rate, steps=3, batch=50)


def read_back(table):
    return pd.read_csv(io.StringIO(table.to_csv()))


@pytest.mark.parametrize("back", [lambda table: table, read_back])
@pytest.mark.parametrize(
    "axes",
    [
        {"rate": [None, 0.2]},
        {"size": [1, 0.5]},
        {"on": [True, False]},
        {"width": [3, 4]},
        {"more": ["a", "b"]},
        {"more": ["1", "True"]},
        {"on": [[1, 2], True]},
        {"on": [(1, 2), {"a": [3]}]},
    ],
)
def test_a_cell_opens_what_was_tried_from_a_file_too(axes, back):
    [(name, values)] = axes.items()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "2 of 4 settings failed")
        table = back(sb.sweep(tried, **axes, depth=[0, 1]))
    chart = sb.map(tried, table, value="loss").session
    assert chart.axes[name] == values and (pd.notna(chart.field.values).all())
    assert [type(value) for value in chart.axes[name]] == [type(value) for value in values] or name == "size"
    opened = []
    chart.opens = opened.append
    chart.pick(1, 0) if list(chart.over)[0] == "depth" else chart.pick(0, 1)
    assert opened == [{"depth": 0, name: values[1]}] and type(opened[0]["depth"]) is int


@pytest.mark.filterwarnings("ignore:The behavior of DataFrame concat:FutureWarning")  # of pandas 2, on None
@pytest.mark.parametrize("rates", [[None, 0.2], ["empty", 0.2]])
def test_sweeps_put_together_keep_what_each_tried(rates):
    parts = [sb.sweep(tried, **({} if rate == "empty" else {"rate": [rate]}), depth=[0, 1]) for rate in rates]
    chart = sb.map(tried, pd.concat(parts), value="loss").session
    assert chart.axes == {"depth": [0, 1], "rate": [None, 0.2]} and len(chart.kept) == 8


def test_rows_without_a_value_of_a_dial_are_told_with_what_helps():
    table = pd.concat([sb.sweep(tried, depth=[0, 1]), sb.sweep(tried, depth=[0, 1], width=[8])])
    with pytest.raises(SbkitError, match=r"has its own width, got rows without.*fillna\(\{'width': 4\}\)"):
        sb.map(tried, table, value="loss")
    for given in ({"table": table.fillna({"width": 4})}, {"table": table, "width": [None, 8.0]}):
        chart = sb.map(tried, value="loss", **given).session
        assert len(chart.kept) == 8 and pd.notna(chart.field.values).all()
    assert [
        type(width) for width in sb.map(tried, table.fillna({"width": 4}), value="loss").session.axes["width"]
    ] == [int] * 2


def test_a_lesson_that_takes_any_name_has_a_map():
    def lesson(depth=1, **more):
        return tried(depth, width=more["units"])

    table = sb.sweep(lesson, depth=[0, 1], units=[2, 3])
    assert sb.map(lesson, table, value="loss").session.axes == {"depth": [0, 1], "units": [2, 3]}
    pd.testing.assert_frame_equal(sb.map(lesson, value="loss", depth=[0, 1], units=[2, 3]).result(), table)


def test_settings_that_failed_or_are_missing_are_empty_cells():
    with pytest.warns(UserWarning, match="2 of 4 settings failed"):
        table = sb.sweep(tried, width=[0, 4], depth=[0, 1])
    for part, empty in ((table, 2), (read_back(table), 2), (table[:-2], 3), (table[:1], 4)):
        field = sb.map(tried, part, value="loss", width=[0, 4], depth=[0, 1]).session.field
        assert pd.isna(field.values).sum() == empty


def test_long_values_are_short_along_an_axis():
    tasks = [sb.slabs(n=50, n_test=50), sb.slabs(n=60, n_test=50)]
    [field] = sb.map(tried, value="loss", on=tasks, width=[3, 4]).session.pictures()
    assert all(len(tick) <= 24 for tick in field.x.ticks)
