"""Masked training is that of nets which multiply their weights by masks in forward, for every optimizer."""

import pytest
import torch
from cases import DOUBLE, FLEETS, assert_same_run, slab_task, three_classes, weights
from torch import Tensor, nn
from torch.testing import assert_close

import sbkit as sb

SEEDS = 3
STEPS = 30


class Masked(nn.Linear):
    """A layer of w·m."""

    def __init__(self, *shape: int):
        super().__init__(*shape)
        self.register_buffer("mask", torch.ones_like(self.weight))

    def forward(self, h: Tensor) -> Tensor:
        return nn.functional.linear(h, self.weight * self.mask, self.bias)


def obvious(fast: sb.Fleet, masks: list[Tensor], born_masked: bool = True) -> sb.Fleet:
    """The same nets, multiplied in forward."""
    a, b, c = 3, 8, 2

    def build() -> nn.Module:
        layers = Masked(a, b), nn.ReLU(), Masked(b, b), nn.ReLU(), Masked(b, c)
        return nn.Sequential(*layers).double()

    slow = sb.models.fleet_of(build, runs=fast.runs, seed=fast.seed)
    for mine, theirs in zip(slow.parameters(), fast.parameters(), strict=True):
        mine.data.copy_(theirs.data)
    set_masks(slow, masks)
    if born_masked:
        for weight, mask in zip(slow.weights(), masks, strict=True):
            weight.data.mul_(mask)
    return slow


def set_masks(slow: sb.Fleet, masks: list[Tensor]) -> None:
    layers = [layer for layer in slow.net.modules() if isinstance(layer, Masked)]
    for layer, mask in zip(layers, masks, strict=True):
        layer.mask.copy_(mask)


def draw(fleet: sb.Fleet, share: float = 0.6, seed: int = 0) -> list[Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return [torch.rand(weight.shape, generator=rng) < share for weight in fleet.weights()]


def train(fleet: sb.Fleet, task: sb.Task, **options) -> "sb.training.Run":
    given = {"batch": 32, "steps": STEPS, "stop": None} | options
    run = sb.fit(fleet, task, **given)
    sb.last(run)
    return run


def assert_same_product(fast: sb.Fleet, slow: sb.Fleet, masks: list[Tensor]) -> None:
    for mine, theirs, mask in zip(fast.weights(), slow.weights(), masks, strict=True):
        assert (mine[~mask] == 0).all() and (mine[mask] != 0).all()
        assert_close(mine, theirs * mask, atol=1e-9, rtol=1e-7)
    biases = [[p for name, p in f.named_parameters() if "bias" in name] for f in (fast, slow)]
    assert_close(*biases, atol=1e-9, rtol=1e-7)


RECIPES = [(name, {}) for name in sb.optimizer]
RECIPES += [("sam", {"base": base, "rho": 0.2}) for base in ("adam", "momentum", "muon", "gd")]
RECIPES += [
    ("sgd", {"lr": [0.05, 0.1, 0.2]}),
    ("lbfgs", {"lr": [1.0, 0.5, 0.7]}),
    ("sam", {"rho": [0.1, 0.2, 0.4]}),
]


@pytest.mark.parametrize("decay", [0.0, 0.01])
@pytest.mark.parametrize(("optimizer", "options"), RECIPES)
def test_every_optimizer_equals_the_product_in_forward(optimizer, options, decay):
    task = slab_task()
    fast = FLEETS["relu"](task, runs=SEEDS, seed=4)
    masks = draw(fast)
    slow = obvious(fast, masks, born_masked=bool(decay))
    options = options | {"optimizer": optimizer, "weight_decay": decay}
    options |= {"steps": 8} if optimizer == "lbfgs" else {}
    run = train(fast, task, mask=masks, **options)
    train(slow, task, **options)
    assert run._gradients.by_hand
    assert_same_product(fast, slow, masks)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "sam", "muon", "lbfgs"])
def test_masks_may_grow_while_it_trains(optimizer):
    """What an optimizer has gathered for a weight stays with it in both."""
    task, steps = slab_task(), 12
    fast = FLEETS["relu"](task, runs=SEEDS, seed=4)
    first = draw(fast, 0.9)
    both = [a & b for a, b in zip(first, draw(fast, 0.7, seed=1), strict=True)]

    def gradual(step: int) -> list[Tensor]:
        return first if step < steps // 2 else both

    slow = obvious(fast, first)
    train(fast, task, optimizer=optimizer, mask=gradual, steps=steps)
    after = lambda fleet, step: set_masks(fleet, gradual(step))  # noqa: E731
    train(slow, task, optimizer=optimizer, after_step=after, steps=steps)
    assert_same_product(fast, slow, both)


@pytest.mark.parametrize("build", ["gelu", "layer norm", "dropout"])
def test_autograd_masks_too(build):
    task = slab_task()
    fleet = FLEETS[build](task, runs=2)
    masks, steps = draw(fleet), []

    def look(fleet, step):
        steps.append(step)
        for weight, mask in zip(fleet.weights(), masks, strict=True):
            assert (weight[~mask] == 0).all() and (weight.grad[~mask] == 0).all() and weight.grad[mask].any()

    train(fleet, task, optimizer="muon", mask=masks, after_step=look)
    assert len(steps) == STEPS


def test_a_masked_run_is_the_run_alone():
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=3, seed=5)
    masks = draw(fleet)
    train(fleet, task, optimizer="sam", mask=masks)
    for r in range(3):
        alone = FLEETS["relu"](task, runs=1, seed=5 + r)
        train(alone, task, optimizer="sam", mask=[mask[r : r + 1] for mask in masks])
        assert_same_run(fleet, r, alone)


def test_the_first_snapshot_is_of_masked_nets_and_a_hook_cannot_undo_it():
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=2)
    masks = draw(fleet)

    def spoil(fleet, step):
        for weight in fleet.weights():
            weight.data.add_(1)

    run = sb.fit(fleet, task, mask=masks, batch=32, after_step=spoil, stop=None)
    assert all((weight[~mask] == 0).all() for weight, mask in zip(fleet.weights(), masks, strict=True))
    run.advance(steps=3)
    assert all((weight[~mask] == 0).all() for weight, mask in zip(fleet.weights(), masks, strict=True))


def test_a_run_that_has_ended_keeps_its_weights_whatever_the_masks_do():
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=2)
    whole, none = draw(fleet, 1.1), draw(fleet, -1.0)
    options = {"lr": [1e-9, 0.1], "stop": 0.6, "steps": 150, "batch": 32}  # run 0 does not reach it
    run = sb.fit(fleet, task, mask=lambda step: whole if step < 100 else none, **options)
    run.train(steps=100)
    assert run.states == ["training", "converged"]
    sb.last(run)
    assert all(weight[1].any() and not weight[0].any() for weight in fleet.weights())


WRONG = [
    (lambda fleet, masks: masks[:-1], "bool tensor for each of fleet.weights.*try sb.models.prune"),
    (lambda fleet, masks: [mask[:1] for mask in masks], r"here \[\(2, 8, 3\).*got \(1, 8, 3\), torch.bool"),
    (lambda fleet, masks: [mask.double() for mask in masks], "bool tensor.*got .*torch.float64"),
    (lambda fleet, masks: masks[0], r"bool tensor for each.*got \(2, 8, 3\)"),
    (lambda fleet, masks: 0.5, "bool tensor for each.*got a float"),
    (lambda fleet, masks: [m.numpy() for m in masks], "bool tensor for each"),
    (lambda fleet, masks: lambda step: masks[1:], "bool tensor for each"),
    (lambda fleet, masks: [m.tolist() for m in masks], "here .*got a list and a list and a list; try"),
    (lambda fleet, masks: lambda: masks, r"a function of \(step\), got one of \(\); try mask=lambda step: m"),
    (lambda fleet, masks: draw(sb.mlp(three_classes(), width=8, runs=2)), "got .*try .*for weight in fleet"),
]


@pytest.mark.parametrize(("mask", "says"), WRONG, ids=[says for _, says in WRONG])
def test_refuses(mask, says):
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=2)
    before = weights(fleet)
    with pytest.raises(sb.SbkitError, match=says):
        sb.fit(fleet, task, mask=mask(fleet, draw(fleet)), batch=32)
    assert all(map(torch.equal, before, fleet.parameters()))


def test_a_mask_that_goes_wrong_while_it_trains_loses_nothing():
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=2)
    masks = draw(fleet)
    run = sb.fit(fleet, task, mask=lambda step: masks if step < 20 else masks[1:], batch=32, stop=None)
    with pytest.raises(sb.SbkitError, match="bool tensor for each"):
        run.train(steps=50)
    same = FLEETS["relu"](task, runs=2)
    train(same, task, mask=masks, steps=20)
    assert run.step == 20 and run.snapshot().loss.isfinite().all()
    assert all(map(torch.equal, fleet.parameters(), same.parameters()))


def test_weights_that_are_computed_are_not_masked():
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=2)
    torch.nn.utils.parametrize.register_parametrization(fleet.net[0], "weight", nn.Tanh())
    with pytest.raises(sb.SbkitError, match="its layer computes; build .*collapse"):
        sb.fit(fleet, task, mask=draw(fleet), batch=32)


def test_what_is_frozen_is_masked_once():
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=2)
    fleet.weights()[0].requires_grad_(False)
    masks = draw(fleet)
    train(fleet, task, mask=masks)
    assert (fleet.weights()[0][~masks[0]] == 0).all() and fleet.weights()[0].dtype == DOUBLE
