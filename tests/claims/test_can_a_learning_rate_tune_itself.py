"""The science of the lesson "Can a learning rate tune itself?", at other seeds than its own.

Row 18 of the course's sheet: in the spirit of Mukherjee et al. 2019, whose exact rule wasn't found. Not
asserted: which ReLU nets are lost. Of 10 draws of the data and starts of 10 and more some lost none, and some
all units of a net.
"""

import math
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

import sbkit as sb
from sbkit.lessons.sharpness.can_a_learning_rate_tune_itself import (
    EPOCH,
    STARTS,
    awake,
    losses,
    tuned,
)

DOUBLE = torch.float64


STAY = {"grow": 1, "shrink": 1, "undo": False}


def lesson(depth: int = 1, activation: str = "tanh", seed: int = 7000, **options: Any) -> Any:
    """The lesson's run at other seeds."""
    task = sb.data.digits(1000, seed=seed)
    runs = len(options.get("lr", STARTS))
    fleet = sb.mlp(task, width=64, depth=depth, activation=activation, runs=runs, seed=seed)
    return tuned(fleet, task, **options)


def slow(net: sb.Fleet, task: sb.Task, rate: float, epochs: int) -> tuple[list[float], torch.Tensor]:
    """The rule in plain Python for a net alone on full batches: its rates by epoch, and its weights."""

    def loss_at(w: torch.Tensor) -> torch.Tensor:
        return cross_entropy(net.logits_at(w[None], task.x)[0], task.y)

    w = net.vector()[0].detach()
    best, kept, good, rates = float(loss_at(w)), w, 0, []
    for _ in range(epochs):
        for _ in range(EPOCH):
            w = w.detach().requires_grad_()
            (slope,) = torch.autograd.grad(loss_at(w), w)
            w = (w - rate * slope).detach()
        loss = float(loss_at(w))
        if loss < best:
            best, kept, good = loss, w, good + 1
            rate = 2 * rate if good % 2 == 0 else rate
        else:
            w, good, rate = kept, 0, rate / 2
        rates.append(rate)
    return rates, w


def test_the_rule_is_as_the_notebook_tells_it():
    """Against a slow version of one net at a time, in float64; the last start fails all the time.

    The others stay below the limit of stability, above which rounding grows, too.
    """
    task = sb.data.digits(60, seed=1).to(dtype=DOUBLE)
    starts = [0.001, 0.01, 0.02, 1e6]
    fleet = sb.mlp(task, width=5, activation="tanh", runs=len(starts), seed=1)
    nets = [fleet.only(r) for r in range(len(starts))]
    wanted = [slow(net, task, rate, epochs=6) for net, rate in zip(nets, starts, strict=True)]
    run = tuned(fleet, task, lr=starts, optimizer="gd", batch=None, steps=6 * EPOCH, every=EPOCH)
    found = torch.stack([seen.values["rate"] for seen in run], 1)  # (runs, epochs)
    assert found.tolist() == [rates for rates, _ in wanted]
    torch.testing.assert_close(
        fleet.vector().detach(), torch.stack([w for _, w in wanted]), rtol=1e-6, atol=1e-8
    )


def test_a_net_in_a_fleet_is_tuned_as_alone():
    task = sb.data.digits(200, seed=2).to(dtype=DOUBLE)
    together = sb.mlp(task, width=8, runs=3, seed=5)
    sb.last(tuned(together, task, lr=[0.01, 1.0, 1e4], steps=200))
    alone = sb.mlp(task, width=8, runs=1, seed=6)
    sb.last(tuned(alone, task, lr=[1.0], steps=200))
    torch.testing.assert_close(alone.vector(), together.only(1).vector())


def test_a_net_that_overflows_goes_back_to_where_it_was():
    """After the first epoch, at a rate at which weights are no numbers any more."""
    task = sb.data.digits(200, seed=3)
    fleet = sb.mlp(task, width=8, runs=2, init=10.0, seed=3)
    born = fleet.vector().detach().clone()
    run = tuned(fleet, task, lr=[1e6, 1e6], steps=2 * EPOCH)
    run.train(steps=EPOCH - 1)
    assert not torch.equal(fleet.vector(), born)
    run.train(steps=1)
    assert torch.equal(fleet.vector(), born) and run.settings["lr"] == 5e5


def test_losses_and_units_are_what_they_say():
    task = sb.data.digits(100, seed=4)
    fleet = sb.mlp(task, width=6, depth=2, runs=2, seed=4)
    slow_losses = [cross_entropy(logits, task.y) for logits in fleet.predict(task.x)]
    torch.testing.assert_close(losses(fleet, task), torch.stack(slow_losses))
    fleet.net[0].bias.data[1, :3] = -1e3  # three of twelve units never answer; those above still may  # pyright: ignore
    assert awake(fleet, task)[1] <= 0.75


def test_the_counts_of_epochs():
    assert [math.ceil(math.log2(1e6)), 2 * math.ceil(math.log2(1e5)), round(math.log10(1e6))] == [20, 34, 6]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7000, 7100])
def test_every_start_arrives(seed):
    last = sb.last(lesson(seed=seed))
    assert (last.test_accuracy > 0.92).all() and last.test_accuracy.max() - last.test_accuracy.min() < 0.04
    rates = last.values["rate"].log10()
    assert rates.max() - rates.min() < 3


@pytest.mark.slow
def test_what_is_lost_without_undoing_or_with_an_infinite_best():
    far = {"lr": [10.0] * 3 + [1e4] * 3}
    assert (sb.last(lesson(**STAY, lr=[1e-5] * 3 + [10.0] * 3)).test_accuracy < 0.4).all()
    assert (sb.last(lesson(first=math.inf, **far)).test_accuracy < 0.4).all()
    assert (sb.last(lesson(undo=False, **far)).test_accuracy < 0.4).all()


@pytest.mark.slow
def test_the_rate_ends_near_the_limit_without_noise():
    task = sb.data.digits(200, seed=7000)
    fleet = sb.mlp(task, width=20, activation="tanh", runs=5, seed=7000)
    options = {"optimizer": "gd", "batch": None, "steps": 1000, "every": 25}
    run = tuned(fleet, task, lr=[0.1] * 5, more=[sb.measures.sharpness], **options)
    rates, sharp = (
        torch.stack(seen)
        for seen in zip(*((s.values["rate"], s.values["sharpness"]) for s in run), strict=True)
    )  # (steps, nets) each
    assert ((rates * sharp / 2)[-12:].log10().mean(0).abs() < 0.6).all()
    assert (rates[-1] > 20).all()  # and they go on rising, as the loss gets flatter


@pytest.mark.slow
def test_large_starts_put_relu_units_to_sleep():
    """Share of units awake, starts to 0.1 less those from 10; trials gave .3 to .6."""
    run = lesson(activation="relu", lr=[0.1] * 5 + [10.0] * 5 + [1e4] * 5)
    sb.last(run)
    few, many, most = awake(run.fleet, run.task).view(3, 5).mean(1)
    assert few - (many + most) / 2 > 0.1


@pytest.mark.slow
def test_with_eight_layers_it_falls_short():
    deep = sb.last(lesson(depth=8)).test_accuracy
    steady = sb.last(lesson(**STAY, depth=8, lr=[0.3] * 6)).test_accuracy
    assert (deep - steady).mean() < -0.02
