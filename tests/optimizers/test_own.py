"""Optimizers of one's own: over parameters, groups, a part or views of them, in slices of any size."""

import functools
from collections.abc import Callable

import pytest
import torch
from cases import FLEETS, assert_bitwise, assert_same_run, slab_task, weights
from torch import nn, optim
from torch.nn import functional as F

import sbkit as sb
from sbkit.core import registries
from sbkit.core.registries import AboutOptimizer
from sbkit.training.batches import Batches

Make = Callable[..., optim.Optimizer]
STEPS, BATCH = 60, 32


class Forgetful(optim.SGD):
    """Throws the gradients away around every step, as the loops of tutorials do."""

    def step(self, closure):
        self.zero_grad(set_to_none=True)
        loss = closure()
        super().step()
        self.zero_grad(set_to_none=True)
        return loss


class Elsewhere(optim.Optimizer):
    """Puts the new weights in new memory."""

    def step(self, closure):
        loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                p.data = p.data - group["lr"] * p.grad
        return loss


class Lookahead(optim.SGD):
    """Every fifth step goes back half the way (Zhang et al. 2019), with weights taken from other memory."""

    def step(self, closure):
        state = self.state["all"]
        if not state:
            state.update(slow=[p.data.clone() for p in self.param_groups[0]["params"]], count=0)
        loss = super().step(closure)
        state["count"] += 1
        if state["count"] % 5 == 0:
            for p, slow in zip(self.param_groups[0]["params"], state["slow"], strict=True):
                p.data = slow.lerp_(p.data, 0.5).clone()
        return loss


class Heedless(optim.Optimizer):
    """Reads the gradients that are there and asks for none, as in a loop that calls `backward()` first."""

    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p.data.sub_(p.grad, alpha=group["lr"])


class Bare(Heedless):
    """Takes no closure at all."""

    def step(self):
        super().step()


class Climber(optim.SGD):
    """Climbs by the gradients that are there, then asks for those at the top, as SAM is often written."""

    def step(self, closure):
        moves = [(p, 0.05 * p.grad) for p in self.param_groups[0]["params"]]
        for p, climb in moves:
            p.data.add_(climb)
        with torch.enable_grad():
            closure()
        for p, climb in moves:
            p.data.sub_(climb)
        super().step()


def in_groups(fleet: sb.Fleet, lr: float, weight_decay: float) -> optim.Optimizer:
    """Matrices and biases apart, at different rates."""
    matrices, biases = ([p for p in fleet.parameters() if (p.ndim > 2) == wide] for wide in (True, False))
    return optim.SGD([{"params": matrices}, {"params": biases, "lr": lr / 10}], lr=lr, momentum=0.9)


def flat(kind: Make, **options) -> Make:
    return lambda fleet, lr, weight_decay: kind([fleet.flat()], lr=lr, **options)


def each(kind: Make, **options) -> Make:
    return lambda fleet, lr, weight_decay: kind(
        fleet.parameters(), lr=lr, weight_decay=weight_decay, **options
    )


def view(fleet: sb.Fleet, lr: float, weight_decay: float) -> optim.Optimizer:
    """All weights as a matrix with a row a run, a parameter that the fleet never saw."""
    return optim.Adam([nn.Parameter(fleet.flat().data.view(fleet.runs, -1))], lr=lr)


def twice(fleet: sb.Fleet, lr: float, weight_decay: float) -> optim.Optimizer:
    optim.Adam([fleet.flat()], lr=lr)
    optim.SGD(fleet.parameters(), lr=lr)
    return optim.Adam(fleet.parameters(), lr=lr)


OWN: dict[str, Make] = {
    "README's adamax": flat(optim.Adamax),
    "adamax": each(optim.Adamax),
    "adam": each(optim.Adam),
    "fused adam": flat(optim.Adam, fused=True),
    "adam by foreach": each(optim.Adam, foreach=True),
    "momentum": each(optim.SGD, momentum=0.9, nesterov=True),
    "nadam": each(optim.NAdam),
    "radam": each(optim.RAdam),
    "adagrad": each(optim.Adagrad),
    "adadelta": each(optim.Adadelta),
    "asgd": each(optim.ASGD),
    "rmsprop": each(optim.RMSprop, momentum=0.5, centered=True),
    "rprop": lambda fleet, lr, weight_decay: optim.Rprop(
        fleet.parameters(), lr=1e-3, step_sizes=(1e-6, 0.01)
    ),
    "groups": in_groups,
    "last layer": lambda fleet, lr, weight_decay: optim.Adam(list(fleet.parameters())[-2:], lr=lr),
    "view": view,
    "twice": twice,
    "forgetful": each(Forgetful, momentum=0.9),
    "forgetful, flat": flat(Forgetful, momentum=0.9),
    "elsewhere": lambda fleet, lr, weight_decay: Elsewhere(fleet.parameters(), {"lr": lr}),
    "elsewhere, flat": lambda fleet, lr, weight_decay: Elsewhere([fleet.flat()], {"lr": lr}),
    "heedless": lambda fleet, lr, weight_decay: Heedless(fleet.parameters(), {"lr": lr}),
    "heedless, flat": lambda fleet, lr, weight_decay: Heedless([fleet.flat()], {"lr": lr}),
    "bare": lambda fleet, lr, weight_decay: Bare(fleet.parameters(), {"lr": lr}),
    "climber": each(Climber),
    "lookahead": lambda fleet, lr, weight_decay: Lookahead(fleet.parameters(), lr=lr),
}


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """Each in the registry while a test runs."""
    for name, make in OWN.items():

        def made(fleet, lr=0.01, weight_decay=0.0, make=make):
            return make(fleet, lr, weight_decay)

        about = AboutOptimizer()
        monkeypatch.setitem(registries.optimizer._functions, name, made)
        monkeypatch.setitem(registries.optimizer.about, name, about)


def in_slices(optimizer: str, steps: int, build="relu", **options) -> sb.Fleet:
    task = slab_task()
    fleet = FLEETS[build](task, runs=2)
    options = {"batch": BATCH, "steps": STEPS, "stop": None} | options
    run = sb.fit(fleet, task, optimizer=optimizer, **options)
    while not run.finished:
        run.train(steps=steps)
    return fleet


def by_autograd(make: Make, build: str) -> sb.Fleet:
    """The same by the loop of any tutorial, all runs at once."""
    task = slab_task()
    fleet = FLEETS[build](task, runs=2)
    made, batches = make(fleet, 0.01, 0.0), Batches(task.x, task.y, BATCH, 0, [0, 1])

    def gradients(step: int) -> torch.Tensor:
        x, y = batches(step)
        loss = sum(F.cross_entropy(*run) for run in zip(fleet(x), y, strict=True))
        for p, grad in zip(fleet.parameters(), torch.autograd.grad(loss, fleet.parameters()), strict=True):
            p.grad = grad if p.grad is None else p.grad.copy_(grad)
        return loss

    for step in range(STEPS):
        gradients(step)
        made.step() if isinstance(made, Bare) else made.step(functools.partial(gradients, step))
    return fleet


@pytest.mark.parametrize("build", ["relu", "gelu"])
@pytest.mark.parametrize("name", OWN)
def test_trains_as_the_plain_loop_does(name, build):
    """Where it throws gradients away or moves the weights, against SGD, which does the same in place."""
    same = {
        "forgetful": each(optim.SGD, momentum=0.9),
        "elsewhere": each(optim.SGD),
        "heedless": each(optim.SGD),
        "bare": each(optim.SGD),
        "view": each(optim.Adam),
    }
    plain = by_autograd(same.get(name.partition(",")[0], OWN[name]), build)
    fleet = in_slices(name, STEPS, build)
    for r in range(2):
        assert_same_run(fleet, r, plain, r, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("steps", [1, 7, 50])
@pytest.mark.parametrize("name", [*OWN, *registries.optimizer])
def test_trains_the_same_in_slices(name, steps):
    fleet, whole = in_slices(name, steps), in_slices(name, STEPS)
    before = FLEETS["relu"](slab_task(), runs=2)
    assert any(not torch.equal(a, b) for a, b in zip(weights(fleet), weights(before), strict=True))
    assert_bitwise(fleet, whole)


@pytest.mark.parametrize("name", OWN)
def test_goes_on_in_a_second_fit(name):
    """Of the same fleet, by the same kind of optimizer: the weights it holds are the fleet's."""
    task, options = slab_task(), {"batch": BATCH, "steps": 5, "stop": None}
    fleet = FLEETS["relu"](task, runs=2)
    for _ in range(2):
        before = weights(fleet)[-1]
        sb.last(sb.fit(fleet, task, optimizer=name, **options))
        assert (weights(fleet)[-1] != before).flatten(1).any(1).all()


def test_a_setting_reaches_all_groups():
    task = slab_task()
    run = sb.fit(FLEETS["relu"](task, runs=2), task, optimizer="groups", batch=BATCH, lr=0.5)
    groups = run.plan.optimizer.param_groups
    assert [group["lr"] for group in groups] == [0.5, 0.05] and run.settings["lr"] == 0.5
    run.settings["lr"] = 0.1
    assert [group["lr"] for group in groups] == [0.1, 0.1] and run.settings["lr"] == 0.1
    run.settings["weight_decay"] = 0.2
    assert [group["weight_decay"] for group in groups] == [0.2, 0.2]


def test_weights_that_do_not_train_stay():
    """With a gradient left from an earlier run, and weight decay, which needs none."""
    task, options = slab_task(), {"batch": BATCH, "steps": 5, "stop": None}
    fleet = FLEETS["relu"](task, runs=2)
    sb.last(sb.fit(fleet, task, optimizer="adam", **options))
    frozen = next(fleet.parameters()).requires_grad_(False)
    before = frozen.clone()
    for name in ("momentum", "adamax", "forgetful"):
        sb.last(sb.fit(fleet, task, optimizer=name, weight_decay=0.1, **options))
        assert torch.equal(frozen, before) and frozen.grad is None


REFUSED = {
    "in pieces": lambda fleet: optim.Adam(fleet.parameters(), fused=True),
    "a copy": lambda fleet: optim.SGD([fleet.flat().detach().clone()], lr=0.1),
    "another fleet": lambda fleet: optim.SGD(FLEETS["relu"](slab_task(), runs=2).parameters(), lr=0.1),
    "one run": lambda fleet: optim.SGD(fleet.run(0).parameters(), lr=0.1),
    "frozen weights": lambda fleet: optim.SGD([next(fleet.parameters()).requires_grad_(False)], lr=0.1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_an_optimizer_of_other_weights(name, monkeypatch):
    task = slab_task()
    monkeypatch.setitem(OWN, name, None)
    monkeypatch.setitem(
        registries.optimizer._functions, name, lambda fleet, lr=0.1, weight_decay=0.0: REFUSED[name](fleet)
    )
    monkeypatch.setitem(registries.optimizer.about, name, AboutOptimizer())
    with pytest.raises(sb.SbkitError, match=r"optimizer moves .*try torch.optim.*fleet\.(parameters|flat)"):
        sb.fit(FLEETS["relu"](task, runs=2), task, optimizer=name, batch=BATCH)


def test_refuses_what_is_no_optimizer(monkeypatch):
    monkeypatch.setitem(registries.optimizer._functions, "own", lambda fleet, lr=0.1, weight_decay=0.0: None)
    with pytest.raises(sb.SbkitError, match=r"own gave a NoneType; try return torch.optim.SGD\("):
        sb.fit(FLEETS["relu"](slab_task(), runs=2), slab_task(), optimizer="own", batch=BATCH)


class Eta(optim.Optimizer):
    """Calls its rate by another name."""

    @torch.no_grad()
    def step(self, closure):
        closure()
        for p in self.param_groups[0]["params"]:
            p.sub_(self.param_groups[0]["eta"] * p.grad)


def test_a_schedule_needs_a_rate_to_multiply(monkeypatch):
    task, make = slab_task(), lambda fleet, lr, weight_decay: Eta(fleet.parameters(), {"eta": lr})
    own = lambda fleet, lr=0.1, weight_decay=0.0: make(fleet, lr, weight_decay)  # noqa: E731
    monkeypatch.setitem(registries.optimizer._functions, "eta", own)
    monkeypatch.setitem(registries.optimizer.about, "eta", AboutOptimizer())
    fleet, options = FLEETS["relu"](task, runs=2), {"optimizer": "eta", "batch": BATCH, "steps": 2}
    with pytest.raises(sb.SbkitError, match="A schedule multiplies lr .*got 'eta' without; keep its rate"):
        sb.fit(fleet, task, schedule=lambda step: 0.5, **options)
    assert sb.last(sb.fit(fleet, task, **options)).step == 2


def test_torchs_own_lbfgs_trains_one_run(monkeypatch):
    task = slab_task()
    make = lambda fleet, lr=0.5, weight_decay=0.0: optim.LBFGS(fleet.parameters(), lr=lr)  # noqa: E731
    monkeypatch.setitem(registries.optimizer._functions, "own", make)
    monkeypatch.setitem(registries.optimizer.about, "own", AboutOptimizer(full_batch=True, needs_loss=True))
    fleets = [FLEETS["relu"](task, runs=1) for _ in range(2)]
    runs = [sb.fit(fleet, task, optimizer="own", steps=6, stop=None) for fleet in fleets]
    first = runs[0].snapshot().loss
    runs[0].train(steps=6)
    for _ in range(6):
        runs[1].train(steps=1)
    assert_bitwise(*fleets)
    assert runs[0].snapshot().loss < first / 2
