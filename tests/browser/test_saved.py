"""A saved notebook keeps what stood on its panels, for readers without a kernel."""

import base64
import io
import subprocess
import sys

import nbformat
import pytest
from browser.jupyter import Notebook, Stage
from PIL import Image
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.browser

PATH = "2-rank/07-identical-at-birth.ipynb"
LESSON = """
def small(depth=1, width=16, seed=0):
    task = sb.lms(5, dim=3, n=600, n_test=300)
    fleet = sb.mlp(task, depth=depth, width=width, runs=4, seed=seed)
    return sb.fit(fleet, task, steps=40, stop=None, measure=["boundary", "reliance"])

def painted(task):
    return sb.fit(sb.mlp(task, width=16, runs=4), task, steps=40, measure="boundary")

"""
PANELS = {
    "panel": "sb.lab(small, depth=(1, 4))",
    "two lanes": "sb.lab(small, compare='depth', depth=[1, 4])",
    "tiles": "sb.map(small, depth=[1, 2], width=[8, 16])",
    "tile": "sb.map(small, depth=[1, 2], width=[8, 32])",
    "drawing": "sb.lab(painted, task=sb.draw())",
    "board": "sb.draw('moons')",
}


def kept(cell: dict) -> list[bytes]:
    """The PNGs among a saved cell's outputs."""
    data = [output.get("data", {}) for output in cell["outputs"]]
    return [base64.b64decode(part["image/png"]) for part in data if "image/png" in part]


def stands(name: str, cell: Locator) -> None:
    """Wait until the pictures of a panel stand; of a tile, those below the heat map too."""
    stages = cell.locator(".sb-stage")
    stage = Stage(stages.last)
    stage.wait("frames", "n >= 1")
    if name == "tile":
        stages.first.locator("canvas").first.click(position={"x": 100, "y": 60})
        expect(stages).to_have_count(2)
        stage = Stage(stages.last)
        stage.wait("frames", "n >= 1")
    if stage.button("Run").count():
        stage.press("Run")
        stage.says("Done")


@pytest.fixture(scope="module")
def saved(open_notebook, home):
    """The notebook in its page, and what was saved of it once pictures stood in each of its panels."""
    notebook: Notebook = open_notebook(PATH)
    above = notebook.cell("import sbkit as sb")
    notebook.run(above)
    for name, source in PANELS.items():
        above = notebook.insert_below(above)
        notebook.write(above, LESSON + source)
        notebook.run(above)
        root = above.locator(".sb-stage").last
        root.scroll_into_view_if_needed()
        if name != "board":
            stands(name, above)
        picture = above.locator(".jp-OutputArea-output img")
        expect(picture).to_be_attached()
        expect(picture).to_be_hidden()
    unsaved = notebook.page.locator(".lm-TabBar-tab.jp-mod-dirty")
    expect(unsaved).to_have_count(1)
    notebook.menu("File", "Save Notebook")
    expect(unsaved).to_have_count(0)
    return notebook, home / "notebooks" / PATH


def test_each_panel_leaves_a_small_picture(saved):
    _, path = saved
    cells, heights = nbformat.read(path, 4).cells, {}
    for name, source in PANELS.items():
        [cell] = [cell for cell in cells if source in cell.source]
        [png] = kept(cell)
        assert len(png) <= 100_000, name
        image = Image.open(io.BytesIO(png))
        heights[name] = image.height
        assert (name == "board" or image.width > 600) and len(
            image.convert("RGB").getcolors(10**6) or []
        ) > 8, f"{name}: blank"
    assert heights["tile"] > heights["tiles"] + 150, "the open panel stands below its map"


def test_a_static_page_shows_the_pictures(saved):
    _, path = saved
    page = subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "html", "--stdout", str(path)],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert page.count('<img alt="Field: ') + page.count("data:image/png;base64") >= len(PANELS)


def test_without_its_kernel_the_pictures_stand(saved):
    notebook, _ = saved
    notebook.menu("Kernel", "Shut Down Kernel")
    expect(notebook.page.locator(".jp-Toolbar-kernelName")).to_have_text("No Kernel")
    notebook.load()
    pictures = notebook.page.locator(".jp-OutputArea-output img")
    for source in PANELS.values():
        expect(notebook.cell(source).locator(".jp-OutputArea-output img")).to_be_visible()
    pictures.first.scroll_into_view_if_needed()
    notebook.picture("saved-without-kernel")
    for name in ("tile", "board"):
        notebook.cell(PANELS[name]).locator(".jp-OutputArea-output img").scroll_into_view_if_needed()
        notebook.picture(f"saved-{name}")
