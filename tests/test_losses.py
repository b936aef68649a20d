"""Losses against torch's own, and their written-out gradients against autograd, in float64."""

import numpy as np
import pytest
import torch
from cases import DOUBLE, TASKS
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
