"""Still pictures instead of the stage: said, driven by ipywidgets alone, one run and one desk for both."""

import re

import ipywidgets
import pytest

import sbkit as sb
from sbkit.core import SbkitError
from sbkit.lab.stills import Stills
from sbkit.plots.png import png

pytest.importorskip("matplotlib")


@pytest.fixture
def chosen(monkeypatch):
    """A room without the live stage."""
    monkeypatch.setenv("SBKIT_STAGE", "stills")


def play(stills: Stills, on: bool) -> None:
    """What the page does when its button is pressed."""
    stills.play.set_trait(stills._playing, on)


def dial(panel, name):
    return next(widget for widget, known in panel._names.items() if known == name)


def test_the_stage_stands_above_an_offer_that_costs_little(lesson):
    panel = sb.lab(lesson, depth=(1, 3))
    stills = panel.children[-1]
    assert panel.children[-2].children == (panel._stage,) and isinstance(stills, Stills)
    assert stills.children[-1].description == "Show still pictures" and stills.play is None


def test_asked_for_they_show_the_run_as_it_stands_and_say_why(lesson):
    panel = sb.lab(lesson, depth=(1, 3))
    panel._desk.answer({"type": "advance", "steps": 7})
    stills = panel.children[-1]
    stills.children[-1].click()
    assert stills.children[0].value.startswith("Still pictures, as the live stage did not load here.")
    assert stills.word.value == "<b>Paused</b>  · step 7 of 60"
    assert re.match(
        r'<img alt="Field: Decision boundary.*" src="data:image/png;base64,', stills.picture.value
    )


def test_a_room_may_choose_them(lesson, chosen):
    panel = sb.lab(lesson, depth=(1, 3))
    assert repr(panel) == "lesson(depth=1): a panel of still pictures."
    assert panel.children[-2].children == ()
    assert "SBKIT_STAGE=stills" in panel.children[-1].children[0].value
    assert "<b>Ready</b>" in panel.children[-1].word.value


def test_every_tick_trains_a_slice_until_it_is_stopped(lesson, chosen):
    panel = sb.lab(lesson, depth=(1, 3))
    stills = panel._stills
    stills.play.value = 1
    play(stills, True)
    stills.play.value = 2
    step = panel.session.run.step
    assert step > 0 and (f"step {step}" in stills.word.value)
    play(stills, False)
    stills.play.value = 0
    assert panel.session.run.step == step and re.match("<b>(Paused|Done)</b>", stills.word.value)


def test_a_finished_run_stops_the_ticks(lesson, chosen):
    panel = sb.lab(lambda lr=0.1: lesson(lr=lr, steps=2), lr=(0.1, 1.0))
    play(panel._stills, True)
    panel._stills.play.value = 1
    assert not panel._stills.runs and "<b>Done</b> all 2 steps done" in panel._stills.word.value


def test_buttons_step_and_begin_anew(lesson, chosen):
    panel = sb.lab(lesson, depth=(1, 3))
    step, rewind, seed = panel._stills.controls[1:]
    step.click()
    step.click()
    assert "step 2 of 60" in panel._stills.word.value
    rewind.click()
    assert "<b>Ready</b>  · step 0" in panel._stills.word.value
    before = panel._stills.picture.value
    seed.click()
    assert panel.session.values["seed"] == 2 and panel._stills.picture.value != before


def test_a_dial_shows_the_new_run_and_an_error_its_sentence(lesson, chosen):
    def fragile(depth=1):
        return lesson(depth=depth if depth < 3 else "deep")

    panel = sb.lab(fragile, depth=(1, 3))
    before = panel._stills.picture.value
    dial(panel, "depth").value = 2
    assert panel._stills.picture.value != before and "<b>Ready</b>" in panel._stills.word.value
    dial(panel, "depth").value = 3
    assert "<b>Error</b> depth is a whole number" in panel._stills.word.value


def test_a_lesson_that_does_not_train_is_a_picture(still, chosen):
    panel = sb.lab(still, slope=(0.0, 2.0))
    assert panel._stills.play is None
    assert panel._stills.word.value == "" and "runs" not in panel._stills.children[0].value
    before = panel._stills.picture.value
    dial(panel, "slope").value = 2.0
    assert panel._stills.picture.value != before


def test_nobody_there_stops_it_and_somebody_goes_on(lesson, chosen, monkeypatch):
    monkeypatch.setenv("SBKIT_IDLE_SECONDS", "600")
    stills = sb.lab(lesson, depth=(1, 3))._stills
    play(stills, True)
    stills._touched -= 601
    stills.play.value = 5
    assert not stills.runs and stills.word.value == "nobody touched it for 600 s; press Run to go on"
    play(stills, True)
    stills.play.value = 6
    assert "step 0" not in stills.word.value


def test_closing_closes_all_of_it(lesson, chosen):
    panel = sb.lab(lesson, depth=(1, 3))
    parts = [*panel._stills.children, *panel._stills.controls]
    panel.close()
    assert all(part.comm is None for part in parts)
    with pytest.raises(SbkitError, match="closed"):
        panel.code()


def test_a_stage_that_there_is_not_is_refused(lesson, monkeypatch):
    monkeypatch.setenv("SBKIT_STAGE", "stil")
    with pytest.raises(SbkitError, match="No SBKIT_STAGE named 'stil'; .* Did you mean 'stills'"):
        sb.lab(lesson)


def test_every_shape_is_drawn_with_all_that_it_may_have():
    field = sb.Field(
        "f", "Cells", sb.Axis("x", ticks="ab"), sb.Axis("y", ticks="cd"), [[0, 1], [2, float("nan")]]
    )
    line = sb.Line("train", [1, 10], [0.1, 1], low=[0, 0.5], high=[0.2, 2], start=[1, 1], dash=True)
    mark = sb.plots.Mark("you said", 0.4, 0.6)
    lines = sb.Lines("l", "Lines", sb.Axis("n", log=True), sb.Axis("y", low=0), [line], marks=[mark])
    dots = [[0.1, 0.2], [0.3, 0.4]]
    bars = sb.Bars("b", "Bars", "y", ["a", "a"], [0.1, 0.3], dots, sides=["A", "B"], marks=[mark])
    assert png([field, lines, bars]).startswith(b"\x89PNG")


def test_locked_until_the_prediction_is_committed(lesson, chosen, monkeypatch, tmp_path):
    monkeypatch.setenv("SBKIT_DATA", str(tmp_path))
    prediction = sb.predict("How many?", ["one", "two"])
    panel = sb.lab(lesson, after=prediction, depth=(1, 3))
    assert isinstance(panel._stills.play, ipywidgets.Play) and panel._stills.play.disabled
    panel._stills.play.value = 3
    assert panel.session.run.step == 0
