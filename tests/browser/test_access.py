"""For those who use a keyboard, a screen reader, little room or little colour: JupyterLab and Notebook 7."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser.conftest import LESSON, Lesson
from browser.jupyter import Notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

RING = """root => {
    const [style, on] = [getComputedStyle(document.activeElement), getComputedStyle(root).backgroundColor];
    return [style.outlineStyle, parseFloat(style.outlineWidth), style.outlineColor, on];
}"""
NAME = """() => {
    const [now, row] = [document.activeElement, document.activeElement.closest(".widget-inline-hbox")];
    if (now.classList.contains("widget-readout")) return "readout";
    return now.getAttribute("aria-label") || now.labels?.[0]?.textContent || now.textContent;
}"""
LISTEN = """root => {
    window.told = [];
    const live = root.querySelector("[aria-live]");
    const tell = () => window.told.push([performance.now(), live.textContent]);
    new MutationObserver(tell).observe(live, { childList: true, characterData: true, subtree: true });
}"""
TOO_WIDE = """panel => {
    const right = panel.getBoundingClientRect().right + 1;
    const kept = [...panel.querySelectorAll("*")].filter(node => !node.closest(".sb-unseen, .sb-table, pre"));
    return kept.filter(node => node.getBoundingClientRect().right > right).map(node => node.className);
}"""
DRAWN = """root => new Promise(done => {
    const times = [];
    const watch = new MutationObserver(() => times.push(performance.now()) > 4 && done(times));
    watch.observe(root, { attributeFilter: ["data-frames"] });
})"""
INK = """root => {
    const style = getComputedStyle(root);
    return [style.getPropertyValue("--sb-muted"), style.getPropertyValue("--sb-ink"), style.backgroundColor];
}"""


@pytest.fixture(scope="module")
def seven(address, browser):
    """Lesson 1 in Notebook 7."""
    notebook = Notebook(browser, address, LESSON, app="notebooks")
    yield Lesson(notebook)
    notebook.page.close()


@pytest.fixture
def stage(seven):
    """A new panel of lesson 1 in Notebook 7, at step 0, at slow speed."""
    return seven.open()


@pytest.fixture(params=["lesson", "seven"], ids=["lab", "notebook"])
def either(request) -> Lesson:
    """Lesson 1 in JupyterLab, then in Notebook 7."""
    return request.getfixturevalue(request.param)


def rgb(colour: str, on: tuple[float, ...] = (255, 255, 255)) -> tuple[float, ...]:
    """`#abc123` or `rgb(…)` or, mixed with what it stands on, `rgba(…)`: red, green and blue."""
    if colour.startswith("#"):
        return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
    *parts, alpha = [float(part) for part in re.findall(r"[\d.]+", colour)] + [1.0] * (colour[3] != "a")
    return tuple(alpha * part + (1 - alpha) * below for part, below in zip(parts[:3], on, strict=True))


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Of two colours, 1 … 21, as WCAG 2 has it."""

    def luminance(colour: tuple[float, ...]) -> float:
        linear = [
            v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (c / 255 for c in colour)
        ]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def test_tab_shows_where_it_is_on_every_control(either):
    stage = either.open()
    stage.press("Step")
    stage.wait("step", "n === 1")
    either.dial("slabs").focus()
    either.page.keyboard.press("Shift+Tab")
    reached = []
    titles = stage.root.locator(".sb-title").all_inner_texts()
    while titles[-1] not in reached:
        assert len(reached) < 40, reached
        either.page.keyboard.press("Tab")
        reached.append(either.page.evaluate(NAME).strip())
        style, width, colour, paper = stage.root.evaluate(RING)
        assert style != "none" and width >= 2, reached[-1]
        assert contrast(rgb(colour), rgb(paper)) >= 3, (reached[-1], colour, paper)
    again = "restarts the run"
    folded = ["More"] if "More" in reached else ["Fewer", f"optimizer: {again}"]
    dials = [f"slabs: {again}", f"noise: {again}", f"depth: {again}", "lr: acts at once", *folded]
    head = ["Run", "Step", "Rewind", "New seed", "Speed", "Recorded steps"]
    tools = ["Pin", "Show code", "Data", "Save replay"]
    assert [name for name in reached if name != "readout"] == [*dials, *head, *tools, *titles]
    either.notebook.picture("17-focus")


def test_its_panel_is_seen_whole_on_a_laptop(either):
    stage = either.open()
    before = either.page.viewport_size
    for width, height in [(1366, 768), (1280, 720)]:
        either.page.set_viewport_size({"width": width, "height": height})
        assert stage.step() and either.cell.locator(".sb-panel").bounding_box()["height"] <= 560
    either.page.set_viewport_size(before)


def test_axe_finds_nothing_serious(either):
    stage = either.open()
    stage.train(3)
    stage.pause()
    stage.press("Pin")
    stage.press("Show code")
    expect(stage.root.locator(".sb-code pre")).not_to_be_empty()
    stage.press("Data")
    for theme, style in [("JupyterLab Dark", "sb-stage sb-dark"), ("JupyterLab Light", "sb-stage")]:
        either.notebook.menu("Settings", "Theme", theme)
        expect(stage.root).to_have_class(style)
        muted, ink, paper = stage.root.evaluate(INK)
        assert min(contrast(rgb(text, rgb(paper)), rgb(paper)) for text in (muted, ink)) >= 4.5, "on canvas"
        found = Axe().run(either.page, context=[[".sb-panel"]]).response["violations"]
        grave = [rule for rule in found if rule["impact"] in ("serious", "critical")]
        assert not grave, "\n".join(
            f"{rule['id']}: {[node['html'] for node in rule['nodes']]}" for rule in grave
        )


def test_arrows_turn_dials_in_notebook_7(seven, stage):
    for name, key, told in [
        ("lr", "ArrowUp", "0.022"),
        ("depth", "ArrowRight", "3"),
        ("noise", "End", "1.00"),
        ("slabs", "ArrowDown", None),
        ("optimizer", "ArrowDown", None),
    ]:
        run, dial = stage.number("run"), seven.dial(name)
        dial.press(key)
        expect(dial).to_be_focused()
        if told:
            expect(dial).to_have_attribute("aria-valuetext", told)
        if name != "lr":
            stage.wait("run", "n > v", run)
    values = json.loads(seven.ask("import json; print(json.dumps(panel.session.values))"))
    assert (values["slabs"], values["noise"], values["depth"], values["optimizer"]) == (7, 1, 3, "momentum")
    assert values["lr"] == pytest.approx(0.0224, 1e-2)


def test_a_prediction_is_committed_by_keyboard_in_notebook_7(seven):
    question = seven.predict()
    seven.page.evaluate("window.scrollTo(0, 0)")
    question.get_by_label("about half").focus()
    seven.page.keyboard.press("ArrowDown")
    expect(question.get_by_label("about three quarters")).to_be_checked()
    question.get_by_label("How sure, in %?").press("ArrowUp")
    seven.page.keyboard.press("Tab")
    seven.page.keyboard.press("Enter")
    expect(question).to_contain_text("Committed.")
    assert seven.ask("print(prediction.choice, prediction.confidence)") == "about three quarters 65"


def test_run_step_and_pause_by_keyboard_in_notebook_7(seven, stage):
    cells = seven.notebook.cells.count()
    for key in ["a", "b", "x", "m", "d", "d", "ArrowDown", "0", "0"]:  # the notebook's
        stage.button("Run").press(key)
        expect(stage.button("Run")).to_be_focused()
    assert seven.notebook.cells.count() == cells
    seven.page.keyboard.press("Space")
    stage.says("Training")
    stage.more("step", by=2)
    seven.page.keyboard.press("Enter")
    stage.says("Paused")
    stage.slider.press("Home")
    stage.wait("step", "n === 0")


def test_one_region_tells_the_latest_once_a_second(seven, stage):
    expect(stage.root.locator("[aria-live]")).to_have_count(1)
    expect(stage.root.locator("[aria-live]")).to_have_attribute("aria-live", "polite")
    stage.root.evaluate(LISTEN)
    for _ in range(4):
        stage.press("Run")
        stage.says("Training")
        stage.press("Pause")
        stage.says("Paused")
    stage.press("Rewind")
    stage.says("Ready")
    expect(stage.root.locator("[aria-live]")).to_have_text("Ready")
    told = seven.page.evaluate("window.told")
    gaps = [after[0] - before[0] for before, after in zip(told, told[1:], strict=False)]
    assert all(gap > 950 for gap in gaps), told


def test_every_plot_has_its_sentence_and_its_table(stage):
    stage.train(3)
    stage.pause()
    stage.button("Data").press("Enter")
    for card in stage.root.locator(".sb-card").all():
        title = card.locator(".sb-title").inner_text()
        expect(card.locator("canvas")).to_have_attribute(
            "aria-label", re.compile(rf"^{re.escape(title)}: .+\.$")
        )
        expect(card.locator(".sb-caption")).not_to_be_empty()
        table = stage.root.get_by_role("region", name=f"Data of {title}")
        expect(table.locator("caption")).not_to_be_empty()
        assert table.get_by_role("row").count() > 1


def test_a_caption_comes_with_the_pointer_and_with_the_keyboard(seven, stage):
    """It is always there for a screen reader, and describes its title."""
    title = stage.root.locator(".sb-title", has_text="Feature reliance")
    caption = stage.root.locator(f"#{title.get_attribute('aria-describedby')}")
    seen = "caption => caption.getBoundingClientRect().height > 20"
    words = re.compile("A feature shuffled across .* rows")
    expect(caption).to_have_text(words)
    expect(stage.root.get_by_role("figure").filter(has_text=words)).to_have_count(1)
    assert not caption.evaluate(seen)
    for come, go in [(title.hover, stage.button("Run").hover), (title.focus, stage.button("Run").focus)]:
        come()
        assert caption.evaluate(seen)
        seven.notebook.picture("15-caption")
        go()
        assert not caption.evaluate(seen)


@pytest.mark.parametrize("size", [(360, 780), (640, 400)], ids=["360 px", "1280 px at 200 %"])
def test_it_fits_where_there_is_little_room(seven, stage, size):
    before = seven.page.viewport_size
    seven.page.set_viewport_size({"width": size[0], "height": size[1]})
    stage.train(2)
    stage.pause()
    panel = seven.cell.locator(".sb-panel")
    assert panel.evaluate(TOO_WIDE) == []
    for name in ("Step", "New seed", "Pin", "Save replay"):
        stage.button(name).scroll_into_view_if_needed()
        box = stage.button(name).bounding_box()
        assert 0 <= box["x"] and box["x"] + box["width"] <= size[0]
    seven.dial("slabs").scroll_into_view_if_needed()
    seven.notebook.picture(f"18-{size[0]}px")
    seven.page.set_viewport_size(before)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_lines_are_seen_where_the_system_forces_its_colours(seven, stage, scheme):
    seven.page.emulate_media(forced_colors="active", color_scheme=scheme)
    line = stage.root.locator(".sb-legend span", has_text="P = .5").locator("i.sb-line")
    expect(line).to_have_css("color", "rgb(255, 255, 255)" if scheme == "dark" else "rgb(0, 0, 0)")
    seven.page.emulate_media(forced_colors="none", color_scheme="light")


def test_reduced_motion_is_respected(seven, stage):
    seven.page.emulate_media(reduced_motion="reduce")
    moving = "node => ['transitionDuration', 'animationName'].map(name => getComputedStyle(node)[name])"
    for node in seven.cell.locator(".noUi-connect, .noUi-handle, .sb-stage button").all():
        assert node.evaluate(moving) == ["0s", "none"]
    stage.press("Run")
    times = stage.root.evaluate(DRAWN)
    assert min(after - before for before, after in zip(times, times[1:], strict=False)) > 400
    stage.pause()
    seven.page.emulate_media(reduced_motion="no-preference")
