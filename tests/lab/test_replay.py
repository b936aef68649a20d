"""A replay is one safe file that holds what was recorded."""

import base64
import json
import re

import numpy as np
import pytest

from sbkit.lab.replay import MOST, replay
from sbkit.lab.script import FOLDER, replay_script, script, style
from sbkit.lab.session import Session
from sbkit.plots import Bars, theme

HOSTILE = "</script><script>alert(1)</script><!--\u2028 & \"'"


def frames(page: str) -> list[dict]:
    (text,) = re.findall(r'<script type="application/json" id="frames">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)["frames"]


def test_it_holds_every_recorded_frame(lesson):
    session = Session(lesson, {"lr": 0.1})
    session.finish()
    made = frames(replay(session))
    assert [frame["step"] for frame in made] == [0, 50, 60]
    loss = next(plot for plot in made[-1]["plots"] if plot["name"] == "loss")["lines"][0]["y"]
    buffer = base64.b64decode(made[-1]["buffer"])
    np.testing.assert_allclose(
        np.frombuffer(buffer, "<f4", 1, loss["at"])[0], session.history[-1].loss.mean()
    )


def test_a_session_without_a_look_is_looked_at(lesson, still):
    assert [frame["step"] for frame in frames(replay(Session(lesson)))] == [0]
    assert [frame["steps"] for frame in frames(replay(Session(still)))] == [0]


def test_long_recordings_are_thinned(lesson):
    session = Session(lesson, {"steps": MOST + 50})
    while not session.run.finished:
        session.advance(steps=1)
    steps = [frame["step"] for frame in frames(replay(session))]
    assert len(steps) <= MOST + 1 and steps[-1] == MOST + 50


def test_nothing_in_names_or_captions_escapes():
    bars = Bars("b", HOSTILE, HOSTILE, [HOSTILE], [1], caption=HOSTILE)

    def lesson(name=HOSTILE):
        return bars

    page = replay(Session(lesson, {"name": HOSTILE}))
    assert "<script>alert" not in page and page.count("</script>") == 2
    assert frames(page)[0]["plots"][0]["title"] == HOSTILE
    assert "&lt;script&gt;alert(1)" in page, "the code beside it is text"


def test_it_needs_no_network(still):
    page = replay(Session(still))
    assert "default-src 'none'" in page
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", page)
    assert "@import" not in page and "url(" not in style()


@pytest.mark.parametrize("name", sorted({path.name for path in FOLDER.glob("*.js")} - {"loader.js"}))
def test_every_file_of_the_stage_is_in_the_joined_script_once(name):
    assert script().count(f"// {name}: ") == 1


def test_the_joined_script_has_one_export_and_its_replay_none():
    assert re.findall(r"^export .*", script(), re.MULTILINE) == ["export default { render };"]
    assert not re.findall(r"^(?:export|import)\b", replay_script(), re.MULTILINE)
    assert "function mountReplay" in replay_script() and "</script" not in replay_script()


def test_the_stage_wears_the_colours_of_the_theme():
    light = style().split(".sb-dark")[0]
    for name, colour in zip(("blue", "orange", "green", "purple", "sky"), theme.LINES, strict=True):
        assert f"--sb-{name}: {colour};" in light
