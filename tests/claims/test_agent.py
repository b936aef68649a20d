"""The science of the lesson on the agent and the sky: Song, Jiang, Tu, Du, Neyshabur 2019 (ICLR 2020).

Row 11 of the course's facts at other worlds, seeds and sizes than the lesson's: the gap between new levels
and those of training, for linear policies of one to three layers, and the optimum from the Riccati equation.
"""

from functools import reduce

import pytest
import torch
from scipy.linalg import solve_discrete_are

import sbkit as sb
from sbkit.lessons.simplicity.the_agent_that_memorised_the_sky import NEW, STEPS, Agent, D, world

pytestmark = pytest.mark.slow


class Result:
    """What trained agents pay and where they look: training, gap, reliance, (agents,) each; the optimum."""

    def __init__(self, depth, dim=100, data=5, seed=40, width=256, actions=6, levels=3, turn=1.0, **options):
        A, B, seen = world(dim, levels, data, actions, turn)
        count = levels + NEW
        z = torch.cat([torch.eye(D).repeat(count, 1), torch.eye(count).repeat_interleave(D, 0)], 1)
        zero, n = torch.zeros(len(z), STEPS * (D + actions)), levels * D
        task = sb.Task(z[:n], zero[:n], z[n:], zero[n:], {})
        fleet = sb.models.fleet_of(lambda: Agent(A, B, seen, depth, width), runs=5, seed=seed)
        usual = {"optimizer": "adam", "lr": 0.002, "steps": 800, "batch": n, "stop": None, "every": 10_000}
        sb.last(sb.fit(fleet, task, **usual | options))
        self.training = fleet.predict(task.x).square().sum((1, 2)) / levels
        self.gap = fleet.predict(task.x_test).square().sum((1, 2)) / NEW - self.training
        K = reduce(torch.matmul, fleet.weights()[::-1]).detach()  # (agents, actions, D + dim)
        self.reliance = K[..., D:].norm(dim=(1, 2)) / K[..., :D].norm(dim=(1, 2))
        states, costs = (torch.eye(size).numpy() for size in (D, actions))
        self.best = solve_discrete_are(A.double().numpy(), B.double().numpy(), states, costs).trace() - D


@pytest.mark.parametrize(
    "setting",
    [{"dim": 100}, {"dim": 300, "data": 6}, {"dim": 100, "data": 7, "actions": 3, "turn": 0.9}],
    ids=["100", "300", "3 actions"],
)
def test_three_layers_have_at_most_half_of_the_gap(setting):
    """Row 11: gap(depth 3) ≤ .5 gap(depth 1), reliance decreasing in depth; training is at the optimum."""
    one, two, three = (Result(depth, **setting) for depth in (1, 2, 3))
    assert three.gap.mean() <= 0.5 * one.gap.mean()
    assert two.gap.mean() < one.gap.mean()
    assert one.reliance.mean() > two.reliance.mean() > three.reliance.mean()
    for result in (one, two, three):
        assert (result.training / result.best - 1).abs().max() <= 0.02


def test_a_gap_by_reading_the_sky_alone():
    """More levels leave less of the sky to read; a sky as small as the state leaves three layers nothing."""
    few, many = Result(1, levels=3), Result(1, levels=30)
    assert many.gap.mean() <= 0.5 * few.gap.mean()
    assert Result(3, dim=6).gap.max() <= 0.2


def test_narrow_layers_help_less():
    """Where it fails: 16 hidden units keep more than half of the gap."""
    one, narrow = Result(1), Result(3, width=16)
    assert 0.4 * one.gap.mean() <= narrow.gap.mean() < one.gap.mean()


def test_plain_gradient_descent_leaves_little_to_repair():
    """Where it fails: one layer trained by gradient descent has a quarter of Adam's gap, or less."""
    plain = {"optimizer": "sgd", "lr": 0.5}
    one, three = (Result(depth, **plain) for depth in (1, 3))
    assert one.gap.mean() <= 0.25 * Result(1).gap.mean()
    assert three.gap.mean() >= 0.5 * one.gap.mean()
