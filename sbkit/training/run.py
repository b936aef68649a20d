"""The only training loop: a run is lazy; it is advanced, iterated or looked at."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from sbkit.core import Fleet, SbkitError, Snapshot, Task, best_threads, between, measures, threads, whole
from sbkit.models import MLP, Backpropagation

CHECK = 50  # steps between two tests of the stopping rule
LOSS_ROWS = 4096  # training rows the loss is measured on, at most
GLANCE_ROWS = 512  # rows of a look while it moves

Penalty = Callable[[Fleet, Tensor, Tensor, Tensor], Tensor]
Transform = Callable[[Fleet, Tensor, Tensor], tuple[Tensor, Tensor]]
AfterStep = Callable[[Fleet, int], object]


class Run:
    """Training under way: iterate it, or `advance` it; made by `fit`.

    step of steps, fleet, task, settings (what may change while it trains), finished.
    The numbers are the same however the steps are cut.
    """

    def __init__(self, fleet: Fleet, task: Task, **plan: Any):
        self.fleet, self.task, self.step = fleet, task, 0
        self.steps, self.every, self.stop = plan["steps"], plan["every"], plan["stop"]
        self.loss, self.optimizer, self.measure = plan["loss"], plan["optimizer"], plan["measure"]
        self.penalty, self.transform, self.after_step = plan["penalty"], plan["transform"], plan["after_step"]
        self.settings, self.needs_loss = plan["settings"], plan["needs_loss"]
        self.batches, self.encoded = plan["batches"], plan["encoded"]
        self.states = ["training"] * fleet.runs
        self.glimpse = task.sample(GLANCE_ROWS)
        self._frozen = torch.empty(0, dtype=torch.int64)
        self._kept: list[Tensor] = []
        self._tapes: dict[int, Backpropagation] = {}

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
        """Train for some steps, or for about so many seconds (at least a step), and look.

        It stops early when the run is finished. glance: look at few rows and coarsely, for a moving
        picture. Raises `SbkitError` unless exactly one of steps ≥ 1 and seconds > 0 is given.
        """
        if (steps is None) == (seconds is None):
            raise SbkitError("advance takes either steps or seconds; try advance(steps=50).")
        last = self.steps if steps is None else self.step + whole("steps", steps)
        until = (
            math.inf if seconds is None else time.perf_counter() + between("seconds", seconds, 0, 3600, True)
        )
        with threads(self._threads()), torch.no_grad():
            while not self.finished:
                self._train_step()
                if self.step >= last or time.perf_counter() >= until:
                    break
        return self.snapshot(glance)

    def snapshot(self, glance: bool = False) -> Snapshot:
        """What is known now, without training; `glance` as in `advance`."""
        task = self.glimpse if glance else self.task
        with threads(self._threads()), torch.no_grad():
            x, y = task.x[:LOSS_ROWS], task.y[:LOSS_ROWS]
            logits = self.fleet.predict(x)
            return Snapshot(
                step=self.step,
                epoch=self.step * self.batches.batch / len(self.task.y),
                loss=self.loss.value(logits, self._encode(y)).mean(-1).cpu(),
                accuracy=accuracy(logits, y),
                test_accuracy=accuracy(self.fleet.predict(task.x_test), task.y_test),
                values=self._values(task, glance),
                state=tuple(self.states),
                rows=len(task.y_test),
                sample=self.glimpse,
            )

    def _values(self, task: Task, glance: bool) -> dict[str, Any]:
        values = {}
        for name, measure in self.measure.items():
            known = name in measures and measures[name] is measure
            options = measures.about[name].get("glance", {}) if glance and known else {}
            values[name] = measure(self.fleet, task, **options)
        return values

    def _train_step(self) -> None:
        x, y = self.batches(self.step)
        if self.transform:
            x, y = self.transform(self.fleet, x, y)

        def closure(part: Fleet = self.fleet) -> Tensor | None:
            r = part.seed - self.fleet.seed
            own = slice(None) if part is self.fleet else slice(r, r + 1)
            return self._gradient(part, x[own], y[own])

        try:
            self.optimizer.step(closure)  # pyright: ignore[reportArgumentType]
            self.step += 1
            if self.after_step:
                self.after_step(self.fleet, self.step)
        finally:  # an interrupt must neither thaw a frozen run nor skip the stopping rule
            for parameter, kept in zip(self.fleet.parameters(), self._kept, strict=False):
                parameter.index_copy_(0, self._frozen, kept)
            if self.step and (self.step % CHECK == 0 or self.step >= self.steps):
                self._check()

    def _gradient(self, fleet: Fleet, x: Tensor, y: Tensor) -> Tensor | None:
        """Fill the gradients from x (runs, n, d), y (runs, n, …); the loss (runs,) if somebody needs it."""
        targets = y if self.encoded else self._encode(y)
        tape = None if self.penalty else self._tape(fleet, x)
        if tape:
            logits = tape(x, lambda logits: self.loss.gradient(logits, targets).div_(x.shape[1]))
            return self.loss.value(logits, targets).mean(-1) if self.needs_loss else None
        for parameter in fleet.parameters():
            if parameter.grad is not None:
                parameter.grad.zero_()
        with torch.enable_grad():
            logits = fleet(x)
            loss = self.loss.value(logits, targets).mean(-1)  # (runs,)
            if self.penalty:
                loss = loss + _one_each(self.penalty(fleet, x, y, logits), fleet.runs)
            loss.sum().backward()
        return loss.detach()

    def _tape(self, fleet: Fleet, x: Tensor) -> Backpropagation | None:
        """The fast way to this fleet's gradients, if there is one."""
        tape = self._tapes.get(fleet.seed)
        if not isinstance(fleet, MLP) or not fleet.slope:
            return None
        if tape is None or not tape.fits(fleet, x):
            tape = self._tapes[fleet.seed] = Backpropagation(fleet, x)
        return tape

    def _encode(self, y: Tensor) -> Tensor:
        return self.loss.encode(y, self.task.outputs).to(self.task.x.dtype)

    def _check(self) -> None:
        """Freeze the runs that reached `stop` or whose loss is no longer finite; at the end, all."""
        finite = torch.stack([p.flatten(1).isfinite().all(1) for p in self.fleet.parameters()]).all(
            0
        )  # (runs,)
        low = torch.zeros_like(finite)
        if self.stop is not None:
            logits, y = self.fleet.predict(self.task.x[:LOSS_ROWS]), self.task.y[:LOSS_ROWS]
            loss = self.loss.value(logits, self._encode(y)).mean(-1)  # (runs,)
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
                x, y = self.batches(self.step)
                self.fleet.predict(x)

        if self.task.x.device.type != "cpu" or torch.get_num_threads() == 1:
            return torch.get_num_threads()
        return best_threads((self.batches.batch, *(tuple(p.shape) for p in self.fleet.parameters())), trial)


def _one_each(penalty: Tensor, runs: int) -> Tensor:
    """A penalty (runs,), so that no run pays for another."""
    if penalty.shape != (runs,):
        raise SbkitError(
            f"A penalty is one number a run, ({runs},), got {tuple(penalty.shape)}; "
            "sum or average over all axes but the first."
        )
    return penalty


def accuracy(logits: Tensor, y: Tensor) -> Tensor:
    """Share of rows whose largest logit is their class, NaN for regression. (runs,)"""
    if y.is_floating_point():
        return torch.full((len(logits),), math.nan)
    return (logits.argmax(-1) == y).float().mean(-1).cpu()
