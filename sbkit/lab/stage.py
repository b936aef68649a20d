"""The stage: the one widget that draws, in the page."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from sbkit.lab.desk import Reply
from sbkit.lab.script import loader, script, style


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
