"""Sweeps: one tidy row for each setting and run, equal to training by hand."""

from __future__ import annotations

import functools
import math
import signal
import threading
import uuid

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

import sbkit as sb


def lesson(depth=1, slabs=5, seed=0):
    task = sb.lms(slabs, dim=3, n=300, n_test=200)
    fleet = sb.mlp(task, depth=depth, width=8, runs=2, seed=seed)
    return sb.fit(fleet, task, steps=60, batch=64, measure=["reliance", "spectrum", "boundary"])


def test_rows_equal_training_by_hand():
    table = sb.sweep(lesson, depth=[0, 2], seed=[4])
    told = table[["depth", "seed", "run", "net_seed"]].values.tolist()
    assert told == [[0, 4, 0, 4], [0, 4, 1, 5], [2, 4, 0, 4], [2, 4, 1, 5]]
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


def test_workers_that_are_threads_take_any_lesson_and_leave_numpys_threads_as_they_were():
    lock = threading.Lock()

    def short(seed=0):
        task = sb.slabs(n=300, n_test=200)
        with lock:
            fleet = sb.mlp(task, width=8, runs=2, seed=seed)
        return sb.fit(fleet, task, steps=10 + seed, batch=64)

    def blas():
        return {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}

    with threadpool_limits(2, "blas"), joblib.parallel_config("threading", n_jobs=2):
        before = blas()
        sb.sweep(short, seed=range(0, 40, 2))
        assert blas() | before == blas()


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({"detph": [1]}, "No argument of lesson named 'detph'.*Did you mean 'depth'"),
        ({"depth": 1}, r"An axis is a list of values to try, got depth=1; try depth=\[1\]"),
        ({"depth": []}, "An axis is a list of values"),
        ({"depth": "deep"}, "An axis is a list of values"),
        ({"depth": torch.tensor(1)}, r"An axis is a list of values to try, got depth=tensor\(1\)"),
    ],
)
def test_bad_axes_are_refused(axes, words):
    with pytest.raises(sb.SbkitError, match=words):
        sb.sweep(lesson, **axes)


def test_an_axis_may_be_read_but_once():
    table = sb.sweep(lesson, depth=(depth for depth in (0, 1)))
    assert table.depth.tolist() == [0, 0, 1, 1]


def test_a_lesson_is_a_function():
    with pytest.raises(sb.SbkitError, match="A sweep's lesson is a function that returns a run, got 3"):
        sb.sweep(3, depth=[1])


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


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"jobs": 0}, "jobs is a number of processes, or -1 for one a core, got 0; try 2"),
        ({"jobs": 1.5}, "jobs is a number of processes"),
        ({"cache": 7}, "cache is the name of a folder, got 7; try cache='rows'"),
    ],
)
def test_bad_jobs_and_folders_are_refused(given, words):
    with pytest.raises(sb.SbkitError, match=words):
        sb.sweep(lesson, depth=[1], **given)


def test_jobs_may_be_counted_by_numpy():
    assert sb.sweep(lesson, jobs=np.int64(1), depth=[0]).equals(sb.sweep(lesson, depth=[0]))


def test_names_of_the_table_and_of_the_sweep_are_taken():
    with pytest.raises(sb.SbkitError, match="cache is an argument of sb.sweep itself"):
        sb.sweep(lambda depth, cache=1: None, depth=[1])
    with pytest.raises(sb.SbkitError, match="'loss' is a result of every sweep"):
        sb.sweep(lambda loss: None, loss=["hinge"])


def test_a_lesson_may_be_a_partial():
    table = sb.sweep(functools.partial(lesson, slabs=3), depth=[0])
    assert table.loss.tolist() == sb.sweep(lesson, slabs=[3], depth=[0]).loss.tolist()


def test_a_lesson_that_cannot_be_sent_is_refused_before_it_is_trained():
    lock = threading.Lock()
    with pytest.raises(
        sb.SbkitError, match="lock.*make that inside the lesson, or train it here, with jobs=1"
    ):
        sb.sweep(lambda depth: lock, jobs=2, depth=[1, 2])


def fragile(depth=1, seed=0):
    if depth == 2:
        raise RuntimeError("no depth 2\nat all")
    return lesson(depth, seed=seed)


def test_a_setting_that_fails_is_a_row():
    with pytest.warns(
        UserWarning, match=r"1 of 3 settings failed.*fragile\(depth=2, seed=4\): RuntimeError: no"
    ):
        table = sb.sweep(fragile, depth=[2, 0, 1], seed=[4])
    assert table.error.tolist() == ["RuntimeError: no depth 2", "", "", "", ""]
    assert table.state.tolist() == ["failed"] + ["finished"] * 4 and table.seed.tolist() == [4] * 5
    assert table.run.isna().tolist() == table.loss.isna().tolist() == [True] + [False] * 4
    sound = sb.sweep(fragile, depth=[0, 1], seed=[4])
    assert list(sound) == list(table) and table.loss.tolist()[1:] == sound.loss.tolist()


def test_bands_have_a_gap_and_maps_an_empty_cell_where_a_setting_failed(monkeypatch):
    monkeypatch.setenv("SBKIT_HEADLESS", "1")
    with pytest.warns(UserWarning, match="2 of 6 settings failed"):
        table = sb.sweep(fragile, depth=[2, 0, 1], seed=[4, 6])
    bands = sb.bands(table, "depth", "loss")
    assert [math.isnan(y) for y in bands.lines[0].y] == [False, False, True] and "4 runs" in bands.caption
    made = sb.map(lambda depth=1, data=1: None, table.assign(data=table.seed // 2 * 2), value="loss")
    [field] = made.session.pictures()
    assert [math.isnan(value) for value in field.values[0]] == [True, False, False]
    assert "6 cells drawn of 8 runs" in repr(made)


def test_a_measure_with_the_name_of_an_axis_is_refused():
    def norm(fleet, task):
        return torch.zeros(fleet.runs)

    def clash(norm=1, measure=norm):
        task = sb.slabs(n=300, n_test=200)
        return sb.fit(sb.mlp(task, width=4), task, measure=[measure])

    with pytest.warns(UserWarning, match="A column is an axis or a measure, got 'norm' as both"):
        assert sb.sweep(clash, norm=[1, 2]).norm.tolist() == [1, 2]


def test_when_all_fail_there_is_still_a_table():
    with pytest.warns(UserWarning, match="2 of 2 .*SbkitError: A sweep's lesson returns a run, got int"):
        table = sb.sweep(lambda depth: depth, depth=[1, 2])
    assert table.loss.isna().all() and (table.state == "failed").all()


@pytest.fixture
def counted(tmp_path):
    """A lesson that leaves a file each time it is called, its folder, and a folder for a cache."""
    calls, stop = tmp_path / "calls", tmp_path / "stop"
    calls.mkdir()

    def counted(depth=1, broken=False):
        (calls / uuid.uuid4().hex).touch()
        if depth == 2 and stop.exists():
            signal.raise_signal(signal.SIGINT)
        if broken:
            raise ValueError("broken")
        return lesson(depth)

    return counted, calls, tmp_path / "rows"


def test_what_is_in_the_cache_is_not_trained_again(counted):
    counted, calls, folder = counted
    first = sb.sweep(counted, depth=[0, 1], cache=folder)
    more = sb.sweep(counted, depth=[1, 2, 0], cache=str(folder))
    assert len(list(calls.iterdir())) == 3
    again = sb.sweep(counted, depth=[0, 1], cache=folder)
    assert len(list(calls.iterdir())) == 3
    pd.testing.assert_frame_equal(first.drop(columns="boundary"), again.drop(columns="boundary"))
    assert all((a == b).all() for a, b in zip(first.boundary, again.boundary, strict=True))
    assert list(more.depth) == [1, 1, 2, 2, 0, 0]


def test_errors_are_not_kept(counted):
    counted, calls, folder = counted
    for _ in range(2):
        with pytest.warns(UserWarning, match="1 of 2 settings failed"):
            sb.sweep(counted, broken=[False, True], cache=folder)
    assert len(list(calls.iterdir())) == 3


def test_an_interrupted_sweep_goes_on_where_it_was(counted):
    counted, calls, folder = counted
    (folder.parent / "stop").touch()
    with pytest.raises(KeyboardInterrupt) as interrupt:
        sb.sweep(counted, depth=[0, 1, 2, 3], cache=folder)
    assert interrupt.value.__notes__ == [
        f"2 of 4 settings were finished and are kept in {folder}: the same call goes on from there."
    ]
    assert len(list(folder.iterdir())) == 2
    (folder.parent / "stop").unlink()
    table = sb.sweep(counted, depth=[0, 1, 2, 3], cache=folder)
    assert len(list(calls.iterdir())) == 5 and table.depth.unique().tolist() == [0, 1, 2, 3]


def test_a_cache_that_cannot_be_written_keeps_the_rows_in_memory(tmp_path):
    (tmp_path / "file").touch()
    with pytest.warns(UserWarning, match="The rows stay in memory"):
        table = sb.sweep(lesson, depth=[0, 1], cache=tmp_path / "file" / "rows")
    assert len(table) == 4


def test_the_bar_says_what_came_from_the_cache(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("SBKIT_HEADLESS", raising=False)
    sb.sweep(lesson, depth=[0, 1], cache=tmp_path)
    sb.sweep(lesson, depth=[0, 1, 2], cache=tmp_path)
    assert "2/3" in (told := capsys.readouterr().err) and "2 from the cache" in told
