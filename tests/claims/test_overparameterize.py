"""Layers as products, trained: Huh et al. 2021, section 4, and row 2 of the course's systems.

Other seeds, pixels, widths and optimizers than the lesson's. That collapsing is exact (facts 14 and 15) is
tested in tests/models/test_products.py.
"""

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

import sbkit as sb
from sbkit.lessons.rank.overparameterize_then_collapse import Table, convnet, layers, one_by_one, ranks

slow = pytest.mark.slow
PIXELS, DIGIT = load_digits(return_X_y=True)


def digits(rows: int, seed: int) -> sb.Task:
    return sb.data.table(PIXELS / 16, DIGIT, test=1 - rows / len(DIGIT), seed=seed)


def mlp(width=48) -> nn.Module:
    layers = nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    return nn.Sequential(*layers)


def trained(task: sb.Task, factors: int, **options) -> tuple[sb.Fleet, Tensor]:
    """A fleet trained to one training loss, and its test accuracy. (runs,)"""
    fleet = sb.models.fleet_of(lambda: sb.models.overparameterize(mlp(), factors), runs=5, seed=30)
    return fleet, sb.last(sb.fit(fleet, task, batch=50, steps=1500, stop=0.05, **options)).test_accuracy


@slow
@pytest.mark.parametrize("options", [{"optimizer": "adam", "lr": 0.001}, {"lr": 0.03}])
def test_rank_falls_with_factors_and_few_digits_gain_nothing(options):
    """Row 2: "expect no accuracy gain on digits"; the effective rank falls, before training and after."""
    task, ranks, right = digits(200, seed=3), [], []
    for factors in (1, 2, 4) if "optimizer" in options else (1, 2):
        fleet, accuracy = trained(task, factors, **options)
        ranks.append(sb.measures.effective_rank(fleet.weights()[1].detach()))
        right.append(accuracy)
    assert all((b < 0.85 * a).all() for a, b in zip(ranks, ranks[1:], strict=False))
    assert all((each - right[0]).max() <= 0.01 for each in right[1:])


@slow
def test_with_more_digits_it_makes_no_difference():
    task = digits(1200, seed=4)
    (_, one), (_, four) = (trained(task, factors, optimizer="adam", lr=0.002) for factors in (1, 4))
    assert (four - one).abs().max() <= 0.03


@slow
def test_four_factors_diverge_where_one_and_two_train():
    """Row 2: with sgd, at learning rate 0.1, ×4 diverged."""
    lost = []
    for factors in (1, 2, 4):
        fleet = sb.models.fleet_of(
            lambda factors=factors: sb.models.overparameterize(mlp(64), factors), runs=5, seed=30
        )
        run = sb.last(sb.fit(fleet, digits(200, seed=3), lr=0.1, batch=50, steps=400))
        lost.append(run.state.count("diverged"))
    assert lost[0] == lost[1] == 0 and lost[2] >= 2


def test_a_network_collapses_whole():
    """Every prediction is the same, with a third of the weights."""
    x = torch.randn(50, 64, generator=torch.Generator().manual_seed(1)).double()
    for factors in (2, 4):
        alone = sb.models.overparameterize(mlp(), factors).double()
        plain = alone.collapse()
        assert type(plain) is nn.Sequential
        assert (plain(x) - one_by_one(alone, x)).abs().max() <= 1e-13


def test_a_convnet_starts_with_fewer_directions_in_every_layer():
    """What the lesson draws of photographs, of networks that are not trained."""
    kinds = {}
    for factors in (1, 2):
        fleet = sb.models.fleet_of(
            lambda factors=factors: sb.models.overparameterize(convnet(), factors, width=64), runs=5, seed=40
        )
        kinds[f"{factors}"] = torch.rand(5), ranks(fleet)
    one, two = (of.mean(0) for _, of in kinds.values())  # (layers,)
    assert one.shape == (4,) and (two < one).all() and two[2] < 0.85 * one[2]
    right, each = layers(kinds)
    assert len(right.names) == 2 and len(each.names) == 8 and each.sides == ("1", "2")


def unseen(rank: int, factors: int, seed: int, size=24, **options) -> Tensor:
    """Relative error on the half of a table's cells that was not shown. (runs,)"""
    rng = torch.Generator().manual_seed(seed)
    target = torch.randn(size, rank, generator=rng) @ torch.randn(rank, size, generator=rng) / rank**0.5
    cells, eye = torch.randperm(size**2, generator=rng), torch.eye(size)
    x = torch.cat([eye[cells % size], eye[cells // size]], 1)
    y, half = target.flatten()[cells, None], size**2 // 2
    task = sb.data.table(x[:half], y[:half], test=(x[half:], y[half:]))
    fleet = sb.models.fleet_of(lambda: sb.models.overparameterize(Table(size), factors), runs=5, seed=seed)
    sb.last(sb.fit(fleet, task, batch=half, steps=1000, stop=0.001, **options))
    error = (fleet.predict(task.x_test) - task.y_test).square().mean((1, 2))
    return (error / task.y_test.square().mean()).sqrt()


@slow
@pytest.mark.parametrize("options", [{"optimizer": "adam", "lr": 0.01}, {"optimizer": "momentum", "lr": 0.3}])
def test_half_a_table_of_low_rank_is_completed_and_one_of_full_rank_is_not(options):
    for seed in (21, 22, 23):
        one, two, four = (unseen(2, factors, seed, **options) for factors in (1, 2, 4))
        assert (one - 1).abs().max() <= 0.05
        assert max(two.max(), four.max()) <= 0.9 and four.mean() < two.mean()
        assert unseen(24, 4, seed, **options).min() >= 1.0
