"""The only training loop: a run is lazy; it is advanced, iterated or looked at."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, optim

from sbkit.batches import Batches, WholeSet
from sbkit.core import Fleet, SbkitError, Snapshot, Task, best_threads, between, measures, threads, whole
from sbkit.losses import Loss
from sbkit.measures import accuracy
from sbkit.models import Backpropagation
from sbkit.optimizers import Settings

CHECK = 50  # steps between two tests of the stopping rule
LOSS_ROWS = 4096  # training rows the loss is measured on, at most

Penalty = Callable[[Fleet, Tensor, Tensor, Tensor], Tensor]
Transform = Callable[[Fleet, Tensor, Tensor], tuple[Tensor, Tensor]]
AfterStep = Callable[[Fleet, int], object]


@dataclass(frozen=True)
class Plan:
    """What `fit` has checked and prepared for a run."""

    steps: int
    every: int
    stop: float | None
    loss: Loss
    optimizer: optim.Optimizer
    settings: Settings
    measure: Mapping[str, Callable[..., Any]]
    penalty: Penalty | None
    transform: Transform | None
    after_step: AfterStep | None
    batches: Batches | WholeSet  # of (x, targets of the loss) if `encoded`, else of (x, y)
    encoded: bool
    needs_loss: bool  # the optimizer looks at the loss, not at gradients alone
    seed: int  # of all that is drawn while it trains


class Run:
    """Training under way: iterate it, or `advance` it; made by `fit`.

    step of steps, fleet, task, settings (what may change while it trains), finished.
    The numbers are the same however the steps are cut.
    """

    def __init__(self, fleet: Fleet, task: Task, plan: Plan):
        self.fleet, self.task, self.plan, self.step = fleet, task, plan, 0
        self.steps, self.every, self.stop, self.settings = plan.steps, plan.every, plan.stop, plan.settings
        self.states = ["training"] * fleet.runs
        self.glimpse = task.sample()
        self.began = sums(fleet)  # tells weights that were drawn from weights that were trained before
        self._place = [p.data_ptr() for p in fleet.parameters()]
        self._glances, self._seen = 0, {}  # looks while it moves; the latest value of every measure
        self._frozen = torch.empty(0, dtype=torch.int64)
        self._kept: list[Tensor] = []
        self._by_hand = plan.penalty is None and Backpropagation.knows(fleet)
        self._tapes: dict[int, Backpropagation] = {}
        self._batch: tuple[Any, Any]  # of this step

    @property
    def finished(self) -> bool:
        """True when no run trains any more."""
        return "training" not in self.states

    def __iter__(self) -> Iterator[Snapshot]:
        return self

    def __next__(self) -> Snapshot:
        if self.finished:
            raise StopIteration
        return self.advance(steps=self.every - self.step % self.every)

    def advance(
        self, steps: int | None = None, seconds: float | None = None, glance: bool = False
    ) -> Snapshot:
        """`train`, then look; glance: at few rows and coarsely, for a moving picture."""
        self.train(steps, seconds)
        return self.snapshot(glance)

    def train(self, steps: int | None = None, seconds: float | None = None) -> None:
        """Train for some steps, or for about so many seconds (at least a step), without looking.

        It stops early when the run is finished. Raises `SbkitError` unless exactly one of steps ≥ 1 and
        seconds > 0 is given.
        """
        if (steps is None) == (seconds is None):
            raise SbkitError("advance takes either steps or seconds; try advance(steps=50).")
        last = self.steps if steps is None else self.step + whole("steps", steps)
        until = (
            math.inf if seconds is None else time.perf_counter() + between("seconds", seconds, 0, 3600, True)
        )
        if [p.data_ptr() for p in self.fleet.parameters()] != self._place:
            raise SbkitError("A fleet that trains stays where it is, got one moved; call to() before sb.fit.")
        with threads(self._threads()), torch.no_grad(), np.errstate(all="ignore"):  # `_check` sees infinities
            while not self.finished:
                self._train_step()
                if self.step >= last or time.perf_counter() >= until:
                    break

    def snapshot(self, glance: bool = False) -> Snapshot:
        """What is known now, without training; `glance` as in `advance`."""
        task = self.glimpse if glance else self.task
        with threads(self._threads()), torch.no_grad():
            x, y = task.x[:LOSS_ROWS], task.y[:LOSS_ROWS]
            logits = self.fleet.predict(x)
            return Snapshot(
                step=self.step,
                epoch=self.step * self.plan.batches.batch / len(self.task.y),
                loss=self.plan.loss.value(logits, self._encode(y)).mean(-1).cpu(),
                accuracy=accuracy(logits, y),
                test_accuracy=accuracy(self.fleet.predict(task.x_test), task.y_test),
                values=self._values(task, glance),
                state=tuple(self.states),
                rows=len(task.y_test),
                sample=self.glimpse,
            )

    def _values(self, task: Task, glance: bool) -> dict[str, Any]:
        """Every measure's value; at a glance coarser ones, and the costly ones by turns."""
        self._glances = self._glances + 1 if glance else 0
        for name, measure in self.plan.measure.items():
            known = name in measures and measures[name] is measure
            about = measures.about[name] if known and glance else {}
            if name not in self._seen or self._glances % about.get("glance_every", 1) == 0:
                self._seen[name] = measure(self.fleet, task, **about.get("glance", {}))
        return dict(self._seen)

    def _train_step(self) -> None:
        self._batch = self._minibatch()
        try:
            self.plan.optimizer.step(self._closure)  # pyright: ignore[reportArgumentType, reportCallIssue]
            self.step += 1
            if self.plan.after_step:
                self.plan.after_step(self.fleet, self.step)
        finally:  # an interrupt must neither thaw a frozen run nor skip the stopping rule
            if self._kept:
                for kept, parameter in zip(self._kept, self.fleet.parameters(), strict=True):
                    parameter.index_copy_(0, self._frozen, kept)
            if self.step and (self.step % CHECK == 0 or self.step >= self.steps):
                self._check()

    def _minibatch(self) -> tuple[Any, Any]:
        """x (runs, n, d) and targets (runs, n, outputs) in NumPy, or in torch, with labels for a penalty."""
        if self._by_hand and not self.plan.transform:
            return self.plan.batches.arrays(self.step)
        x, y = self.plan.batches(self.step)
        if self.plan.transform:
            x, y = self.plan.transform(self.fleet, x, y)
        return (x.numpy(), self._encode(y).numpy()) if self._by_hand else (x, y)

    def _closure(self, part: Fleet | None = None) -> Tensor | None:
        """Gradients of the whole fleet, or of one run as `Fleet.only` gives it, on this step's minibatch."""
        fleet, (x, y) = self.fleet, self._batch
        if part is not None:
            r = part.seed - fleet.seed
            fleet, x, y = part, x[r : r + 1], y[r : r + 1]
        return self._backpropagate(fleet, x, y) if self._by_hand else self._autograd(fleet, x, y)

    def _backpropagate(self, fleet: Fleet, x: np.ndarray, targets: np.ndarray) -> Tensor | None:
        """Fill the gradients; the loss (runs,) if somebody needs it."""
        tape = self._tapes.get(fleet.seed)
        if tape is None or tape.shape != x.shape:
            tape = self._tapes[fleet.seed] = Backpropagation(fleet, x.shape)
        logits = tape(x, targets, self.plan.loss.gradient)
        if not self.plan.needs_loss:
            return None
        return self.plan.loss.value(torch.from_numpy(logits), torch.from_numpy(targets)).mean(-1)

    def _autograd(self, fleet: Fleet, x: Tensor, y: Tensor) -> Tensor:
        """Fill the gradients; the loss (runs,)."""
        targets = y if self.plan.encoded else self._encode(y)
        trained = [p for p in fleet.parameters() if p.requires_grad]
        with torch.enable_grad(), fleet.at(self.plan.seed, self.step):
            logits = fleet(x)
            loss = self.plan.loss.value(logits, targets).mean(-1)  # (runs,)
            if self.plan.penalty:
                loss = loss + _one_each(self.plan.penalty(fleet, x, y, logits), fleet.runs)
            grads = torch.autograd.grad(loss.sum(), trained, allow_unused=True, materialize_grads=True)
        for parameter, grad in zip(trained, grads, strict=True):
            parameter.grad = grad if parameter.grad is None else parameter.grad.copy_(grad)
        return loss.detach()

    def _encode(self, y: Tensor) -> Tensor:
        return self.plan.loss.encode(y, self.task.outputs).to(self.task.x.dtype)

    def _check(self) -> None:
        """Freeze the runs that reached `stop` or whose loss is no longer finite; at the end, all."""
        each = [p.flatten(1).isfinite().all(1) for p in self.fleet.parameters()]
        finite = torch.stack(each).all(0)  # (runs,)
        low = torch.zeros_like(finite)
        if self.stop is not None:
            logits, y = self.fleet.predict(self.task.x[:LOSS_ROWS]), self.task.y[:LOSS_ROWS]
            loss = self.plan.loss.value(logits, self._encode(y)).mean(-1)  # (runs,)
            finite, low = finite & loss.isfinite(), loss < self.stop
        for r, (ok, done) in enumerate(zip(finite.tolist(), low.tolist(), strict=True)):
            if self.states[r] == "training" and not (ok and not done and self.step < self.steps):
                self.states[r] = "diverged" if not ok else "converged" if done else "finished"
        frozen = [r for r, state in enumerate(self.states) if state != "training"]
        if len(frozen) > len(self._frozen):
            self._frozen = torch.tensor(frozen, device=self.task.x.device)
            self._kept = [p.detach()[self._frozen].clone() for p in self.fleet.parameters()]

    def _threads(self) -> int:
        def trial() -> None:
            with torch.no_grad():
                x, y = self.plan.batches(self.step)
                self.fleet.predict(x)

        if self.task.x.device.type != "cpu" or torch.get_num_threads() == 1:
            return torch.get_num_threads()
        return best_threads(
            (self.plan.batches.batch, *(tuple(p.shape) for p in self.fleet.parameters())), trial
        )


def sums(fleet: Fleet) -> list[Tensor]:
    """The sum of every parameter's weights, (runs,) each, in float64."""
    return [p.detach().flatten(1).sum(1, dtype=torch.float64) for p in fleet.parameters()]


def _one_each(penalty: Tensor, runs: int) -> Tensor:
    """A penalty (runs,), so that no run pays for another."""
    if penalty.shape != (runs,):
        raise SbkitError(
            f"A penalty is one number a run, ({runs},), got {tuple(penalty.shape)}; "
            "sum or average over all axes but the first."
        )
    return penalty
