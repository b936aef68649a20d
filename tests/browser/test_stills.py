"""JupyterLab without the stage: anywidget's code is kept from the page, the panel says so and works."""

import pytest
from browser.jupyter import Notebook, dial
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PANEL = """
import sbkit as sb
def small(depth=1, seed=0):
    task = sb.lms(3, dim=2, n=500, n_test=200)
    fleet = sb.mlp(task, depth=depth, width=8, runs=2, seed=seed)
    return sb.fit(fleet, task, steps=10**6, stop=None, measure=["boundary"])

panel = sb.lab(small, depth=(1, 4))
panel
"""


def test_without_its_stage_the_panel_is_stills(browser, address):
    notebook = Notebook(browser, address, "0-start-here.ipynb", blocked="**/extensions/anywidget/**")
    scratch = notebook.insert_below(notebook.cell("import sbkit as sb"))
    notebook.write(scratch, PANEL.strip())
    notebook.run(scratch)
    scratch.get_by_role("button", name="Show still pictures").click()
    expect(scratch).to_contain_text("Still pictures, as the live stage did not load here.")
    play = scratch.locator(".widget-play button").first
    play.click()
    expect(scratch).to_contain_text("Training")
    play.click()
    expect(scratch).to_contain_text("Paused")
    notebook.picture("stills")
    dial(scratch, "depth").press("ArrowRight")
    expect(scratch).to_contain_text("Ready")
    below = notebook.insert_below(scratch)
    assert notebook.say(below, "print(panel.session.values, panel.session.run.step)") == "{'depth': 2} 0"
    notebook.page.close()
