"""Losses against torch's own, and their written-out gradients against autograd, in float64."""

import numpy as np
import pytest
import torch
from cases import DOUBLE, FLEETS, TASKS, assert_same_run
from torch.nn import functional as F
from torch.testing import assert_close

import sbkit as sb
from sbkit.core import registries
from sbkit.losses import loss_for

# name, outputs → the loss of logits (n, outputs) and labels (n,), each row's own, by torch's functions
REFERENCES = {
    ("cross_entropy", 2): lambda logits, y: F.cross_entropy(logits, y, reduction="none"),
    ("cross_entropy", 3): lambda logits, y: F.cross_entropy(logits, y, reduction="none"),
    ("logistic", 2): lambda logits, y: F.soft_margin_loss(logits.diff()[:, 0], 2.0 * y - 1, reduction="none"),
    ("hinge", 2): lambda logits, y: F.margin_ranking_loss(
        logits[:, 1], logits[:, 0], 2.0 * y - 1, margin=1.0, reduction="none"
    ),
    ("square", 2): lambda logits, y: (logits - (2.0 * F.one_hot(y, 2) - 1)).square().mean(-1),
    ("square", 3): lambda logits, y: (logits - (2.0 * F.one_hot(y, 3) - 1)).square().mean(-1),
}
every_case = pytest.mark.parametrize(("name", "outputs"), REFERENCES)


def rows(outputs: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (2, 50, outputs) and labels (2, 50)."""
    rng = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(2, 50, outputs, generator=rng, dtype=DOUBLE)
    return logits, torch.randint(outputs, (2, 50), generator=rng)


def test_every_loss_has_a_reference():
    assert {name for name, _ in REFERENCES} == set(registries.loss)


@every_case
def test_value(name, outputs):
    logits, y = rows(outputs)
    loss = registries.loss[name]
    expected = torch.stack([REFERENCES[name, outputs](*run) for run in zip(logits, y, strict=True)])
    assert_close(loss.value(logits, loss.encode(y, outputs).double()), expected)


@every_case
def test_gradient(name, outputs):
    logits, y = rows(outputs)
    loss = registries.loss[name]
    targets = loss.encode(y, outputs).double()
    logits.requires_grad_()
    (expected,) = torch.autograd.grad(loss.value(logits, targets).sum(), logits)
    assert_close(torch.from_numpy(loss.gradient(logits.detach().numpy(), targets.numpy())), expected)


@pytest.mark.parametrize("name", registries.loss)
def test_large_logits_stay_finite(name):
    loss = registries.loss[name]
    targets = loss.encode(torch.tensor([0, 1]), 2)
    logits = torch.tensor([[1e4, -1e4], [1e4, -1e4]])
    assert loss.value(logits, targets).isfinite().all()
    assert np.isfinite(loss.gradient(logits.numpy(), targets.numpy())).all()


def test_regression_is_by_squares():
    task = TASKS["regression"]()
    loss = loss_for(task, None)
    logits = torch.zeros(2, *task.y.shape, dtype=DOUBLE)
    assert_close(
        loss.value(logits, task.y), F.mse_loss(logits, task.y.expand(2, -1, -1), reduction="none").mean(-1)
    )


@pytest.mark.parametrize(
    ("task", "name", "says"),
    [
        ("slabs", "hing", "No loss named 'hing'.*Did you mean 'hinge'"),
        ("three classes", "hinge", "two classes, got 3; try 'cross_entropy'"),
        ("three classes", "logistic", "two classes, got 3; try 'cross_entropy'"),
        ("regression", "cross_entropy", "regression.*'square', got 'cross_entropy'"),
    ],
)
def test_refuses(task, name, says):
    with pytest.raises(sb.SbkitError, match=says):
        loss_for(TASKS[task](), name)


@pytest.fixture
def register(monkeypatch):
    """Registers a loss as "own", for as long as a test runs."""
    monkeypatch.setattr(registries.loss, "_functions", dict(registries.loss._functions))
    return lambda function, **about: registries.loss("own", **about)(function)


def squares(logits, targets):
    assert logits.shape == targets.shape
    return (logits - targets).square().mean(-1)


def entropy(logits, targets):
    return -(logits.log_softmax(-1) * targets).sum(-1)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "sam", "lbfgs"])
@pytest.mark.parametrize(
    ("task", "own", "same"),
    [("regression", squares, "square"), ("slabs", entropy, None), ("three classes", entropy, None)],
)
def test_a_loss_of_ones_own_trains_as_the_same_of_sbkit(register, task, own, same, optimizer):
    register(own, regression=True)
    task, options = TASKS[task](), {"optimizer": optimizer, "steps": 10, "stop": None}
    options |= {} if optimizer == "lbfgs" else {"batch": 32}
    mine, theirs = (FLEETS["relu"](task, runs=3) for _ in range(2))
    seen = [sb.last(sb.fit(f, task, loss=n, **options)).loss for f, n in ((mine, "own"), (theirs, same))]
    assert_close(*seen)
    for r in range(3):
        assert_same_run(mine, r, theirs, r, atol=1e-7, rtol=1e-6)


OWN = {  # name → a loss that is none, what is said of it
    "a number": (lambda logits, targets: squares(logits, targets).mean(), r"a number a row, .*got \(\)"),
    "a number a run": (lambda logits, targets: squares(logits, targets).mean(1), r"got \(2,\)"),
    "a number an output": (lambda logits, targets: (logits - targets).square(), r"got \(2, 3, 2\), .*mean"),
    "no tensor": (lambda logits, targets: 0.5, "got a float"),
    "nothing": (lambda logits, targets: None, "got None"),
    "no gradient": (lambda logits, targets: squares(logits.detach(), targets), "with a gradient"),
    "runs mixed": (lambda logits, targets: squares(logits - logits.mean(0), targets), "mixes runs"),
}


@pytest.mark.parametrize("kind", OWN)
def test_what_is_no_loss_is_refused_before_training(register, kind):
    own, says = OWN[kind]
    register(own)
    task = TASKS["slabs"]()
    with pytest.raises(sb.SbkitError, match=f"loss='own' is {says}" if says[0] == "a" else says):
        sb.fit(FLEETS["relu"](task, runs=3), task, loss="own", batch=32)


def test_a_loss_of_other_arguments_is_not_registered(register):
    with pytest.raises(sb.SbkitError, match=r"registered loss is a function \(logits, targets\)"):
        register(lambda logits: logits)


def test_a_loss_says_whether_it_takes_values(register):
    register(squares)
    with pytest.raises(sb.SbkitError, match="loss='square', got 'own'"):
        loss_for(TASKS["regression"](), "own")


def test_what_a_loss_raises_rises_as_it_is(register):
    register(lambda logits, targets: logits.no_such_thing)
    with pytest.raises(AttributeError, match="no_such_thing"):
        loss_for(TASKS["slabs"](), "own")
