"""The panel on Colab's versions: the classic front end, ipywidgets 7, and no stage at all (`make colab`)."""

from importlib.metadata import PackageNotFoundError, version

import pytest

try:
    IS_CLASSIC = version("notebook").startswith("6.")
except PackageNotFoundError:
    IS_CLASSIC = False
if not IS_CLASSIC:
    pytest.skip("Notebook 6 is in the environment of `make colab` alone.", allow_module_level=True)

from browser.classic import Classic, classic_notebook
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LESSON = """
import sbkit as sb
def lesson(depth=2, lr=0.05, seed=0):
    task = sb.lms(5, dim=5, n=2000, n_test=500)
    fleet = sb.mlp(task, depth=depth, width=20, runs=4, seed=seed)
    return sb.fit(fleet, task, lr=lr, steps=10**6, stop=None, measure=["boundary", "reliance"])
"""
PANEL = 'panel = sb.lab(lesson, depth=(1, 4), lr=(1e-3, 1.0, "log"))\npanel'
TELL = "print(panel.session.run.step, panel.session.values['depth'])"


@pytest.fixture(scope="module")
def address(chromium, tmp_path_factory):
    with classic_notebook(tmp_path_factory.mktemp("classic"), [LESSON.strip(), PANEL, TELL]) as address:
        yield address


def told(notebook: Classic) -> list[int]:
    """Step and depth of the panel's run, as Python has them."""
    notebook.run(2)
    return [int(word) for word in notebook.page.locator(".output").nth(2).inner_text().split()]


def test_the_live_stage_runs_and_its_dials_act(browser, address):
    notebook = Classic(browser, address)
    notebook.run(0)
    stage = notebook.stage(1)
    expect(notebook.page.get_by_text("No live picture above?")).to_be_hidden()
    stage.press("Run")
    stage.more("step", by=20)
    run = stage.number("run")
    notebook.page.locator(".widget-slider .ui-slider-handle").first.press("ArrowRight")
    stage.wait("run", "n > v", run)
    stage.more("step", by=5)
    step = stage.pause()
    assert told(notebook) == [step, 3]
    notebook.page.close()


def test_without_its_stage_the_panel_is_stills_and_says_so(browser, address):
    notebook = Classic(browser, address, blocked="**/nbextensions/anywidget/**")
    notebook.run(0)
    ask = notebook.show(1, "button:has-text('Show still pictures')")
    ask.click()
    shown = notebook.page.locator(".output").nth(1)
    expect(shown).to_contain_text("Still pictures, as the live stage did not load here.")
    expect(shown).to_contain_text("Ready")
    shown.locator(".widget-play button").nth(0).click()
    expect(shown).to_contain_text("Training")
    shown.locator(".widget-play button").nth(1).click()
    expect(shown).to_contain_text("Paused")
    step, _ = told(notebook)
    assert step > 0 and told(notebook)[0] == step
    shown.locator(".widget-slider .ui-slider-handle").first.press("ArrowRight")
    expect(shown).to_contain_text("Ready")
    assert told(notebook) == [0, 3]
    notebook.page.close()
