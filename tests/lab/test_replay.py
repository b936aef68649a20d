"""A replay is one safe file that holds what was recorded."""

import base64
import hashlib
import json
import re

import numpy as np
import pytest

from sbkit.lab import replay as module
from sbkit.lab.dials import dials, places
from sbkit.lab.replay import MOST, film, player, replay
from sbkit.lab.script import FOLDER, replay_script, script, style
from sbkit.lab.session import Session
from sbkit.plots import Bars, theme

HOSTILE = "</script><script>alert(1)</script><!--\u2028 & \"'"


def frames(page: str) -> list[dict]:
    (text,) = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)["frames"]


def test_it_holds_every_recorded_frame(lesson):
    session = Session(lesson, {"lr": 0.1})
    session.finish()
    made = frames(replay(session))
    assert [frame["step"] for frame in made] == [0, 50, 60]
    assert [frame["reason"] for frame in made] == ["", "", "all 60 steps done"]
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


def test_a_film_looks_often_at_first_and_ends_where_a_run_does(lesson):
    session, alone = Session(lesson, {"lr": 0.1}), Session(lesson, {"lr": 0.1})
    steps = [frame["step"] for frame in frames(film(session, {}))]
    assert steps[:13] == [*range(13)] and steps[-1] == 60 and 13 < len(steps) < 61
    alone.finish()
    assert (session.history[-1].loss == alone.history[-1].loss).all() and session.sharp


def test_a_film_of_two_runs_shows_both(lesson):
    pair = Session(lesson, {"lr · A": 0.1, "lr · B": 0.2}, "lr")
    assert frames(film(pair, {}))[-1]["step"] == 60


def test_a_film_turns_the_first_dial_and_back(still):
    meant = dials(still, {"slope": (0.0, 2.0)})
    session = Session(still, {"slope": 1.0})
    made = frames(film(session, meant))
    assert [frame["at"] for frame in made] == [f"slope={value}" for value in places(meant["slope"])]
    assert [frame["step"] for frame in made] == list(range(9)) and {frame["steps"] for frame in made} == {8}
    assert session.values == {"slope": 1.0} and not session.dirty


def test_a_film_keeps_to_its_size_and_its_ends(lesson, monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 200_000)
    page = film(Session(lesson), {})
    made = frames(page)
    assert len(json.dumps(made)) < 1.05 * 200_000 and len(made) > 4
    assert made[0]["step"] == 0 and made[-1]["step"] == 60


def test_only_the_player_may_run():
    page = replay(Session(lambda: Bars("b", "Bars", "y", ["a"], [1])))
    script, digest = player()
    assert f"script-src '{digest}'" in page and "script-src 'unsafe-inline'" not in page
    text = page.split('<script type="module">')[1].split("</script>")[0]
    assert digest == "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


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
