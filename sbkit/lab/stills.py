"""Where the live stage does not load: still pictures, driven by the widgets of ipywidgets alone."""

from __future__ import annotations

import html
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

import ipywidgets

from sbkit.core import SbkitError
from sbkit.lab.desk import Desk
from sbkit.lab.still import alt
from sbkit.plots.png import png
from sbkit.plots.words import say

PACE, SLICE = 100, 0.2  # ms between two requests, seconds of training each
# Shown some seconds after the panel, unless a stage stands in it (stage.css); without styles, at once.
LATE = "<style>@keyframes late{from{visibility:hidden}} .sb-stills>*{animation:late 8s step-end}</style>"
REQUESTS = {"step": {"type": "advance", "steps": 1}, "rewind": {"type": "rewind"}, "seed": {"type": "seed"}}


class Stills(ipywidgets.VBox):
    """Offers still pictures of a desk's run; once they are opened, every press and every tick draws one.

    The ticks are those of ipywidgets' own `Play`: as on the stage, nothing trains unless the page asks.
    """

    play: ipywidgets.Play | None = None

    def __init__(self, desk: Desk, seed: bool):
        self.desk, self.seed, self.locked, self._touched = desk, seed, False, 0.0
        self.begun, self.controls = False, []
        ask = ipywidgets.Button(description=say("stills", "show"), layout={"width": "auto"})
        ask.on_click(lambda _: self.begin(say("stills", "failed")))
        super().__init__([ipywidgets.HTML(LATE + say("stills", "missing")), ask])
        self.add_class("sb-stills")

    def close(self) -> None:
        """Close it and let go of the run: a notebook keeps the values of its cells, closed panels too."""
        vars(self).pop("desk", None)
        super().close()

    def begin(self, why: str) -> None:
        """Show controls and pictures in place of the offer, and say why."""
        self.begun = True
        gone = [part for child in self.children for part in [*inside(child), child]]
        self.word, self.picture = ipywidgets.HTML(), ipywidgets.HTML()
        if self.desk.session.trains:
            self.controls, why = self._controls(), why + say("stills", "keys")
        self.children = [ipywidgets.HTML(why), ipywidgets.HBox(self.controls), self.word, self.picture]
        for part in gone:
            part.close()
        self.lock(self.locked)
        self.answer({"type": "look"})

    def _controls(self) -> list[ipywidgets.Widget]:
        self.play = play = ipywidgets.Play(max=10**9, interval=PACE, show_repeat=False)
        self._playing = "playing" if play.has_trait("playing") else "_playing"  # ipywidgets 8, 7
        play.observe(self._tick, "value")
        play.observe(self._played, self._playing)
        return [play, *(self._button(name) for name in REQUESTS if name != "seed" or self.seed)]

    def _button(self, name: str) -> ipywidgets.Button:
        button = ipywidgets.Button(description=say("controls", name), layout={"width": "auto"})
        button.on_click(lambda _: self.answer(REQUESTS[name]))
        return button

    def lock(self, locked: bool) -> None:
        """Lock the controls, or unlock them."""
        self.locked = locked
        for widget in self.controls:
            widget.set_trait("disabled", locked)

    def turned(self) -> None:
        """A dial begins another run: show it."""
        self._touched = time.monotonic()
        if self.begun:
            self.answer({"type": "refresh"})

    def answer(self, request: Mapping[str, Any]) -> None:
        """Put one request to the desk and show what came of it."""
        if self.desk.builds(request):
            self.word.value = say("states", "building")
        head, _ = self.desk.answer(request)
        try:
            with self.desk.lock:
                seen = self.desk.session.pictures(whole=True)
            source = f"data:image/png;base64,{b64encode(png(seen)).decode()}"
            self.picture.value = f'<img alt="{html.escape(alt(seen))}" src="{source}">'
        except SbkitError as error:
            head |= {"state": "Error", "reason": str(error)}
        if head["state"] not in ("Ready", "Training"):
            self._rest()
        printed = f"<pre>{html.escape(head['said'])}</pre>" if head["said"] else ""
        self.word.value = self._words(head) + printed

    def _words(self, head: Mapping[str, Any]) -> str:
        """Where the run stands, as on the stage."""
        if not head["steps"] and head["state"] == "Ready":  # pictures alone: nothing to be ready for
            return ""
        state = "Paused" if head["state"] == "Training" and not self.runs else head["state"]
        step, steps = (f"{head[name]:,}" for name in ("step", "steps"))
        return say("stills", "at", state=state, reason=html.escape(head["reason"]), step=step, steps=steps)

    @property
    def runs(self) -> bool:
        """True while Play asks for more."""
        return self.play is not None and getattr(self.play, self._playing)

    def _tick(self, change: Mapping[str, Any]) -> None:
        """Train a slice and draw it, as long as somebody is there."""
        allowed = self.desk.allowance.idle
        if not change["new"] or not self.runs or self.locked:  # 0 is Play's own stop
            return
        if time.monotonic() - self._touched <= allowed:
            return self.answer({"type": "advance", "seconds": SLICE})
        self._rest()
        self.word.value = say("limits", "idle", seconds=f"{allowed:g}")

    def _played(self, change: Mapping[str, Any]) -> None:
        self._touched = time.monotonic()
        if not change["new"]:
            self.answer({"type": "look"})

    def _rest(self) -> None:
        """End Play's ticking."""
        if self.play is not None:
            self.play.set_trait(self._playing, False)


def inside(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    """All widgets that a widget is made of, innermost first: children, layouts, styles; not itself."""
    for name in widget.keys:
        held = getattr(widget, name)
        for part in held if isinstance(held, tuple | list) else [held]:
            if isinstance(part, ipywidgets.Widget):
                yield from inside(part)
                yield part
