"""Where names and words want to run, the page shows them as text: panel, prediction, map, figure, replay."""

import json

import pytest
from browser.jupyter import ARTEFACTS, Stage, stage_of
from hostile import ALL, FLAG, HOSTILE
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SOURCE = f"""
import pandas as pd
import torch
import sbkit as sb

TEXTS = {json.dumps([*HOSTILE.values()])}
ALL = " ".join(TEXTS)

def hostile(word=ALL, depth=1, seed=0):
    table = pd.DataFrame(torch.rand(64, 3, generator=torch.Generator().manual_seed(0)).numpy())
    task = sb.data.table(table.set_axis(TEXTS[:3], axis=1), [ALL, "b"] * 32, features={{ALL: [0]}})
    fleet = sb.mlp(task, depth=depth, width=8, runs=2, seed=seed)
    return sb.fit(fleet, task, steps=2000, batch=16, measure=["boundary", "reliance", "alone"])

def pictures(word=ALL):
    axes = sb.Axis(word, unit=word, low=0, high=1), sb.Axis(word)
    return [
        sb.Bars("bars", word, axes[1], [*TEXTS, "b"], range(len(TEXTS) + 1), caption=word),
        sb.Bars("marked", word, axes[1], [word], [1], marks=[sb.plots.Mark(word, 0, 1)]),
        sb.Lines("lines", word, *axes, [sb.Line(t, [0, 1], [0, k]) for k, t in enumerate(TEXTS)]),
        sb.Field("map", word, sb.Axis(word, ticks=[word, "b"]), sb.Axis(word, ticks=[word]), [[0, 1]]),
    ]

def page(n=1):
    return pictures("x" * 10_000)
"""
SHOWN = {
    "prediction": "sb.predict(ALL, [*TEXTS, 'b'])",
    "panel": "sb.lab(hostile, word=[ALL, *TEXTS], depth=(1, 3))",
    "pictures": "sb.lab(pictures, word=[ALL, *TEXTS])",
    "page": "sb.lab(page, n=[1])",
    "map": "sb.map(hostile, value='test_accuracy', word=TEXTS[:2], depth=[1, 2])",
    "figure": "from sbkit.plots.figure import figure\nfigure(pictures())",
    "table": "pd.DataFrame({t: [t] for t in TEXTS})",
}


@pytest.fixture(scope="module")
def notebook(lesson):
    """A notebook in which the hostile lesson is defined, with an empty cell for what it shows."""
    lesson.ask(SOURCE)
    yield lesson.notebook
    assert lesson.page.evaluate(f"window.{FLAG}") is None


@pytest.fixture
def show(notebook, lesson):
    """show(name) runs one of SHOWN; its cell. What any of the texts tried would be known by its flag."""

    def shown(name):
        notebook.write(lesson.scratch, SHOWN[name])
        notebook.run(lesson.scratch)
        return lesson.scratch

    yield shown
    lesson.scratch.screenshot(path=ARTEFACTS / "30-hostile.png")
    assert lesson.page.evaluate(f"window.{FLAG}") is None


@pytest.mark.parametrize("name", ["prediction", "figure", "table"])
def test_what_is_shown_is_text(show, name):
    output = show(name).locator(".jp-OutputArea-output")
    expect(output).to_contain_text(HOSTILE["image"])
    assert output.locator("[onerror], [onload], [onfocus], [onmouseover], a[href^=javascript]").count() == 0


def test_a_panel_trains_and_tells_its_code(show, notebook):
    cell = show("panel")
    stage = stage_of(notebook, cell)
    stage.speed.select_option("slow")
    stage.train(3)
    stage.pause()
    assert HOSTILE["script"] in stage.code()
    for canvas in stage.root.locator("canvas").all():
        canvas.hover()
    expect(cell.locator("option").nth(1)).to_have_text(HOSTILE["image"])


def test_a_panel_of_pictures_and_its_tables(show, notebook):
    stage = stage_of(notebook, show("pictures"))
    stage.press("Data")
    expect(stage.root.locator(".sb-title").first).to_have_text(ALL.replace("\u2028", " "))
    expect(stage.root.locator(".sb-table").first).to_contain_text(HOSTILE["svg"])


def test_a_page_of_text_for_a_name_stays_in_its_place(show, notebook):
    stage = stage_of(notebook, show("page"))
    assert stage.root.evaluate("root => root.scrollWidth <= root.clientWidth")


def test_a_map_opens_what_is_picked(show):
    cell = show("map")
    canvas = cell.get_by_role("application").first
    canvas.press("ArrowRight")
    canvas.press("Enter")
    expect(cell.locator(".sb-stage")).to_have_count(2)


def test_a_replay_of_it_plays(lesson, notebook, browser, tmp_path_factory):
    file = tmp_path_factory.mktemp("replay") / "hostile.html"
    lesson.ask(f"sb.lab(pictures).save_replay({str(file)!r}); print('saved')")
    page = browser.new_page()
    page.goto(file.as_uri())
    stage = Stage(page.locator(".sb-stage"))
    stage.wait("frames", "n >= 1")
    assert page.evaluate(f"window.{FLAG}") is None
    assert page.locator("img, [onload], [onerror]").count() == 0
    page.close()
