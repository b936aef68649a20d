"""The science of the lesson on settings: Shah et al. 2020, Tables 6 to 9, Figure 5, and what moves reliance.

Facts 11 to 19 of the course's sheet are in test_simplicity.py, for SGD and Adam; here are other optimizers,
activations, regularizers, first weights and sizes, at other seeds and data than the lesson's.
"""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

import sbkit as sb

pytestmark = pytest.mark.slow
RATES = {"gd": 1.0}  # the others' own


def cut(fleet: sb.Fleet, task: sb.Task) -> tuple[Tensor, Tensor]:
    """AUC of each run with S and with Sᶜ randomized. (runs,) each"""
    s, rest = task.kinds.values()
    return sb.randomized(fleet, task, s), sb.randomized(fleet, task, rest)


def trained(task: sb.Task, fleet: sb.Fleet | None = None, optimizer="adam", runs=5, seed=30, **options):
    """A fleet after training, its states, and what is left without S and without Sᶜ."""
    fit = {name: options.pop(name) for name in ("lr", "weight_decay", "stop", "batch") if name in options}
    fit = {"lr": RATES.get(optimizer), "steps": 2000, "batch": 64} | fit
    fleet = fleet or sb.mlp(task, **{"width": 60, "runs": runs, "seed": seed} | options)
    state = sb.last(sb.fit(fleet, task, optimizer=optimizer, every=2000, **fit)).state
    return state, *cut(fleet, task)


def assert_only_S(state, without_s, without_rest, slack=0.03) -> None:
    assert set(state) == {"converged"}
    assert (without_s - 0.5).abs().max() <= slack
    assert without_rest.min() >= 0.99


def sized(size: float, k=5, dim=10, n=4000, seed=4) -> sb.Task:
    """LMS-k with the linear feature `size` times as large."""
    task = sb.lms(k, dim=dim, n=n, seed=seed)
    return replace(task, z=task.z * scaled(size, dim), z_test=task.z_test * scaled(size, dim))


def scaled(size: float, dim=10) -> Tensor:
    return torch.tensor([size] + [1.0] * (dim - 1))


@pytest.mark.parametrize("activation", ["relu", "leaky", "tanh", "gelu"])
def test_every_optimizer_with_every_activation(activation):
    """Table 6, and nine optimizers more."""
    task = sb.lms(7, dim=10, n=1000, seed=4)
    for optimizer in sb.optimizer:
        assert_only_S(*trained(task, optimizer=optimizer, activation=activation))


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_prelu(optimizer):
    """Table 6: an activation with weights of its own."""

    def net():
        layers = [nn.Linear(10, 60), nn.PReLU(), nn.Linear(60, 60), nn.PReLU(), nn.Linear(60, 2)]
        return nn.Sequential(*layers)

    task = sb.lms(5, dim=10, n=2000, seed=5)
    assert_only_S(*trained(task, sb.models.fleet_of(net, runs=5, seed=30), optimizer))


DIALS = [{"dropout": p} for p in (0.05, 0.1, 0.5)] + [{"weight_decay": l2} for l2 in (5e-7, 5e-5, 5e-4)]
DIALS += [{"init": scale} for scale in (0.1, 0.3, 3.0, 10.0)] + [{"width": w} for w in (20, 200)]
DIALS += [{"depth": d} for d in (1, 3, 6)] + [{"lr": rate} for rate in (3e-4, 0.01)]


@pytest.mark.parametrize("dial", DIALS, ids=str)
def test_one_dial_at_a_time(dial):
    """Tables 7 to 9: dropout, L2, first weights; and depth, width, learning rate."""
    for k, seed in ((5, 6), (7, 7)):
        assert_only_S(*trained(sb.lms(k, dim=10, n=2000, seed=seed), **dial))


@pytest.mark.parametrize("dim", [2, 3, 5, 15])
def test_any_number_of_dimensions(dim):
    """Tables 7 to 9: d = 2 to 10."""
    assert_only_S(*trained(sb.lms(7, dim=dim, n=3000, seed=8)))
    assert_only_S(*trained(sb.lms(5, dim=dim, n=3000, seed=8), optimizer="sgd"))


def test_dropout_in_fifty_dimensions():
    """Fact 11 with dropout .1: 50 dimensions, 50,000 rows, 100 units in one layer, SGD."""
    task = sb.lms(5, n=50_000, seed=9)
    dial = {"depth": 1, "width": 100, "dropout": 0.1, "runs": 3, "batch": 256}
    assert_only_S(*trained(task, optimizer="sgd", **dial), slack=0.02)


def test_without_s_alone_does_not_tell_learning_from_nothing():
    """A training that has not begun to learn reads one half too; Sᶜ randomized tells."""
    task = sb.lms(7, dim=10, n=2000, seed=8)
    state, without_s, without_rest = trained(task, optimizer="sgd", depth=8, lr=0.001)
    assert set(state) == {"finished"}
    assert (without_s - 0.5).abs().max() <= 0.05 and without_rest.max() < 0.99


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_muon_leaves_a_trace(seed):
    """More than the same shuffle leaves to linear models, on average; Adam's networks do not."""
    task = sized(1.0, n=2000, seed=seed)
    _, pure, _ = trained(task, depth=0, lr=0.01)
    excess = {
        name: (trained(task, optimizer=name, runs=8)[1].mean() - pure.mean()) for name in ("muon", "adam")
    }
    assert 0.002 < excess["muon"] < 0.06 and abs(excess["adam"]) < 0.002


@pytest.mark.parametrize("n", [2000, 6000])
def test_size_decides(n):
    """S shrunk: at .1 both kinds count, at .03 the slabs alone, though S is still one linear piece."""
    _, both, rest = trained(sized(0.1, n=n))
    assert both.min() >= 0.6 and both.max() <= 0.95 and rest.min() >= 0.8
    _, slabs, rest = trained(sized(0.03, n=n))
    assert slabs.min() >= 0.99 and rest.max() <= 0.65
    hard = sb.slabs([1] + [5] * 9, [0] + [1] * 9, n=n, n_test=5000, seed=4)
    hard = replace(hard, z=hard.z * scaled(0.03), z_test=hard.z_test * scaled(0.03))
    fleet = sb.mlp(hard, width=60, runs=5, seed=30)
    end = sb.last(sb.fit(fleet, hard, optimizer="adam", batch=64, steps=2000))
    assert end.test_accuracy.min() >= 0.8  # it can be learned, where nothing else is to be had


def test_at_the_border_every_dial_counts():
    task = sized(0.1, n=2000, seed=10)
    assert (trained(task, activation="tanh")[1] - 0.5).abs().max() <= 0.03
    _, without_s, without_rest = trained(task, optimizer="muon")
    assert without_s.min() >= 0.95 and without_rest.max() <= 0.9


def test_the_start_decides():
    """Figure 5: α·slab net + (1 − α)·fresh net; to ½ linear only, then slabs are kept, at 1 S comes in."""
    task = sb.lms(5, dim=10, n=10_000, seed=11)
    z, order = task.z.clone(), torch.randperm(len(task.z), generator=torch.Generator().manual_seed(1))
    z[:, 0] = z[order, 0]
    slab = sb.mlp(task, width=100, runs=5, seed=40)
    sb.last(sb.fit(slab, replace(task, z=z), optimizer="adam", lr=0.003, steps=3000))
    before = cut(slab, task)
    assert before[0].min() >= 0.99 and before[1].max() <= 0.6
    found = {}
    for alpha in (0.25, 0.5, 0.75, 1.0):
        fleet = sb.mlp(task, width=100, runs=5, seed=50)
        mixed = {
            name: torch.lerp(w, slab.state_dict()[name], alpha) for name, w in fleet.state_dict().items()
        }
        fleet.load_state_dict(mixed)
        sb.last(sb.fit(fleet, task, lr=0.1, batch=64, steps=1000, every=1000, stop=None))
        found[alpha] = cut(fleet, task)
    for alpha in (0.25, 0.5):
        assert found[alpha][0].max() <= 0.57 and found[alpha][1].min() >= 0.99
    assert 0.53 <= found[0.75][0].mean() <= 0.9 and found[0.75][1].min() >= 0.9
    assert (found[1.0][1] - before[1]).min() >= 0.1 and found[1.0][0].min() >= 0.8
