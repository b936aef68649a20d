"""The panel: the dials of a lesson above its stage."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import ipywidgets

from sbkit.core.environment import stills_wanted
from sbkit.lab.desk import Desk
from sbkit.lab.dials import Dial
from sbkit.lab.kernel import CELLS, listen, this_cell
from sbkit.lab.session import Session
from sbkit.lab.stage import Kept, Stage, standing
from sbkit.lab.still import Handle, alt
from sbkit.lab.stills import Stills, inside
from sbkit.lab.widgets import snapped, tell, widget_of
from sbkit.plots.words import say

IN_SIGHT = 4  # dials; the rest stand behind More
PUSH, SHARE = 0.1, 19  # seconds between two frames of a run that a cell trains, and the times that each took


class Gate(Protocol):
    """What a panel may wait for: a prediction."""

    @property
    def locked(self) -> bool:
        """True until it is committed."""
        ...

    def on_commit(self, then: Callable[[], object]) -> None:
        """Call `then` once it is."""


class Panel(Handle, Kept, ipywidgets.VBox):
    """A lesson's dials above the stage that draws its run, shown as the value of its cell.

    Nothing trains unless the stage in the page asks, or `result` does. Running the cell again closes it,
    unless it is not `placed` there itself, as part of something that is.
    after: what has to be committed before it can be driven.
    """

    def __init__(
        self, session: Session, meant: Mapping[str, Dial], after: Gate | None = None, placed: bool = True
    ):
        self._text = say("panel", "stills" if (stills := stills_wanted()) else "live", call=session.call())
        self._borrowed = [dial.widget for dial in meant.values() if dial.control == "widget"]
        self._live = session.live
        self._names = {widget_of(dial, name in self._live): name for name, dial in meant.items()}
        desk = Desk(session, meant)
        first = {} if stills else standing(desk.answer({"type": "refresh"}))  # a glance
        self._stage = Stage(controls=offered(desk), **first)
        self._stage.on_msg(self._asked)
        for widget in self._names:
            widget.observe(self._turned, "value")
        self._desk = desk  # from here on there is something to close
        self._seen, self._rests_until = False, 0.0
        session.follow(self._push)
        self._stills = Stills(desk, self._stage.controls["seed"])
        holder = ipywidgets.Box(_dom_classes=("sb-beside",))
        self._own = [holder, self._stills]
        super().__init__([*arranged(list(self._names)), *self._own], _dom_classes=("sb-panel",))
        if stills:
            self._stills.begin(say("stills", "chosen"))
        else:  # only now: ipywidgets 7 shows no box at all that was made with a child that it cannot load
            holder.children = [*filter(beside, self._names), self._stage]
        if after is not None and after.locked:
            self._lock(say("states", "locked"))
            after.on_commit(self._lock)
        listen(desk)
        if placed:
            CELLS.place(self, this_cell())

    def __repr__(self) -> str:
        return self._text

    def _ipython_display_(self, **how: Any) -> None:
        self._seen = True
        super()._ipython_display_(**how)

    def _lock(self, why: str = "") -> None:
        """Lock dials and controls for a reason; unlock them without one."""
        self._stage.locked = why
        self._stills.lock(bool(why))
        for widget in self._names:
            if widget.has_trait("disabled"):
                widget.set_trait("disabled", bool(why))

    def _asked(self, stage: Stage, message: Any, buffers: Any) -> None:
        """Answer a request of the stage."""
        if self._desk is None:
            return
        self._seen = True
        if message.get("type") == "picture":
            return self._keep(buffers[0])
        if self._desk.builds(message):
            stage.send({"type": "building"})
        for reply in self._desk.answers(message):
            stage.send(*reply)
            for name, value in standing(reply).items():
                stage.set_trait(name, value)
        self._retell()

    def _keep(self, png: Any) -> None:
        """Leave in the notebook what stands on the stage."""
        self.leave(alt(self.session.pictures()), png)

    def _push(self) -> None:
        """Show how far a cell has trained the run, where somebody sees it: ten times a second at most.

        It takes no more than one part in 20 of the time; a run that is done is always shown.
        """
        start = time.monotonic()
        done = self.session.about()["state"] == "Done"
        if self._seen and (done or start > self._rests_until):
            self._stage.send(*self._open.follow())
            now = time.monotonic()
            self._rests_until = now + max(PUSH, SHARE * (now - start))

    def _retell(self) -> None:
        """Say on each dial how it acts now: in another run, others may act at once."""
        live, known = self.session.live, self._open.dials
        for widget, name in self._names.items() if live != self._live else ():
            if widget not in self._borrowed:
                tell(known[name], widget, name in live)
        self._live = live

    def _turned(self, change: Mapping[str, Any]) -> None:
        """Take a dial's new value; what restarts is built when the stage asks, at most once a frame."""
        if self._desk is None:
            return
        widget, name, new = change["owner"], self._names[change["owner"]], change["new"]
        turned = not snapped(self._desk.dials[name], widget, self.session.values[name], new)
        if turned and self._desk.set(name, new):
            self._stage.send({"type": "dirty"})
            self._stills.turned()

    def result(self) -> Any:
        """The run, trained to its end; of a lesson that does not train, what it returned."""
        made = super().result()
        self._stage.send(*self._open.follow())
        self._stills.turned()
        return made

    def close(self) -> None:
        """Tell the stage that it is over, close the panel's widgets and free the run."""
        if self._desk is not None:
            self.session.follow(None)
            self._desk = None
            self._stage.send({"type": "closed"})
            for widget in self._names:
                widget.unobserve(self._turned, "value")
            kept = {part for widget in self._borrowed for part in [*inside(widget), widget]}
            for widget in [part for part in [*inside(self), self._stage] if part not in kept]:
                widget.close()
        super().close()


def offered(desk: Desk) -> dict[str, Any]:
    """What the stage of a desk is to offer."""
    session, rests = desk.session, desk.allowance.idle
    counts = {name: name in session.takes and name not in desk.dials for name in ("seed", "data")}
    about = {"trains": session.trains, "name": session.name}
    return counts | about | ({"idle": rests} if rests < math.inf else {})


def beside(widget: ipywidgets.Widget) -> bool:
    """Whether a dial is a board, which stands beside the stage."""
    return isinstance(widget, Stage)


def arranged(widgets: Sequence[ipywidgets.Widget]) -> list[ipywidgets.Widget]:
    """At most four dials in sight, in a block (stage.css); the others come with the button More."""

    def block(some: Sequence[ipywidgets.Widget]) -> ipywidgets.Box:
        return ipywidgets.Box(some, _dom_classes=("sb-dials",))

    widgets = [widget for widget in widgets if not beside(widget)]
    made: list[ipywidgets.Widget] = [block(widgets[:IN_SIGHT])] if widgets else []
    if widgets[IN_SIGHT:]:  # an Accordion cannot be unfolded by keyboard
        more, rest = ipywidgets.ToggleButton(), block(widgets[IN_SIGHT:])

        def fold(change: Any = None) -> None:
            more.description = say("dials", "fewer" if more.value else "more")
            rest.layout.display = None if more.value else "none"

        more.observe(fold, "value")
        fold()
        made += [more, rest]
    return made
