"""Sweeps: one tidy row for each setting and run, equal to training by hand."""

from __future__ import annotations

import math

import joblib
import pandas as pd
import pytest
import torch

import sbkit as sb


def lesson(depth=1, slabs=5, seed=0):
    task = sb.lms(slabs, dim=3, n=300, n_test=200)
    fleet = sb.mlp(task, depth=depth, width=8, runs=2, seed=seed)
    return sb.fit(fleet, task, steps=60, batch=64, measure=["reliance", "spectrum", "boundary"])


def test_rows_equal_training_by_hand():
    table = sb.sweep(lesson, depth=[0, 2], seed=[4])
    assert table[["depth", "seed", "run"]].values.tolist() == [[0, 4, 0], [0, 5, 1], [2, 4, 0], [2, 5, 1]]
    snapshot = sb.last(lesson(depth=2, seed=4))
    rows = table[table.depth == 2]
    assert rows.loss.tolist() == snapshot.loss.tolist() and rows.state.tolist() == list(snapshot.state)
    for column, name in enumerate(snapshot.sample.features):
        assert rows[f"reliance[{name}]"].tolist() == snapshot.values["reliance"][:, column].tolist()
    assert rows["kinds[Sᶜ]"].tolist() == snapshot.values["kinds"][:, 1].tolist()
    assert rows["spectrum0[0]"].tolist() == snapshot.values["spectrum"][0][:, 0].tolist()
    assert rows.boundary.iloc[0].shape == (100, 100)


def test_workers_change_nothing():
    alone = sb.sweep(lesson, slabs=[3, 7])
    with joblib.parallel_config("threading", n_jobs=2):
        together = sb.sweep(lesson, slabs=[3, 7])
    pd.testing.assert_frame_equal(alone.drop(columns="boundary"), together.drop(columns="boundary"))


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({"detph": [1]}, "No argument of lesson named 'detph'.*Did you mean 'depth'"),
        ({"depth": 1}, r"An axis is a list of values to try, got depth=1; try depth=\[1\]"),
        ({"depth": []}, "An axis is a list of values"),
        ({"depth": "deep"}, "An axis is a list of values"),
    ],
)
def test_bad_axes_are_refused(axes, words):
    with pytest.raises(sb.SbkitError, match=words):
        sb.sweep(lesson, **axes)


def test_a_lesson_that_returns_no_run_is_refused():
    with pytest.raises(sb.SbkitError, match="returns a run, got int"):
        sb.sweep(lambda depth: depth, depth=[1])


def test_a_table_is_drawn_with_bands():
    table = pd.DataFrame(
        {"noise": [0.5, 0.0, 0.5, 0.0], "loss": [1.0, 2.0, 3.0, math.nan], "who": list("abcd")}
    )
    line = sb.bands(table, "noise", "loss").lines[0]
    assert line.x.tolist() == [0, 0.5] and line.y.tolist() == [2, 2]
    assert line.low.tolist() == [2, 1] and line.high.tolist() == [2, 3]
    axis = sb.Axis("noise", low=0.1, log=True)
    assert sb.bands(table, axis, "loss").x == axis
    with pytest.raises(sb.SbkitError, match="Did you mean 'loss'"):
        sb.bands(table, "noise", "los")
    with pytest.raises(sb.SbkitError, match="Along x stand numbers, got 'who'"):
        sb.bands(table, "who", "loss")


def test_a_diverged_run_has_its_row():
    def explode(lr=0.1):
        task = sb.slabs(n=300, n_test=100)
        fleet = sb.mlp(task, runs=2, width=8)
        with torch.no_grad():
            fleet.weights()[0][1] = math.nan
        return sb.fit(fleet, task, lr=lr, steps=50, measure=["reliance"])

    table = sb.sweep(explode, lr=[0.1])
    assert table.state.tolist() == ["finished", "diverged"] and math.isnan(table.test_accuracy[1])
