"""The claims of 0-instruments at other data, seeds and settings than the lesson's, with its tolerances."""

import pytest
import torch

import sbkit as sb

pytestmark = pytest.mark.slow
# Hidden layers → effective rank (the sheet's fact 38, measured by another implementation).
GRAM_LINEAR = {1: 32.4, 2: 24.4, 4: 15.9, 8: 9.7, 16: 5.0}
GRAM_RELU = {1: 21.8, 2: 10.4, 4: 4.1, 8: 2.2, 16: 1.5}


def trained(blocks, depth=2, lr=3e-4, seed=0, data=0):
    task = sb.slabs(blocks, n=4000, n_test=4000, seed=data)
    fleet = sb.mlp(task, depth=depth, seed=seed)
    sb.last(sb.fit(fleet, task, optimizer="adam", lr=lr, steps=3000))
    return fleet, task


@pytest.mark.parametrize(("copies", "depth", "seed", "data"), [(12, 2, 50, 5), (10, 3, 20, 1), (8, 2, 80, 2)])
def test_equal_features_hide_each_other(copies, depth, seed, data):
    fleet, task = trained([1] * copies, depth, seed=seed, data=data)
    names, half = list(task.features), copies // 2
    assert sb.reliance(fleet, task).abs().max() <= 0.02
    every, first, second = (
        sb.randomized(fleet, task, cut, "accuracy") for cut in (names, names[:half], names[half:])
    )
    assert (every - 0.5).abs().max() <= 0.03
    assert ((first + second) / 2 - 0.75).abs().max() <= 0.02
    assert ((sb.boundary(fleet, task) > 0.5) == bool(task.y_test[0])).float().mean((1, 2)).min() >= 0.97


@pytest.mark.parametrize(("seed", "data"), [(24, 0), (32, 1), (40, 2)])
def test_seeds_and_planes_tell_different_stories(seed, data):
    fleet, task = trained([5] * 3, lr=1e-3, seed=seed, data=data)
    lost = sb.reliance(fleet, task)  # (runs, features)
    assert (lost.amax(0) - lost.amin(0)).max() >= 0.1
    planes = torch.stack([sb.boundary(fleet, task, at=row, resolution=30) > 0.5 for row in range(20)])
    assert (planes[1:] != planes[0]).float().mean((0, 2, 3)).min() >= 0.1


def lead(steps, scale, depth, lr, data):
    """How much more the nets rely on the large numbers than on the small ones. (runs,)"""
    n, rng = 4000, torch.Generator().manual_seed(data)
    y = torch.arange(2 * n) % 2
    z = (torch.randn(2 * n, 2, generator=rng) + 2 * y[:, None] - 1) / torch.tensor([1, scale])
    task = sb.Task(z[:n], y[:n], z[n:], y[n:], {"large": sb.Feature((0,)), "small": sb.Feature((1,))})
    fleet = sb.mlp(task, depth=depth, seed=16)
    sb.last(sb.fit(fleet, task, lr=lr, steps=steps, stop=None))
    large, small = sb.reliance(fleet, task).unbind(1)
    return large - small


@pytest.mark.parametrize(("scale", "lr", "data"), [(8.0, 0.3, 1), (4.0, 0.3, 2), (8.0, 1.0, 3)])
def test_a_linear_model_is_fair_only_in_the_end(scale, lr, data):
    """Steps are those of the lesson, in units of (scale / 8)² · 0.3 / lr."""
    unit = (scale / 8) ** 2 * 0.3 / lr
    assert lead(round(100 * unit), scale, 0, lr, data).min() >= 0.2
    assert lead(round(10_000 * unit), scale, 0, lr, data).abs().max() <= 0.04
    middle = round(300 * unit)
    assert (lead(middle, scale, 0, lr, data) - lead(middle, scale, 1, lr, data)).min() >= 0.1


@pytest.mark.parametrize(("activation", "known"), [("linear", GRAM_LINEAR), ("relu", GRAM_RELU)])
@pytest.mark.parametrize("seed", [0, 100])
def test_depth_lowers_the_rank_before_any_training(activation, known, seed):
    """Fact 38: effective rank of the Gram of 128 Gaussian inputs, 64 units wide, no biases: ±15 %."""
    x = torch.randn(128, 64, generator=torch.Generator().manual_seed(seed))
    y = torch.arange(128) % 2
    task, ranks = sb.Task(x, y, x, y, {}), []
    for depth in known:
        fleet = sb.mlp(task, depth=depth, width=64, activation=activation, runs=10, seed=seed)
        for layer in fleet.linears:
            layer.bias.data.zero_()
        h = fleet.features(x, depth - 1).detach().double()  # (runs, 128, 64)
        ranks.append(sb.measures.effective_rank(h @ h.mT))
    mean = torch.stack(ranks).mean(1)  # (depths,); single nets of depth 8 and 16 may change places
    assert (mean.diff() < 0).all()
    assert (mean / torch.tensor(list(known.values())) - 1).abs().max() <= 0.15
