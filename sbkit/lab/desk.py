"""Answers the stage: one message for every request, whatever happens."""

from __future__ import annotations

import math
import re
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sbkit.core import SbkitError, one_of
from sbkit.lab.allowance import Allowance
from sbkit.lab.dials import Dial
from sbkit.lab.frame import encode
from sbkit.lab.prints import clipped, heard
from sbkit.lab.replay import replay
from sbkit.lab.session import Session
from sbkit.lab.share import link
from sbkit.plots import Description
from sbkit.plots.words import say

# A slice lasts SHARE pauses between two slices (measuring, sending, asking), or longer. For that none is made
# longer than LONGEST seconds, GROWTH times the one before, one of FRAMES parts of the run; at a paced speed
# none is at all. The first ones last FIRST seconds.
SHARE, FIRST, LONGEST, GROWTH, FRAMES = 1.2, 0.002, 1.0, 8, 40
PATIENCE = 0.5  # seconds after a slice in which a running stage asks for the next
CELL = re.compile(r"ipykernel_\d|<ipython-input")  # the file of a cell, as Jupyter and Colab name it

Reply = tuple[dict[str, Any], list[bytes]]  # JSON, buffers


class Desk:
    """Turns requests of the stage into frames of a session; knows the clock, but no widget.

    An exception becomes a frame in state Error, with its sentence as the reason and the run as it was.
    A lock keeps requests apart where a kernel answers them on a thread of its own.

    >>> from sbkit.plots import Bars
    >>> from sbkit.lab.session import Session
    >>> desk = Desk(Session(lambda: Bars("b", "Bars", "height", ["a"], [1.0])))
    >>> frame, buffers = desk.answer({"type": "look"})
    >>> frame["state"], frame["plots"][0]["names"], len(buffers[0])
    ('Ready', ['a'], 4)
    """

    def __init__(self, session: Session, dials: Mapping[str, Dial] | None = None):
        self.session, self.dials, self.lock = session, dials or {}, threading.RLock()
        self.allowance = Allowance()
        self._said = session.number, ""  # what was printed since the run of this number began
        self._refused: BaseException | None = None  # what a dial's new value raised, for the next reply
        self._trains_until = 0.0  # by `time.monotonic`: until then the page is expected to ask on
        # When the last slice ended and how long the next may last, if nothing else was asked since
        self._slice: tuple[float, float] | None = None

    def builds(self, message: Mapping[str, Any]) -> bool:
        """Whether a request will have the lesson called, which may take a while."""
        return self.session.dirty or message.get("type") in BUILD

    def answers(self, message: Mapping[str, Any]) -> Iterator[Reply]:
        """As many frames as a request asks for, each with how many `more` come: fewer if training ends."""
        for more in reversed(range(message.get("frames", 1))):
            reply, buffers = self.answer(message)
            more *= reply.get("state") == "Training"
            yield (reply | {"more": more} if more else reply), buffers
            if not more:
                return

    def answer(self, message: Mapping[str, Any]) -> Reply:
        """The one reply to a request; a frame also tells what was printed, which no cell would show."""
        with self.lock:
            with heard(afresh=self.builds(message)) as told:
                reply, buffers = self._answer(message)
            number, said = self._said
            said = said if number == self.session.number else ""
            self._said = self.session.number, clipped(said + told())
        return reply | ({"said": self._said[1]} if reply["type"] == "frame" else {}), buffers

    def _answer(self, message: Mapping[str, Any]) -> Reply:
        try:
            if self._refused:
                raise self._refused
            details = dict(message)
            asked = one_of("request", details.pop("type", ""), ANSWERS)
            self._trains_until = math.inf if asked == "advance" else 0.0
            self._slice = self._slice if asked == "advance" else None
            return ANSWERS[asked](self, **details)
        except (Exception, KeyboardInterrupt) as error:
            self._refused, self._slice, self._trains_until = None, None, 0.0
            return self._failed(error)
        finally:
            self._trains_until = min(self._trains_until, time.monotonic() + PATIENCE)

    def follow(self) -> Reply:
        """A frame that answers no request, of a run that a cell trains: a glance where it looks anew."""
        with self.lock:
            try:
                self.session.look(glance=True)
                frame, buffers = self._frame(moving=self.session.about()["state"] != "Done")
            except Exception as error:
                frame, buffers = self._failed(error)
        return frame | {"pushed": True, "said": self._said[1]}, buffers

    def set(self, name: str, value: Any) -> bool:
        """Give a dial another value; True if the stage should ask what has become of it."""
        with self.lock:
            try:
                return self.session.set(name, value)
            except Exception as error:
                self._refused = error
                return True

    def interrupt(self) -> None:
        """Refuse the next request if the page is training slice by slice; does not wait."""
        if time.monotonic() < self._trains_until:
            self._refused = KeyboardInterrupt()

    def _failed(self, error: BaseException) -> Reply:
        stopped = isinstance(error, KeyboardInterrupt)
        reason = say("states", "interrupted") if stopped else sentence(error)
        try:
            return self._frame(state="Error", reason=reason)
        except Exception:  # the pictures themselves fail: say what went wrong, without them
            return self._frame([], state="Error", reason=reason)

    def _frame(self, drawn: list[Description] | None = None, moving: bool = False, **head: Any) -> Reply:
        about = self.session.about()
        if why := self.allowance.refusal(about):
            head = {"state": "Stopped", "reason": why} | head
        pictures = self.session.pictures() if drawn is None else drawn
        frame, buffer = encode(pictures, **(about | {"moving": moving} | head))
        return frame, [buffer]

    def _advance(self, steps: int | None = None, seconds: float = 0.03, paced=False, **_: Any) -> Reply:
        """Train one slice, of as many steps as asked for or as long as the round trip makes worth while."""
        if self.session.dirty:  # a dial moved: show where the new run begins, then train
            self.session.look(glance=True)
        elif not self.allowance.refusal(self.session.about()):
            start, begun = time.perf_counter(), self.session.about()["step"]
            ended, longest = self._slice or (start, FIRST)
            seconds = max(0.0 if paced else seconds, min(longest, max(seconds, SHARE * (start - ended))))
            self.session.advance(steps, seconds if steps is None else None)
            self.allowance.spend(self.session.number, time.perf_counter() - start)
            about = self.session.about()
            part = seconds / max(1, about["step"] - begun) * about["steps"] / FRAMES
            longest = min(LONGEST, part, GROWTH * seconds) if begun else FIRST  # the first slice warms up
            self._slice = (start + seconds, longest) if steps is None else None
        return self._frame(moving=True)

    def _shown(self, act: Callable[[], object] = bool, glance: bool = True) -> Reply:
        """Have something done, and show what came of it."""
        act()
        self.session.look(glance)
        return self._frame()

    def _pick(self, row: int = -1, column: int = -1, **_: Any) -> Reply:
        return self._shown(lambda: self.session.pick(row, column))

    def _code(self, **_: Any) -> Reply:
        texts = {say("codes", "run"): self.session.code()}
        if not self.session.picks:
            try:
                texts[say("codes", "link")] = link(self.session, self.dials)
            except SbkitError as error:
                texts[say("codes", "link")] = say("codes", "no_link", why=" ".join(str(error).split()))
        return {"type": "code", "texts": texts}, []

    def _replay(self, **_: Any) -> Reply:
        return {"type": "replay", "html": replay(self.session), "name": f"{self.session.name}.html"}, []


BUILD = ("rewind", "seed", "data", "pick")  # requests for which the lesson is called
ANSWERS: dict[str, Callable[..., Reply]] = {
    "look": lambda desk, **_: desk._shown(glance=False),
    "refresh": lambda desk, **_: desk._shown(),
    "advance": Desk._advance,
    "rewind": lambda desk, **_: desk._shown(desk.session.rewind),
    "seed": lambda desk, **_: desk._shown(desk.session.new_seed),
    "data": lambda desk, **_: desk._shown(desk.session.new_data),
    "code": Desk._code,
    "replay": Desk._replay,
    "pick": Desk._pick,
}


def sentence(error: BaseException) -> str:
    """What went wrong, in a sentence: an `SbkitError`'s own, any other with its type and its line in a cell.

    >>> sentence(SbkitError("n is large.")), sentence(KeyError("n"))
    ('n is large.', "KeyError: 'n'")
    """
    if isinstance(error, SbkitError):
        return str(error)
    return f"{type(error).__name__}: {error}".strip(": ") + _place(error)


def _place(error: BaseException) -> str:
    """The last line of a cell that led to an error; empty where none did."""
    cells = [frame for frame in traceback.extract_tb(error.__traceback__) if CELL.search(frame.filename)]
    return say("states", "place", name=cells[-1].name, line=cells[-1].lineno) if cells else ""
