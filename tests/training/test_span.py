"""Schedules, training that goes on from a step, and weights that are kept on the way."""

import math

import numpy as np
import pytest
import torch
from cases import FLEETS, assert_bitwise, slab_task, weights
from torch import nn
from torch.testing import assert_close

import sbkit as sb
from sbkit.training.batches import Batches

TORCHS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=1e-3),
    "adamw": lambda p: torch.optim.AdamW(p, lr=1e-3, weight_decay=0.0),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=1e-3),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.01),
}


def train(fleet: sb.Fleet, task: sb.Task, **options) -> "sb.training.Run":
    run = sb.fit(fleet, task, **{"batch": 32, "stop": None} | options)
    sb.last(run)
    return run


@pytest.mark.parametrize("optimizer", TORCHS)
@pytest.mark.parametrize("schedule", [lambda step: 0.9**step, lambda step: max(0, 1 - step / 10)])
def test_a_schedule_is_torchs_lambda(optimizer, schedule):
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=2, seed=2)
    nets = [fleet.run(r) for r in range(2)]
    train(fleet, task, optimizer=optimizer, schedule=schedule, steps=15)
    for r, net in enumerate(nets):
        made, batches = TORCHS[optimizer](net.parameters()), Batches(task.x, task.y, 32, 0, [2 + r])
        turn = torch.optim.lr_scheduler.LambdaLR(made, schedule)
        for step in range(15):
            x, y = (part[0] for part in batches(step))
            made.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            made.step()
            turn.step()
        for mine, theirs in zip(fleet.run(r).parameters(), net.parameters(), strict=True):
            assert_close(mine, theirs)


@pytest.mark.parametrize("optimizer", sb.optimizer)
def test_a_schedule_multiplies_the_setting_of_every_optimizer(optimizer):
    """As if lr were changed by hand before every step; a number a run, too; the setting itself stays."""
    task, factors = slab_task(), [1.0, 0.5, 2.0, 0.25] + [0.0] * (optimizer == "lbfgs")
    for lr in (0.01, [0.01, 0.02]):
        one, other = (FLEETS["relu"](task, runs=2) for _ in range(2))
        options = {"optimizer": optimizer, "lr": lr, "batch": 32, "stop": None, "steps": len(factors)}
        scheduled = sb.fit(one, task, schedule=lambda step: factors[step], **options)
        by_hand = sb.fit(other, task, **options)
        for factor in factors:
            scheduled.train(steps=1)
            if factor:
                by_hand.settings["lr"] = factor * lr if isinstance(lr, float) else [factor * n for n in lr]
                by_hand.train(steps=1)
        for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
            assert_close(mine, theirs)
        assert scheduled.settings["lr"] == (lr if isinstance(lr, float) else tuple(lr))


def test_a_schedule_follows_the_live_setting():
    task = slab_task()
    one, other = (FLEETS["relu"](task, runs=2) for _ in range(2))
    run = sb.fit(one, task, schedule=lambda step: 0.5, lr=0.1, batch=32, stop=None)
    plain = sb.fit(other, task, lr=0.05, batch=32, stop=None)
    for lr in (0.1, 0.4):
        run.settings["lr"], plain.settings["lr"] = lr, lr / 2
        run.train(steps=5)
        plain.train(steps=5)
    assert run.settings["lr"] == 0.4
    assert_bitwise(one, other)


FACTORS = [
    (math.nan, "What schedule gives for step 0 is a number at least 0.*, got nan"),
    (-1, "number at least 0.*, got -1"),
    (math.inf, "number at least 0.*, got inf"),
    ("fast", "number at least 0.*, got 'fast'"),
    (None, "number at least 0.*, got None"),
    (torch.ones(2), "number at least 0.*, got tensor"),
]


@pytest.mark.parametrize(("factor", "says"), FACTORS, ids=[says for _, says in FACTORS])
def test_refuses_a_schedule_at_once_and_later_without_loss(factor, says):
    task = slab_task()
    with pytest.raises(sb.SbkitError, match=says):
        train(FLEETS["relu"](task, runs=2), task, schedule=lambda step: factor)
    fleet, same = (FLEETS["relu"](task, runs=2) for _ in range(2))
    run = sb.fit(fleet, task, schedule=lambda step: factor if step == 7 else 1, batch=32, stop=None)
    with pytest.raises(sb.SbkitError, match=says.replace("step 0", "step 7")):
        run.train(steps=50)
    train(same, task, steps=7)
    assert run.step == 7 and run.snapshot().step == 7 and run.settings["lr"] == 0.1
    assert_bitwise(fleet, same)


@pytest.mark.parametrize("factor", [np.float32(0.5), torch.tensor(0.5), 1, True * 1.0])
def test_numbers_of_other_libraries_are_factors(factor):
    task = slab_task()
    train(FLEETS["relu"](task, runs=2), task, schedule=lambda step: factor, steps=2)


@pytest.mark.parametrize("build", ["relu", "dropout"])
@pytest.mark.parametrize("optimizer", ["sgd", "gd", "sam", "signsgd"])
@pytest.mark.parametrize("cut", [1, 50])
def test_training_that_goes_on_is_training_in_one_go(build, optimizer, cut):
    task = slab_task()
    one, other = (FLEETS[build](task, runs=2, seed=3) for _ in range(2))
    options = {"optimizer": optimizer, "schedule": lambda step: 0.99**step}
    train(one, task, steps=100, **options)
    train(other, task, steps=cut, **options)
    run = train(other, task, start=cut, steps=100, **options)
    assert run.step == 100 and run.snapshot().epoch == pytest.approx(100 * run.plan.batch / 300)
    assert_bitwise(one, other)


@pytest.mark.parametrize("cut", [120, 200])
def test_a_run_that_was_done_is_done_when_training_goes_on(cut):
    task = slab_task()
    one, other = (FLEETS["relu"](task, runs=3, seed=3) for _ in range(2))
    options = {"lr": 1.0, "stop": 0.3, "keep": [300]}
    whole = train(one, task, steps=300, **options)
    train(other, task, **options | {"steps": cut, "keep": ()})
    run = sb.fit(other, task, start=cut, steps=300, batch=32, **options)
    assert run.states == ["training"] * 3  # nothing is looked at before it is asked for
    sb.last(run)
    assert run.states == whole.states and "converged" in run.states and list(run.kept) == [300]
    assert_bitwise(one, other)


def test_hooks_and_snapshots_know_the_steps():
    task, steps = slab_task(), []
    fleet = FLEETS["relu"](task, runs=2)
    options = {"start": 30, "steps": 120, "batch": 32, "stop": None}
    run = sb.fit(fleet, task, after_step=lambda fleet, step: steps.append(step), **options)
    assert run.step == 30 and run.snapshot().step == 30
    assert [snapshot.step for snapshot in run] == [50, 100, 120]
    assert steps == list(range(31, 121))


def test_a_random_transform_goes_on_too():
    """The first batch is rehearsed at the step where training begins."""
    task = slab_task()
    torch.manual_seed(0)
    seen = []
    keep = lambda fleet, x, y: (seen.append(x[0, 0, 0].item()), (x, y))[1]  # noqa: E731
    run = sb.fit(FLEETS["relu"](task, runs=1), task, start=40, steps=42, transform=keep, batch=32, stop=None)
    sb.last(run)
    wanted = [Batches(task.x, task.y, 32, 0, [0])(step)[0][0, 0, 0].item() for step in (40, 41)]
    assert seen == wanted


def test_weights_are_kept_to_go_back_to():
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=2)
    born = weights(fleet)
    run = train(fleet, task, steps=60, keep=(0, 20, np.int64(60)))
    assert sorted(run.kept) == [0, 20, 60]
    end = weights(fleet)
    same = FLEETS["relu"](task, runs=2)
    train(same, task, steps=20)
    fleet.load_state_dict(run.kept[20])
    assert_bitwise(fleet, same)
    train(fleet, task, start=20, steps=60)
    assert all(map(torch.equal, end, fleet.parameters()))
    fleet.load_state_dict(run.kept[0])
    assert all(map(torch.equal, born, fleet.parameters()))
    assert all(map(torch.equal, end, run.kept[60].values()))


def test_a_run_that_ends_early_keeps_its_end_for_the_steps_to_come():
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=2)
    run = sb.fit(fleet, task, keep=[10, 1000], steps=1000, stop=10.0, batch=32)
    run.train(steps=20)
    assert list(run.kept) == [10]
    assert sb.last(run).step == 50 and sorted(run.kept) == [10, 1000]
    assert all(map(torch.equal, run.kept[1000].values(), fleet.parameters()))


WRONG = [
    ({"start": -1}, "start is a whole number of at least 0, got -1; try 0"),
    ({"start": 1.5}, "start is a whole number.*, got 1.5"),
    ({"start": 50, "steps": 50}, "ends after start, got start=50, steps=50; try steps=100"),
    ({"start": 60, "steps": 50}, "got start=60, steps=50; try steps=110"),
    ({"keep": 50}, r"keep is a list of steps, got 50; try keep=\(0, 100\)"),
    ({"keep": "all"}, "keep is a list of steps, got 'all'"),
    ({"keep": [101]}, r"keep has steps from 0 to 100, got 101; try keep=\(100,\)"),
    ({"keep": [10, 60], "start": 50}, "keep has steps from 50 to 100, got 10"),
    ({"keep": [2.0]}, "A step of keep is a whole number of at least 0, got 2.0; try 2"),
    (
        {"schedule": 0.5},
        r"schedule is a function of \(step\), got 0.5; try schedule=lambda step: 0.99\*\*step",
    ),
    ({"schedule": lambda: 1}, r"schedule is a function of \(step\), got one of \(\)"),
    ({"scheduler": lambda step: 1}, "no argument 'scheduler', .*; try schedule"),
]


@pytest.mark.parametrize(("options", "says"), WRONG, ids=[says for _, says in WRONG])
def test_refuses(options, says):
    task = slab_task()
    with pytest.raises(sb.SbkitError, match=says):
        sb.fit(FLEETS["relu"](task, runs=2), task, **{"steps": 100, "batch": 32} | options)


def test_what_is_kept_fits_the_memory(monkeypatch):
    monkeypatch.setenv("SBKIT_MAX_MEMORY", "8GB")
    task = slab_task()
    fleet = sb.mlp(task, width=400, runs=8)
    with pytest.raises(sb.SbkitError, match=r"100,000 steps of keep × .* bytes of weights = .*times smaller"):
        sb.fit(fleet, task, steps=100_000, keep=range(100_000), batch=32)
