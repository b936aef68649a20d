"""Losses of one's own, soft targets and weighted rows against one net at a time in plain torch."""

import math

import numpy as np
import pytest
import torch
from cases import DOUBLE, FLEETS, TASKS, assert_bitwise, assert_same_run, regression, slab_task, three_classes
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn import functional as F
from torch.testing import assert_close

import sbkit as sb
from sbkit.training.batches import Batches

RUNS, STEPS, LR = 2, 12, 0.1


def train(fleet: sb.Fleet, task: sb.Task, **options) -> "sb.training.Run":
    run = sb.fit(fleet, task, **{"batch": 32, "steps": STEPS, "stop": None, "lr": LR} | options)
    sb.last(run)
    return run


def soft(task: sb.Task, runs: int | None = None, seed: int = 0) -> Tensor:
    """Chances of the classes, for each run its own if runs are given."""
    shape = (len(task.y), task.outputs) if runs is None else (runs, len(task.y), task.outputs)
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE).mul(3).softmax(-1)


def heavy(task: sb.Task, runs: int | None = None) -> Tensor:
    """Weights of rows, some of them 0."""
    shape = (len(task.y),) if runs is None else (runs, len(task.y))
    return torch.rand(shape, generator=torch.Generator().manual_seed(1), dtype=DOUBLE).mul(3).sub(0.5).relu()


def own(part: Tensor | None, r: int, ndim: int) -> Tensor | None:
    return part if part is None or part.ndim == ndim else part[r]


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    return -(targets * logits.log_softmax(-1)).sum(-1)


def square(logits: Tensor, targets: Tensor) -> Tensor:
    return (logits - targets).square().mean(-1)


CASES = [
    ("relu", "slabs", None, True, False),
    ("relu", "slabs", None, False, True),
    ("relu", "three classes", "cross_entropy", True, True),
    ("relu", "slabs", "logistic", True, False),
    ("relu", "slabs", "square", True, True),
    ("relu", "slabs", "hinge", False, True),
    ("gelu", "three classes", None, True, True),
    ("tanh", "regression", None, True, True),
    ("tanh", "regression", None, False, True),
]


@pytest.mark.parametrize("runs", [None, RUNS], ids=["shared", "each its own"])
@pytest.mark.parametrize(("build", "name", "loss", "targeted", "weighted"), CASES)
def test_targets_and_weights_are_those_of_each_row(build, name, loss, targeted, weighted, runs):
    """mean(weight · loss(logits, targets)) by autograd, a net and a batch at a time."""
    task = TASKS[name]()
    fleet = FLEETS[build](task, runs=RUNS, seed=3)
    nets = [fleet.run(r) for r in range(RUNS)]
    targets, weight = soft(task, runs) if targeted else None, heavy(task, runs) if weighted else None
    run = train(fleet, task, loss=loss, targets=targets, sample_weight=weight)
    assert run._gradients.by_hand == (build != "gelu")
    signs = 2 * F.one_hot(task.y) - 1.0 if loss == "hinge" else None
    values = F.one_hot(task.y).double() if task.classes else task.y
    hinge = lambda logits, t: F.relu(1 - t[..., 1] * (logits[..., 1] - logits[..., 0]))  # noqa: E731
    usual = square if loss == "square" or not task.classes else hinge if loss == "hinge" else cross_entropy
    told, counts = [], []
    for r, net in enumerate(nets):
        mine = own(targets, r, 2)
        told.append(mine if mine is not None else signs if signs is not None else values)
        counts.append(torch.ones(len(task.y), dtype=DOUBLE) if weight is None else own(weight, r, 1))
        batches = Batches(task.x, torch.arange(len(task.y)), 32, 0, [3 + r])
        for step in range(STEPS):
            x, rows = (part[0] for part in batches(step))
            loss_of = (counts[r][rows] * usual(net(x), told[r][rows])).mean()
            grads = torch.autograd.grad(loss_of, list(net.parameters()))
            with torch.no_grad():
                for p, grad in zip(net.parameters(), grads, strict=True):
                    p -= LR * grad
        for mine, theirs in zip(fleet.run(r).parameters(), net.parameters(), strict=True):
            assert_close(mine, theirs)
    seen = run.snapshot()
    logits = fleet.predict(task.x)
    wanted = [(counts[r] * usual(logits[r], told[r])).mean() for r in range(RUNS)]
    assert_close(seen.loss, torch.stack(wanted))
    if task.classes:
        assert_close(seen.accuracy, (logits.argmax(-1) == task.y).float().mean(-1))


@pytest.mark.parametrize("optimizer", ["lbfgs", "sam", "gd"])
def test_each_run_alone_has_its_targets_and_weights(optimizer):
    task = slab_task()
    targets, weight = soft(task, 2), heavy(task, 2)
    options = {"optimizer": optimizer, "steps": 5, "lr": 0.3}
    fleet = FLEETS["relu"](task, runs=2, seed=3)
    train(fleet, task, targets=targets, sample_weight=weight, **options)
    for r in range(2):
        alone = FLEETS["relu"](task, runs=1, seed=3 + r)
        train(alone, task, targets=targets[r], sample_weight=weight[r], **options)
        assert_same_run(fleet, r, alone)


def test_one_hot_targets_and_weights_of_one_change_nothing():
    task = three_classes()
    one, other = (FLEETS["relu"](task, runs=2) for _ in range(2))
    train(one, task)
    train(other, task, targets=F.one_hot(task.y), sample_weight=np.ones(len(task.y), np.float32))
    assert_bitwise(one, other)


def test_a_weight_of_two_is_a_row_that_stands_twice():
    task, weight = slab_task((1, 3), noise=0.3), torch.ones(300, dtype=DOUBLE)
    weight[:50] = 2
    fleet = FLEETS["linear"](task, runs=2)
    train(fleet, task, optimizer="lbfgs", sample_weight=weight, steps=200, lr=1.0)
    plain = LogisticRegression(C=1e9, tol=1e-10, max_iter=1000).fit(task.x, task.y, sample_weight=weight)
    margin = torch.tensor(plain.decision_function(task.x))
    logits = fleet.predict(task.x)
    assert_close(logits[..., 1] - logits[..., 0], margin.expand(2, -1), atol=2e-3, rtol=1e-3)


def named(logits: Tensor, y: Tensor) -> Tensor:
    assert y.dtype == torch.int64 and y.shape == logits.shape[:2]
    return F.cross_entropy(logits.mT, y, reduction="none")


@pytest.mark.parametrize("optimizer", ["sgd", "sam", "lbfgs"])
def test_a_loss_of_logits_and_labels(optimizer):
    task = three_classes()
    one, other = (FLEETS["relu"](task, runs=2) for _ in range(2))
    options = {"optimizer": optimizer, "sample_weight": heavy(task, 2)}
    calls = {"penalty": lambda fleet, x, y, logits: 0.1 * logits.square().mean((1, 2))}
    calls["transform"] = lambda fleet, x, y: (x + 0.1, y)
    seen = train(one, task, loss=named, **options, **calls).snapshot()
    usual = train(other, task, **options, **calls).snapshot()
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        assert_close(mine, theirs)
    assert_close(seen.loss, usual.loss)
    assert_close(seen.test_loss, usual.test_loss)


def test_a_loss_of_logits_and_values():
    task = regression()
    one, other = (FLEETS["tanh"](task, runs=2) for _ in range(2))
    train(one, task, loss=lambda logits, y: (logits - y).square().mean(-1))
    train(other, task)
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        assert_close(mine, theirs)


def test_a_loss_of_logits_and_targets_is_told_test_labels_alike():
    task = three_classes()
    fleet = FLEETS["relu"](task, runs=2)
    run = train(fleet, task, loss=cross_entropy, targets=soft(task))
    assert_close(
        run.snapshot().test_loss, named(fleet.predict(task.x_test), task.y_test.expand(2, -1)).mean(-1)
    )


def test_a_registered_loss_may_be_given_itself():
    task = three_classes()
    one, other = (FLEETS["relu"](task, runs=2) for _ in range(2))
    assert train(one, task, loss=sb.loss["square"])._gradients.by_hand
    train(other, task, loss="square")
    assert_bitwise(one, other)


def test_transform_and_penalty_see_targets():
    """Mixing rows with their targets, as a transform of x and y."""
    task, shapes = slab_task(), set()

    def mixed(fleet, x, y):
        shapes.add((tuple(y.shape), y.dtype))
        return 0.5 * (x + x.flip(1)), 0.5 * (y + y.flip(1))

    def none(fleet, x, y, logits):
        shapes.add((tuple(y.shape), y.dtype))
        return 0 * logits.sum((1, 2))

    fleet, same = (FLEETS["relu"](task, runs=2) for _ in range(2))
    train(fleet, task, targets=soft(task), transform=mixed, penalty=none)
    assert shapes == {((2, 32, 2), DOUBLE)}
    run = train(same, task, targets=soft(task), transform=mixed)
    assert run._gradients.by_hand
    for mine, theirs in zip(fleet.parameters(), same.parameters(), strict=True):
        assert_close(mine, theirs)


@pytest.mark.parametrize("name", TASKS)
def test_the_test_loss_is_the_mean_over_test_rows(name):
    task = TASKS[name]()
    fleet = FLEETS["relu"](task, runs=2)
    run = sb.fit(fleet, task, batch=32, sample_weight=heavy(task))
    logits = fleet.predict(task.x_test)
    targets = F.one_hot(task.y_test).double() if task.classes else task.y_test
    losses = (cross_entropy if task.classes else square)(logits, targets.expand_as(logits))
    assert_close(run.snapshot().test_loss, losses.mean(-1))
    assert_close(run.snapshot(glance=True).test_loss, losses.mean(-1))  # of so few rows, all


def test_at_a_glance_the_test_loss_is_of_the_sample():
    task = slab_task(n=2000, n_test=1000)
    fleet = FLEETS["relu"](task, runs=2)
    seen = sb.fit(fleet, task, sample_weight=(weight := heavy(task))).snapshot(glance=True)
    few = task.sample()
    losses = named(fleet.predict(few.x_test), few.y_test.expand(2, -1))
    assert len(few.y_test) == 256 and seen.rows == 256
    assert_close(seen.test_loss, losses.mean(-1))
    rows = [int((task.z == row).all(-1).nonzero()[0]) for row in few.z]
    assert_close(seen.loss, (weight[rows] * named(fleet.predict(few.x), few.y.expand(2, -1))).mean(-1))


WRONG = [
    (
        {"targets": torch.rand(300)},
        r"targets: finite numbers \(300, 2\), or \(2, 300, 2\).*got \(300,\).*one_hot",
    ),
    ({"targets": torch.rand(3, 300, 2)}, r"or \(2, 300, 2\), for each run its own, got \(3, 300, 2\)"),
    ({"targets": torch.full((300, 2), math.nan)}, "targets: finite numbers.*, NaN or infinity; try"),
    (
        {"targets": torch.rand(300, 2) - 1},
        "targets of loss='cross_entropy' lie in 0 … 1, got -.*; try targets.soft",
    ),
    ({"targets": torch.rand(300, 2)}, "add up to 1 a row, got one off by .*; try targets.softmax"),
    (
        {"targets": torch.rand(300, 2), "loss": "hinge"},
        "loss='hinge' is for labels, got targets; try loss='cross",
    ),
    ({"targets": "soft"}, "targets is of numbers.*got 'soft'"),
    (
        {"sample_weight": torch.ones(299)},
        r"sample_weight: finite numbers \(300,\), or \(2, 300\).*got \(299,\)",
    ),
    ({"sample_weight": torch.ones(3, 300)}, r"got \(3, 300\).*try torch.ones\(len\(task.y\)\)"),
    ({"sample_weight": -torch.ones(300)}, "sample_weight is at least 0, .*, got -1 … -1; try clamp"),
    ({"sample_weight": torch.eye(2)[:, :1] * torch.ones(300)}, "in no run 0 everywhere, got 0 … 1"),
    ({"sample_weight": torch.full((300,), math.inf)}, "sample_weight: finite numbers.*NaN or infinity"),
    ({"loss": lambda logits, y: logits.sum(-1).mean(-1)}, r"a number a row, \(2, 3\) of .*, got \(2,\)"),
    ({"loss": lambda logits, y: logits.detach().sum(-1)}, "with a gradient"),
    ({"loss": lambda logits, y: logits.sum(-1) - logits.mean()}, "got one that mixes runs"),
    ({"loss": F.cross_entropy}, "loss='cross_entropy' is .*, got .*Error: .*; try return F.cross_entropy"),
    ({"loss": torch.nn.CrossEntropyLoss()}, "loss='CrossEntropyLoss' is .*; try return F.cross_entropy"),
    ({"loss": lambda logits: logits}, "got TypeError: .*; try return F.cross_entropy"),
    (
        {"sample_weight": torch.ones(300), "transform": lambda fleet, x, y: (x[:, :5], y[:, :5])},
        r"transform gives x \(2, 32, 3\).*got \(2, 5, 3\)",
    ),
]


@pytest.mark.parametrize(("options", "says"), WRONG, ids=[says for _, says in WRONG])
def test_refuses(options, says):
    task = slab_task()
    with pytest.raises(sb.SbkitError, match=says):
        sb.fit(FLEETS["relu"](task, runs=2), task, batch=32, **options)


def test_the_advice_for_losses_works():
    task = slab_task()
    run = train(
        FLEETS["relu"](task), task, loss=lambda logits, y: F.cross_entropy(logits.mT, y, reduction="none")
    )
    assert run.finished
    train(FLEETS["relu"](task), task, targets=torch.rand(300, 2).softmax(-1))
    train(FLEETS["relu"](task), task, targets=torch.randn(300, 2), loss="square")
