"""The lab without a page: the lesson's run, trained at once, and one line of text about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sbkit.core.environment import switched_on
from sbkit.lab.desk import Desk
from sbkit.lab.dials import Dial
from sbkit.lab.handle import Handle
from sbkit.lab.replay import film
from sbkit.lab.session import Session
from sbkit.plots import Bars, Description, Field
from sbkit.plots.png import png
from sbkit.plots.words import say

Bundle = tuple[dict[str, Any], dict[str, Any]]  # data and metadata, by MIME type
REPLAY = "application/vnd.sbkit.replay"  # MIME type of a replay's HTML page


class Still(Handle):
    """A lesson trained to its end, with its dials at their start; whatever goes wrong is raised.

    Shows as one line that is the same on every machine and, if SBKIT_PNG=1, a picture beside it; if
    SBKIT_REPLAY=1, also a replay, where something trains or a dial can be turned.
    """

    def __init__(self, session: Session, meant: Mapping[str, Dial]):
        filmed = switched_on("SBKIT_REPLAY") and bool(session.trains or meant)
        self._film = {REPLAY: film(session, meant)} if filmed else {}
        session.finish()
        self._text = say("panel", "still", call=session.call(), did=session.did())
        self._desk = Desk(session, meant)
        seen = session.pictures(whole=True) if switched_on("SBKIT_PNG") else []
        self._picture = {"image/png": png(seen)} if seen else {}
        self._about = {"image/png": {"alt": alt(seen)}} if seen else {}  # where IPython keeps it of its own

    def __repr__(self) -> str:
        return self._text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Bundle:
        return {"text/plain": self._text, **self._film, **self._picture}, self._about


def alt(pictures: Iterable[Description]) -> str:
    """What a screen reader says of the pictures: shape, title, caption and marks of each."""
    return " ".join(_told(picture) for picture in pictures)


def _told(picture: Description) -> str:
    axes = [picture.y.text] if isinstance(picture, Bars) else [picture.x.text, picture.y.text]
    marks = [] if isinstance(picture, Field) else picture.marks
    said = [f"{type(picture).__name__}: {picture.title}.", picture.caption or f"Axes: {', '.join(axes)}."]
    return " ".join([*said, *(f"{mark.label} ({mark.low:g} to {mark.high:g})." for mark in marks)])
