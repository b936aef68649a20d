"""What a reader can do with a lesson in the lab, and the lab without a page: a trained run and one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sbkit.core import SbkitError
from sbkit.core.environment import headless, switched_on
from sbkit.lab.desk import Desk
from sbkit.lab.dials import Dial
from sbkit.lab.replay import film, replay
from sbkit.lab.session import Session
from sbkit.lab.share import share
from sbkit.plots import Description
from sbkit.plots.png import png
from sbkit.plots.shapes import captioned
from sbkit.plots.words import say

if TYPE_CHECKING:
    from sbkit.plots.figure import Figure

Bundle = tuple[dict[str, Any], dict[str, Any]]  # data and metadata, by MIME type
REPLAY = "application/vnd.sbkit.replay"  # MIME type of a replay's HTML page


class Handle:
    """A lesson at hand: its result, figure, code, link and replay. None of them needs a click."""

    _desk: Desk | None = None

    @property
    def _open(self) -> Desk:
        if self._desk is None:
            raise SbkitError("This panel is closed, as its cell ran again; use the newer one.")
        return self._desk

    @property
    def session(self) -> Session:
        """The lesson at work: its values, its run, its history."""
        return self._open.session

    def result(self) -> Any:
        """The run, trained to its end; of two, both; of a lesson that does not train, what it returned."""
        with self._open.lock:
            return self.session.finish()

    def figure(self) -> Figure:
        """What was recorded so far, as a plotly figure."""
        from sbkit.plots.figure import figure

        with self._open.lock:
            self.session.look()
            return figure(self.session.pictures(whole=True))

    def code(self) -> str:
        """Python text that, pasted in a new cell, leads to this very state."""
        with self._open.lock:
            return self.session.code()

    def share(self) -> str:
        """What the dials say now as one short text, e.g. `slabs=5&lr=0.02`, for `start` of `sb.lab`.

        Raises `SbkitError` on a widget of the caller's own whose value is not a number, a switch or a text.
        """
        with self._open.lock:
            return share(self.session, self._open.dials)

    def save_replay(self, path: str | Path) -> Path:
        """Write what was recorded as one HTML file that plays without a kernel; its path."""
        path = Path(path).expanduser()
        with self._open.lock:
            path.write_text(replay(self.session), encoding="utf-8")
        return path


class Still(Handle):
    """A lesson trained to its end, with its dials at their start; whatever goes wrong is raised.

    Shows as one line that is the same on every machine and, in a page or if SBKIT_PNG=1, a picture beside it;
    where nothing trains and there is no dial, also a plotly figure, which needs no kernel. If SBKIT_REPLAY=1,
    also a replay, where something trains or a dial can be turned.
    """

    def __init__(self, session: Session, meant: Mapping[str, Dial]):
        filmed = switched_on("SBKIT_REPLAY") and bool(session.trains or meant)
        self._film = {REPLAY: film(session, meant)} if filmed else {}
        session.finish()
        moves = bool(session.trains or meant or session.picks)
        self._text = say("panel", "still" if moves else "chart", call=session.call(), did=session.did())
        self._desk = Desk(session, meant)
        seen = session.pictures(whole=True) if switched_on("SBKIT_PNG", usual=not headless()) else []
        self._picture: dict[str, Any] = {"image/png": png(seen)} if seen else {}
        if seen and not moves:
            from sbkit.plots.figure import shown

            self._picture |= shown(seen)
        self._about = {"image/png": {"alt": alt(seen)}} if seen else {}  # as IPython keys its own

    def __repr__(self) -> str:
        return self._text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Bundle:
        return {"text/plain": self._text, **self._film, **self._picture}, self._about


def alt(pictures: Iterable[Description]) -> str:
    """What a screen reader says of the pictures: shape, title, caption and marks of each."""
    return " ".join(_told(picture) for picture in pictures)


def _told(picture: Description) -> str:
    axes = ", ".join(axis.text for name in "xy" if (axis := getattr(picture, name, None)))
    said = [f"{type(picture).__name__}: {picture.title}.", captioned(picture) or f"Axes: {axes}."]
    marks = getattr(picture, "marks", ())
    return " ".join([*said, *(f"{mark.label} ({mark.low:g} to {mark.high:g})." for mark in marks)])
