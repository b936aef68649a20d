"""A fleet's training against the loop that any PyTorch tutorial would write, one net after another."""

import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from cases import FLEETS, TASKS, slab_task
from torch import nn, optim
from torch.nn import functional as F
from torch.testing import assert_close

import sbkit as sb
from sbkit.training.batches import Batches, WholeSet

# Optimizer → torch's own, and the options it is compared with.
TORCH: dict[str, tuple[Callable[..., optim.Optimizer], dict]] = {
    "sgd": (optim.SGD, {"momentum": 0.5}),
    "gd": (optim.SGD, {}),
    "momentum": (optim.SGD, {"momentum": 0.9}),
    "nesterov": (lambda p, **options: optim.SGD(p, nesterov=True, **options), {"momentum": 0.8}),
    "adam": (optim.Adam, {"betas": (0.8, 0.99)}),
    "adamw": (optim.AdamW, {"betas": (0.9, 0.98)}),
    "rmsprop": (optim.RMSprop, {"alpha": 0.9}),
    "adagrad": (optim.Adagrad, {}),
}
LR, DECAY, BATCH = 0.01, 0.02, 32


def loss_of(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.mse_loss(logits, y) if y.is_floating_point() else F.cross_entropy(logits, y)


def loop(
    net: nn.Module, made: optim.Optimizer, batches, steps: int, before: Callable[..., None]
) -> nn.Module:
    """`before(made)` runs ahead of each half."""
    for step in range(steps):
        if step == steps // 2:
            before(made)
        x, y = (part[0] for part in batches(step))
        made.zero_grad()
        loss_of(net(x), y).backward()
        made.step()
    return net


def slower(made: optim.Optimizer) -> None:
    made.param_groups[0]["lr"] = LR / 3
    made.param_groups[0]["weight_decay"] = 2 * DECAY


@pytest.mark.parametrize("name", TORCH)
@pytest.mark.parametrize(
    ("build", "task"), [("relu", "slabs"), ("gelu", "three classes"), ("convnet", "regression")]
)
def test_is_torchs_own_loop(name, build, task):
    """Weights after 40 steps, lr and weight decay changed live at step 20."""
    task = TASKS[task]()
    make, options = TORCH[name]
    fleet = FLEETS[build](task, runs=3, seed=6)
    nets = [fleet.run(r) for r in range(3)]
    run = sb.fit(
        fleet,
        task,
        optimizer=name,
        lr=LR,
        weight_decay=DECAY,
        batch=BATCH,
        steps=40,
        stop=None,
        seed=9,
        **options,
    )
    run.advance(steps=20)
    run.settings["lr"], run.settings["weight_decay"] = LR / 3, 2 * DECAY
    sb.last(run)
    full = sb.optimizer.about[name].full_batch
    for r, net in enumerate(nets):
        rows = WholeSet(task.x, task.y, 1) if full else Batches(task.x, task.y, BATCH, 9, [6 + r])
        loop(net, make(net.parameters(), lr=LR, weight_decay=DECAY, **options), rows, 40, slower)
        for mine, theirs in zip(fleet.run(r).parameters(), net.parameters(), strict=True):
            assert_close(mine, theirs)


def test_signsgd_moves_every_weight_by_lr():
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=2)
    before = fleet.flat().detach().clone()
    sb.fit(fleet, task, optimizer="signsgd", lr=0.01, batch=32, steps=1).advance(steps=1)
    change, gradient = fleet.flat().detach() - before, fleet.flat().grad.sign()
    assert_close(change, -0.01 * gradient)


@pytest.mark.parametrize("name", sorted(set(sb.optimizer) - {"lbfgs"}))
def test_default_rate_learns(name):
    """No lr given: the loss falls."""
    task = slab_task((1,))
    fleet = FLEETS["relu"](task, runs=4)
    run = sb.fit(fleet, task, optimizer=name, batch=32, steps=100)
    before = run.snapshot().loss
    assert (sb.last(run).loss < before).all()


EAGER = """
import sys
import sbkit as sb
task = sb.lms(3, dim=2, n=60, n_test=30)
for name in sb.optimizer:
    sb.fit(sb.mlp(task, width=4, runs=2), task, optimizer=name).advance(steps=2)
print("torch._dynamo" in sys.modules)
"""


def test_no_optimizer_waits_for_the_import_of_torchs_compiler():
    done = subprocess.run([sys.executable, "-c", EAGER], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False", "some seconds, at the first panel of a kernel"
