"""How a run trains, as `fit` was asked: every part is checked when it is made."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, optim

from sbkit.core import Fleet, SbkitError, Task, one_of, registries, takes, whole
from sbkit.losses import Loss
from sbkit.optimizers import Settings

Penalty = Callable[..., Tensor]  # (fleet, x, y, logits), and what it takes of `MORE`
Transform = Callable[..., tuple[Tensor, Tensor]]  # (fleet, x, y), likewise
AfterStep = Callable[[Fleet, int], object]
# What these are given, too, where they have arguments of such names.
MORE = {"transform": ("step", "generators"), "penalty": ("loss",)}
CALLS = {  # the arguments of each function of `Hooks`, and what it may give
    "penalty": ("fleet, x, y, logits", "logits.square().mean((1, 2))"),
    "transform": ("fleet, x, y", "(x, y)"),
    "after_step": ("fleet, step", "None"),
}


def more_of(name: str, hook: Any) -> list[str]:
    """Which of `MORE` the hook of this name has arguments for."""
    taken = inspect.signature(hook).parameters if callable(hook) else {}
    return [more for more in MORE.get(name, ()) if more in taken]


@dataclass(frozen=True)
class Hooks:
    """Functions that `fit` calls at every step; `SbkitError` on one that cannot be called so."""

    penalty: Penalty | None
    transform: Transform | None
    after_step: AfterStep | None

    def __post_init__(self) -> None:
        for name, (given, gives) in CALLS.items():
            hook = getattr(self, name)
            more = dict.fromkeys(more_of(name, hook))
            if hook is not None and not (callable(hook) and takes(hook, *given.split(", "), **more)):
                got = f"one of {inspect.signature(hook)}" if callable(hook) else repr(hook)
                fix = f"{name}=lambda {given}: {gives}"
                raise SbkitError(f"{name} is a function of ({given}), got {got}; try {fix}.")


@dataclass(frozen=True)
class Plan:
    """How a run trains, as `fit` has checked and prepared it."""

    optimizer: optim.Optimizer
    settings: Settings  # of the optimizer, which may change
    given: Mapping[str, Any]  # the same as `fit` was given them, the very objects
    batch: int  # rows a step
    loss: Loss
    measure: Mapping[str, Callable[..., Any]]
    hooks: Hooks
    seed: int  # of all that is drawn while it trains


def rows_a_step(task: Task, optimizer: str, batch: int | None) -> int:
    """How many rows each step takes: `batch`, or all where the optimizer says so."""
    rows = task.z.shape[-2]
    batch = whole("batch", min(256, rows) if batch is None else batch)
    if registries.optimizer.about[one_of("optimizer", optimizer, registries.optimizer)].full_batch:
        return rows
    if batch > rows:
        raise SbkitError(f"batch is at most the {rows} training rows, got {batch}; try batch={rows}.")
    return batch
