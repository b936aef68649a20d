"""The only training loop: a run is lazy; it is advanced, iterated or looked at."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import (
    Fleet,
    SbkitError,
    Snapshot,
    Task,
    best_threads,
    between,
    measures,
    threads,
    whole,
)
from sbkit.measures import accuracy
from sbkit.training.gradients import Gradients, Plan

CHECK = 50  # steps between two tests of the stopping rule
LOSS_ROWS = 4096  # training rows the loss is measured on, at most


class Run:
    """Training under way: iterate it, or `advance` it; made by `fit`.

    step of steps, fleet, task, settings (what may change while it trains), finished.
    The numbers are the same however the steps are cut.
    """

    def __init__(self, fleet: Fleet, task: Task, plan: Plan):
        self.fleet, self.task, self.plan, self.step = fleet, task, plan, 0
        self.steps, self.every, self.stop, self.settings = plan.steps, plan.every, plan.stop, plan.settings
        self.given: dict[str, Any] = {}  # the settings as `fit` was given them, the very objects
        self.states = ["training"] * fleet.runs
        self.glimpse = task.sample()
        self.began = sums(fleet)  # tells weights that were drawn from weights that were trained before
        self._place = [(p.data_ptr(), p.requires_grad) for p in fleet.parameters()]
        self._grads = [p.grad for p in fleet.parameters()]  # the memory that the optimizer reads
        self._glances, self._seen = 0, {}  # looks while it moves; the latest value of every measure
        self._frozen = torch.empty(0, dtype=torch.int64)
        self._kept: list[Tensor] = []
        self._gradients = Gradients(fleet, task, plan)

    @property
    def finished(self) -> bool:
        """True when no run trains any more."""
        return "training" not in self.states

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Raise `SbkitError`: weights can be copied and saved, training under way cannot."""
        words = "A run under way is neither copied nor pickled; call its lesson again, or keep its weights"
        raise SbkitError(f"{words}: copy.deepcopy(run.fleet), or torch.save(run.fleet.state_dict(), path).")

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
        self._settle()
        with (
            threads(self._threads()),
            torch.no_grad(),
            np.errstate(all="ignore"),  # `_check` sees what is not finite
        ):
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
                loss=self.plan.loss.value(logits, self._gradients.encode(y)).mean(-1).cpu(),
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

    def _settle(self) -> None:
        """Refuse weights that were moved or frozen since `fit`; take gradients back that others replaced."""
        place = [(p.data_ptr(), p.requires_grad) for p in self.fleet.parameters()]
        if [at for at, _ in place] != [at for at, _ in self._place]:
            raise SbkitError("A fleet that trains stays where it is, got one moved; call to() before sb.fit.")
        if place != self._place:
            raise SbkitError("sb.fit settles what trains, got requires_grad changed; call sb.fit once more.")
        for parameter, grad in zip(self.fleet.parameters(), self._grads, strict=True):
            parameter.grad = grad

    def _train_step(self) -> None:
        self._gradients.take(self.step)
        try:
            self.plan.optimizer.step(self._gradients)  # pyright: ignore[reportArgumentType, reportCallIssue]
            self.step += 1
            if self.plan.after_step:
                self.plan.after_step(self.fleet, self.step)
                self._settle()
        finally:  # an interrupt must neither thaw a frozen run nor skip the stopping rule
            if self._kept:
                for kept, parameter in zip(self._kept, self.fleet.parameters(), strict=True):
                    parameter.index_copy_(0, self._frozen, kept)
            if self.step and (self.step % CHECK == 0 or self.step >= self.steps):
                self._check()

    def _check(self) -> None:
        """Freeze the runs that reached `stop` or whose loss is no longer finite; at the end, all."""
        each = [p.flatten(1).sum(1).isfinite() for p in self.fleet.parameters()]
        finite = torch.stack(each).all(0)  # (runs,)
        low = torch.zeros_like(finite)
        if self.stop is not None:
            logits, y = self.fleet.predict(self.task.x[:LOSS_ROWS]), self.task.y[:LOSS_ROWS]
            loss = self.plan.loss.value(logits, self._gradients.encode(y)).mean(-1)  # (runs,)
            finite, low = finite & loss.isfinite(), loss < self.stop
        for r, (ok, done) in enumerate(zip(finite.tolist(), low.tolist(), strict=True)):
            if self.states[r] == "training" and not (ok and not done and self.step < self.steps):
                self.states[r] = "diverged" if not ok else "converged" if done else "finished"
        frozen = [r for r, state in enumerate(self.states) if state != "training"]
        if len(frozen) > len(self._frozen) and not self.finished:
            self._frozen = torch.tensor(frozen, device=self.task.x.device)
            self._kept = [p.detach()[self._frozen] for p in self.fleet.parameters()]

    def _threads(self) -> int:
        if self.task.x.device.type != "cpu" or torch.get_num_threads() == 1:
            return torch.get_num_threads()
        shape = self.plan.batches.batch, *(tuple(p.shape) for p in self.fleet.parameters())
        return best_threads(shape, lambda: self._gradients.trial(self.step))


def sums(fleet: Fleet) -> list[Tensor]:
    """The sum of every parameter's weights, (runs,) each, in float64."""
    return [p.detach().flatten(1).sum(1, dtype=torch.float64) for p in fleet.parameters()]
