"""What one can do with a lesson in the lab, with or without a page to show it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sbkit.core import SbkitError
from sbkit.lab.desk import Desk
from sbkit.lab.replay import replay
from sbkit.lab.session import Session
from sbkit.lab.share import share

if TYPE_CHECKING:
    from sbkit.plots.figure import Figure


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
        """What was recorded so far, as a still plotly figure."""
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

        Raises `SbkitError` on a widget of one's own whose value is not a number, a switch or a text.
        """
        with self._open.lock:
            return share(self.session, self._open.dials)

    def save_replay(self, path: str | Path) -> Path:
        """Write what was recorded as one HTML file that plays without a kernel; its path."""
        path = Path(path).expanduser()
        with self._open.lock:
            path.write_text(replay(self.session), encoding="utf-8")
        return path
