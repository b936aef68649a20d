"""What may be wrong with the arguments of `fit`, each said in a sentence with the way out."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from sbkit.core import Fleet, SbkitError, Task, check_memory, registries, takes

# Usual names in other libraries → the one here.
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
}
EPOCHS = ("epochs", "epoch", "num_epochs", "n_epochs", "max_epochs")
HOOKS = {  # name → what it is called with, what it gives
    "penalty": (("fleet", "x", "y", "logits"), "logits.square().mean((1, 2))"),
    "transform": (("fleet", "x", "y"), "(x, y)"),
    "after_step": (("fleet", "step"), "None"),
}


def check_names(
    options: Mapping[str, Any], optimizer: str, own: Mapping[str, Any], rows: int, batch: int
) -> None:
    """Refuse an option that the optimizer does not take and `fit` knows by another name.

    own: the arguments of `fit`. What is no other name of theirs is left to the optimizer to refuse.
    """
    known = (
        []
        if optimizer not in registries.optimizer
        else list(inspect.signature(registries.optimizer[optimizer]).parameters)
    )
    for name, value in options.items():
        if name in known:
            continue
        if name.lower() in EPOCHS:
            epochs = value if isinstance(value, int | float) and 0 < value < math.inf else 10
            raise SbkitError(
                f"fit counts steps, not epochs, got {name}={value!r}; an epoch of {rows:,} rows takes "
                f"{math.ceil(rows / batch)} of {batch}; try steps={math.ceil(epochs * rows / batch)}."
            )
        usual = [ours for ours, theirs in USUAL.items() if name.lower() in theirs]
        near = usual or difflib.get_close_matches(name, [*own, *known], n=1, cutoff=0.7)
        if near:
            raise SbkitError(
                f"fit has no argument {name!r}, got {value!r}; try {near[0]}{_given(near[0], value)}."
            )


def _given(name: str, value: Any) -> str:
    """How to write a value for that argument, as " = value"; what has no short text is left to the reader."""
    called = (value if isinstance(value, str) else getattr(value, "__name__", type(value).__name__)).lower()
    if name == "optimizer":
        return f"={called if called in registries.optimizer else 'sgd'!r}"
    if name == "loss":
        near = difflib.get_close_matches(called, registries.loss, n=1) or [
            "square" if called[:3] == "mse" else None
        ]
        return f"={near[0]!r}"
    return f"={value!r}" if isinstance(value, str | int | float | list | tuple) else ""


def check_hooks(**hooks: Callable[..., Any] | None) -> None:
    """Refuse a penalty, transform or after_step that cannot be called as it will be."""
    for name, hook in hooks.items():
        given, gives = HOOKS[name]
        if hook is not None and not (callable(hook) and takes(hook, *given)):
            got = f"one of {inspect.signature(hook)}" if callable(hook) else repr(hook)
            way = f"{name}=lambda {', '.join(given)}: {gives}"
            raise SbkitError(f"{name} is a function of ({', '.join(given)}), got {got}; try {way}.")


def check_rows(runs: int, task: Task, ordered: bool) -> None:
    """Refuse more runs times rows than fit into memory: the order of minibatches, the logits of a look."""
    if ordered:
        what = f"{runs} runs × {len(task.y):,} rows × 8 bytes × 3 copies (the order of the minibatches)"
        check_memory(runs * len(task.y) * 8 * 3, what, task.x.device)
    tests, size = len(task.y_test), task.x.element_size()
    what = f"{runs} runs × {tests:,} test rows × {task.outputs} outputs × {size} bytes × 3 copies (a look)"
    check_memory(runs * tests * task.outputs * size * 3, what, task.x.device)


def check_fit(fleet: Fleet, task: Task, batch: int) -> None:
    """Refuse a fleet that does not fit the task, or a step too large for the memory."""
    widths = [
        task.x.shape[1],
        *(layer.out_features for layer in fleet.modules() if isinstance(layer, nn.Linear)),
    ]
    size, units = task.x.element_size(), sum(widths)
    what = f"{fleet.runs} runs × {batch:,} rows × {units:,} units × {size} bytes × 3 copies"
    check_memory(fleet.runs * batch * units * size * 3, what, task.x.device)
    fleet.try_out(task.x)
    shape = tuple(fleet.predict(task.x[:2]).shape)
    rows = min(2, len(task.x))
    if shape != (fleet.runs, rows, task.outputs):
        wanted = (fleet.runs, rows, task.outputs)
        raise SbkitError(f"The task has {task.outputs} outputs, so logits are {wanted}, got {shape}.")
