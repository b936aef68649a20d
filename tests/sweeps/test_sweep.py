"""Sweeps: one tidy row for each setting and run, equal to training by hand."""

from __future__ import annotations

import functools
import math
import signal
import threading
import uuid
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

import sbkit as sb
from sbkit.core import RESULTS, same


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
        ({"depth": []}, r"An axis is a list of values to try, got depth=\[\]; try depth=\[\d\]"),
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
    assert "6 tiles drawn of 8 runs" in repr(made)


def test_a_measure_with_the_name_of_an_axis_is_refused():
    def norm(fleet, task):
        return torch.zeros(fleet.runs)

    def clash(norm=1, measure=norm):
        task = sb.slabs(n=300, n_test=200)
        return sb.fit(sb.mlp(task, width=4), task, measure=[measure])

    with pytest.warns(
        UserWarning,
        match="got 'norm' from the measure 'norm' and from another or an axis",
    ):
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


def _measured(name, value=None):
    """A lesson of two runs with a measure of this name."""

    def measure(fleet, task):
        return torch.zeros(fleet.runs) if value is None else value(fleet)

    def lesson(depth=1, norm0=1):
        task = sb.slabs(n=100, n_test=50)
        return sb.fit(sb.mlp(task, width=4, runs=2), task, steps=5, batch=50, measure=[measure, *others])

    def norm(fleet, task):
        return [torch.zeros(fleet.runs), torch.ones(fleet.runs)]

    measure.__name__, others = name, [norm] if name.startswith("norm") else []
    return lesson


@pytest.mark.parametrize("name", RESULTS)
def test_no_measure_has_the_name_of_a_result(name):
    with pytest.raises(sb.SbkitError, match=rf"Every run tells its {name} anyway.*try `def my_{name}\("):
        _measured(name)()
    assert f"my_{name}" in sb.last(_measured(f"my_{name}")()).values
    with pytest.warns(UserWarning, match=f"1 of 1 settings failed.*a measure '{name}'"):
        assert sb.sweep(_measured(name), depth=[1]).loss.isna().all()


@pytest.mark.parametrize(("name", "axis"), [("norm1", "depth"), ("normal", "norm0"), ("norms", "depth")])
def test_parts_of_a_measure_have_columns_of_their_own(name, axis):
    """`norm` is a list: norm0, norm1."""
    if name == "norms":
        assert {"norms", "norm0", "norm1"} <= set(sb.sweep(_measured(name), **{axis: [1]}))
        return
    with pytest.warns(UserWarning, match="A column has one name, got 'norm[01]' from the measure 'norm"):
        assert sb.sweep(_measured(name), **{axis: [1]}).state.tolist() == ["failed"]


def test_an_own_measure_may_have_the_name_and_not_the_shape_of_one_of_ours():
    table = sb.sweep(_measured("reliance", lambda fleet: torch.ones(fleet.runs, 3)), depth=[1])
    assert {"reliance[0]", "reliance[1]", "reliance[2]"} <= set(table)


def seeded(seed=0, runs=4, data=0, of="nets", depth=1, start=0):
    """A lesson whose seed reaches what is named."""
    task = sb.slabs(n=100, n_test=50, seed=seed if "data" in of else data)
    fleet = sb.mlp(task, depth=depth, width=4, runs=runs, seed=seed if "nets" in of else start)
    return sb.fit(fleet, task, steps=2, batch=50, seed=seed if "order" in of else 0)


@pytest.mark.parametrize(
    ("axes", "fix"),
    [
        ({"seed": [0, 1]}, [0, 4]),
        ({"seed": range(3)}, [0, 4, 8]),
        ({"seed": np.arange(5, 8)}, [5, 9, 13]),
        ({"seed": torch.tensor([3, 0])}, [3, 7]),
        ({"seed": [0, 4, 7]}, [0, 4, 8]),
        ({"seed": [0, 3], "runs": [2, 4]}, [0, 4]),
        ({"seed": [0, 1], "depth": [0, 1]}, [0, 4]),
        ({"seed": [0, 1], "depth": ["no such", 0]}, [0, 4]),
        ({"seed": [0, 1], "of": ["nets and data"]}, [0, 4]),
        ({"seed": [0, 1], "of": ["nets and order"]}, [0, 4]),
    ],
)
def test_seeds_whose_nets_overlap_are_refused_with_some_that_do_not(axes, fix):
    with pytest.raises(sb.SbkitError, match="would be counted twice; try ") as told:
        sb.sweep(seeded, **axes)
    assert f"try seed={fix}." in str(told.value)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "2 of 4 settings failed")
        table = sb.sweep(seeded, **axes | {"seed": fix})
    sound = table[table.error == ""]
    others = [name for name in axes if name != "seed"]
    assert not sound.duplicated([*others, "net_seed"]).any() and set(table.seed) == set(fix)


@pytest.mark.parametrize(
    ("axes", "nets"),
    [
        ({"seed": [0, 1, 2], "runs": [1]}, [0, 1, 2]),
        ({"seed": [0, 7], "runs": [2], "of": ["data"]}, [0, 1, 0, 1]),
        ({"seed": [0, 1], "runs": [2], "of": ["order"]}, [0, 1, 0, 1]),
        ({"seed": [9, 4], "runs": [2]}, [9, 10, 4, 5]),
        ({"data": [0, 1], "runs": [2]}, [0, 1, 0, 1]),
    ],
)
def test_an_axis_keeps_its_values_and_the_net_tells_its_own_seed(axes, nets):
    table = sb.sweep(seeded, **axes)
    name = next(iter(axes))
    assert table[name].tolist() == [value for value in axes[name] for _ in range(axes["runs"][0])]
    assert table.net_seed.tolist() == nets


def test_without_an_axis_of_seeds_the_seed_is_the_nets_own():
    table = sb.sweep(functools.partial(seeded, seed=5, runs=2), depth=[0, 1])
    assert table.seed.tolist() == table.net_seed.tolist() == [5, 6, 5, 6]


def test_seeds_are_told_apart_by_the_cache_without_another_build(tmp_path):
    calls = tmp_path / "calls"
    calls.mkdir()

    def counted(seed=0):
        (calls / uuid.uuid4().hex).touch()
        return seeded(seed)

    first = sb.sweep(counted, seed=[0, 4], cache=tmp_path / "rows")
    before = len(list(calls.iterdir()))
    assert sb.sweep(counted, seed=[0, 4], cache=tmp_path / "rows").equals(first)
    assert len(list(calls.iterdir())) == before
    with pytest.raises(sb.SbkitError, match=r"try seed=\[0, 4, 8\]"):
        sb.sweep(counted, seed=[0, 4, 5], cache=tmp_path / "rows")


@pytest.mark.parametrize(
    ("values", "fix"),
    [
        ([1, 1], "[1]"),
        ([1, 2, 1.0], "[1, 2]"),
        (["a", "b", "a"], "['a', 'b']"),
        ([None, None], "[None]"),
        ([math.nan, math.nan], "[nan]"),
        ([[1, 2], [1, 2]], "[[1, 2]]"),
        ([np.ones(2), np.ones(2)], "[array([1., 1.])]"),
        ([torch.ones(2), torch.ones(2)], "[tensor([1., 1.])]"),
    ],
)
def test_an_axis_has_each_value_once(values, fix):
    with pytest.raises(sb.SbkitError, match="has each value once, or its nets are counted twice") as told:
        sb.sweep(lambda axis=0: None, axis=values)
    assert str(told.value).endswith(f"try axis={fix}.")


class Thing:
    """A value with nothing to compare."""


def held(axis=None, other=0, **more):
    """A lesson that takes anything, and does nothing with it."""
    return seeded(runs=2)


ODD = {
    "None": [None, 0.2],
    "None alone": [None],
    "text or None": ["a", None],
    "lists": [[1, 2], [3]],
    "pairs": [(1, 2), (3, 4)],
    "dicts": [{"a": 1}, {"b": [2]}],
    "arrays": [np.array([1, 2]), np.array([3, 4])],
    "an array or a number": [np.zeros((2, 2)), 1],
    "tensors": [torch.tensor([1, 2]), torch.tensor([3, 4])],
    "functions": [len, max],
    "partials": [functools.partial(max, 1), functools.partial(max, 2)],
    "truth or number": [1, True],
    "NaN": [math.nan, 1.0],
    "infinity": [math.inf, 1.0],
    "tasks": [sb.slabs(n=50, n_test=50), sb.slabs(n=60, n_test=50)],
    "things": [Thing(), Thing()],
    "kinds": [int, Thing],
    "numbers and text": [1, "1"],
    "large": [10**30, 1],
    "complex": [1j, 2],
}


@pytest.mark.filterwarnings("ignore:The behavior of DataFrame concat:FutureWarning")  # of pandas 2, on None
@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("axis", ["axis", "anything"])
def test_any_value_may_be_tried_and_is_kept(name, axis, tmp_path):
    values = ODD[name]
    table = sb.sweep(held, cache=tmp_path, **{axis: values})
    kept = table[axis].tolist()
    assert all(same(cell, value) for cell, value in zip(kept[::2], values, strict=True)), kept
    assert [type(cell) is bool for cell in kept[::2]] == [type(value) is bool for value in values]
    both = pd.concat([sb.sweep(held, **{axis: [value]}) for value in values], ignore_index=True)
    lost = {"truth or number"} | ({"None"} if pd.__version__ < "3" else set())  # in pandas' own numbers
    assert name in lost or all(
        same(cell, value) for cell, value in zip(both[axis].tolist()[::2], values, strict=True)
    )


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({"axis": {"a": 1}}, r"got axis=\{'a': 1\}; try axis=\[\{'a': 1\}\]"),
        ({"axis": b"ab"}, "An axis is a list of values"),
        ({"axis": torch.nn.Sequential(torch.nn.ReLU())}, "An axis is a list of values"),
        ({"not a name": [1]}, "An argument has a name that Python can write"),
        ({"net_seed": [1]}, "'net_seed' is a result of every sweep"),
    ],
)
def test_what_is_no_axis_is_told(axes, words):
    with pytest.raises(sb.SbkitError, match=words):
        sb.sweep(held, **axes)


def test_a_lesson_says_what_it_takes():
    with pytest.raises(sb.SbkitError, match="type says what|lesson is a function that says what it takes"):
        sb.sweep(type, depth=[1])
    with pytest.raises(sb.SbkitError, match="has neither for width; give it a default"):
        sb.sweep(lambda depth, width: None, depth=[1])


@pytest.mark.parametrize(
    ("values", "kind"),
    [([0.1, 1], "f"), ([1, 2], "i"), ([True, False], "b"), ([1, None], "O"), (np.float32([0.1, 0.2]), "f")],
)
def test_numbers_are_columns_of_numbers(values, kind):
    assert sb.sweep(held, axis=values).axis.dtype.kind == kind


def test_without_axes_there_is_one_setting():
    assert sb.sweep(held)[["run", "seed"]].values.tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize("jobs", [None, 2])
def test_a_back_end_that_gives_rows_only_at_the_end_is_refused(jobs):
    with joblib.parallel_config("multiprocessing", n_jobs=2):
        with pytest.raises(
            sb.SbkitError, match=r"MultiprocessingBackend.*try joblib.parallel_config\('loky'\)"
        ):
            sb.sweep(lesson, jobs=jobs, depth=[0, 1])
    with joblib.parallel_config("sequential", n_jobs=2):
        assert len(sb.sweep(lesson, jobs=jobs, depth=[0, 1])) == 4
    with joblib.parallel_config(n_jobs=0), pytest.raises(sb.SbkitError, match="or try jobs=2"):
        sb.sweep(lesson, depth=[0, 1])
