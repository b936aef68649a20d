"""What may be wrong with the arguments of `fit`, each said in a sentence with the way out."""

import difflib
import inspect
import math
from collections.abc import Mapping
from typing import Any

from torch import nn

from sbkit.core import Fleet, SbkitError, Task, check_memory, registries
from sbkit.optimizers import taken
from sbkit.training.plan import CALLS

# The name here: usual names in other libraries.
USUAL = {
    "batch": ("batch_size", "bs", "minibatch"),
    "steps": ("iterations", "iters", "n_iter", "max_iter", "max_steps", "num_steps", "n_steps"),
    "lr": ("learning_rate", "eta", "step_size"),
    "loss": ("criterion", "loss_fn", "loss_function", "objective"),
    "measure": ("metric", "metrics", "measures"),
    "weight_decay": ("wd", "l2", "decay"),
    "seed": ("random_state", "random_seed", "rng"),
    "every": ("log_every", "interval", "frequency"),
    "penalty": ("regularizer", "regulariser", "regularization"),
    "after_step": ("callback", "callbacks", "hook", "on_step"),
    "transform": ("augment", "augmentation", "transforms"),
    "stop": ("tol", "early_stopping", "threshold", "target_loss"),
    "optimizer": ("opt", "optim", "optimiser", "solver"),
    "schedule": ("scheduler", "lr_scheduler", "lr_schedule", "lr_lambda"),
    "start": ("first_step", "start_step", "initial_step"),
    "sample_weight": ("sample_weights", "weight", "weights"),
    "targets": ("target", "soft_targets", "soft_labels"),
    "keep": ("checkpoints", "save_steps"),
    "mask": ("masks",),
}
EPOCHS = ("epochs", "epoch", "num_epochs", "n_epochs", "max_epochs")
NAMED = {"optimizer": registries.optimizer, "loss": registries.loss}
Parameters = Mapping[str, inspect.Parameter]


def check_names(options: Mapping[str, Any], own: Parameters, optimizer: str, epoch: float) -> None:
    """Refuse an option that the optimizer does not take and `fit` knows by another name.

    own: the arguments of `fit`; epoch: steps in one. What is no other name of an argument is left to the
    optimizer to refuse.
    """
    known = taken(optimizer, options)
    both = {**known, **{name: each.default for name, each in own.items()}}
    optional = {name: usual for name, usual in both.items() if usual is not inspect.Parameter.empty}
    for name, value in options.items():
        if name in known:
            continue
        if name.lower() in EPOCHS:
            epochs = value if isinstance(value, int | float) and 0 < value < math.inf else 10
            words = f"fit counts steps, not epochs, got {name}={value!r}; an epoch takes {epoch:g}"
            raise SbkitError(f"{words}; try steps={math.ceil(epochs * epoch)}.")
        usual = [ours for ours, theirs in USUAL.items() if name.lower() in theirs]
        near = usual or difflib.get_close_matches(name, optional, n=1, cutoff=0.7)
        if near:
            meant = _meant(near[0], optional[near[0]] if isinstance(value, bool) else value)
            raise SbkitError(f"fit has no argument {name!r}, got {value!r}; try {meant}.")


def _meant(name: str, value: Any) -> str:
    """How to write that argument: a value as it is, what is an object of torch by its name here."""
    if name in CALLS and not callable(value):
        return "{}=lambda {}: {}".format(name, *CALLS[name])
    if name not in NAMED:
        return f"{name}={value!r}" if isinstance(value, str | int | float | list | tuple) else name
    called = value if isinstance(value, str) else getattr(value, "__name__", type(value).__name__)
    near = difflib.get_close_matches(called.lower().replace("mse", "square"), NAMED[name], n=1)
    return f"{name}={near[0] if near else next(iter(NAMED[name]))!r}"


def check_fit(fleet: Fleet, task: Task, batch: int, ordered: bool, kept: int) -> None:
    """Refuse a fleet that does not fit the task, or what does not fit the memory.

    The memory holds a step, the logits of the test rows, the minibatches' order if they are `ordered`, and
    the weights of the steps that are `kept`.
    """
    if task.z.ndim > 2 and len(task.z) != fleet.runs:
        words = f"Each run of a fleet has its own task of a stack, got {len(task.z)} for {fleet.runs} runs"
        raise SbkitError(f"{words}; try sb.mlp(task, runs={len(task.z)}).")
    held = sum(t.nbytes for t in fleet.state_dict().values())
    check_memory(kept * held, f"{kept:,} steps of keep × {held:,} bytes of weights", task.x.device)
    outputs, size = task.outputs, task.x.element_size()
    layers = [layer.out_features for layer in fleet.modules() if isinstance(layer, nn.Linear)]
    units = task.x.shape[-1] + sum(layers)
    for rows, words, each in (
        (task.z.shape[-2] * ordered, "rows × 8 bytes", 8),
        (task.z_test.shape[-2], f"test rows × {outputs} outputs × {size} bytes", outputs * size),
        (batch, f"rows × {units:,} units × {size} bytes", units * size),
    ):
        what = f"{fleet.runs} runs × {rows:,} {words} × 3 copies"
        check_memory(3 * fleet.runs * rows * each, what, task.x.device)
    fleet.try_out(task.x)
    found = tuple(fleet.predict(task.x[..., :2, :]).shape)
    if found != (wanted := (fleet.runs, min(2, task.x.shape[-2]), outputs)):
        raise SbkitError(f"The task has {outputs} outputs, so logits are {wanted}, got {found}.")
