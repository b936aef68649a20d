"""The units of the first layer against one unit at one point, and their weights against differences."""

from functools import partial

import pytest
import torch
from cases import DOUBLE, FLEETS, TASKS, slab_task, three_classes
from torch.testing import assert_close

import sbkit as sb
from sbkit.core import window

units = sb.measures.units


@pytest.mark.parametrize("build", ["relu", "tanh", "gelu", "deep linear"])
@pytest.mark.parametrize(("axes", "at"), [((0, 1), None), ((2, 0), 3)])
def test_maps_are_the_answers_point_by_point(build, axes, at):
    """Entry [r, u, i, j]: axes[1] ascends with i, axes[0] with j, as those of the boundary."""
    task = slab_task(n_test=20)
    fleet = FLEETS[build](task, runs=2)
    maps, _ = units(fleet, task, axes=axes, at=at, resolution=5)
    (left, right), (bottom, top) = window(task, axes)
    first = 2 if build != "deep linear" else 1  # a layer and its activation
    for i in range(5):
        for j in range(5):
            z = task.z_test[at or 0].clone()
            z[axes[0]] = left + (right - left) * j / 4
            z[axes[1]] = bottom + (top - bottom) * i / 4
            for r in range(2):
                assert_close(maps[r, :, i, j], fleet.run(r)[:first](task.embed(z[None]))[0].detach())


def score(task: sb.Task, answers: torch.Tensor) -> torch.Tensor:
    """What weights lead to: the second class against the mean of the others, or the first value. (n,)"""
    if not task.classes:
        return answers[:, 0]
    others = [answers[:, c] for c in range(task.outputs) if c != 1]
    return answers[:, 1] - torch.stack(others).mean(0)


@pytest.mark.parametrize("build", ["relu", "tanh", "gelu", "deep linear"])
@pytest.mark.parametrize("make", TASKS)
def test_weights_are_what_one_more_of_a_unit_brings(build, make):
    """By differences in float64: each unit of each run raised and lowered a little, on every row."""
    task = TASKS[make]()
    task = sb.Task(task.z, task.y, task.z_test[:30], task.y_test[:30], task.features)
    fleet, step = FLEETS[build](task, runs=2), 1e-6
    _, found = units(fleet, task)
    for r in range(2):
        net = fleet.run(r)
        cut = 2 if build != "deep linear" else 1
        h = net[:cut](task.x_test).detach()  # (n, width)
        for u in range(h.shape[1]):
            lift = torch.zeros_like(h)
            lift[:, u] = step
            ends = [score(task, net[cut:](h + sign * lift)).mean() for sign in (1, -1)]
            assert_close(found[r, u], ((ends[0] - ends[1]) / (2 * step)).detach(), rtol=1e-5, atol=1e-7)


def test_weights_behind_one_hidden_layer_are_the_nets_own():
    """So that the maps, each times its weight, add up to the log-odds of the boundary."""
    task = slab_task(n_test=50)
    fleet = sb.mlp(task, depth=1, width=7, runs=3)
    maps, found = units(fleet, task, resolution=9)
    out = fleet.weights()[1]  # (runs, 2, 7)
    assert_close(found, (out[:, 1] - out[:, 0]).detach())
    bias = fleet.linears[1].bias
    odds = (maps * found[:, :, None, None]).sum(1) + (bias[:, 1] - bias[:, 0]).detach()[:, None, None]
    assert_close(odds.sigmoid(), sb.boundary(fleet, task, resolution=9))


def test_the_first_sixteen_of_any_width():
    task = slab_task(n_test=50)
    wide, narrow = (units(sb.mlp(task, width=width, runs=2), task) for width in (100, 3))
    assert [part.shape[:2] for part in wide] == [(2, 16)] * 2 and wide[0].shape[2:] == (24, 24)
    assert [part.shape[:2] for part in narrow] == [(2, 3)] * 2


def test_frozen_nets_of_many_outputs_and_single_precision():
    task = three_classes().to(dtype=torch.float32)
    fleet = sb.mlp(task, depth=1, runs=2).requires_grad_(False)
    maps, found = units(fleet, task)
    assert maps.dtype == found.dtype == torch.float32 and found.any()
    assert not maps.requires_grad and not found.requires_grad


LINEAR = "needs a hidden layer, got nets without one; try depth=1"
REFUSED = [
    (lambda task: sb.mlp(task, depth=0), {}, LINEAR),
    (lambda task: sb.models.deep_linear(task, factors=1), {}, LINEAR),
    (FLEETS["convnet"], {}, "known for sb.mlp fleets, got Fleet; build it with"),
    (FLEETS["relu"], {"run": 8}, "run is one of 0…7, got 8; try run=0"),
    (FLEETS["relu"], {"run": -1}, "run is a whole number of at least 0, got -1"),
    (FLEETS["relu"], {"axes": (0, 3)}, r"two different columns of z, 0…2, got \(0, 3\)"),
    (FLEETS["relu"], {"at": 200}, "at is a test row, 0…199, got 200"),
    (FLEETS["relu"], {"resolution": 1}, "resolution is a whole number of at least 2, got 1"),
    (FLEETS["relu"], {"resolution": 10**6}, "at most half of the free memory"),
]


@pytest.mark.parametrize(("build", "options", "words"), REFUSED)
def test_refused_before_any_training(build, options, words):
    task = slab_task()
    with pytest.raises(sb.SbkitError, match=words):
        sb.fit(build(task), task, measure=[partial(units, **options)])


def test_one_column_is_no_plane():
    z = torch.tensor([[-1.0], [1.0]], dtype=DOUBLE)
    task = sb.Task(z, torch.tensor([0, 1]), z, torch.tensor([0, 1]), {"sign": sb.Feature((0,))})
    with pytest.raises(sb.SbkitError, match="'units' needs two columns, got a task with one"):
        sb.fit(sb.mlp(task), task, measure=["units"])
