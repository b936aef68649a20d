"""Dropout: what is dropped, when, and that every run draws its own."""

import pytest
import torch
from cases import DOUBLE, assert_bitwise, assert_same_run, slab_task
from nets import Sequence
from torch import nn
from torch.testing import assert_close

import sbkit as sb
from sbkit.models import ACTIVATIONS


def fleet_of(task, dropout=0.25, **options) -> sb.Fleet:
    return sb.mlp(
        task, **{"depth": 2, "width": 50, "runs": 3, "activation": "tanh", "dropout": dropout} | options
    )


def masks(fleet, x, moment) -> list[torch.Tensor]:
    """What multiplies each hidden layer at a moment, told from a net by hand. (runs, n, width) each"""
    found, h = [], x.expand(fleet.runs, *x.shape)
    with torch.no_grad(), fleet.at(*moment):
        for i, layer in enumerate(fleet.linears[:-1]):
            whole = fleet.net[1](h @ layer.weight.mT + layer.bias.unsqueeze(1))  # (runs, n, width)
            h = fleet.features(x, i)
            found.append(h / whole)
    return found


def test_a_share_is_dropped_and_the_rest_grows():
    task = slab_task()
    for mask in masks(fleet_of(task), task.x, (0, 7)):
        dropped = mask == 0
        assert_close(mask[~dropped], torch.full_like(mask[~dropped], 1 / 0.75))
        assert abs(dropped.double().mean() - 0.25) < 0.01  # of 45,000
        assert (mask.mean((0, 1)) - 1).abs().max() < 0.1  # every unit keeps its size on average


def test_masks_follow_from_fit_step_run_and_layer():
    task = slab_task()
    first, again = (masks(fleet_of(task), task.x, (0, 7)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    others = [masks(fleet_of(task), task.x, moment)[0] for moment in ((0, 8), (1, 7))]
    for other in (*others, first[1], first[0].roll(1, 0), first[0].roll(1, 1)):  # layer, run, row
        assert ((first[0] == 0) == (other == 0)).double().mean() < 0.7  # 0.625 if independent
    alone = masks(fleet_of(task, runs=1, seed=2), task.x, (0, 7))
    assert all(torch.equal(a[2] == 0, b[0] == 0) for a, b in zip(first, alone, strict=True))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_are_those_of_the_masked_nets_by_hand(activation):
    task = slab_task()
    fleet = fleet_of(task, width=6, activation=activation)
    run = sb.fit(fleet, task, optimizer="gd", seed=4, lr=1.0, steps=1, stop=None)
    first, second = masks(fleet, task.x, (4, 0))
    before = [p.detach().clone().requires_grad_() for p in fleet.parameters()]
    act = ACTIVATIONS[activation]()
    h = act(task.x @ before[0].mT + before[1].unsqueeze(1)) * first.nan_to_num()
    h = act(h @ before[2].mT + before[3].unsqueeze(1)) * second.nan_to_num()
    logits = h @ before[4].mT + before[5].unsqueeze(1)  # (runs, n, 2)
    loss = torch.nn.functional.cross_entropy(logits.mT, task.y.expand(3, -1), reduction="none")
    expected = torch.autograd.grad(loss.mean(1).sum(), before)
    sb.last(run)
    for old, new, gradient in zip(before, fleet.parameters(), expected, strict=True):
        assert_close(old.detach() - new.detach(), gradient)


def test_nothing_drops_where_nothing_is_trained():
    """Calls, predictions, features and measures, also while a gradient is taken."""
    task = slab_task()
    fleet, whole = fleet_of(task), fleet_of(task, dropout=0)
    assert_bitwise(fleet, whole)
    assert torch.equal(fleet(task.x), whole(task.x))
    assert torch.equal(fleet.features(task.x, 1), whole.features(task.x, 1))
    assert not fleet.run(0).training
    with fleet.at(0, 0):
        assert not torch.equal(fleet(task.x), whole(task.x))
        assert torch.equal(fleet.predict(task.x), whole.predict(task.x)) and fleet.training
    assert not fleet.training and torch.equal(fleet(task.x), whole(task.x))


def test_it_ends_when_a_gradient_fails():
    task = slab_task()
    fleet = fleet_of(task)

    def stopped(fleet, x, y, logits):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sb.fit(fleet, task, batch=32, penalty=stopped).advance(steps=1)
    assert not fleet.training


@pytest.mark.parametrize("optimizer", ["sgd", "sam", "lbfgs"])
def test_all_gradients_of_a_step_see_one_mask(optimizer, monkeypatch):
    task = slab_task()
    fleet, seen = fleet_of(task), []
    draw = type(fleet)._mask
    monkeypatch.setattr(type(fleet), "_mask", lambda self, h, i: seen.append(self.moment) or draw(self, h, i))
    sb.last(sb.fit(fleet, task, optimizer=optimizer, batch=32, steps=3, stop=None, seed=5))
    assert set(seen) == {(5, 0), (5, 1), (5, 2)}
    assert len(seen) == {"sgd": 6, "sam": 12}.get(optimizer, len(seen))


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "sam", "muon"])
def test_cuts_and_other_runs_do_not_matter(optimizer):
    task, options = slab_task(), {"optimizer": optimizer, "batch": 32, "steps": 30, "stop": None}
    fleets = [fleet_of(task, seed=1) for _ in range(2)]
    whole, cut = (sb.fit(fleet, task, **options) for fleet in fleets)
    other = sb.fit(fleet_of(task, runs=1, seed=9), task, **options)
    sb.last(whole)
    while not cut.finished:
        cut.advance(steps=7, glance=True)
        other.advance(steps=4)
    assert_bitwise(*fleets)
    alone = fleet_of(task, runs=1, seed=3)
    sb.last(sb.fit(alone, task, **options))
    assert_same_run(fleets[0], 2, alone)


def test_it_changes_what_is_learned_and_none_is_none():
    task, options = slab_task(), {"batch": 32, "steps": 20, "stop": None}
    none, some, linear, plain = (
        fleet_of(task, dropout=p, depth=depth) for p, depth in ((0.0, 2), (0.5, 2), (0.5, 0), (0.0, 0))
    )
    for fleet in (none, some, linear, plain):
        sb.last(sb.fit(fleet, task, **options))
    assert_same_run(linear, 0, plain)  # no hidden unit, nothing to drop
    assert not torch.allclose(none.weights()[0], some.weights()[0])
    assert none.weights()[0].dtype == DOUBLE


def modules(task, dropout, build=nn.Dropout, **options) -> sb.Fleet:
    """The nets of `fleet_of`, made as modules."""
    factory = lambda: nn.Sequential(  # noqa: E731
        *(nn.Linear(3, 50), nn.Tanh(), build(dropout), nn.Linear(50, 50), nn.Tanh(), build(dropout)),
        nn.Linear(50, 2),
    ).double()
    return sb.models.fleet_of(factory, **{"runs": 3} | options)


class Function(nn.Module):
    """Dropout as a function, which writes over what it gets."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, h):
        h = h.clone()
        nn.functional.dropout(h, self.p, self.training, inplace=True)
        return h


@pytest.mark.parametrize("build", [nn.Dropout, Function])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "sam"])
def test_modules_drop_as_plain_nets_do(build, optimizer):
    """The same units of the same runs at the same steps, and none where nothing is trained."""
    task, options = slab_task(), {"batch": 32, "steps": 20, "stop": None, "optimizer": optimizer}
    plain, fleet, none = fleet_of(task), modules(task, 0.25, build), modules(task, 0.0, build)
    alone = modules(task, 0.25, build, runs=1, seed=2)
    for each in (plain, fleet, none, alone):
        assert torch.equal(each(task.x), each.predict(task.x))
        sb.last(sb.fit(each, task, **options))
        assert torch.equal(each(task.x), each.predict(task.x))
    assert_close(fleet(task.x), plain(task.x))
    assert_same_run(fleet, 2, alone)
    assert not torch.allclose(fleet(task.x), none(task.x))
    assert type(fleet.run(0)[2]) is build


def test_between_recurrent_layers_too():
    task, options = slab_task(), {"batch": 32, "steps": 10, "stop": None}
    build = lambda p: lambda: Sequence(nn.LSTM, layers=2, dropout=p).double()  # noqa: E731
    fleet, none = sb.models.fleet_of(build(0.5), 3), sb.models.fleet_of(build(0.0), 3)
    alone = sb.models.fleet_of(build(0.5), 1, seed=2)
    for each in (fleet, none, alone):
        sb.last(sb.fit(each, task, **options))
    assert_same_run(fleet, 2, alone)
    assert not torch.allclose(fleet(task.x), none(task.x)) and fleet.net.layer.dropout == 0.5


def test_all_may_drop():
    fleet, task = modules(slab_task(), 1.0), slab_task()
    with fleet.at(0, 0):
        logits = fleet(task.x)
    assert_close(logits, fleet.net[6].bias.unsqueeze(1).expand_as(logits))


@pytest.mark.parametrize("dropout", [-0.1, 1, 1.0, "half", None])
def test_refuses_other_shares(dropout):
    with pytest.raises(sb.SbkitError, match="dropout is a number at least 0 and at most 0.99, got"):
        sb.mlp(slab_task(), dropout=dropout)
