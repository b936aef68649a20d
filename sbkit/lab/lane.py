"""One run of a lesson: built from its values, changed while it trains, recorded. Knows no widget, no dial."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from sbkit.core import SbkitError, Snapshot
from sbkit.lab.dials import number
from sbkit.lab.labels import told_apart
from sbkit.lab.pen import Pen
from sbkit.optimizers.settings import LIVE
from sbkit.plots import Description, pictures
from sbkit.plots.shapes import SHAPES
from sbkit.training import Run, anew
from sbkit.training.signature import Signature

MOST = 300  # snapshots kept of a run
UNSCALED = 2.0  # root mean square of a column that is larger than standardized ones are


class Lane:
    """A lesson called once, with what it made and what was seen of that.

    built: the values it was called with; acting: those that now act. made: whatever it returned; run: None
    if it does not train, but is `drawn`. live: the numbers that act at once, as the lesson handed the very
    object on to a setting of its run of the same name. changes: (step, name, value) of those that did.
    history: snapshots, at most 300, the last one `sharp` if it saw all rows. took: seconds that the last
    slice of training took.
    """

    def __init__(self, signature: Signature, values: Mapping[str, Any]):
        self.built, self.acting = dict(values), dict(values)
        handed = {name: _marked(name, value) for name, value in values.items()}
        self.made: Any = anew(signature.lesson, handed)
        self.run, self.drawn = made_by(signature.name, self.made)
        acts = {} if self.run is None else {n: self.run.given.get(n) for n in self.run.settings}
        self.live = frozenset(n for n, v in handed.items() if number(v) and acts.get(n) is v)
        self.changes: list[tuple[int, str, Any]] = []
        self.history: list[Snapshot] = []
        self.sharp, self.took = False, 0.0

    @property
    def step(self) -> int:
        """How far the run is; 0 where nothing trains."""
        return 0 if self.run is None else self.run.step

    @property
    def count(self) -> int:
        """How many runs train, or how many pictures a lesson that does not train draws."""
        return len(self.drawn) if self.run is None else self.run.fleet.runs

    def change(self, name: str, value: Any) -> None:
        """Give a setting of the run another value while it trains."""
        if self.run is not None:
            self.run.settings[name] = value
            kept = [change for change in self.changes if change[:2] != (self.step, name)]
            self.changes = [*kept, (self.step, name, value)]
            self.acting[name] = value

    def advance(self, steps: int | None = None, seconds: float | None = None) -> None:
        """Train one slice and record a glance at the run."""
        if self.run is not None:
            start = time.perf_counter()
            self.record(self.run.advance(steps=steps, seconds=seconds, glance=True), sharp=False)
            self.took = time.perf_counter() - start

    def look(self, glance: bool = False) -> None:
        """Record a snapshot of the run as it stands; nothing is measured twice."""
        seen = bool(self.history) and self.history[-1].step == self.step
        if self.run is not None and not (seen and (glance or self.sharp)):
            self.record(self.run.snapshot(glance), sharp=not glance)

    def record(self, snapshot: Snapshot, sharp: bool) -> None:
        """Add a snapshot of this moment to the history; sharp: it saw all rows."""
        if self.history and self.history[-1].step == snapshot.step:
            self.history.pop()
        if len(self.history) >= MOST:
            self.history = self.history[::2]  # the first stays
        self.history.append(snapshot)
        self.sharp = sharp

    def pictures(self, whole: bool = False) -> list[Description]:
        """Descriptions of the latest look, or of the whole history."""
        return self.draw(self.history if whole else self.history[-1:], moving=not self.sharp)

    def draw(self, history: Sequence[Snapshot], moving: bool) -> list[Description]:
        """Descriptions of a history; moving: its last look was a glance. Nothing before the first look."""
        if self.run is None:
            return self.drawn
        return pictures(history, moving, first=self.history[0]) if history else []

    def seen(self, step: int) -> Snapshot:
        """What was last seen up to a step; before that, the first."""
        return next((seen for seen in reversed(self.history) if seen.step <= step), self.history[0])

    def steps(self, name: str, pen: Pen) -> list[str]:
        """Lines of Python that lead a new run of this name here."""
        lines, step = [], self.run.start if self.run else 0
        for at, own, value in [*self.changes, (self.step, "", None)]:
            lines += [f"{name}.advance(steps={at - step})"] if at > step else []
            lines += [f'{name}.settings["{own}"] = {pen.text(value)}'] if own else []
            step = at
        return lines

    def answers(self) -> str:
        """What its net is to answer, in words."""
        if self.run is None:
            return "pictures"
        task = self.run.task
        if task.sort == "regression":
            return f"regression (outputs: {task.outputs})"
        return f"{task.outputs} {'labels' if task.many else 'classes'}"

    def ending(self) -> str:
        """Why runs no longer train, as a clause; empty while all do. What to try, if none has a loss."""
        if (run := self.run) is None:
            return ""
        states, runs = run.states, len(run.states)
        lost = [str(r) for r, state in enumerate(states) if state == "diverged"]
        if len(lost) == runs:
            return f"The loss of {'the run' if runs == 1 else 'all runs'} is not finite; try {_calmer(run)}"
        parts, steps = [], f"all {run.steps:,} steps"
        if (n := states.count("converged")) == runs:
            parts.append(f"{'the run' if runs == 1 else f'all {runs} runs'} reached loss < {run.stop:g}")
        elif n:
            parts.append(f"{n} of {runs} runs reached loss < {run.stop:g}")
        if n := states.count("finished"):
            parts.append(f"{steps} done" if n == runs else f"{n} of {runs} runs did {steps}")
        if lost:
            parts.append(f"the loss of run{'s' if len(lost) > 1 else ''} {', '.join(lost)} is not finite")
        return "; ".join(parts)


def _calmer(run: Run) -> str:
    """What keeps the loss finite: columns of one size where the reader's own are not, smaller steps."""
    own = isinstance(run.task.embed, nn.Identity)
    unscaled = own and run.task.x.double().square().mean(0).max() > UNSCALED**2
    return f"{'standardize=True or ' if unscaled else ''}a smaller lr"


def made_by(name: str, made: Any) -> tuple[Run | None, list[Description]]:
    """What a lesson returned, as a run or as descriptions; anything else is an `SbkitError`."""
    if isinstance(made, Run):
        return made, []
    several = list(made) if isinstance(made, list | tuple) else [made]
    if several and all(isinstance(one, Description) for one in several):
        names = told_apart(one.name for one in several)  # "bands" and "bands 2"
        return None, [replace(one, name=own) for one, own in zip(several, names, strict=True)]
    got = type(made).__name__ if made is not None else "None; does it end with `return`?"
    raise SbkitError(
        f"A lesson returns a run, as sb.fit does, or a description ({SHAPES}), "
        f"or a list of descriptions; {name} returned {got}"
    )


class Count(int):
    """A whole number that can be told from every equal one."""


def _marked(name: str, value: Any) -> Any:
    """A number that may be a setting of a run as an equal one that is an object of its own."""
    if name not in LIVE or not number(value):
        return value
    return Count(value) if isinstance(value, int) else value * type(value)(1)
