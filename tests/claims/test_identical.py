"""The science of the lesson on units that are born equal: row 19 of the course's sheet.

Other seeds, splits, widths and batches than the lesson's. The shared unit has positive weights: pixels are
positive too, so that its ReLU is alive for every image.
"""

import pytest
import torch
from sklearn.datasets import load_digits

import sbkit as sb

pytestmark = pytest.mark.slow
PIXELS, DIGITS = load_digits(return_X_y=True)


def born(task, eps, width=64, dropout=0.0, outgoing=True, seed=20, alive=True):
    fleet = sb.mlp(task, depth=1, width=width, runs=5, seed=seed, dropout=dropout)
    (first, last), bias = fleet.weights(), fleet.net[0].bias
    shared = first[:, :1].detach().clone()
    mixed = [(first, shared.abs() if alive else shared), (bias, bias[:, :1].detach().clone())]
    mixed += [(last, last[:, :, :1].detach().clone())] if outgoing else []
    with torch.no_grad():
        for weights, one in mixed:
            weights.copy_(one + eps * (weights - one))
    return fleet


def trained(eps, lr=0.002, batch=64, data=1, **about):
    """Test accuracy and effective rank of the first layer, (runs,) each."""
    task = sb.task_from(PIXELS / 16, DIGITS, seed=data)
    fleet = born(task, eps, **about)
    run = sb.fit(fleet, task, optimizer="momentum", lr=lr, batch=batch, steps=4000, stop=None)
    return sb.last(run).test_accuracy, sb.effective_rank(fleet.weights()[0].detach())


@pytest.mark.parametrize("about", [{}, {"width": 128, "batch": 128, "data": 2}], ids=["64", "128"])
def test_equal_units_stay_one_unit(about):
    """ε = 0: accuracy ≤ .35 and exp of the entropy rank ≤ 1.05."""
    right, rank = trained(0.0, **about)
    assert right.max() <= 0.35 and rank.max() <= 1.05


@pytest.mark.parametrize(("eps", "least"), [(0.01, 0.9), (1.0, 0.94)])
def test_a_little_noise_is_enough(eps, least):
    """ε = .01: ≥ .90; ε = 1: ≥ .94; the mean over networks, and within .01 of it each."""
    right, rank = trained(eps)
    assert right.mean() >= least and right.min() >= least - 0.01
    assert rank.min() >= 5


def test_the_less_noise_the_lower_rank_and_accuracy():
    """.861, .932, .962 with effective ranks 6.8, 9.4, 41.3."""
    found = [torch.stack(trained(eps, seed=40)).mean(1) for eps in (1e-4, 1e-2, 1.0)]
    assert (torch.stack(found).diff(dim=0) > 0).all()


def test_at_a_large_learning_rate_every_network_but_the_usual_dies():
    """With lr .05 every ε < 1 dies: the copies overshoot together."""
    for eps in (0.0, 0.01, 0.1):
        assert trained(eps, lr=0.05)[0].max() <= 0.15
    assert trained(1.0, lr=0.05)[0].min() >= 0.94


def test_what_else_breaks_the_tie():
    """Dropout (the authors' 0.01), and outgoing weights of each unit's own."""
    assert trained(0.0, dropout=0.01)[0].min() >= 0.8
    assert trained(0.0, outgoing=False)[0].min() >= 0.9


def test_a_shared_unit_that_no_image_wakes_stays_asleep():
    """Why the lesson's shared unit is positive: with a random one some networks stay at a tenth."""
    right, rank = trained(0.0, alive=False, seed=0, data=0)
    assert right.min() <= 0.15 and right.max() >= 0.2 and rank.max() <= 1.05
