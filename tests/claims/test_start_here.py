"""The claims of 0-start-here at other seeds than the lesson's."""

import pytest
import torch

import sbkit as sb


def lesson(up: int, depth: int = 2, optimizer: str = "sgd", seed: int = 700):
    task = sb.slabs([5, up], rotate=False, seed=seed)
    fleet = sb.mlp(task, depth=depth, width=64, seed=seed)
    return sb.fit(fleet, task, optimizer=optimizer, measure=["spectrum", sb.reliance])


def stretched(run) -> torch.Tensor:
    """How many directions of each hidden layer exceed the start's largest by a fifth. (layers, runs)"""
    starts = [sb.spectrum(weights)[:, :1] for weights in run.fleet.weights()[1:-1]]
    ends = sb.last(run).values["spectrum"][1:-1]
    return torch.stack([(end > 1.2 * start).sum(1) for start, end in zip(starts, ends, strict=True)])


@pytest.mark.parametrize(("up", "simpler"), [(1, "linear"), (3, "slab3"), (7, "slab5")])
def test_the_simpler_of_two_features_is_used_alone(up, simpler):
    run = lesson(up)
    found = sb.last(run).values["reliance"]  # (runs, 2)
    assert next(iter(run.task.features)) == simpler
    assert (found - torch.tensor([0.5, 0.0])).abs().max() <= 0.05


def test_sgd_stretches_one_or_two_directions_a_layer_and_muon_more():
    assert stretched(lesson(1, depth=4)).min() >= 1 and stretched(lesson(1, depth=4)).max() <= 2
    assert stretched(lesson(1, optimizer="muon")).min() >= 4


def test_of_two_equal_features_networks_choose_different_ones():
    groups = [sb.last(lesson(5, seed=700 + 8 * k)).values["reliance"][:, 0] for k in range(3)]
    assert sum(float(group.max() - group.min()) for group in groups) / 3 >= 0.3
