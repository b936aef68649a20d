"""A lesson at work: its values, its run, what was done to it. Knows no widget and no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from sbkit.core import SbkitError, Snapshot, one_of
from sbkit.lab.lesson import (
    Lesson,
    acts_at_once,
    default_of,
    made_by,
    marked,
    name_of,
    number,
    parameters,
)
from sbkit.lab.pen import Pen
from sbkit.plots import Description, pictures
from sbkit.training import Run, anew, progress

MOST = 300  # snapshots kept of a run
UNSCALED = 2.0  # root mean square of a column that is larger than standardized ones are


class Session:
    """A lesson with its values: builds the run, changes it, records it, and says how to get it again.

    run: under way, None for a lesson that does not train. live: the names that act at once, all others
    restart. number: goes up with every new run. history: its snapshots, at most 300, the last one `sharp`
    if it saw all rows. Raises `SbkitError` on a name that the lesson does not take, and when it returns
    neither a run nor descriptions; whatever the lesson raises, rises, and the run before it stays.

    >>> from sbkit.plots import Lines, Line
    >>> def lesson(slope=1.0):
    ...     return Lines("line", "A line", "x", "y", [Line("y", [0, 1], [0, slope])])
    >>> session = Session(lesson, {"slope": 2.0})
    >>> session.code(), session.pictures()[0].lines[0].y.tolist()
    ('lesson(slope=2.0)', [0.0, 2.0])
    """

    def __init__(self, lesson: Lesson, values: Mapping[str, Any] | None = None):
        self.lesson, self.values, self.name = lesson, dict(values or {}), name_of(lesson)
        self.takes = parameters(lesson, self.values)
        self.number = 0
        self._build()

    def _build(self) -> None:
        """A new run from the latest values, by one call; if that fails, the old run stays."""
        values = dict(self.values)
        handed = marked(values)
        self.made: Any = anew(self.lesson, handed)
        self.run: Run | None
        self.still: list[Description]
        self.run, self.still = made_by(self.name, self.made)
        self.live = frozenset() if self.run is None else acts_at_once(handed, self.run)
        self.built, self.number, self.dirty, self.sharp = values, self.number + 1, False, False
        self.history: list[Snapshot] = []
        self.changes: list[tuple[int, str, Any]] = []  # (step, name, value)

    def fresh(self) -> None:
        """Build the run anew if a value that restarts it has changed."""
        if self.dirty:
            self._build()

    def set(self, name: str, value: Any) -> bool:
        """Give a dial another value; True if the run restarts by it, at the next request."""
        one_of(f"argument of {self.name}", name, self.takes)
        at_once = not self.dirty and name in self.live and number(value)
        if at_once and self.run is not None:
            self.run.settings[name] = value
            kept = [change for change in self.changes if change[:2] != (self.run.step, name)]
            self.changes = [*kept, (self.run.step, name, value)]
        self.values[name] = value
        self.dirty = not at_once
        return self.dirty

    def advance(self, steps: int | None = None, seconds: float | None = None) -> None:
        """Train one slice, unless all is done, and record a glance at the run."""
        self.fresh()
        if self.run is None or self.run.finished:
            self.look(glance=True)
        else:
            self._record(self.run.advance(steps=steps, seconds=seconds, glance=True), sharp=False)

    def look(self, glance: bool = False) -> None:
        """Record a snapshot of the run as it stands; nothing is trained, and nothing is measured twice."""
        self.fresh()
        if self.run is None:
            return
        seen = bool(self.history) and self.history[-1].step == self.run.step
        if not (seen and (glance or self.sharp)):
            self._record(self.run.snapshot(glance), sharp=not glance)

    def _record(self, snapshot: Snapshot, sharp: bool) -> None:
        if self.history and self.history[-1].step == snapshot.step:
            self.history.pop()
        if len(self.history) >= MOST:
            self.history = self.history[::2]  # the first stays
        self.history.append(snapshot)
        self.sharp = sharp

    def rewind(self) -> None:
        """A new run of the same values, at step 0: the same curve, bit for bit on the CPU."""
        self._build()

    def new_seed(self) -> None:
        """A new run with other initial weights in every run: `seed` goes up by the number of runs."""
        self.count_up("seed", 1 if self.run is None else self.count)
        self._build()

    def new_data(self) -> None:
        """A new run on other data: `data` goes up by one."""
        self.count_up("data", 1)
        self._build()

    def count_up(self, name: str, by: int) -> None:
        """Give a whole number of the lesson a larger value."""
        one_of(f"argument of {self.name}", name, self.takes)
        now = self.values.get(name, default_of(self.lesson, name))
        if isinstance(now, bool) or not isinstance(now, int):
            raise SbkitError(
                f"{name} counts up from a whole number, got {now!r}; try {name}=0 in the lesson."
            )
        self.set(name, now + by)

    def finish(self) -> Any:
        """Train to the end and look at all rows; the run, or whatever a lesson that does not train made."""
        self.fresh()
        if self.run is None:
            return self.made
        self.look(glance=True)
        with progress(self.run) as told:
            while not self.run.finished:
                self.advance(steps=self.run.every - self.run.step % self.run.every)
                told()
        self.look()
        return self.run

    def pictures(self, whole: bool = False) -> list[Description]:
        """Descriptions of the latest snapshot, or of the whole history; nothing before the first look."""
        if self.run is None:
            return self.still
        history = self.history if whole else self.history[-1:]
        return self.draw(history, moving=not self.sharp) if history else []

    def draw(self, history: Sequence[Snapshot], moving: bool) -> list[Description]:
        """Descriptions of a history; moving: its last look was a glance."""
        return pictures(history, moving, first=self.history[0])

    @property
    def trains(self) -> bool:
        """False for a lesson that returns descriptions."""
        return self.run is not None

    def about(self) -> dict[str, Any]:
        """What stands beside the pictures: run, step, steps, epoch, state word and the reason for it."""
        about = {"run": self.number, "step": 0, "steps": 0, "epoch": 0.0}
        if self.run is not None:
            epoch = self.history[-1].epoch if self.history else 0.0
            about |= {"step": self.run.step, "steps": self.run.steps, "epoch": epoch}
        state, reason = standing(self.run)
        return about | {"state": state, "reason": reason}

    def call(self) -> str:
        """The lesson's call with its latest values, as text."""
        return Pen(self.lesson).call(self.values)

    def did(self) -> str:
        """What it takes to finish, in words: "8 runs trained"."""
        what, did = ("picture", "drawn") if self.run is None else ("run", "trained")
        return f"{self.count} {what}{'s'[: self.count != 1]} {did}"

    @property
    def count(self) -> int:
        """How many runs train, or how many pictures a lesson that does not train draws."""
        return len(self.still) if self.run is None else self.run.fleet.runs

    def code(self) -> str:
        """Python text that, pasted in a new cell, leads to this very state, or a comment on why it cannot."""
        self.fresh()
        pen = Pen(self.lesson)
        call = pen.call(self.built)
        if self.run is None:
            return pen.page(call)
        lines, step = [f"run = {call}"], 0
        for at, name, value in [*self.changes, (self.run.step, "", None)]:
            if at > step:
                lines.append(f"run.advance(steps={at - step})")
            if name:
                lines.append(f'run.settings["{name}"] = {pen.text(value)}')
            step = at
        return pen.page(*lines)


def standing(run: Run | None) -> tuple[str, str]:
    """The state word of a run and the reason for it."""
    if run is None:
        return "Ready", ""
    word = "Done" if run.finished else "Training" if run.step else "Ready"
    return word, ending(run)


def ending(run: Run) -> str:
    """Why runs no longer train, as a clause; empty while all do. What to try, if none has a loss."""
    count = {state: run.states.count(state) for state in ("converged", "finished")}
    lost = [str(r) for r, state in enumerate(run.states) if state == "diverged"]
    parts = []
    if count["converged"]:
        parts.append(f"{_share(count['converged'], run)} reached loss < {run.stop:g}")
    if count["finished"]:
        who = "" if count["finished"] == len(run.states) else f"{_share(count['finished'], run)} did "
        parts.append(f"{who}all {run.steps:,} steps{'' if who else ' done'}")
    if len(lost) == len(run.states):
        who = "the run" if len(lost) == 1 else "all runs"
        return f"The loss of {who} is not finite; try {_calmer(run)}"
    if lost:
        parts.append(f"the loss of run{'s' if len(lost) > 1 else ''} {', '.join(lost)} is not finite")
    return "; ".join(parts)


def _calmer(run: Run) -> str:
    """What keeps the loss finite: columns of one size where the reader's own are not, smaller steps."""
    own = isinstance(run.task.embed, nn.Identity)
    unscaled = own and run.task.x.double().square().mean(0).max() > UNSCALED**2
    return f"{'standardize=True or ' if unscaled else ''}a smaller lr"


def _share(count: int, run: Run) -> str:
    runs = len(run.states)
    return "the run" if runs == 1 else f"all {runs} runs" if count == runs else f"{count} of {runs} runs"
