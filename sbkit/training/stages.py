"""Several runs in a row as one: a net that learns one task after another, in one history and one panel."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sbkit.core import SbkitError, Snapshot, same, takes, whole
from sbkit.training.run import Run

Stage = Run | Callable[..., Run]


class Stages(Run):
    """Runs one after the other under one count of steps; made by `stages`.

    What is not of all stages is that of the present one: fleet, task, settings, states, every, stop. kept: of
    all stages so far, by the step counted from the first on.
    """

    def __init__(self, parts: Sequence[Stage]):
        self._alone = threading.RLock()  # a page may ask for a slice while a cell trains
        # Of the stages before: what `step` and `epoch` add to this one's, and what was kept of them
        self._offset, self._epochs, self._kept = 0, 0.0, dict[int, Any]()
        first, *self._left = parts
        self._now = _begun(first, None)
        self.start = self._now.start

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._now, name)
        if name in ("step", "steps"):
            later = [one.steps - one.step for one in self._left if isinstance(one, Run)]
            return found + self._offset + (sum(later) if name == "steps" else 0)
        if name == "kept":
            return self._kept | {step + self._offset: weights for step, weights in found.items()}
        if name == "states" and self._left:  # who is done with this stage goes on in the next
            return ["diverged" if state == "diverged" else "training" for state in found]
        return found

    @property
    def finished(self) -> bool:
        """True when no run of the last stage trains any more."""
        return self._now.finished and not self._left

    def __next__(self) -> Snapshot:
        if self.finished:
            raise StopIteration
        with self._alone:
            self._go_on()
            self._now.train(self._now.every - self._now.step % self._now.every)
            seen = self.snapshot()
        self.watch(seen)
        return seen

    def train(self, steps: int | None = None, seconds: float | None = None) -> None:
        """As `Run.train`: steps lead on into the next stage, seconds end with the present one."""
        with self._alone:
            last = 0 if steps is None else self.step + whole("steps", steps)
            self._go_on()
            self._now.train(steps, seconds)
            while self.step < last and not self.finished:
                self._go_on()
                self._now.train(last - self.step)

    def snapshot(self, glance: bool = False) -> Snapshot:
        """What is known now, at the step and epoch counted from the first stage on."""
        with self._alone:
            seen = self._now.snapshot(glance)
            at = {name: step + self._offset for name, step in seen.measured.items()}
            counted = {"step": self.step, "epoch": seen.epoch + self._epochs, "measured": at}
            return replace(seen, state=tuple(self.states), **counted)

    def _go_on(self) -> None:
        """Begin the next stage where the present one is done; a setting changed in both goes with it."""
        if not self._now.finished or not self._left:
            return
        before, step, epoch = self._now, self.step, _epoch(self._now) + self._epochs
        now = _begun(self._left[0], self)
        for what, of in SHARED.items():
            if of(now) != of(before):
                rule, got = f"Stages of one run have the same {what}", f"{of(before)}, then {of(now)}"
                raise SbkitError(f"{rule}, got {got}; make them two runs, or alike.")
        for name in set(before.settings) & set(now.settings):
            given = before.given.get(name)  # the very object that a dial gave to both
            if given is not None and given is now.given.get(name) and not same(before.settings[name], given):
                now.settings[name] = before.settings[name]
        self._left.pop(0)
        self._kept = self.kept
        self._offset, self._epochs, self._now = step - now.step, epoch - _epoch(now), now


SHARED: dict[str, Callable[[Run], Any]] = {  # by all stages, so that one picture shows them
    "runs": lambda run: run.fleet.runs,
    "measures": lambda run: [*run.plan.measure],
    "features": lambda run: [*run.task.features] if run.plan.measure else [],
}


def _epoch(run: Run) -> float:
    """How often a run has seen its rows."""
    return run.step * run.plan.batch / run.task.z.shape[-2]


def _begun(stage: Stage, before: Run | None) -> Run:
    """The run of a stage: itself, or what a function gives of nothing, of the fleet or the run so far."""
    if isinstance(stage, Run):
        return stage
    offers = {} if before is None else {"fleet": before.fleet, "run": before}
    named = {name: one for name, one in offers.items() if name in inspect.signature(stage).parameters}
    given = [] if before is None or takes(stage, **named) else [before.fleet]
    if not takes(stage, *given, **named):
        rule = "A stage is a function of nothing, or after the first one of the fleet so far"
        way = "lambda: sb.fit(fleet, task)" if before is None else "lambda fleet: sb.fit(fleet, task)"
        raise SbkitError(f"{rule}, got one of {inspect.signature(stage)}; try {way}.")
    made = stage(*given, **named)
    if not isinstance(made, Run):
        rule, got = "A stage gives a run, as sb.fit does", f"a {type(made).__name__}"
        raise SbkitError(f"{rule}, got {got}; try lambda fleet: sb.fit(fleet, task).")
    return made


def stages(parts: Sequence[Stage]) -> Run:
    """One run over several in a row: each begins where the one before has ended, steps and epochs count on.

    For one fleet that learns one task after another (what does it forget?), a task that grows, a net trained,
    pruned and trained again. parts: runs, as `sb.fit` gives them, or lessons, functions that return one. A
    lesson is called when its turn comes, so that it sees the weights of that moment: with the fleet so far
    if it asks for one, as `lambda fleet: sb.fit(fleet, task)`, or with the run, if an argument is named run.
    Every stage is judged by its own task, and ends with a snapshot; a measure of one's own, given to every
    fit, may ask for others. A run that converged goes on in the next stage, one that diverged is lost in all.
    `steps` is the end as far as it is known: of the present stage and the runs that are there already. Raises
    `SbkitError` on what gives no run, and when its turn comes on a stage of other runs, measures or features.

    Elastic weight consolidation (Kirkpatrick et al. 2017, equation 3) as an implicit step: after each step a
    weight is drawn back to where it was, the more the old task hangs on it.

    >>> from sbkit.data import slabs
    >>> from sbkit.measures import fisher
    >>> from sbkit.models import mlp
    >>> from sbkit.training import fit
    >>> first, then = (slabs(n=256, n_test=64, seed=seed) for seed in (0, 1))
    >>> def consolidated(fleet, strength=100.0, lr=0.1):
    ...     known, before = fisher(fleet, first.x), [p.detach().clone() for p in fleet.parameters()]
    ...     def draw_back(fleet, step):
    ...         for p, f, w in zip(fleet.parameters(), known, before):
    ...             p.copy_((p + lr * strength * f * w) / (1 + lr * strength * f))
    ...     return fit(fleet, then, lr=lr, steps=40, after_step=draw_back)
    >>> run = stages([fit(mlp(first, width=8, runs=2), first, steps=60), consolidated])
    >>> [snapshot.step for snapshot in run]
    [50, 60, 100]
    """
    several = isinstance(parts, list | tuple) and len(parts) > 0
    wrong = [one for one in parts if not (isinstance(one, Run) or callable(one))] if several else []
    if not several or wrong:
        got = f"a {type(wrong[0] if wrong else parts).__name__}" if wrong or parts else "none"
        way = "sb.stages([lambda: sb.fit(fleet, a), lambda: sb.fit(fleet, b)])"
        raise SbkitError(f"Stages are a list of runs, or of functions that return one, got {got}; try {way}.")
    return Stages(parts)
