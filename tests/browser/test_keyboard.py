"""Every control by keyboard alone, and none of JupyterLab's shortcuts by accident."""

import re

import pytest
from browser.jupyter import Stage, dial
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.browser

RISKY = ["a", "b", "x", "y", "m", "r", "d", "d", "z", "ArrowUp", "ArrowDown", "0", "0", "c", "v"]


def controls(stage) -> list[Locator]:
    """What the tab key should reach, in order."""
    head = [stage.button(name) for name in ("Run", "Step", "Rewind", "New seed")]
    tools = [stage.button(name) for name in ("Pin", "Show code", "Data", "Save replay")]
    return [*head, stage.speed, stage.slider, *tools, *stage.root.locator(".sb-title").all()]


def test_tab_reaches_every_control_in_order(stage):
    stage.press("Step")
    stage.wait("step", "n === 1")
    first, *others = controls(stage)
    first.focus()
    for control in others:
        stage.page.keyboard.press("Tab")
        expect(control).to_be_focused()


def test_tab_reaches_every_dial_before_run(lesson, stage):
    names = ["slabs", "noise", "depth", "lr", "optimizer"]
    lesson.dial("optimizer").focus()  # unfolds More
    lesson.dial("slabs").focus()
    reached = [names[0]]
    for _ in range(20):
        lesson.page.keyboard.press("Tab")
        if stage.button("Run").evaluate("run => run === document.activeElement"):
            break
        reached += [n for n in names if lesson.dial(n).evaluate("dial => dial === document.activeElement")]
    assert reached == names
    expect(stage.button("Run")).to_be_focused()


def test_space_and_enter_run_and_pause(stage):
    stage.button("Run").focus()
    stage.page.keyboard.press("Space")
    stage.says("Training")
    expect(stage.button("Pause")).to_be_focused()
    stage.page.keyboard.press("Enter")
    stage.says("Paused")


@pytest.mark.parametrize("key", ["Space", "Enter"])
def test_step_and_rewind(stage, key):
    stage.button("Step").press(key)
    stage.wait("step", "n === 1")
    stage.button("Rewind").press(key)
    stage.wait("step", "n === 0")


def test_new_seed(stage):
    run = stage.number("run")
    stage.button("New seed").press("Enter")
    stage.wait("run", "n > v", run)


def test_arrows_choose_the_speed(stage):
    expect(stage.speed).to_have_value("slow")
    stage.speed.press("ArrowDown")
    expect(stage.speed).to_have_value("normal")


def test_arrows_scrub(stage):
    stage.train(6)
    step = stage.pause()
    stage.slider.press("Home")
    stage.wait("step", "n === 0")
    stage.slider.press("ArrowRight")
    stage.wait("step", "n === 1")
    stage.slider.press("End")
    stage.wait("step", "n === v", step)


def test_the_slider_tells_its_step(stage):
    stage.button("Step").press("Enter")
    stage.wait("step", "n === 1")
    expect(stage.slider).to_have_attribute("aria-valuetext", "step 1 of 3,000")


@pytest.mark.parametrize(
    ("name", "key"), [("depth", "ArrowRight"), ("slabs", "ArrowDown"), ("optimizer", "ArrowDown")]
)
def test_arrows_turn_dials(lesson, stage, name, key):
    run = stage.number("run")
    before = lesson.ask(f"print(panel.session.values[{name!r}])")
    lesson.dial(name).press(key)
    stage.wait("run", "n > v", run)
    assert lesson.ask(f"print(panel.session.values[{name!r}])") != before


def test_one_button_opens_the_tables_of_all_pictures(stage):
    stage.button("Data").press("Enter")
    table = stage.root.get_by_role("region", name="Data of Feature reliance")
    expect(table).to_be_visible()
    expect(table.get_by_role("row").nth(1)).to_contain_text("linear")
    expect(stage.root.locator(".sb-table")).to_have_count(stage.root.locator(".sb-card").count())
    stage.button("Data").press("Enter")
    expect(table).to_be_hidden()


def test_pin(stage):
    stage.button("Pin").press("Space")
    expect(stage.button("Unpin")).to_be_focused()
    expect(stage.root).to_have_attribute("data-pinned", "true")
    box = stage.root.get_by_role("checkbox", name="Difference to the pinned run")
    box.press("Space")
    expect(box).to_be_checked()


def test_code_is_shown_and_copied(stage):
    stage.button("Show code").press("Enter")
    expect(stage.root.locator(".sb-code pre")).to_contain_text("run = lesson(slabs=5")
    stage.button("Copy").press("Enter")
    expect(stage.root.locator(".sb-code button").last).to_have_text(re.compile("Copied|Selected"))


def test_two_kinds_of_code_and_the_link_opens_there(lesson, stage):
    """The link's text, copied from the page, puts the dials of another panel where they stand in this one."""
    lesson.dial("depth").press("ArrowRight")
    lesson.dial("slabs").select_option("7")
    stage.button("Show code").press("Enter")
    pre, kinds = stage.root.locator(".sb-code pre"), stage.root.get_by_role("group", name="Kinds of code")
    expect(kinds.get_by_role("button")).to_have_text(["This run", "Link text"])
    link = stage.button("Link text")
    link.press("Enter")
    expect(pre).to_contain_text("slabs=7&noise=0.0&depth=3&lr=0.02&optimizer=sgd")
    expect(link).to_have_attribute("aria-pressed", "true")
    expect(link).to_be_focused()
    expect(kinds.locator("[aria-pressed=true]")).to_have_count(1)
    lesson.notebook.picture("12-link-text")
    lesson.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    stage.button("Copy").press("Enter")
    expect(stage.button("Copied")).to_be_visible()
    copied = lesson.page.evaluate("navigator.clipboard.readText()")
    assert copied == pre.text_content()
    lesson.ask(copied)
    other = Stage(lesson.scratch.locator(".sb-stage"))
    other.wait("frames", "n >= 1")
    assert dial(lesson.scratch, "slabs").evaluate("select => select.selectedOptions[0].text") == "7"
    expect(dial(lesson.scratch, "depth")).to_have_attribute("aria-valuetext", re.compile(r"^3(\.0+)?$"))
    assert "run = lesson(slabs=7, noise=0.0, depth=3" in other.code()
    lesson.ask("pass")


def test_keys_in_the_panel_are_not_jupyterlabs(lesson, stage):
    cells, kinds = lesson.notebook.cells, lesson.page.locator(".jp-CodeCell")
    before = cells.count(), kinds.count()
    stage.press("Step")
    stage.wait("step", "n === 1")
    for control in [
        stage.button("Step"),
        stage.slider,
        stage.speed,
        lesson.dial("depth"),
        lesson.dial("slabs"),
    ]:
        for key in RISKY:
            control.press(key)
            expect(control).to_be_focused()
    assert (cells.count(), kinds.count()) == before
    expect(stage.root).to_be_visible()
