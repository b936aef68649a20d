"""The only training loop: `fit` returns a lazy run, and a run is advanced, iterated or looked at."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from sbkit.batches import Batches, WholeSet
from sbkit.core import (
    Fleet,
    SbkitError,
    Snapshot,
    Task,
    best_threads,
    between,
    check_memory,
    measures,
    optimizers,
    threads,
    whole,
)
from sbkit.losses import loss_for
from sbkit.models import MLP
from sbkit.optimizers import Settings, build, live_settings

CHECK = 50  # steps between two tests of the stopping rule
LOSS_ROWS = 4096  # training rows the loss is measured on, at most
GLANCE_ROWS = 512  # rows of a look while it moves

Measure = str | Callable[[Fleet, Task], Any]
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
            options = measures.about[name].get("glance", {}) if glance and name in measures else {}
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

        self.optimizer.step(closure)  # pyright: ignore[reportArgumentType]
        self.step += 1
        if self.after_step:
            self.after_step(self.fleet, self.step)
        for parameter, kept in zip(self.fleet.parameters(), self._kept, strict=False):
            parameter.index_copy_(0, self._frozen, kept)
        if self.step % CHECK == 0 or self.step == self.steps:
            self._check()

    def _gradient(self, fleet: Fleet, x: Tensor, y: Tensor) -> Tensor | None:
        """Fill the gradients from x (runs, n, d), y (runs, n, …); the loss (runs,) if somebody needs it."""
        targets = y if self.encoded else self._encode(y)
        if isinstance(fleet, MLP) and fleet.slope and not self.penalty:
            logits = fleet.backpropagate(
                x, lambda logits: self.loss.gradient(logits, targets).div_(x.shape[1])
            )
            return self.loss.value(logits, targets).mean(-1) if self.needs_loss else None
        for parameter in fleet.parameters():
            if parameter.grad is not None:
                parameter.grad.zero_()
        with torch.enable_grad():
            logits = fleet(x)
            loss = self.loss.value(logits, targets).mean(-1)  # (runs,)
            if self.penalty:
                loss = loss + self.penalty(fleet, x, y, logits)
            loss.sum().backward()
        return loss.detach()

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


def accuracy(logits: Tensor, y: Tensor) -> Tensor:
    """Share of rows whose largest logit is their class, NaN for regression. (runs,)"""
    if y.is_floating_point():
        return torch.full((len(logits),), math.nan)
    return (logits.argmax(-1) == y).float().mean(-1).cpu()


def fit(
    fleet: Fleet,
    task: Task,
    *,
    optimizer: str = "sgd",
    lr: float | None = None,
    weight_decay: float = 0.0,
    batch: int = 256,
    steps: int = 1000,
    every: int = 50,
    measure: Iterable[Measure] = (),
    loss: str | None = None,
    stop: float | None = 0.01,
    penalty: Penalty | None = None,
    transform: Transform | None = None,
    after_step: AfterStep | None = None,
    seed: int = 0,
    **options: Any,
) -> Run:
    """A lazy run that trains `fleet` (in place) on `task`; nothing is trained before it is asked for.

    Iterated, it gives a `Snapshot` every `every` steps and at the end. lr=None is the optimizer's own
    default; options are its own (momentum, rho, betas, …). batch: rows a step; gd and lbfgs take all.
    measure: names of registered measures, or functions (fleet, task) → tensor (runs, …). loss=None is
    "cross_entropy" for classes, "square" for values. stop: a run ends when its mean training loss over
    (the first 4,096) rows is below it, tested every 50 steps; None never. seed: of the minibatch order.
    penalty(fleet, x, y, logits) → (runs,) adds to the loss; transform(fleet, x, y) → x, y changes a
    batch; after_step(fleet, step) changes weights. Raises `SbkitError`, before any training, on names,
    numbers and shapes that do not fit.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=512, n_test=512)
    >>> [snapshot.step for snapshot in fit(mlp(task, runs=2), task, steps=120, stop=None)]
    [50, 100, 120]
    """
    whole("steps", steps), whole("every", every), whole("batch", batch), whole("seed", seed, 0)
    if stop is not None:
        between("stop", stop, 0, math.inf, open_low=True)
    chosen = loss_for(task, loss)
    about = optimizers.about[optimizer] if optimizer in optimizers else {}
    made = build(optimizer, fleet, lr, weight_decay, **options)
    full, encoded = bool(about.get("full_batch")), penalty is None and transform is None
    if not full and batch > len(task.y):
        raise SbkitError(
            f"batch is at most the {len(task.y)} training rows, got {batch}; try batch={len(task.y)}."
        )
    _check_fleet(fleet, task, len(task.y) if full else batch)
    y = chosen.encode(task.y, task.outputs).to(task.x.dtype) if encoded else task.y
    seeds = [fleet.seed + r for r in range(fleet.runs)]
    return Run(
        fleet,
        task,
        steps=steps,
        every=every,
        stop=stop,
        loss=chosen,
        optimizer=made,
        settings=Settings(made, live_settings(optimizer)),
        measure=dict(_named(measure)),
        penalty=penalty,
        transform=transform,
        after_step=after_step,
        needs_loss=about.get("needs_loss", False),
        encoded=encoded,
        batches=WholeSet(task.x, y, fleet.runs) if full else Batches(task.x, y, batch, seed, seeds),
    )


def last(run: Run) -> Snapshot:
    """The snapshot at the end of a run, which is trained to its end first if it is not there yet.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=512, n_test=512)
    >>> last(fit(mlp(task, runs=2), task, steps=100)).step
    100
    """
    return run.snapshot() if run.finished else run.advance(steps=run.steps)


def _named(chosen: Iterable[Measure]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Measures by name, with what is measured beside them."""
    for measure in [chosen] if isinstance(chosen, str) else chosen:
        if isinstance(measure, str):
            yield measure, measures[measure]
            yield from ((name, measures[name]) for name in measures.about[measure].get("beside", ()))
        elif callable(measure):
            inner = measure.func if isinstance(measure, functools.partial) else measure
            yield getattr(inner, "__name__", type(inner).__name__), measure
        else:
            raise SbkitError(f"A measure is a name or a function (fleet, task) → tensor, got {measure!r}.")


def _check_fleet(fleet: Fleet, task: Task, batch: int) -> None:
    """Refuse a fleet that does not fit the task, or a step too large for the memory."""
    widths = [
        task.x.shape[1],
        *(layer.out_features for layer in fleet.modules() if isinstance(layer, nn.Linear)),
    ]
    need = 3 * fleet.runs * batch * sum(widths) * task.x.element_size()
    check_memory(
        need, f"{fleet.runs} runs × {batch:,} rows × {sum(widths):,} units × 3 copies", task.x.device
    )
    try:
        shape = tuple(fleet.predict(task.x[:2]).shape)
    except RuntimeError as error:
        raise SbkitError(
            f"This fleet does not take the task's inputs, {task.x.shape[1]} columns of {task.x.dtype} "
            f"on {task.x.device}: {error}. Build it for this task, e.g. sb.mlp(task)."
        ) from error
    rows = min(2, len(task.x))
    if shape != (fleet.runs, rows, task.outputs):
        raise SbkitError(
            f"The task has {task.outputs} outputs, so logits are {(fleet.runs, rows, task.outputs)}, got {shape}."
        )
