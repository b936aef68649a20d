"""The science of the lesson on a simple feature that is worse: Shah et al. 2020, section 4.2 and Table 2.

Facts 24 and 26 of the course's sheet and row 1 (iii), at other sizes, seeds and data than the lesson's.
Left out for their time: the paper's two nets of width 300 on noisy data, and training until the noisy
rows are memorized (train .984–.999 in Table 2; here .95–.98).
"""

import pytest
import torch
from torch import Tensor

import sbkit as sb

pytestmark = pytest.mark.slow
AUTHORS = {"optimizer": "momentum", "lr": 0.3, "momentum": 0.9, "weight_decay": 5e-4}


def trained(task: sb.Task, width=100, depth=2, runs=5, seed=20, **options) -> tuple[sb.Fleet, Tensor]:
    """A fleet after training and its test accuracy. (runs,)"""
    fleet = sb.mlp(task, depth=depth, width=width, runs=runs, seed=seed)
    return fleet, sb.last(sb.fit(fleet, task, every=20_000, **options)).test_accuracy


def assert_it_stays(task: sb.Task, **options) -> None:
    """Accuracy is that of a threshold on the linear feature, nothing without it, the same without slabs."""
    fleet, found = trained(task, **options)
    linear, *slabs = task.features
    threshold = ((task.z_test[:, 0] > 0) == (task.y_test == 1)).double().mean()
    assert abs(threshold - 0.95) <= 0.004
    assert (found - threshold).abs().max() <= 0.006
    assert (sb.randomized(fleet, task, linear, "accuracy") - 0.5).abs().max() <= 0.02
    assert (sb.randomized(fleet, task, slabs, "accuracy") - found).abs().max() <= 0.006


@pytest.mark.parametrize("depth", [1, 2])
def test_in_fifty_dimensions_with_sgd(depth):
    """Fact 24: noisy LMS-7, d = 50, n = 40,000: test .95 though the slabs are perfect."""
    task = sb.lms(7, noise=0.1, n=40_000, seed=1)
    assert_it_stays(task, depth=depth, runs=3, lr=0.1, weight_decay=5e-7, steps=3000, stop=None)


def test_in_fifty_dimensions_with_adam():
    """Fact 24, the training rows fitted further: about .98 of them."""
    task = sb.lms(7, noise=0.1, n=40_000, seed=2)
    assert_it_stays(task, runs=3, optimizer="adam", lr=0.003, steps=2000)


def test_the_control_in_fifty_dimensions():
    """Fact 26: MS-7, d = 50, n = 40,000, 2 × 300 units, the authors' setting: every net is right."""
    task = sb.slabs([7] * 50, n=40_000)
    _, found = trained(task, width=300, runs=3, seed=0, steps=12_000, **AUTHORS)
    assert found.min() >= 0.999


def test_the_authors_setting_in_ten_dimensions_does_not_always_converge():
    """Fact 26: many nets learn the slabs, some not yet: 10 of 16 at seed 108, which set the bounds."""
    _, found = trained(sb.slabs([7] * 10, n=40_000), runs=16, seed=208, steps=3000, **AUTHORS)
    learned = (found >= 0.95).double().mean()
    assert 0.25 <= learned <= 0.95


def test_in_twenty_dimensions_it_stays_and_need_not():
    """Row 1 (iii): wider nets and another learning rate than the lesson's."""
    adam = {"optimizer": "adam", "lr": 0.003, "steps": 2000}
    assert_it_stays(sb.lms(7, dim=20, noise=0.1, n=40_000, seed=3), **adam)
    _, control = trained(sb.slabs([7] * 20, n=40_000, seed=3), **adam)
    assert control.min() >= 0.99


@pytest.mark.parametrize(("optimizer", "lr"), [("adam", 0.003), ("momentum", 0.05)])
def test_in_five_dimensions_it_leaves(optimizer, lr):
    """Row 1 (iii): the claim fails in few dimensions."""
    task = sb.lms(7, dim=5, noise=0.1, n=10_000, seed=4)
    fleet, found = trained(task, optimizer=optimizer, lr=lr, steps=4000)
    assert found.min() >= 0.99
    assert sb.randomized(fleet, task, list(task.features)[1:], "accuracy").max() <= 0.96


def test_with_few_rows_there_is_nothing_better():
    """Row 1 (iii): the control memorizes its rows, the simple feature helps."""
    adam = {"optimizer": "adam", "lr": 0.003, "steps": 1500}
    _, noisy = trained(sb.lms(7, dim=20, noise=0.1, n=1000, seed=5), **adam)
    _, control = trained(sb.slabs([7] * 20, n=1000, seed=5), **adam)
    assert noisy.min() >= 0.93
    assert (control - 0.5).abs().max() <= 0.05


def test_more_noise_is_not_enough_at_first():
    """Noise .5 leaves a quarter of the rows to the slabs: most nets stay for 1,500 steps, none for 6,000."""
    task = sb.lms(7, dim=20, noise=0.5, n=40_000)
    share = []
    for steps in (1500, 6000):
        _, found = trained(task, width=50, seed=0, optimizer="adam", lr=0.005, steps=steps)
        share.append((found >= 0.97).double().mean())
    assert torch.stack(share).diff() > 0.5 and share[1] == 1
