"""Margins against an obvious loop and scipy, and on nets built by hand to use one feature."""

import numpy as np
import pytest
import torch
from cases import DOUBLE, FLEETS, regression, slab_task, three_classes
from scipy.stats import ks_2samp
from torch.testing import assert_close

import sbkit as sb
from sbkit.lessons.simplicity.which_feature_will_it_use import margin, margin_shift
from sbkit.measures import shuffled

every_fleet = pytest.mark.parametrize("build", FLEETS)


def linear_only(task: sb.Task, slope: float = 3.0) -> sb.Fleet:
    """Two linear nets whose score is the linear feature, times `slope` and times twice that."""
    fleet = sb.mlp(task, depth=0, runs=2)
    for parameter in fleet.parameters():
        parameter.data.zero_()
    first = torch.zeros(1, task.z.shape[1], dtype=task.z.dtype)
    first[0, 0] = slope
    fleet.weights()[0].data[:, 1] = torch.cat([task.embed(first), task.embed(2 * first)])
    return fleet


@every_fleet
@pytest.mark.parametrize("task", [slab_task(), three_classes()], ids=["two classes", "three"])
def test_margins_are_the_obvious_loop(build, task):
    fleet = FLEETS[build](task, runs=2)
    wanted = torch.zeros(2, len(task.y_test), dtype=DOUBLE)
    for r in range(2):
        for i, (x, y) in enumerate(zip(task.x_test, task.y_test, strict=True)):
            logits = fleet.run(r)(x[None])[0].tolist()
            wanted[r, i] = logits.pop(int(y)) - max(logits)
    assert_close(sb.measures.margins(fleet, task), wanted)


def test_a_negative_margin_is_an_error():
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=3)
    accuracy = sb.randomized(fleet, task, "linear", "accuracy")
    assert_close((sb.measures.margins(fleet, task, "linear") > 0).float().mean(1), accuracy)


def test_the_curve_is_the_share_of_rows_below():
    task = slab_task()
    fleet = FLEETS["tanh"](task, runs=2, init=4.0)
    found = margin(fleet, task)  # (runs, 3, places)
    for kind, names in enumerate(([], *task.kinds.values())):
        values = sb.measures.margins(fleet, task, names)
        for i, place in enumerate(torch.linspace(-10, 10, 81)):
            assert_close(found[:, kind, i], (values < place).float().mean(1))
    assert (found.diff(dim=2) >= 0).all()


def test_without_kinds_there_is_one_curve():
    task = three_classes()
    assert margin(FLEETS["relu"](task, runs=2), task).shape == (2, 1, 81)


def test_the_shift_is_scipys_of_what_a_net_says():
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=2, init=3.0)
    side = np.where(task.y_test == 1, 1, -1)
    for r, found in enumerate(margin_shift(fleet, task, ["slab3", "slab5"])):
        cut = shuffled(task, [["slab3", "slab5"]])[0]
        scores = [side * (fleet.run(r)(x) @ torch.tensor([-1.0, 1], dtype=DOUBLE)).detach().numpy()
                  for x in (task.x_test, cut)]  # fmt: skip
        assert found == pytest.approx(ks_2samp(*scores).statistic)


def test_what_is_not_used_does_not_shift_and_what_is_used_moves_half():
    task = slab_task(n_test=2000)
    fleet = linear_only(task)
    assert margin_shift(fleet, task, ["slab3", "slab5"]).max() <= 0.001  # rounding, by the rotation
    assert (margin_shift(fleet, task, "linear") - 0.5).abs().max() <= 0.04


def test_a_run_that_diverged_is_nan_and_alone():
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=3)
    next(fleet.parameters()).data[1] = torch.nan
    assert margin_shift(fleet, task, "linear").isnan().tolist() == [False, True, False]
    assert margin(fleet, task).isnan().all(2).all(1).tolist() == [False, True, False]


def test_refuses():
    task = slab_task()
    with pytest.raises(sb.SbkitError, match="Did you mean 'linear'"):
        sb.measures.margins(sb.mlp(task, runs=2), task, "linaer")
    with pytest.raises(sb.SbkitError, match="Margins need classes, got a regression task"):
        sb.measures.margins(sb.mlp(regression(), runs=2), regression())
