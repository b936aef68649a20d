"""What is measured and drawn of own rows: names, units, columns that say nothing."""

import numpy as np
import pytest
import torch
from cases import animals
from torch.testing import assert_close

import sbkit as sb
from sbkit.core import generator
from sbkit.plots import Bars, Field, pictures

TABLE = animals()
NAMES = list(TABLE)[:3]
X, Y = TABLE[NAMES].to_numpy(), np.arange(40) % 2
BODY = {"body": ["height", "weight"]}
MEASURES = ["boundary", "reliance", "kinds", "spectrum"]


def trained(task: sb.Task, measure=MEASURES) -> tuple[sb.Fleet, sb.Snapshot]:
    fleet = sb.mlp(task, depth=1, width=8, runs=2)
    return fleet, sb.last(sb.fit(fleet, task, batch=16, steps=100, lr=0.3, measure=measure))


@pytest.mark.parametrize("standardize", [True, False])
def test_reliance_moves_the_columns_of_a_group_together(standardize):
    task = sb.data.table(TABLE, "kind", BODY, standardize=standardize)
    fleet, snapshot = trained(task)
    assert snapshot.test_accuracy.min() > 0.9 and snapshot.values["kinds"].shape == (2, 0)
    order = torch.randperm(len(task.y_test), generator=generator(0))
    for i, columns in enumerate([[0, 1], [2]]):
        z = task.z_test.clone()
        z[:, columns] = task.z_test[order][:, columns]
        right = (fleet.predict(task.embed(z)).argmax(-1) == task.y_test).float().mean(-1)
        assert_close(snapshot.values["reliance"][:, i], snapshot.test_accuracy - right)


def test_pictures_carry_the_names():
    """A group of several columns numbers them on the axes of the boundary."""
    drawn = {p.name: p for p in pictures([trained(sb.data.table(TABLE, "kind", BODY))[1]])}
    assert set(drawn) == {"boundary", "loss", "accuracy", "reliance", "spectrum"}
    assert drawn["reliance"].names == ("body", "age")
    assert (drawn["boundary"].x.label, drawn["boundary"].y.label) == ("body[0]", "body[1]")


@pytest.mark.parametrize("standardize", [True, False])
def test_axes_of_the_boundary_keep_the_units_of_columns(standardize):
    """Income and age share no scale: each axis has its own range, whatever nets see."""
    table = TABLE.assign(height=30_000 + 5_000 * TABLE["height"])
    task = sb.data.table(table, "kind", standardize=standardize)
    field = pictures([trained(task, ["boundary"])[1]])[0]
    assert isinstance(field, Field) and field.points is not None
    for i, axis in enumerate((field.x, field.y)):
        low, high = task.z_test[:, i].min().item(), task.z_test[:, i].max().item()
        assert axis.label == NAMES[i] and axis.low < low < high < axis.high
        assert axis.high - axis.low == pytest.approx(1.05 * (high - low), rel=1e-5)


@pytest.mark.parametrize("value", [0.0, -7.0, 1e30])
def test_constant_columns_have_a_picture(value):
    task = sb.data.table(np.c_[np.full((40, 2), value), X], Y, standardize=True)
    _, snapshot = trained(task)
    assert snapshot.test_accuracy.min() > 0.9 and snapshot.values["boundary"].isfinite().all()
    drawn = {p.name: p for p in pictures([snapshot])}
    field, bars = drawn["boundary"], drawn["reliance"]
    assert isinstance(field, Field) and isinstance(bars, Bars)
    assert field.x.low < value < field.x.high and bars.values[:2].tolist() == [0, 0]


def test_one_column_has_no_plane():
    task = sb.data.table(X[:, 0], Y)
    for ask in (lambda: trained(task), lambda: sb.boundary(sb.mlp(task), task)):
        with pytest.raises(sb.SbkitError, match="boundary.* needs two columns.*, got a task with one; leave"):
            ask()
    assert trained(task, ["reliance", "kinds", "spectrum"])[1].values["reliance"].shape == (2, 1)


def test_a_lesson_of_own_rows(tmp_path, monkeypatch):
    monkeypatch.setenv("SBKIT_HEADLESS", "1")
    path = tmp_path / "animals.csv"
    TABLE.to_csv(path, index=False)

    def lesson(depth=1, data=0):
        task = sb.data.table(path, "kind", BODY, seed=data)
        return sb.fit(sb.mlp(task, depth=depth, runs=2), task, batch=16, steps=50, measure=MEASURES)

    panel = sb.lab(lesson, depth=(1, 3))
    assert panel.result().finished and panel.figure().data
    assert panel.save_replay(tmp_path / "animals.html").exists()
    assert {"reliance[body]", "reliance[age]"} <= set(sb.sweep(lesson, depth=[1, 2]))
