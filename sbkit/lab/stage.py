"""The stage: the one widget that draws, in the page; and what a widget leaves there for later readers."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import anywidget
import traitlets
from IPython.display import display

from sbkit.lab.desk import Reply
from sbkit.lab.script import loader, script, style
from sbkit.plots.png import smaller

VIEW = "application/vnd.jupyter.widget-view+json"  # MIME type of a widget


class Stage(anywidget.AnyWidget):
    """Draws frames and asks for them; its messages are answered by a `Desk`.

    controls: what to offer, {"seed": bool, "data": bool, "trains": bool, "name": str}; {"bare": True} draws
    nothing and only keeps the notebook's shortcuts off the keys of the panel ("sb-panel") around it.
    frame, arrays: a frame message and its buffer, which a page shows before the kernel has answered it; new
    ones go to pages that open from then on. script: what the page runs, once for all panels; locked: why it
    cannot be driven yet, "" when it can.
    """

    _esm = loader()
    _css = style()
    script = traitlets.Unicode(script()).tag(sync=True)
    locked = traitlets.Unicode("").tag(sync=True)
    controls = traitlets.Dict().tag(sync=True)
    frame = traitlets.Dict().tag(sync=True)
    arrays = traitlets.Bytes().tag(sync=True)

    def _should_send_property(self, key: str, value: Any) -> bool:
        """Not those that open pages got as an answer."""
        return key not in ("frame", "arrays") and super()._should_send_property(key, value)


def standing(reply: Reply) -> dict[str, Any]:
    """The traits of a stage that show a reply; none unless it is a picture that stands."""
    frame, buffers = reply
    stands = frame["type"] == "frame" and not frame["moving"]
    return {"frame": frame | {"pushed": True}, "arrays": buffers[0]} if stands else {}


class Kept:
    """A widget that leaves in its notebook what stands on it, for whoever opens that without a kernel."""

    model_id: str
    _picture: Any = None  # the display that holds it, hidden beside a stage (stage.css)

    def _ipython_display_(self, **how: Any) -> None:
        """Show it, as the value of a cell or by `display`."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        display({"text/plain": repr(self), VIEW: view}, raw=True)
        self._picture = display({"text/plain": ""}, raw=True, display_id=True)

    def leave(self, about: str, *pngs: Any) -> None:
        """Leave what a page made of it, as small as a notebook wants it; about: for screen readers."""
        if self._picture is not None:
            data = {"image/png": b64encode(smaller(*pngs)).decode(), "text/plain": ""}
            self._picture.update(data, raw=True, metadata={"image/png": {"alt": about}})
