"""The loss on a plane through the weights, against nets that are moved there one by one."""

import math

import pytest
import torch
from cases import DOUBLE, FLEETS, regression, slab_task
from torch.nn.functional import cross_entropy
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from torch.testing import assert_close

import sbkit as sb
from sbkit.core import plot
from sbkit.measures import eigenvalues, hvp, loss_surface


@pytest.mark.parametrize("build", ["relu", "layer norm", "convnet"])
@pytest.mark.parametrize("shared", [True, False])
def test_is_the_loss_of_nets_moved_there(build, shared):
    task, rng = slab_task(n=40), torch.Generator().manual_seed(0)
    fleet = FLEETS[build](task, runs=2)
    size = fleet.vector().shape[1]
    directions = torch.randn(2, *([] if shared else [2]), size, generator=rng, dtype=DOUBLE)
    found = loss_surface(fleet, task, directions, resolution=3, reach=0.5)
    for r in range(2):
        net = fleet.run(r)
        across, up = directions if shared else directions[:, r]
        at = parameters_to_vector(net.parameters()).detach()
        for i, b in enumerate((-0.5, 0, 0.5)):
            for j, a in enumerate((-0.5, 0, 0.5)):
                vector_to_parameters(at + a * across + b * up, net.parameters())
                assert_close(found[r, i, j], cross_entropy(net(task.x), task.y).detach())


def test_top_directions_rise_as_their_eigenvalues_say():
    """Second differences along both, and none across them: they are eigenvectors of length 1."""
    task, step = regression(), 1e-3
    fleet = FLEETS["tanh"](task, runs=2)
    values = eigenvalues(fleet, task, 2)
    loss = loss_surface(fleet, task, resolution=3, reach=step)
    bends = [loss[:, 1, 0] + loss[:, 1, 2], loss[:, 0, 1] + loss[:, 2, 1]]
    found = (torch.stack(bends, dim=1) - 2 * loss[:, 1, 1:2]) / step**2
    assert_close(found, values, rtol=1e-3, atol=0)
    mixed = (loss[:, 0, 0] + loss[:, 2, 2] - loss[:, 0, 2] - loss[:, 2, 0]) / (4 * step**2)
    assert (mixed.abs() < 1e-3 * values[:, 0]).all()


def test_fleet_is_as_before_and_a_lost_run_is_nan():
    task = slab_task(n=40)
    fleet = FLEETS["tanh"](task, runs=2)
    before = fleet.vector().detach()
    with torch.no_grad():
        fleet.linears[0].weight[1] = math.inf
    found = loss_surface(fleet, task, resolution=4)
    assert found[0].isfinite().all() and found[1].isnan().all() and not found.requires_grad
    assert torch.equal(fleet.vector()[0], before[0])


def test_colours_stay_while_it_trains():
    task = slab_task(n=100)
    run = sb.fit(FLEETS["relu"](task, runs=2), task, steps=100, every=50, lr=0.5, measure=["loss_surface"])
    history = [run.snapshot(), *run]
    drawn = [plot["loss_surface"]([history[0], seen]) for seen in history]
    assert len({(one.scale, one.x, one.y) for one in drawn}) == 1
    first = history[0].values["loss_surface"].mean(0)
    assert drawn[0].scale.high == pytest.approx(float(first.max())) and drawn[0].x.high == 1
    assert run.snapshot(glance=True).values["loss_surface"].shape == (2, 9, 9)


REFUSED = [
    ({"directions": "random"}, "No direction named 'random'; there are top"),
    ({"directions": torch.ones(2, 3)}, r"\(2, 50\) or \(2, 2, 50\), got \(2, 3\).* try torch.randn\(2, 50\)"),
    ({"directions": torch.ones(3, 50)}, r"got \(3, 50\)"),
    ({"directions": torch.ones(2, 50) + 0j}, r"real numbers, got \(2, 50\), torch.complex64; try its .real"),
    ({"directions": None}, "A pair of directions is of numbers"),
    ({"resolution": 1}, "resolution is a whole number of at least 2, got 1; try 2"),
    ({"resolution": 10**7}, r"2 runs × 10,000,000² points × 8 bytes = "),
    ({"resolution": 2.5}, "resolution is a whole number of at least 2, got 2.5; try 2"),
    ({"reach": 0}, "reach is a number above 0 .*got 0; try 0.1"),
    ({"loss": "hing"}, "Did you mean 'hinge'"),
]


@pytest.mark.parametrize(("options", "told"), REFUSED)
def test_refused(options, told):
    task = slab_task(n=20)
    with pytest.raises(sb.SbkitError, match=told):
        loss_surface(FLEETS["tanh"](task, runs=2), task, **options)


def test_directions_need_not_be_of_length_one():
    task = slab_task(n=20)
    fleet = FLEETS["tanh"](task, runs=2)
    pair = torch.eye(2, fleet.vector().shape[1])
    assert_close(
        loss_surface(fleet, task, 2 * pair, resolution=5),
        loss_surface(fleet, task, pair, resolution=5, reach=2),
    )
    assert_close(
        loss_surface(fleet, task, [*pair], resolution=3), loss_surface(fleet, task, pair, resolution=3)
    )
    assert hvp(fleet, task, fleet.vector()).shape == fleet.vector().shape
