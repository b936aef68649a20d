"""The stage: the one widget that draws, in the page."""

from __future__ import annotations

import anywidget
import traitlets

from sbkit.lab.script import loader, script, style


class Stage(anywidget.AnyWidget):
    """Draws frames and asks for them; its messages are answered by a `Desk`.

    controls: what to offer, {"seed": bool, "data": bool, "trains": bool, "name": str}; {"bare": True} draws
    nothing and only keeps the notebook's shortcuts off the keys of the panel ("sb-panel") around it.
    script: what the page runs, once for all panels; locked: why it cannot be driven yet, "" when it can.
    """

    _esm = loader()
    _css = style()
    script = traitlets.Unicode(script()).tag(sync=True)
    locked = traitlets.Unicode("").tag(sync=True)
    controls = traitlets.Dict().tag(sync=True)
