"""How a run trains, as `fit` was asked: every part is checked when it is made."""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor, optim

from sbkit.core import Fleet, SbkitError, Task, between, takes, whole
from sbkit.losses import Loss
from sbkit.optimizers import Settings, about
from sbkit.training.masks import Mask
from sbkit.training.objective import Objective

Penalty = Callable[..., Tensor]  # (fleet, x, y, logits), and what it takes of `MORE`
Transform = Callable[..., tuple[Tensor, Tensor]]  # (fleet, x, y), likewise
AfterStep = Callable[[Fleet, int], object]
Schedule = Callable[[int], float]
# What these are given, too, where they have arguments of such names.
MORE = {"transform": ("step", "generators"), "penalty": ("loss", "weight")}
CALLS = {  # the arguments of each function of `Hooks`, and what it may give
    "penalty": ("fleet, x, y, logits", "logits.square().mean((1, 2))"),
    "transform": ("fleet, x, y", "(x, y)"),
    "after_step": ("fleet, step", "None"),
    "schedule": ("step", "0.99**step"),
    "mask": ("step", "masks"),
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
    schedule: Schedule | None
    mask: Mask | None

    def __post_init__(self) -> None:
        for name, (given, gives) in CALLS.items():
            hook = getattr(self, name)
            more = dict.fromkeys(more_of(name, hook))
            if hook is None or (name == "mask" and not callable(hook)):  # a list of masks
                continue
            if not (callable(hook) and takes(hook, *given.split(", "), **more)):
                got = f"one of {inspect.signature(hook)}" if callable(hook) else repr(hook)
                fix = f"{name}=lambda {given}: {gives}"
                raise SbkitError(f"{name} is a function of ({given}), got {got}; try {fix}.")

    def factor(self, step: int) -> float:
        """By how much the schedule multiplies the learning rate at a step; 1 without one."""
        if self.schedule is None:
            return 1.0
        found: Any = self.schedule(step)
        found = found.item() if isinstance(found, Tensor) and found.ndim == 0 else found
        return between(f"What schedule gives for step {step}", found, 0, 1e6)


class Span(NamedTuple):
    """When a run trains, is looked at and ends; `spanned` checks it."""

    start: int  # the step that comes first
    steps: int  # where it ends, counted from 0
    every: int
    keep: frozenset[int]  # the steps after which weights are kept
    stop: float | None


def spanned(start: Any, steps: Any, every: Any, keep: Any, stop: Any) -> Span:
    """Those numbers, each in its range, or an `SbkitError`."""
    start, steps, every = whole("start", start, 0), whole("steps", steps), whole("every", every)
    if start >= steps:
        words = f"steps counts from 0 and ends after start, got start={start}, steps={steps}"
        raise SbkitError(f"{words}; try steps={start + steps}.")
    if isinstance(keep, str) or not isinstance(keep, Iterable):
        raise SbkitError(f"keep is a list of steps, got {keep!r}; try keep=(0, {steps}).")
    kept = frozenset(whole("A step of keep", step, 0) for step in keep)
    if outside := sorted(step for step in kept if not start <= step <= steps):
        raise SbkitError(f"keep has steps from {start} to {steps}, got {outside[0]}; try keep=({steps},).")
    stop = None if stop is None else between("stop", stop, 0, math.inf, open_low=True)
    return Span(start, steps, every, kept, stop)


@dataclass(frozen=True)
class Plan:
    """How a run trains, as `fit` has checked and prepared it."""

    optimizer: optim.Optimizer
    settings: Settings  # of the optimizer, which may change
    given: Mapping[str, Any]  # the same as `fit` was given them, the very objects
    batch: int  # rows a step
    objective: Objective
    measure: Mapping[str, Callable[..., Any]]
    hooks: Hooks
    seed: int  # of all that is drawn while it trains
    span: Span

    @property
    def loss(self) -> Loss:
        """The loss that it makes small."""
        return self.objective.loss


def rows_a_step(task: Task, optimizer: str, batch: int | None, options: Mapping[str, Any]) -> int:
    """How many rows each step takes: `batch`, or all where the optimizer says so."""
    rows = task.z.shape[-2]
    batch = whole("batch", min(256, rows) if batch is None else batch)
    if about(optimizer, options).full_batch:
        return rows
    if batch > rows:
        raise SbkitError(f"batch is at most the {rows} training rows, got {batch}; try batch={rows}.")
    return batch
