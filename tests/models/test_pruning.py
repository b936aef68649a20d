"""Masks: which weights go, how many, and each run by itself; and the twin of a fleet as it was born."""

import copy
import itertools

import pytest
import torch
from cases import DOUBLE, FLEETS, assert_bitwise, slab_task
from torch import nn

import sbkit as sb
from sbkit.models import initial, prune


def fleet_of(runs=3, seed=5, **options) -> sb.Fleet:
    return sb.mlp(slab_task(), runs=runs, seed=seed, **{"width": (12, 7)} | options)


def slow(weights, amount, largest, blocks):
    """Masks of one run, piece by piece: blocks gives the pieces of a shape as lists of places."""
    pieces = [(i, places) for i, w in enumerate(weights) for places in blocks(tuple(w.shape))]
    score = [sum(abs(float(weights[i][place])) for place in places) for i, places in pieces]
    order = sorted(range(len(pieces)), key=lambda p: -score[p] if largest else score[p])
    masks = [torch.ones(w.shape, dtype=torch.bool) for w in weights]
    for p in order[: round(amount * len(pieces))]:
        for place in pieces[p][1]:
            masks[pieces[p][0]][place] = False
    return masks


def squares(block):
    def cut(shape):
        corners = itertools.product(*(range(0, size, block) for size in shape))
        near = lambda corner, size: range(corner, min(corner + block, size))  # noqa: E731
        return [[*itertools.product(near(a, shape[0]), near(b, shape[1]))] for a, b in corners]

    return cut


def lines(dim):
    def cut(shape):
        places = [*itertools.product(range(shape[0]), range(shape[1]))]
        return [[place for place in places if place[dim] == i] for i in range(shape[dim])]

    return cut


@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("largest", [False, True])
@pytest.mark.parametrize("amount", [0, 0.3, 0.95, 1])
@pytest.mark.parametrize(
    ("options", "cut"),
    [({}, squares(1)), ({"block": 3}, squares(3)), ({"dim": 0}, lines(0)), ({"dim": 1}, lines(1))],
)
def test_masks_are_those_of_the_slow_way(scope, largest, amount, options, cut):
    fleet = fleet_of(runs=2)
    masks = prune(fleet, amount, scope, largest=largest, **options)
    for r in range(2):
        weights = [weight[r].detach() for weight in fleet.weights()]
        groups = [weights] if scope == "global" else [[weight] for weight in weights]
        expected = [mask for group in groups for mask in slow(group, amount, largest, cut)]
        assert all(torch.equal(mask[r], wanted) for mask, wanted in zip(masks, expected, strict=True))


def test_counts_are_exact_and_nothing_is_changed():
    fleet = fleet_of(depth=2, width=100, runs=2)
    before = copy.deepcopy(fleet.state_dict())
    total = sum(weight[0].numel() for weight in fleet.weights())
    for by in ("magnitude", "random"):
        masks = prune(fleet, 0.97, by=by)
        gone = sum((~mask).sum((1, 2)) for mask in masks)
        assert gone.tolist() == [round(0.97 * total)] * 2 and masks[0].dtype == torch.bool
        layered = prune(fleet, 0.97, "layer", by)
        assert [int((~mask[0]).sum()) for mask in layered] == [round(0.97 * m[0].numel()) for m in masks]
    assert all(torch.equal(value, before[name]) for name, value in fleet.state_dict().items())


@pytest.mark.parametrize("by", ["magnitude", "random"])
def test_a_run_alone_loses_what_it_loses_in_a_fleet(by):
    alone = prune(fleet_of(runs=1, seed=7), 0.5, by=by)
    masks = prune(fleet_of(), 0.5, by=by)
    assert all(torch.equal(mask[2:], own) for mask, own in zip(masks, alone, strict=True))
    assert not torch.equal(masks[0][0], masks[0][1])


def test_scores_may_be_given_and_ties_go_in_order():
    fleet = fleet_of(runs=2)
    scores = [torch.arange(w.numel()).view(w.shape).remainder(5) for w in fleet.weights()]
    equal = [torch.zeros_like(w) for w in fleet.weights()]
    lowest = prune(fleet, 0.1, by=scores)
    assert all((score[~mask] == 0).all() for score, mask in zip(scores, lowest, strict=True))
    first, *others = prune(fleet, 10 / 134, by=equal)  # of 36 + 84 + 14 weights
    assert (~first.flatten(1)[:, :10]).all() and first.sum() == 2 * 26 and all(m.all() for m in others)
    signed = [w.detach() for w in fleet.weights()]  # scores as they are: the most negative weight goes
    assert not torch.equal(prune(fleet, 0.5, by=signed)[0], prune(fleet, 0.5)[0])
    linear = fleet_of(width=())
    assert torch.equal(prune(linear, 0.5, by=linear.weights()[0].abs())[0], prune(linear, 0.5)[0])


def test_a_lost_run_takes_no_other_with_it():
    fleet, whole = fleet_of(), fleet_of()
    fleet.weights()[0].data[1] = torch.nan
    for mask, other in zip(prune(fleet, 0.5), prune(whole, 0.5), strict=True):
        assert torch.equal(mask[[0, 2]], other[[0, 2]])


FLEET = fleet_of()


@pytest.mark.parametrize(
    ("fleet", "options", "says"),
    [
        (FLEET, {"amount": 90}, "amount is a number at least 0 and at most 1, got 90; try 1"),
        (FLEET, {"amount": True}, "amount is a number"),
        (FLEET, {"scope": "globl"}, "No scope named 'globl'.* 'global'"),
        (FLEET, {"by": "magnitud"}, "No score named 'magnitud'.* 'magnitude'"),
        (
            FLEET,
            {"by": torch.zeros(3, 12, 3)},
            r"like fleet.weights\(\): \(3, 12, 3\), \(3, 7, 12\).*got \(3, 12",
        ),
        (FLEET, {"by": [w[:2] for w in FLEET.weights()]}, "got .*; try by='magnitude'"),
        (FLEET, {"by": None}, "got None"),
        (FLEET, {"by": [w.detach().numpy() for w in FLEET.weights()]}, "one real tensor a layer"),
        (FLEET, {"by": ["first", *FLEET.weights()]}, "got a str and"),
        (FLEET, {"by": [w.detach() * 1j for w in FLEET.weights()]}, "got .*, torch.complex128"),
        (FLEET, {"dim": torch.tensor([0, 1])}, r"columns \(dim=1\), got dim=tensor"),
        (FLEET, {"block": 0}, "block is a whole number of at least 1"),
        (FLEET, {"dim": 2}, "dim=2 with block=1; try dim=0"),
        (FLEET, {"dim": 0, "block": 4}, "dim=0 with block=4; try dim=None"),
        (sb.models.fleet_of(lambda: nn.LayerNorm(3), 1), {}, "a fleet that has none; try sb.mlp"),
        (nn.Linear(3, 2), {}, "A fleet is many nets in one"),
    ],
)
def test_prune_refuses(fleet, options, says):
    with pytest.raises(sb.SbkitError, match=says):
        prune(fleet, **{"amount": 0.5} | options)


@pytest.mark.parametrize("name", FLEETS)
def test_the_twin_is_the_fleet_before_training(name):
    task = slab_task()
    fleet, other = (FLEETS[name](task, runs=2, seed=3) for _ in range(2))
    sb.last(sb.fit(fleet, task, batch=32, steps=5))
    assert not torch.equal(fleet(task.x), other(task.x))
    trained = copy.deepcopy(fleet.state_dict())
    for each in (fleet, copy.deepcopy(fleet), fleet.to(torch.float32).to(DOUBLE)):
        assert_bitwise(initial(each), other)
        assert torch.equal(initial(each)(task.x), other(task.x))
    part = initial(fleet.only(1))
    assert all(torch.equal(p, q[1:]) for p, q in zip(part.parameters(), other.parameters(), strict=True))
    for p in initial(fleet).parameters():
        p.data.zero_()
    assert_bitwise(initial(fleet), other)
    assert all(value.shape == fleet.state_dict()[name].shape for name, value in trained.items())


def test_the_twin_has_its_statistics_back():
    task = slab_task()
    fleet = sb.models.fleet_of(lambda: nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)).double(), runs=2)
    sb.last(sb.fit(fleet, task, batch=32, steps=5))
    twin = initial(fleet)
    assert fleet.net[0].running_mean.any() and not twin.net[0].running_mean.any()
    sb.last(sb.fit(twin, task, batch=32, steps=5))
    assert_bitwise(twin, fleet)


def test_initial_refuses_another_net():
    fleet = fleet_of()
    fleet.net[0] = nn.Linear(3, 4)
    with pytest.raises(sb.SbkitError, match=r"got 'net.0.weight' changed since; try copy.deepcopy\(fleet\)"):
        initial(fleet)
    with pytest.raises(sb.SbkitError, match="A fleet is many nets in one"):
        initial(nn.Linear(3, 2))


def test_of_convolutions_go_filters_or_kernels(monkeypatch):
    fleet, kernels = fleet_of(runs=2), torch.randn(2, 4, 3, 2, 2)  # (runs, out, in, …)
    monkeypatch.setattr(fleet, "weights", lambda: [kernels])
    (filters,), (blocks,) = prune(fleet, 0.5, dim=0), prune(fleet, 0.5, block=2)
    sizes = kernels.abs().sum((2, 3, 4))  # (runs, out)
    kept = sizes > sizes.median(1, keepdim=True).values
    assert torch.equal(filters, kept[:, :, None, None, None].expand_as(kernels))
    assert torch.equal(blocks, blocks[:, ::2].repeat_interleave(2, 1)) and blocks.shape == kernels.shape
    assert torch.equal(blocks.all(-1).all(-1), blocks.any(-1).any(-1))
    assert torch.equal(blocks[:, :, 0], blocks[:, :, 1])
