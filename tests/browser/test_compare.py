"""Two runs in one panel, and a heat map that opens runs, as a reader meets them in JupyterLab."""

import json
import re

import pytest
from browser.jupyter import Stage
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

COMPARE = """
panel = sb.lab(lesson, compare="optimizer", optimizer=["sgd", "sam"], depth=(0, 8))
panel
"""
STEPS = "print([session.run.step for session in panel.session.lanes])"
MAP = """
rows = [(d, o, r) for d in (0, 1, 2) for o in ("sgd", "adam") for r in range(8)]
table = [{"depth": d, "optimizer": o, "run": r, "test_accuracy": 0.5 + d / 10} for d, o, r in rows]
import pandas
heat = sb.map(lesson, pandas.DataFrame(table))
heat
"""
OPENED = "print(heat.panel.session.call())"


def in_scratch(lesson, source: str) -> Stage:
    """The first stage that a source shows in the scratch cell."""
    lesson.ask(source)
    stage = Stage(lesson.scratch.locator(".sb-stage").first)
    stage.wait("frames", "n >= 1")
    return stage


def told(stage: Stage, title: str):
    """What a plot says of itself to those who do not see it."""
    card = stage.root.locator(".sb-card", has_text=title)
    return card.locator("canvas")


@pytest.fixture
def both(lesson):
    """A panel of two runs, at slow speed."""
    stage = in_scratch(lesson, COMPARE)
    stage.speed.select_option("slow")
    yield stage
    lesson.ask("pass")


def test_both_curves_move_and_their_difference_is_drawn(lesson, both):
    both.train(8)
    both.pause()
    loss = told(both, "Training loss")
    expect(loss).to_have_attribute("aria-label", re.compile(r"A sgd 0\.\d+, B sam 0\.\d+"))
    expect(told(both, "Decision boundary · B − A")).to_have_attribute("aria-label", re.compile("B − A over"))
    lesson.notebook.picture("12-compare")
    a, b = json.loads(lesson.notebook.say(lesson.notebook.insert_below(lesson.scratch), STEPS))
    assert a == b == both.number("step") > 0


def test_the_dial_of_b_moves_while_both_train(lesson, both):
    both.train(5)
    run = both.number("run")
    lesson.scratch.locator("select").nth(1).select_option("sgd")
    both.wait("run", "n > v", run)
    both.says("Training")
    both.more("step", by=3)
    both.pause()
    a, b, *_ = both.code().splitlines()
    assert (a, b) == ("a = lesson(depth=2, optimizer='sgd')", "b = lesson(depth=2, optimizer='sgd')")
    expect(told(both, "Training loss")).to_have_attribute("aria-label", re.compile("A sgd .*, B sgd "))


@pytest.fixture
def heat(lesson):
    """A heat map of a table, with its canvas."""
    stage = in_scratch(lesson, MAP)
    yield stage.root.locator("canvas")
    lesson.ask("pass")


def opened(lesson) -> Stage:
    """The stage of the panel below the heat map."""
    expect(lesson.scratch.locator(".sb-stage")).to_have_count(2)
    stage = Stage(lesson.scratch.locator(".sb-stage").nth(1))
    stage.wait("frames", "n >= 1")
    return stage


def test_a_click_opens_the_run_of_a_cell(lesson, heat):
    box = heat.bounding_box()
    heat.click(position={"x": 0.5 * box["width"] - 10, "y": 0.25 * box["height"]})
    stage = opened(lesson)
    assert stage.code() == "run = lesson(depth=1, optimizer='adam')"
    chosen = lesson.scratch.locator(".widget-dropdown option:checked")
    expect(chosen).to_have_text(["1", "adam"])
    stage.speed.select_option("slow")
    stage.train(3)
    stage.pause()
    lesson.notebook.picture("13-map")


def test_arrow_keys_and_enter_open_one_too(lesson, heat):
    heat.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        lesson.page.keyboard.press(key)
    expect(lesson.scratch.locator(".sb-stage [aria-live]").first).to_contain_text("depth 1, optimizer sgd")
    lesson.page.keyboard.press("Enter")
    assert opened(lesson).code() == "run = lesson(depth=1, optimizer='sgd')"
