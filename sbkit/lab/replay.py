"""A recorded run as one HTML file that plays without a kernel and without a network."""

from __future__ import annotations

import base64
import html
import json
from pathlib import Path
from typing import Any

from sbkit.lab.compare import Work
from sbkit.lab.frame import encode
from sbkit.lab.script import replay_script, style

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


def replay(session: Work) -> str:
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


def save(session: Work, path: str | Path) -> Path:
    """Write the replay of a session to a file; its path."""
    path = Path(path)
    path.write_text(replay(session), encoding="utf-8")
    return path


def _frames(session: Work) -> list[dict[str, Any]]:
    if not session.trains:
        return [_frame(session.pictures(), **session.about() | {"run": 1, "moving": False})]
    if not session.history:
        session.look()
    every = -(-len(session.history) // MOST)  # rounded up
    *kept, last = session.history
    frames = [_of(session, seen, moving=True) for seen in kept[::every]]
    return [*frames, _of(session, last, moving=not session.sharp)]


def _of(session: Work, seen: Any, moving: bool) -> dict[str, Any]:
    head = {"run": 1, "step": seen.step, "steps": session.about()["steps"], "epoch": seen.epoch, "reason": ""}
    return _frame(session.draw([seen], moving), **head, state="Training", moving=moving)


def _frame(shapes: list, **head: Any) -> dict[str, Any]:
    frame, buffer = encode(shapes, **head)
    return frame | {"buffer": base64.b64encode(buffer).decode()}
