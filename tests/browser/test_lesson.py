"""The first lesson, driven by pointer in JupyterLab as a reader drives it."""

import json
import re

import pytest
from browser.jupyter import stage_of
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

LOSSES = """
import json
print(json.dumps({snapshot.step: snapshot.loss.tolist() for snapshot in panel.session.history}))
"""
SAME = "all((a == b).all() for a, b in zip(run.fleet.weights(), panel.session.run.fleet.weights()))"


def losses(lesson) -> dict[str, list[float]]:
    """Recorded losses of the panel's run, by step."""
    return json.loads(lesson.ask(LOSSES))


def test_run_brings_frames(lesson, stage):
    lesson.notebook.picture("1-ready")
    stage.says("Ready")
    stage.press("Run")
    stage.says("Training")
    stage.more("step", by=5)
    stage.more("frames", by=5)
    lesson.notebook.picture("2-training")


def test_the_panel_is_locked_until_the_prediction_is_committed(lesson):
    question = lesson.predict()
    stage = stage_of(lesson.notebook, lesson.cell)
    stage.says("Locked")
    expect(stage.root).to_contain_text("commit your prediction above")
    run = stage.root.get_by_role("button", name="Run", exact=True)
    depth = lesson.dial("depth")
    expect(run).to_be_disabled()
    depth.press("ArrowRight")
    expect(depth).to_have_attribute("aria-valuenow", "2.0")
    question.get_by_label("nearly all").check()
    lesson.notebook.picture("1-locked")
    question.get_by_role("button", name="Commit").click()
    stage.says("Ready")
    expect(question).to_contain_text("Committed.")
    expect(question.get_by_label("nearly all")).to_be_disabled()
    depth.press("ArrowRight")
    expect(depth).to_have_attribute("aria-valuenow", "3.0")
    stage.train()
    assert (
        lesson.ask("from sbkit.course import journal; print(prediction.choice, len(journal.table()) >= 1)")
        == "nearly all True"
    )


def test_a_run_ends_and_says_why(lesson):
    stage = lesson.open("fast")
    stage.press("Run")
    stage.says("Done")
    expect(stage.root).to_contain_text("all 8 runs reached loss < 0.01")
    lesson.notebook.picture("3-done")


def test_run_after_the_end_starts_anew(lesson):
    stage = lesson.open("fast")
    stage.press("Run")
    stage.says("Done")
    last, run = stage.number("step"), stage.number("run")
    stage.speed.select_option("slow")
    stage.press("Run")
    stage.wait("run", "n > v", run)
    assert stage.number("step") < last


def test_slider_restarts_a_run_that_goes_on(lesson, stage):
    stage.train()
    run = stage.number("run")
    lesson.dial("depth").press("ArrowRight")
    stage.wait("run", "n > v", run)
    stage.says("Training")
    stage.more("step", by=3)
    assert lesson.ask("print(panel.session.run.fleet.weights().__len__())") == "4", "depth 3 has 4 layers"


def test_drop_down_restarts_a_run_that_goes_on(lesson, stage):
    stage.train()
    run = stage.number("run")
    lesson.dial("optimizer").press("ArrowDown")
    stage.wait("run", "n > v", run)
    stage.says("Training")
    stage.more("step", by=3)
    assert "optimizer='momentum'" in stage.code()


def test_dial_that_acts_at_once_keeps_the_run(lesson, stage):
    stage.train()
    run = stage.number("run")
    lesson.dial("lr").press("ArrowRight")
    stage.more("step", by=3)
    assert stage.number("run") == run
    assert 'run.settings["lr"] = 0.022' in stage.code()


def test_dial_before_the_run_shows_the_new_start(lesson, stage):
    run = stage.number("run")
    lesson.dial("slabs").select_option("7")
    stage.wait("run", "n > v", run)
    stage.says("Ready")
    expect(stage.root.locator(".sb-card").first.locator("canvas")).to_have_attribute(
        "aria-label", re.compile("slab7")
    )


def test_pause_stops_training(lesson, stage):
    stage.train()
    step = stage.pause()
    stage.code()  # once to the kernel and back: a slice under way would show
    assert stage.number("step") == step
    assert lesson.ask("print(panel.session.run.step)") == str(step)
    lesson.notebook.picture("4-paused")


def test_run_goes_on_after_pause(stage):
    stage.train()
    step, run = stage.pause(), stage.number("run")
    stage.press("Run")
    stage.wait("step", "n > v", step)
    assert stage.number("run") == run


def test_step_trains_one_step(stage):
    for step in (1, 2, 3):
        stage.press("Step")
        assert stage.wait("step", "n >= v", step) == step
    stage.says("Paused")


def test_rewind_stands_at_step_0(stage):
    stage.train()
    stage.press("Rewind")
    stage.wait("step", "n === 0")
    stage.says("Ready")
    stage.code()
    assert stage.number("step") == 0


def test_rewound_run_takes_the_same_curve(lesson, stage):
    stage.train(8)
    stage.pause()
    first = losses(lesson)
    stage.press("Rewind")
    stage.says("Ready")
    stage.train(8)
    stage.pause()
    second = losses(lesson)
    standing = {"0", *list(first)[-1:], *list(second)[-1:]}  # there the loss is of more rows
    common = (first.keys() & second.keys()) - standing
    assert len(common) >= 5
    assert {step: first[step] for step in common} == {step: second[step] for step in common}


def test_new_seed_takes_another_curve(lesson, stage):
    first = losses(lesson)["0"]
    stage.press("New seed")
    stage.wait("run", "n > 1")
    assert not set(first) & set(losses(lesson)["0"]), "eight other networks"


def test_only_what_the_lesson_takes_has_a_button(stage):
    expect(stage.button("New seed")).to_be_visible()
    expect(stage.button("New data")).to_have_count(0)


def test_scrub_looks_back_and_trains_nothing(lesson, stage):
    stage.train(8)
    step = stage.pause()
    stage.slider.fill("2")
    assert stage.wait("step", "n < v", step) > 0
    stage.slider.fill("0")
    stage.wait("step", "n === 0")
    assert lesson.ask("print(panel.session.run.step)") == str(step)
    stage.slider.fill(stage.slider.get_attribute("max"))
    stage.wait("step", "n === v", step)


def test_scrub_while_training_pauses(stage):
    stage.train(8)
    stage.slider.fill("1")
    stage.says("Paused")
    expect(stage.button("Run")).to_be_visible()


def test_pin_and_difference(lesson, stage):
    stage.train()
    stage.pause()
    box = stage.root.get_by_role("checkbox", name="Difference to the pinned run")
    expect(box).to_be_hidden()
    stage.press("Pin")
    expect(stage.root).to_have_attribute("data-pinned", "true")
    stage.press("Run")
    stage.more("frames", by=20)
    stage.pause()
    box.check()
    lesson.notebook.picture("5-difference-to-pinned")
    stage.press("Unpin")
    expect(stage.root).to_have_attribute("data-pinned", "false")
    expect(box).to_be_hidden()


def test_shown_code_leads_to_the_same_state(lesson, stage):
    stage.train()
    stage.pause()
    lesson.dial("lr").press("ArrowRight")
    stage.press("Run")
    stage.more("step", by=5)
    step = stage.pause()
    code = stage.code()
    assert lesson.ask(f"{code}\nprint(run.step, {SAME})") == f"{step} True"


def test_result_trains_to_the_end_and_shows_it(lesson, stage):
    lesson.ask("panel.result()")
    stage.says("Done")
    assert stage.number("step") == int(lesson.ask("print(panel.session.run.step)"))


def test_hover_tells_values(lesson, stage):
    card = stage.root.locator(".sb-card").first
    card.locator("canvas").hover()
    expect(card.locator(".sb-tip")).to_contain_text("P(class 1)")
    lesson.notebook.picture("6-hover")


def test_plots_name_themselves_for_those_who_do_not_see(stage):
    names = [canvas.get_attribute("aria-label") for canvas in stage.root.locator("canvas").all()]
    assert len(names) == 6 and all(len(name) > 20 for name in names)


def test_dark_theme(lesson, stage):
    lesson.notebook.menu("Settings", "Theme", "JupyterLab Dark")
    expect(stage.root).to_have_class(re.compile("sb-dark"))
    lesson.notebook.picture("7-dark")
    lesson.notebook.menu("Settings", "Theme", "JupyterLab Light")
    expect(stage.root).not_to_have_class(re.compile("sb-dark"))


def test_the_page_reports_no_error(lesson, stage):
    stage.train()
    stage.pause()
    ours = [text for text in lesson.notebook.errors if "Failed to load resource: net::" not in text]
    assert not ours, "\n".join(ours)
