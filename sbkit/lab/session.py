"""A lesson at work: one lane, or two that differ in one dial. Knows no widget and no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

from sbkit.core import SbkitError, Snapshot, one_of
from sbkit.lab.dials import acts_on, argument, number, twin
from sbkit.lab.labels import label
from sbkit.lab.lane import Lane
from sbkit.lab.pen import Pen
from sbkit.plots import Description, paired
from sbkit.plots.paired import SIDES
from sbkit.plots.words import say
from sbkit.training import Run, progress
from sbkit.training.signature import Lesson, Signature

LINE = 400  # characters of a call that stands in a sentence


class Moment(NamedTuple):
    """A step, and the latest snapshot of every lane at that step."""

    step: int
    epoch: float
    seen: tuple[Snapshot, ...]


class Session:
    """A lesson with its values: builds its lanes, trains, changes and records them, and writes them down.

    compare: an argument in which two lanes, A and B, differ; its dials are known as "optimizer · A" and
    "optimizer · B", every other one acts on both. While both train they are always at the same step; where
    one has ended, the other goes on. number: goes up with every new run. dirty: a value that restarts has
    changed; all lanes are built anew at the next request. Raises `SbkitError` on a name that the lesson does
    not take, when it returns neither a run nor descriptions, and where the lanes answer different questions.
    Whatever fails, the runs before it stay.

    >>> from sbkit.plots import Lines, Line
    >>> def lesson(slope=1.0):
    ...     return Lines("line", "A line", "x", "y", [Line("y", [0, 1], [0, slope])])
    >>> session = Session(lesson, {"slope": 2.0})
    >>> session.code(), session.pictures()[0].lines[0].y.tolist()
    ('lesson(slope=2.0)', [0.0, 2.0])
    >>> both = Session(lesson, {"slope · A": 1.0, "slope · B": 2.0}, "slope")
    >>> [(line.name, line.y.tolist()) for line in both.pictures()[0].lines]
    [('A slope=1.0', [0.0, 1.0]), ('B slope=2.0', [0.0, 2.0])]
    """

    picks = False  # True for a map, whose tiles can be picked and which is its own call

    def __init__(
        self,
        lesson: Lesson | Signature,
        values: Mapping[str, Any] | None = None,
        compare: str | None = None,
    ):
        self.signature, self.compare, self.number = Signature.of(lesson), compare, 0
        self.lesson, self.name = self.signature.lesson, self.signature.name
        self.sides = SIDES if compare else ("",)
        self.values = dict(sorted((values or {}).items(), key=lambda it: it[0] != argument(it[0])))
        names = self.signature.names(dict.fromkeys(map(argument, self.values)))
        twins = [twin(compare, side) for side in SIDES] if compare else []
        self.takes = [*twins, *(name for name in names if name != compare)]
        self._watch: Callable[[], object] | None = None
        self._build()

    def _build(self) -> None:
        """New runs from the latest values, by one call each; if one fails, all old runs stay."""
        given = [{n: value for n, value in self.values.items() if acts_on(n, side)} for side in self.sides]
        lanes = [Lane(self.signature, {argument(n): value for n, value in one.items()}) for one in given]
        answers = [lane.answers() for lane in lanes]
        if len(set(answers)) > 1:
            raise SbkitError(
                f"A and B answer the same question, got {' and '.join(answers)}; compare another dial."
            )
        self.lanes, self.number, self.dirty = lanes, self.number + 1, False
        self.follow(self._watch)

    def follow(self, watch: Callable[[], object] | None) -> None:
        """Call `watch` while a run is trained by `finish`, `sb.last` or a loop; None: no longer."""
        self._watch = watch
        for lane in self.lanes:
            if lane.run is not None:
                lane.run.watch = partial(self._followed, lane) if watch else bool

    def _followed(self, lane: Lane, seen: Snapshot | None) -> None:
        """Record what a loop saw of a run, unless it is of a lane that was replaced."""
        if self._watch and lane in self.lanes:
            if seen is not None:
                lane.record(seen, sharp=True)
            self._watch()

    def _driven(self, name: str) -> list[Lane]:
        """The lanes that a dial acts on."""
        return [lane for side, lane in zip(self.sides, self.lanes, strict=True) if acts_on(name, side)]

    @property
    def live(self) -> frozenset[str]:
        """The dials that act at once, on each lane that they belong to; all others restart."""
        return frozenset(n for n in self.values if all(argument(n) in lane.live for lane in self._driven(n)))

    @property
    def run(self) -> Run | None:
        """The run of the only lane, or of A; None for a lesson that does not train."""
        return self.lanes[0].run

    @property
    def history(self) -> list[Snapshot]:
        """The snapshots of that lane."""
        return self.lanes[0].history

    @property
    def moments(self) -> list[Moment]:
        """What was seen of all lanes, step by step."""
        if not all(lane.history for lane in self.lanes):
            return []
        steps = sorted({seen.step for lane in self.lanes for seen in lane.history})
        rows = [tuple(lane.seen(step) for lane in self.lanes) for step in steps]
        return [Moment(s, max(seen.epoch for seen in row), row) for s, row in zip(steps, rows, strict=True)]

    @property
    def sharp(self) -> bool:
        """True if the last look saw all rows."""
        return all(lane.sharp for lane in self.lanes)

    @property
    def trains(self) -> bool:
        """False for a lesson that returns descriptions."""
        return self.run is not None

    def fresh(self) -> None:
        """Build the lanes anew if a value that restarts them has changed."""
        if self.dirty:
            self._build()

    def set(self, name: str, value: Any) -> bool:
        """Give a dial another value; True if the lanes restart by it, at the next request."""
        one_of(f"argument of {self.name}", name, self.takes)
        at_once = not self.dirty and number(value) and name in self.live
        for lane in self._driven(name) if at_once else ():
            lane.change(argument(name), value)
        self.values[name], self.dirty = value, not at_once
        return self.dirty

    def advance(self, steps: int | None = None, seconds: float | None = None) -> None:
        """Train one slice, unless all is done: so many steps, or as many as fit into these seconds.

        The lanes share the seconds. The slower one goes first, and the other one trains as many steps.
        """
        self.fresh()
        training = self._training()
        if not training:
            return self.look(glance=True)
        first, *others = training
        first.advance(steps, seconds and seconds / len(training))
        for other in others:
            other.advance(first.step - other.step)

    def _training(self) -> list[Lane]:
        """The lanes that still train; first the one ahead (after an interrupt), then shorter, slower ones."""
        alive = [(lane, lane.run) for lane in self.lanes if lane.run is not None and not lane.run.finished]
        alive.sort(key=lambda it: (-it[1].step, it[1].steps, -it[0].took))
        return [lane for lane, _ in alive]

    def look(self, glance: bool = False) -> None:
        """Record a snapshot of every run as it stands; nothing is trained, and nothing is measured twice."""
        self.fresh()
        for lane in self.lanes:
            lane.look(glance)

    def rewind(self) -> None:
        """New runs of the same values, at step 0: the same curves, bit for bit on the CPU."""
        self._build()

    def new_seed(self) -> None:
        """New runs with other initial weights in each: `seed` goes up by the number of runs."""
        self._count_up("seed", max(lane.count for lane in self.lanes) if self.trains else 1)

    def new_data(self) -> None:
        """New runs on other data: `data` goes up by one."""
        self._count_up("data", 1)

    def _count_up(self, name: str, by: int) -> None:
        one_of(f"argument of {self.name}", name, self.takes)
        now = self.values.get(name, self.signature.defaults.get(name))
        if isinstance(now, bool) or not isinstance(now, int):
            raise SbkitError(f"{name} counts up from a whole number, got {now!r}; try {name}=0 there.")
        self.set(name, now + by)
        self._build()

    def pick(self, row: int, column: int) -> None:
        """Raise `SbkitError`: there are no tiles."""
        raise SbkitError("The tiles of a map can be picked, this is none; try sb.map.")

    def finish(self) -> Any:
        """Train to the end and look at all rows: the run, or whatever the lesson made; of two lanes, both."""
        self.look(glance=True)
        with ExitStack() as bars:
            told = [bars.enter_context(progress(lane.run)) for lane in self.lanes if lane.run is not None]
            while training := self._training():
                runs = [lane.run for lane in training if lane.run is not None]
                self.advance(steps=min(run.every - run.step % run.every for run in runs))
                for tell in told:
                    tell()
        self.look()
        made = tuple(lane.made for lane in self.lanes)
        return made if self.compare else made[0]

    def labels(self) -> list[str]:
        """Names of A and B by the value that now acts, as "A sgd" or "B depth=3"."""
        name = self.compare or ""
        values = [lane.acting[name] for lane in self.lanes]
        texts = [value if type(value) is str else f"{name}={label(value)}" for value in values]
        return [f"{side} {text}" for side, text in zip(SIDES, texts, strict=True)]

    def pictures(self, whole: bool = False) -> list[Description]:
        """Descriptions of the latest look, or of the whole history; nothing before the first look."""
        return self._joined([lane.pictures(whole) for lane in self.lanes])

    def draw(self, moments: Sequence[Moment], moving: bool) -> list[Description]:
        """Descriptions of moments; moving: the last look was a glance."""
        seen = [[moment.seen[k] for moment in moments] for k in range(len(self.lanes))]
        return self._joined([lane.draw(of, moving) for lane, of in zip(self.lanes, seen, strict=True)])

    def _joined(self, drawn: list[list[Description]]) -> list[Description]:
        a, *others = drawn
        return paired(a, *others, labels=self.labels()) if others else a

    def about(self) -> dict[str, Any]:
        """What stands beside the pictures: of the lane that is ahead, with the reasons of all."""
        runs = [lane.run for lane in self.lanes if lane.run is not None]
        step = max(lane.step for lane in self.lanes)
        return {
            "run": self.number,
            "step": step,
            "steps": max((run.steps for run in runs), default=0),
            "epoch": max((lane.history[-1].epoch for lane in self.lanes if lane.history), default=0.0),
            "state": "Done" if runs and not self._training() else "Training" if step else "Ready",
            "reason": self._reason(),
            "over": self._over(),
        }

    def _over(self) -> str:
        """How many runs and rows the pictures are of, in words; empty where nothing trains."""
        if not self.trains or not self.history:
            return ""
        rows = f"{self.history[-1].rows:,}"
        runs = " + ".join(str(lane.count) for lane in self.lanes)
        return say("captions", "shared", runs=f"{runs} run{'s'[: runs != '1']}", rows=rows)

    def _reason(self) -> str:
        """Why lanes no longer train; a reason that both share is told once."""
        sides: dict[str, list[str]] = {}
        for side, lane in zip(self.sides, self.lanes, strict=True):
            sides.setdefault(lane.ending(), []).append(side)
        told = [(" and ".join(who), why) for why, who in sides.items() if why]
        return "; ".join(f"{who}: {why}" if self.compare else why for who, why in told)

    def call(self) -> str:
        """The lesson's call with the latest values, as a line; of two lanes with both where they differ."""
        pen = Pen(self.lesson)
        if not self.compare:
            call = pen.call(self.values)
            return call if len(call) <= LINE else f"{pen.called()}(…)"
        texts: dict[str, list[str]] = {}
        for name, value in self.values.items():
            texts.setdefault(argument(name), []).append(pen.value(argument(name), value))
        given = ", ".join(f"{name}={' | '.join(told)}" for name, told in texts.items())
        return f"{pen.called()}({given})"

    def did(self) -> str:
        """What it takes to finish, in words: "8 runs trained", "8 + 8 runs trained"."""
        counts = [lane.count for lane in self.lanes]
        what, did = ("run", "trained") if self.trains else ("picture", "drawn")
        return f"{' + '.join(map(str, counts))} {what}{'s'[: counts[-1] != 1]} {did}"

    def code(self) -> str:
        """Python text that leads to this very state in a new cell, or a comment on why it cannot."""
        self.fresh()
        pen = Pen(self.lesson)
        names = ["a", "b"] if self.compare else ["run"] if self.trains else [""]
        named = list(zip(names, self.lanes, strict=True))
        calls = [(f"{name} = " if name else "") + pen.call(lane.built) for name, lane in named]
        return pen.page(*calls, *(line for name, lane in named for line in lane.steps(name, pen)))
