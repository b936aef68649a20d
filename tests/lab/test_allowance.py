"""What a room allows a panel: the run stops, the sentence says why, and nothing is lost."""

import pytest

import sbkit as sb
from sbkit.core import SbkitError
from sbkit.lab.desk import Desk
from sbkit.lab.session import Session


def ask(desk, type="advance", **details):
    return desk.answer({"type": type, **details})[0]


@pytest.fixture
def allow(monkeypatch):
    """allow(MAX_SECONDS="1") sets a limit."""
    return lambda **limits: [monkeypatch.setenv(f"SBKIT_{name}", text) for name, text in limits.items()]


def test_a_run_stops_when_its_seconds_are_over_and_rewind_begins_another(lesson, allow):
    allow(MAX_SECONDS="1e-6")
    desk = Desk(Session(lesson, {"lr": 0.1}))
    assert ask(desk, "look")["state"] == "Ready"
    first = ask(desk, steps=3)
    assert (first["state"], first["step"]) == ("Stopped", 3)
    assert first["reason"] == "this room allows 1e-06 s of training a run; Rewind begins another"
    again = ask(desk, seconds=0.01)
    assert (again["step"], again["state"], again["moving"]) == (3, "Stopped", True)
    assert ask(desk, "look")["state"] == "Stopped", "the sentence stays"
    assert ask(desk, "rewind")["state"] == "Ready"
    assert ask(desk, steps=2)["step"] == 2


def test_both_sides_of_a_comparison_stop(lesson, allow):
    allow(MAX_SECONDS="1e-6")
    panel = sb.lab(lesson, compare="depth", depth=(1, 3))
    ask(panel._desk, steps=2)
    assert ask(panel._desk, steps=2)["step"] == 2


def test_a_kernel_that_holds_too_much_trains_no_further(lesson, allow):
    desk = Desk(Session(lesson, {"lr": 0.1}))
    ask(desk, steps=2)
    allow(MAX_MEMORY="1MB")
    full = Desk(desk.session)
    frame = ask(full, steps=2)
    assert (frame["state"], frame["step"]) == ("Stopped", 2)
    assert "this room allows 0.0 GB; restart the kernel" in frame["reason"]
    assert frame["plots"], "the run stays in sight"


def test_a_finished_run_is_done_whatever_the_room_allows(lesson, allow):
    allow(MAX_SECONDS="1e-6")
    desk = Desk(Session(lesson, {"lr": 0.1}))
    assert ask(desk, steps=60)["state"] == "Done"


def test_the_stage_is_told_for_how_long_nobody_need_touch_it(lesson, allow):
    assert sb.lab(lesson, lr=(0.1, 1.0))._stage.controls.get("idle") is None, "for ever"
    allow(IDLE_SECONDS="600")
    assert sb.lab(lesson, lr=(0.1, 1.0))._stage.controls["idle"] == 600


@pytest.mark.parametrize("name", ["SBKIT_MAX_SECONDS", "SBKIT_MAX_MEMORY", "SBKIT_IDLE_SECONDS"])
def test_nonsense_is_refused_when_the_panel_is_made(lesson, monkeypatch, name):
    monkeypatch.setenv(name, "plenty")
    with pytest.raises(SbkitError, match=f"{name} is a .* above 0, got 'plenty'"):
        sb.lab(lesson, lr=(0.1, 1.0))
