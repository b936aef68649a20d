"""A recorded run as one HTML file that plays without a kernel and without a network."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sbkit.lab.dials import Dial, places
from sbkit.lab.frame import encode
from sbkit.lab.lesson import labels
from sbkit.lab.script import replay_script, style
from sbkit.lab.session import Moment, Session
from sbkit.plots.words import say

MOST = 150  # frames of a replay
LARGEST = 850_000  # bytes of a film's frames
PACE = 12  # a film looks again once the steps have grown by one twelfth

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src '{digest}'; style-src 'unsafe-inline'; img-src data:">
<style>
{style}
:root {{ color-scheme: light dark; }}
body {{ margin: 0 auto; max-width: 1200px; font-family: system-ui, sans-serif; }}
.sb-replay > p, body > pre {{ padding: 0 1em; white-space: pre-wrap; overflow-wrap: anywhere; }}
</style></head>
<body>{reel}<pre>{code}</pre>
<script type="module">{player}</script>
</body></html>
"""
REEL = '<div class="sb-replay"><script type="application/json">{}</script><p>{}</p></div>'
PLAY = """
for (const reel of document.querySelectorAll(".sb-replay"))
  mountReplay(reel, decodeReplay(reel.firstElementChild.textContent));
"""


def replay(session: Session) -> str:
    """What was recorded of a session's run, at most 150 frames of it, as the text of an HTML page.

    Names and captions are data in it: nothing in them can end a script or start a tag, and a browser that
    keeps to the page's policy runs no script but the player, and asks for nothing.
    """
    return _page(session, _frames(session))


def film(session: Session, dials: Mapping[str, Dial]) -> str:
    """A lesson from its start to its end as the text of an HTML page below a megabyte.

    A run is trained and looked at often at first, then ever more seldom; of a lesson that does not train
    the first dial is turned through its values, and back.
    """
    return _page(session, _fitting(_trained(session) if session.trains else _turned(session, dials)))


def player() -> tuple[str, str]:
    """The script that plays every replay of a page, and its digest, as a page's policy names it."""
    text = replay_script() + PLAY
    return text, "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def save(session: Session, path: str | Path) -> Path:
    """Write the replay of a session to a file; its path."""
    path = Path(path).expanduser()
    path.write_text(replay(session), encoding="utf-8")
    return path


def _page(session: Session, frames: Sequence[dict[str, Any]]) -> str:
    script, digest = player()
    return PAGE.format(
        title=html.escape(session.name),
        style=style(),
        code=html.escape(session.code()),
        reel=REEL.format(json.dumps({"frames": frames}).replace("<", "\\u003c"), say("panel", "unplayed")),
        player=script,
        digest=digest,
    )


def _trained(session: Session) -> list[dict[str, Any]]:
    session.look(glance=True)
    while (about := session.about())["state"] != "Done":
        session.advance(steps=max(1, about["step"] // PACE))
    session.look()
    return _frames(session)


def _turned(session: Session, dials: Mapping[str, Dial]) -> list[dict[str, Any]]:
    name, values = next(((name, places(dial)) for name, dial in dials.items()), ("", []))
    start, frames = session.values.get(name), []
    for k, (value, told) in enumerate(zip(values, labels(values), strict=True)):
        session.set(name, value)
        session.fresh()
        about = {
            "run": 1,
            "step": k,
            "steps": len(values) - 1,
            "epoch": 0.0,
            "at": f"{name}={told}",
        }
        frames.append(_frame(session.pictures(), **about, state="Ready", reason="", moving=False))
    if values:
        session.set(name, start)
        session.fresh()
    return frames or _frames(session)


def _fitting(frames: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """As many of the frames as fit, evenly spaced; the first and the last stay."""
    *others, last = frames
    room = LARGEST - len(json.dumps(last))  # the last one saw all rows and is larger
    count = int(room * len(others) / (len(json.dumps(others)) or 1))
    if count >= len(others):
        return frames
    gaps = max(1, count)
    return [frames[k * len(others) // gaps] for k in range(gaps + 1)]


def _frames(session: Session) -> list[dict[str, Any]]:
    if not session.trains:
        return [_frame(session.pictures(), **session.about() | {"run": 1, "moving": False})]
    if not session.moments:
        session.look()
    every = -(-len(session.moments) // MOST)  # rounded up
    *kept, last = session.moments
    frames = [_of(session, seen, moving=True) for seen in kept[::every]]
    end = _of(session, last, moving=not session.sharp) | {"reason": session.about()["reason"]}
    return [*frames, end]


def _of(session: Session, seen: Moment, moving: bool) -> dict[str, Any]:
    head = {"run": 1, "step": seen.step, "steps": session.about()["steps"], "epoch": seen.epoch, "reason": ""}
    return _frame(session.draw([seen], moving), **head, state="Training", moving=moving)


def _frame(shapes: list, **head: Any) -> dict[str, Any]:
    frame, buffer = encode(shapes, **head)
    return frame | {"buffer": base64.b64encode(buffer).decode()}
