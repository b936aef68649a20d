"""One call for a sweep and its heat map, or for the heat map of a sweep that was made before."""

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
    assert "map" not in sb.__all__ and sb.map.__module__ == "sbkit.course.map"
