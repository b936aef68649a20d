"""Two runs of one lesson, A and B, that differ in one dial and train in lock-step."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from sbkit.core import SbkitError, Snapshot, one_of
from sbkit.lab.dials import twin
from sbkit.lab.lesson import Lesson, label, labels, name_of
from sbkit.lab.pen import Pen
from sbkit.lab.session import Session
from sbkit.plots import Description, paired
from sbkit.plots.paired import SIDES
from sbkit.training import progress
from sbkit.training.run import CHECK


class Moment(NamedTuple):
    """What was last seen of A and of B up to a step."""

    step: int
    epoch: float
    a: Snapshot
    b: Snapshot


class Pair:
    """Two sessions of one lesson with the same values but one: same data, seeds and initial weights.

    It offers what a `Session` does. The dial that differs is known as "optimizer · A" and "optimizer · B",
    every other one acts on both sides. While both train they are always at the same step; where one has
    ended, the other goes on. What restarts one side restarts both. Raises `SbkitError` where the sides
    answer different questions, so that nothing of theirs can be compared.

    >>> from sbkit.plots import Line, Lines
    >>> def lesson(slope=1.0):
    ...     return Lines("line", "A line", "x", "y", [Line("y", [0, 1], [0, slope])])
    >>> pair = Pair(lesson, {"slope · A": 1.0, "slope · B": 2.0}, "slope")
    >>> [(line.name, line.y.tolist()) for line in pair.pictures()[0].lines]
    [('A slope=1.0', [0.0, 1.0]), ('B slope=2.0', [0.0, 2.0])]
    """

    def __init__(self, lesson: Lesson, values: Mapping[str, Any], compare: str, options: Sequence[Any] = ()):
        self.lesson, self.compare, self.name = lesson, compare, name_of(lesson)
        self._told = list(zip(options, labels(options), strict=True))
        twins = [twin(compare, side) for side in SIDES]
        shared = {name: value for name, value in values.items() if name not in twins}
        self.sides = [Session(lesson, shared | {compare: values[name]}) for name in twins]
        _check_alike(*self.sides)
        self.takes = [name for name in self.sides[0].takes if name != compare]
        self._slow = 0  # the side that takes longer for a step

    def _meant(self, name: str) -> list[tuple[str, Session]]:
        """The argument that a dial stands for, with each of the sessions that it acts on."""
        for side, session in zip(SIDES, self.sides, strict=True):
            if name == twin(self.compare, side):
                return [(self.compare, session)]
        return [(name, session) for session in self.sides]

    def _build(self) -> None:
        """New runs of both from the latest values; if one fails, both old runs stay."""
        sides = [copy.copy(session) for session in self.sides]
        for session in sides:
            session.rewind()
        _check_alike(*sides)
        self.sides = sides

    @property
    def values(self) -> dict[str, Any]:
        """The latest values, by dial."""
        own = {twin(self.compare, side): s.values for side, s in zip(SIDES, self.sides, strict=True)}
        shared = {name: value for name, value in self.sides[0].values.items() if name != self.compare}
        return {name: values[self.compare] for name, values in own.items()} | shared

    @property
    def live(self) -> frozenset[str]:
        """The dials that act at once, on each side that they belong to."""
        return frozenset(name for name in self.values if all(own in s.live for own, s in self._meant(name)))

    @property
    def dirty(self) -> bool:
        """True if a value that restarts the runs has changed."""
        return any(session.dirty for session in self.sides)

    @property
    def sharp(self) -> bool:
        """True if the last look saw all rows."""
        return all(session.sharp for session in self.sides)

    @property
    def trains(self) -> bool:
        """False for a lesson that returns descriptions."""
        return self.sides[0].trains

    @property
    def history(self) -> list[Moment]:
        """What was seen of both, step by step."""
        a, b = (session.history for session in self.sides)
        steps = sorted({seen.step for seen in (*a, *b)}) if a and b else []
        seen = [(step, _until(step, a), _until(step, b)) for step in steps]
        return [Moment(step, max(one.epoch, other.epoch), one, other) for step, one, other in seen]

    def fresh(self) -> None:
        """Build both runs anew if a value that restarts one has changed."""
        if self.dirty:
            self._build()

    def set(self, name: str, value: Any) -> bool:
        """Give a dial another value, on the side or sides that it belongs to; True if the runs restart."""
        for own, session in self._meant(name):
            session.set(own, value)
        return self.dirty

    def advance(self, steps: int | None = None, seconds: float | None = None) -> None:
        """Train one slice, unless all is done; of seconds, a side takes half, and the other as many steps.

        The slower side goes first, so that a slice does not last longer than it may.
        """
        self.fresh()
        training = self._training()
        if not training:
            return self.look(glance=True)
        first, *others = training
        took = [_timed(first, steps, seconds and seconds / len(training))]
        took += [_timed(other, _step(first) - _step(other)) for other in others]
        self._slow = self.sides.index(training[took.index(max(took))])

    def _training(self) -> list[Session]:
        """The sides that train; first the one ahead, as after an interrupt, or else that with fewer steps."""
        alive = [(s, s.run) for s in self.sides if s.run is not None and not s.run.finished]
        alive.sort(key=lambda it: (-it[1].step, it[1].steps, it[0] is not self.sides[self._slow]))
        return [session for session, _ in alive]

    def look(self, glance: bool = False) -> None:
        """Record a snapshot of both runs as they stand; nothing is trained."""
        self.fresh()
        for session in self.sides:
            session.look(glance)

    def rewind(self) -> None:
        """New runs of the same values, at step 0: the same curves, bit for bit on the CPU."""
        self._build()

    def new_seed(self) -> None:
        """New runs with other initial weights, the same for A and B."""
        self._count_up("seed", max(session.count for session in self.sides) if self.trains else 1)

    def new_data(self) -> None:
        """New runs on other data, the same for A and B."""
        self._count_up("data", 1)

    def _count_up(self, name: str, by: int) -> None:
        one_of(f"argument of {self.name} on both sides", name, self.takes)
        for session in self.sides:
            session.count_up(name, by)
        self._build()

    def finish(self) -> tuple[Any, Any]:
        """Train both to their ends and look at all rows: (A, B), runs, or whatever the lesson made."""
        self.look(glance=True)
        with ExitStack() as bars:
            shown = [bars.enter_context(progress(side.run)) for side in self.sides if side.run]
            while training := self._training():  # never past a step at which a side may end
                cuts = {CHECK, *(session.run.every for session in training if session.run)}
                self.advance(steps=min(cut - _step(training[0]) % cut for cut in cuts))
                for told in shown:
                    told()
        a, b = self.sides
        return a.finish(), b.finish()

    def labels(self) -> list[str]:
        """Names of the sides by the value that now acts, as "A sgd" or "B depth=3"."""
        acting = [s.built | {name: value for _, name, value in s.changes} for s in self.sides]
        values = [values[self.compare] for values in acting]
        texts = [at if type(at) is str else f"{self.compare}={self._label(at)}" for at in values]
        return [f"{side} {text}" for side, text in zip(SIDES, texts, strict=True)]

    def _label(self, value: Any) -> str:
        """A value of the dial that differs, named as in its list of options."""
        return next((text for option, text in self._told if option is value), label(value))

    def pictures(self, whole: bool = False) -> list[Description]:
        """Descriptions of the latest look at both, or of the whole history."""
        a, b = (session.pictures(whole) for session in self.sides)
        return paired(a, b, self.labels())

    def draw(self, history: list[Moment], moving: bool) -> list[Description]:
        """Descriptions of moments; moving: the last look was a glance."""
        seen = [moment.a for moment in history], [moment.b for moment in history]
        a, b = (side.draw(one, moving) for side, one in zip(self.sides, seen, strict=True))
        return paired(a, b, self.labels())

    def about(self) -> dict[str, Any]:
        """What stands beside the pictures: of the side that is ahead, with the reasons of both."""
        a, b = (session.about() for session in self.sides)
        about = {name: max(a[name], b[name]) for name in ("run", "step", "steps", "epoch")}
        done = a["state"] == b["state"] == "Done"
        state = "Done" if done else "Training" if about["step"] else "Ready"
        alike = a["reason"] == b["reason"]
        reasons = [("A and B", a["reason"])] if alike else [("A", a["reason"]), ("B", b["reason"])]
        return about | {"state": state, "reason": "; ".join(f"{who}: {why}" for who, why in reasons if why)}

    def call(self) -> str:
        """The lesson's call with the latest values of both, as text."""
        pen, (a, b) = Pen(self.lesson), (session.values for session in self.sides)
        texts = {name: pen.value(name, value) for name, value in a.items()}
        texts[self.compare] += f" | {pen.value(self.compare, b[self.compare])}"
        return f"{pen.called()}({', '.join(f'{name}={text}' for name, text in texts.items())})"

    def did(self) -> str:
        """What it takes to finish, in words: "8 + 8 runs trained"."""
        return f"{self.sides[0].count} + {self.sides[1].did()}"

    def code(self) -> str:
        """Python text that, pasted in a new cell, leads to this very state of both runs."""
        self.fresh()
        named, pen = dict(zip("ab", self.sides, strict=True)), Pen(self.lesson)
        lines = [f"{name} = {pen.call(session.built)}" for name, session in named.items()]
        stops = {at for session in self.sides for at, *_ in [*session.changes, (_step(session),)]}
        at = 0
        for stop in sorted(stops):
            there = [name for name, session in named.items() if _step(session) >= stop]
            lines += [f"{name}.advance(steps={stop - at})" for name in there if stop > at]
            for name in there:
                changes = [change[1:] for change in named[name].changes if change[0] == stop]
                lines += [f'{name}.settings["{own}"] = {pen.text(value)}' for own, value in changes]
            at = stop
        return pen.page(*lines)


Work = Session | Pair  # what panel, desk, replay and handle work with


def _check_alike(a: Session, b: Session) -> None:
    """Refuse sides of which nothing can be compared."""
    answers = [_answer(session) for session in (a, b)]
    if answers[0] != answers[1]:
        raise SbkitError(
            f"A and B answer the same question, got {answers[0]} and {answers[1]}; compare another dial."
        )


def _answer(session: Session) -> str:
    """What kind of answer a session gives, in words."""
    if session.run is None:
        return "pictures"
    task = session.run.task
    return f"{task.outputs} classes" if task.classes else f"regression (outputs: {task.outputs})"


def _step(session: Session) -> int:
    return 0 if session.run is None else session.run.step


def _timed(session: Session, steps: int | None, seconds: float | None = None) -> float:
    start = time.perf_counter()
    session.advance(steps, seconds)
    return time.perf_counter() - start


def _until(step: int, history: list[Snapshot]) -> Snapshot:
    """What was last seen up to a step; before that, the first."""
    return next((seen for seen in reversed(history) if seen.step <= step), history[0])
