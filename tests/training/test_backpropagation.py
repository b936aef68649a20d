"""Gradients of plain nets, written out, against autograd."""

import pytest
import torch
from cases import DOUBLE, FLEETS, TASKS, slab_task
from torch.testing import assert_close

import sbkit as sb
from sbkit.core import registries
from sbkit.models import MLP
from sbkit.training.backpropagation import IN_PLACE, Backpropagation

SLOPED = list(IN_PLACE)
GRADIENTS = [("slabs", loss) for loss in registries.loss] + [
    ("three classes", "cross_entropy"),
    ("three classes", "square"),
    ("regression", "square"),
]


@pytest.mark.parametrize("name", SLOPED)
@pytest.mark.parametrize("depth", range(4))
@pytest.mark.parametrize(("task", "loss"), GRADIENTS)
def test_backpropagation_is_autograd(name, depth, task, loss):
    task, loss = TASKS[task](), registries.loss[loss]
    fleet = sb.mlp(task, depth=depth, width=5, activation=name, runs=2)
    fleet.flat()
    x = torch.stack([task.x[:30], task.x[30:60]])
    y = torch.stack([task.y[:30], task.y[30:60]])
    targets = loss.encode(y, task.outputs).to(DOUBLE)
    expected = torch.autograd.grad(loss.value(fleet(x), targets).mean(-1).sum(), fleet.parameters())
    assert isinstance(fleet, MLP)
    tape = Backpropagation(fleet, x.shape)
    for _ in range(2):  # the memory is used again
        logits = tape(x.numpy(), targets.numpy(), loss.gradient)
        assert_close(torch.from_numpy(logits), fleet(x).detach())
        for parameter, gradient in zip(fleet.parameters(), expected, strict=True):
            assert_close(parameter.grad, gradient)


def test_backpropagation_knows_plain_nets_on_the_cpu():
    task = slab_task()
    assert Backpropagation.knows(sb.mlp(task, width=4))
    for fleet in (
        sb.mlp(task, activation="gelu"),
        sb.mlp(task, dropout=0.1),
        FLEETS["convnet"](task, runs=1),
    ):
        assert not Backpropagation.knows(fleet)
