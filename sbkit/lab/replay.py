"""A recorded run as one HTML file that plays without a kernel and without a network."""

from __future__ import annotations

import base64
import html
import json
from pathlib import Path
from typing import Any

from sbkit.core import Snapshot
from sbkit.lab.frame import encode
from sbkit.lab.script import replay_script, style
from sbkit.lab.session import Session
from sbkit.plots import pictures

MOST = 150  # frames of a replay

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<style>
{style}
body {{ margin: 0 auto; max-width: 1200px; font-family: system-ui, sans-serif; }}
pre {{ padding: 0 1em; }}
</style></head>
<body><div id="replay"></div><pre>{code}</pre>
<script type="application/json" id="frames">{frames}</script>
<script type="module">
{script}
mountReplay(document.getElementById("replay"), decodeReplay(document.getElementById("frames").textContent));
</script>
</body></html>
"""


def replay(session: Session) -> str:
    """What was recorded of a session's run, at most 150 frames of it, as the text of an HTML page.

    Names and captions are data in it: nothing in them can end a script or start a tag.
    """
    text = json.dumps({"frames": _frames(session)}).replace("<", "\\u003c")
    return PAGE.format(
        title=html.escape(session.name),
        style=style(),
        code=html.escape(session.code()),
        frames=text,
        script=replay_script(),
    )


def save(session: Session, path: str | Path) -> Path:
    """Write the replay of a session to a file; its path."""
    path = Path(path)
    path.write_text(replay(session), encoding="utf-8")
    return path


def _frames(session: Session) -> list[dict[str, Any]]:
    if session.run is None:
        return [
            _frame(session.still, run=1, step=0, steps=0, epoch=0.0, state="Ready", reason="", moving=False)
        ]
    if not session.history:
        session.look()
    every = -(-len(session.history) // MOST)  # rounded up
    kept = session.history[:-1][::every]
    frames = [_of(session, snapshot, moving=True) for snapshot in kept]
    return [*frames, _of(session, session.history[-1], moving=not session.sharp)]


def _of(session: Session, snapshot: Snapshot, moving: bool) -> dict[str, Any]:
    steps = 0 if session.run is None else session.run.steps
    head = {"run": 1, "step": snapshot.step, "steps": steps, "epoch": snapshot.epoch, "reason": ""}
    return _frame(pictures([snapshot], moving), **head, state="Training", moving=moving)


def _frame(shapes: list, **head: Any) -> dict[str, Any]:
    frame, buffer = encode(shapes, **head)
    return frame | {"buffer": base64.b64encode(buffer).decode()}
