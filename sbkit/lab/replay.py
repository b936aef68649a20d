"""A recorded run as one HTML file that plays without a kernel and without a network."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sbkit.lab.dials import Dial, places
from sbkit.lab.frame import encode
from sbkit.lab.labels import labels
from sbkit.lab.script import FOLDER, replay_script, style
from sbkit.lab.session import Moment, Session
from sbkit.plots.words import say

MOST = 150  # frames of a replay
LARGEST = 850_000  # bytes of a film's frames
PACE = 12  # a film looks again once the steps have grown by one twelfth

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


def _page(session: Session, frames: Sequence[dict[str, Any]]) -> str:
    script, digest = player()
    return (
        (FOLDER / "replay.html")
        .read_text(encoding="utf-8")
        .format(
            title=html.escape(session.name),
            style=style(),
            code=html.escape(session.code()),
            reel=REEL.format(
                json.dumps({"frames": frames}).replace("<", "\\u003c"), say("panel", "unplayed")
            ),
            player=script,
            digest=digest,
        )
    )


def _trained(session: Session) -> list[dict[str, Any]]:
    session.look(glance=True)
    while (about := session.about())["state"] != "Done":
        session.advance(steps=max(1, about["step"] // PACE))
    session.look()
    return _frames(session)


def _turned(session: Session, dials: Mapping[str, Dial]) -> list[dict[str, Any]]:
    """A frame for each value of the first dial, which then stands where it stood."""
    name = next(iter(dials), "")
    values = places(dials[name]) if name else []
    start, frames, steps = session.values.get(name), [], len(values) - 1
    for k, (value, told) in enumerate(zip(values, labels(values), strict=True)):
        session.set(name, value)
        frames += [one | {"step": k, "steps": steps, "at": f"{name}={told}"} for one in _frames(session)]
    if values:
        session.set(name, start)
        session.fresh()
    return frames or _frames(session)


def _fitting(frames: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many of the frames as fit."""
    *others, last = frames
    room = LARGEST - len(json.dumps(last))  # the last one saw all rows and is larger
    return _spread(frames, max(1, int(room * len(others) / len(json.dumps([others])))))


def _spread(things: Sequence[Any], most: int) -> list[Any]:
    """At most so many of all but the last, evenly spaced, and the last."""
    most = min(most, len(things) - 1)
    return [*(things[k * (len(things) - 1) // most] for k in range(most)), things[-1]]


def _frames(session: Session) -> list[dict[str, Any]]:
    session.fresh()
    if not session.trains:
        return [_frame(session.pictures(), **session.about() | {"run": 1, "moving": False})]
    if not session.moments:
        session.look()
    *kept, last = _spread(session.moments, MOST)
    about = session.about() | {"run": 1, "state": "Training", "reason": ""}

    def seen(moment: Moment, moving: bool = True) -> dict[str, Any]:
        head = about | {"step": moment.step, "epoch": moment.epoch, "moving": moving}
        return _frame(session.draw([moment], moving), **head)

    end = seen(last, moving=not session.sharp) | {"reason": session.about()["reason"]}
    return [*map(seen, kept), end]


def _frame(shapes: list, **head: Any) -> dict[str, Any]:
    frame, buffer = encode(shapes, **head)
    return frame | {"buffer": base64.b64encode(buffer).decode()}
