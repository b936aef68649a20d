"""Toys in the plane: where their points lie, and that a suited rule separates them."""

import math

import pytest
import torch

import sbkit as sb
from sbkit.data.planar import TOYS

# toy → class of points (n, 2) by the rule that the toy is made of, noise left out
RULES = {
    "circles": lambda z: z.norm(dim=1) < 0.75,
    "moons": lambda z: moon(z),
    "spirals": lambda z: torch.cos(z[:, 1].atan2(z[:, 0]) - 3 * math.pi * z.norm(dim=1)) < 0,
    "xor": lambda z: z[:, 0] * z[:, 1] > 0,
    "sinusoid": lambda z: z[:, 1] > 0.35 * torch.sin(2.5 * math.pi * z[:, 0]),
}


def moon(z: torch.Tensor) -> torch.Tensor:
    """Class of the half circle whose arc is nearer."""
    centre = torch.tensor([-0.325, -0.16])
    upper = ((z - centre).norm(dim=1) - 0.65).abs() + (z[:, 1] < centre[1] - 1e-4)
    lower = ((z + centre).norm(dim=1) - 0.65).abs() + (z[:, 1] > -centre[1] + 1e-4)
    return lower < upper


def test_every_toy_has_a_rule():
    assert set(RULES) == set(TOYS) <= set(sb.dataset)


@pytest.mark.parametrize("name", TOYS)
def test_the_rule_separates_the_classes(name):
    task = sb.planar(name, n=2000, noise=0.0)
    assert (RULES[name](task.x) == task.y.bool()).float().mean() > 0.999
    assert task.z.abs().max() <= 1.02 and torch.equal(task.x, task.z)
    assert list(task.features) == ["x1", "x2"]


@pytest.mark.parametrize("name", TOYS)
def test_noise_is_the_standard_deviation_added(name):
    clean, noisy = (sb.planar(name, n=20_000, n_test=10, noise=noise) for noise in (0.0, 0.2))
    assert (noisy.z - clean.z).std(dim=0).sub(0.2).abs().max() < 0.005


REFUSED = [
    (lambda: sb.planar("moon"), "No planar task named 'moon'; there are circles, .*Did you mean 'moons'"),
    (lambda: sb.planar("slabs"), "No planar task named 'slabs'"),
    (lambda: sb.planar("moons", noise=-1), "noise is a number at least 0.*, got -1"),
    (lambda: sb.planar("moons", n=0), "n is a whole number of at least 1, got 0"),
    (lambda: sb.planar("moons", n=10**12), "at most half of the free memory; 1,000,000,001,000 rows"),
    (lambda: sb.dataset["moon"], "No dataset named 'moon'; there are .*Did you mean 'moons'"),
]


@pytest.mark.parametrize(("ask", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_refuses(ask, says):
    with pytest.raises(sb.SbkitError, match=says):
        ask()
