"""The only training loop: a run is lazy; it is advanced, iterated or looked at."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sbkit.core import SAMPLE, Fleet, SbkitError, Snapshot, Task, between, drawn, registries, whole
from sbkit.core.machine import best_threads, threads
from sbkit.measures import accuracy
from sbkit.training.gradients import Gradients
from sbkit.training.measured import Value, taken
from sbkit.training.memory import Memory
from sbkit.training.plan import Plan

CHECK = 50  # steps between two checks which runs are done or lost
LOSS_ROWS = 4096  # training rows the loss is measured on, at most
FEW = 64  # test rows of a costly measure at the first glance, which a dial's turn waits for


class Seen(NamedTuple):
    """What a measure gave: at which step, by which look, of what (a glance, of so many test rows)."""

    value: Value
    step: int
    look: int
    of: tuple[bool, int]


class Run:
    """Training under way: iterate it, or `advance` it; made by `fit`.

    step of steps, fleet, task, settings (what may change while it trains), finished. kept: step → the
    weights after it, a `state_dict` for each step of `keep` that was reached, or that lies beyond the end of
    all runs: `fleet.load_state_dict(run.kept[50])`.
    The numbers are the same however the steps are cut; threads that ask at once take turns.
    watch: called between two slices of a loop or of `last`, with the snapshot if one was taken.
    """

    watch: Callable[[Snapshot | None], object] = bool

    def __init__(self, fleet: Fleet, task: Task, plan: Plan):
        self.fleet, self.task, self.plan = fleet, task, plan
        self.start, self.steps, self.every, self._keep, self.stop = plan.span
        self.step = self.start
        self.settings, self.given = plan.settings, plan.given
        self.states = ["training"] * fleet.runs
        self.sample = task.sample()
        # The rows of loss, accuracy and the stopping rule, by glance: x, y, what they are told, their weights
        rows, stacked = task.z.shape[-2], task.z.ndim > 2
        few = {glance: drawn(rows, SAMPLE if glance else LOSS_ROWS) for glance in (True, False)}
        at = {glance: (slice(None), i) if stacked else i for glance, i in few.items()}
        told = {glance: plan.objective.few(i, stacked) for glance, i in few.items()}
        self._judged = {g: (task.x[i], task.y[i], *told[g]) for g, i in at.items()}
        self._alone = threading.RLock()  # a page may ask for a slice while a cell trains
        self._looks = 0
        self._seen: dict[str, Seen] = {}
        self._frozen, self._kept = torch.empty(0, dtype=torch.int64), []  # runs, and what they own
        self._memory = Memory(fleet, plan.optimizer)
        self._gradients = Gradients(fleet, task, plan, self._memory)
        self._rehearse()
        self._gradients.mask()
        self.kept: dict[int, dict[str, Tensor]] = {}
        self._keep_weights()

    def _rehearse(self) -> None:
        """Call all that is not sbkit's own once and undo it, so that faults are told before training."""
        with threads(1), torch.no_grad(), torch.random.fork_rng(devices=[]):
            self._gradients.rehearse()
            for name, measure in self.plan.measure.items():
                own = getattr(measure, "__module__", "").startswith("sbkit.")
                if not own or registries.measure.about[registries.measure.of(measure)].hidden:
                    self._tried(name, measure)

    def _tried(self, name: str, measure: Callable[..., Any]) -> Value:
        """What a measure gives of the sample, or of all rows where it needs those."""
        try:
            return taken(name, measure, self.fleet, self.sample)
        except Exception:  # whatever it is, it rises again where all rows do not help
            return taken(name, measure, self.fleet, self.task)

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
        seen = self.advance(steps=self.every - self.step % self.every)
        self.watch(seen)
        return seen

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
        steps = self.steps if steps is None else whole("steps", steps)
        allowed = math.inf if seconds is None else between("seconds", seconds, 0, 3600, open_low=True)
        until = time.perf_counter() + allowed
        # `_check` sees what is not finite
        with self._alone, threads(self._threads()), torch.no_grad(), np.errstate(all="ignore"):
            last = self.step + steps
            self._gradients.settle()
            if self.step == self.start > 0:  # who was done by then is done in one go, too
                self._check()
                self._keep_weights()
            while not self.finished:
                self._train_step()
                if self.step >= last or time.perf_counter() >= until:
                    break
            self._memory.hold()  # where an optimizer took them elsewhere in this very slice

    def snapshot(self, glance: bool = False) -> Snapshot:
        """What is known now, without training; `glance` as in `advance`."""
        task = self.sample if glance else self.task
        with self._alone, threads(self._threads()), torch.no_grad():
            x, y, told, weight = self._judged[glance]
            logits, test = self.fleet.predict(x), self.fleet.predict(task.x_test)
            objective = self.plan.objective
            self._measure(task, glance)
            return Snapshot(
                step=self.step,
                epoch=self.step * self.plan.batch / self.task.z.shape[-2],
                loss=objective.value(logits, told, weight).cpu(),
                accuracy=accuracy(logits, y),
                test_accuracy=accuracy(test, task.y_test),
                test_loss=objective.value(test, objective.test(task.y_test)).cpu(),
                values={name: seen.value for name, seen in self._seen.items()},
                state=tuple(self.states),
                rows=task.z_test.shape[-2],
                sample=self.sample,
                measured={name: seen.step for name, seen in self._seen.items()},
                measures={name: registries.measure.of(one) for name, one in self.plan.measure.items()},
            )

    def _measure(self, task: Task, glance: bool) -> None:
        """Take every measure; at a glance coarsely, and the costly ones by turns, one at a time."""
        self._looks += 1
        busy = False  # whether a costly one has had its turn
        for name, measure in self.plan.measure.items():
            about = registries.measure.about[registries.measure.of(measure) if glance else ""]
            seen, costly = self._seen.get(name), about.glance_every > 1
            rows = task if about.rows else self.task
            if costly and seen is None:
                rows = rows.sample(FEW)
            of = glance, rows.z_test.shape[-2]
            rests = seen and seen.of == of and self._looks - seen.look < about.glance_every
            if rests or (costly and busy and seen and seen.of[0]):
                continue
            busy |= costly
            bound = getattr(measure, "keywords", {})  # of a partial
            coarse = {key: value for key, value in about.glance.items() if key not in bound}
            found = taken(name, measure, self.fleet, rows, **coarse)
            self._seen[name] = Seen(found, self.step, self._looks, of)

    def _train_step(self) -> None:
        self._gradients.take(self.step)
        try:
            self._gradients.move()
            self.step += 1
            self._gradients.mask()
            if self.plan.hooks.after_step:
                self.plan.hooks.after_step(self.fleet, self.step)
                self._gradients.settle()
                self._gradients.mask()
        finally:  # an interrupt must neither thaw a frozen run nor skip the stopping rule
            if self._kept:
                for kept, own in zip(self._kept, self._memory.owned, strict=True):
                    own.index_copy_(0, self._frozen, kept)
            if self.step > self.start and (self.step % CHECK == 0 or self.step >= self.steps):
                self._check()
            if self._keep:
                self._keep_weights()

    def _keep_weights(self) -> None:
        """Copy the weights if this step is to be kept; at the end of all runs also for the steps to come."""
        for step in self._keep - self.kept.keys():
            if step == self.step or (self.finished and step > self.step):
                state = self.fleet.state_dict()
                self.kept[step] = {name: tensor.detach().clone() for name, tensor in state.items()}

    def _check(self) -> None:
        """Freeze the runs that reached `stop` or whose loss is no longer finite; at the end, all.

        Where nothing but a lost run can end it, the few rows of a glance do until the last step.
        """
        ends = self.step >= self.steps
        x, _, told, weight = self._judged[self.stop is None and not ends]
        logits = self.fleet.predict(x)
        loss = self.plan.objective.value(logits, told, weight)  # (runs,)
        parts = [*self.fleet.parameters(), logits, loss, *self._gradients.penalized()]  # (runs, …) each
        finite = torch.stack([p.reshape(len(loss), -1).isfinite().all(1) for p in parts]).all(0)  # (runs,)
        low = loss < (-math.inf if self.stop is None else self.stop)
        for r, (ok, done) in enumerate(zip(finite.tolist(), low.tolist(), strict=True)):
            if self.states[r] == "training" and (done or ends or not ok):
                self.states[r] = "diverged" if not ok else "converged" if done else "finished"
        frozen = [r for r, state in enumerate(self.states) if state != "training"]
        if len(frozen) > len(self._frozen) and not self.finished:
            self._frozen = torch.tensor(frozen, device=self.task.x.device)
            self._kept = [own.detach()[self._frozen] for own in self._memory.owned]

    def _threads(self) -> int:
        if self.task.x.device.type != "cpu" or torch.get_num_threads() == 1:
            return torch.get_num_threads()
        shape = self.plan.batch, *(tuple(p.shape) for p in self._memory.weights)
        return best_threads(shape, lambda: self._gradients.trial(self.step))
