"""The science of the lesson "Where does sharpness stop?", at other seeds than its own.

The edge of stability (Cohen et al. 2021), SAM's own (Long and Bartlett 2024), and the two things that stay
below it: SGD, and a rate so small that training is over first. Not asserted: where SGD stops.
"""

from functools import partial

import pytest
import torch

import sbkit as sb
from sbkit.lessons.sharpness.where_does_sharpness_stop import each_step, parabola, slope

SHARPNESS = partial(sb.measures.sharpness, loss="square")


def train(lr, optimizer="gd", activation="tanh", seed=700, runs=5, **options):
    """The lesson's run at other seeds."""
    task = sb.data.digits(200, seed=seed)
    fleet = sb.mlp(task, width=20, activation=activation, runs=runs, seed=seed)
    about = {"loss": "square", "stop": None, "steps": 1500, "every": 100, "measure": [SHARPNESS]}
    return sb.fit(fleet, task, optimizer=optimizer, lr=lr, **about, **options)


def share(lr, **options):
    """Sharpness at the end, 1 = 2 / lr. (runs,)"""
    return sb.last(train(lr, **options)).values["sharpness"] * torch.tensor(lr) / 2


def test_the_slope_is_the_length_of_the_gradient():
    """Against autograd through the fleet's own parameters, in float64."""
    task = sb.data.digits(200, seed=1).to(dtype=torch.float64)
    fleet = sb.mlp(task, width=20, activation="tanh", runs=3)
    targets = 2 * torch.nn.functional.one_hot(task.y, 10).double() - 1
    (fleet(task.x) - targets).square().mean((1, 2)).sum().backward()
    parts = [torch.as_tensor(p.grad).flatten(1) for p in fleet.parameters()]
    slow = torch.cat(parts, 1).norm(dim=1)
    torch.testing.assert_close(slope(fleet, task), slow, rtol=1e-10, atol=0)


@pytest.mark.parametrize("curvature", [1.0, 2.4, 4.8])
def test_the_parabola_loses_height_below_the_limit(curvature):
    heights = parabola(curvature, lr=0.4).lines[1].y  # (steps,)
    assert len(heights) == 7 and (heights[1:] < heights[:-1]).all()


def test_the_parabola_gains_height_above_the_limit():
    heights = parabola(5.2, lr=0.4).lines[1].y
    assert len(heights) == 7 and (heights[1:] > heights[:-1]).all()


@pytest.mark.slow
def test_gradient_descent_ends_at_the_edge():
    """From below (0.4) and from above (1.2); ReLU too."""
    found = share([0.4] * 5 + [1.2] * 5, runs=10)
    assert ((found[:5] > 0.85) & (found[:5] < 1.15)).all()
    assert ((found[5:] > 0.7) & (found[5:] < 1.15)).all()
    relu = share(0.4, activation="relu")
    assert ((relu > 0.8) & (relu < 1.25)).all()


@pytest.mark.slow
def test_what_stays_below_the_edge():
    assert (share(0.1) < 0.5).all()
    assert (share(0.4, optimizer="sgd", batch=20) < 0.9).all()
    assert (share(0.8, optimizer="sam", rho=0.05) < 0.65).all()


@pytest.mark.slow
def test_sam_ends_at_its_own_edge():
    """Mean over the last third of training of sharpness and of the edge at that moment's gradient."""
    rho, lr = torch.tensor([0.05] * 5 + [0.2] * 5), 0.8
    run, edge, found = train(lr, "sam", runs=10, rho=rho.tolist()), [], []
    run.train(steps=1000)
    for snapshot in run:
        g = slope(run.fleet, run.task)
        edge.append(g / (2 * rho) * ((1 + 8 * rho / (lr * g)).sqrt() - 1))
        found.append(snapshot.values["sharpness"])
    off = torch.stack(found).mean(0) / torch.stack(edge).mean(0)
    assert ((off > 0.9) & (off < 1.2)).all()


@pytest.mark.slow
def test_the_loss_rises_at_the_edge_alone():
    run = train(0.4)
    run.train(steps=100)
    assert (each_step(run, 100).diff(dim=1) < 0).all()
    run.train(steps=260)
    assert (each_step(run, 200).diff(dim=1) > 0).float().mean() > 0.02
