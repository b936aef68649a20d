"""Every panel of every lesson, after Run All: all of it is seen at once on a laptop and on a projector.

Claims come last and draw nothing: they're left out, as they take most of a notebook's time.
"""

import pytest
from browser.jupyter import ROOT
from playwright.sync_api import expect

pytestmark = [pytest.mark.slow, pytest.mark.browser]

NOTEBOOKS = sorted(path.relative_to(ROOT / "notebooks") for path in (ROOT / "notebooks").rglob("*.ipynb"))
SCREENS = {"laptop": (1366, 768, True), "projector": (1280, 720, False)}  # width, height, file browser open
LOW, TALL = 460, 560  # pixels of a panel of three pictures at most, of any other
ALONE = 1_800_000  # ms that Run All may take on a busy machine
MEASURE = """async () => {
  const drawn = () => new Promise((told) => requestAnimationFrame(() => setTimeout(told, 100)));
  const measure = (panel) => {
  const shown = (node) => node.childNodes.length && node.getClientRects().length;
  const texts = [...panel.querySelectorAll('.sb-stage *')].filter(shown);
  const grid = panel.querySelector('.sb-grid');
  const own = panel.querySelector(':scope > .sb-panel');
  return {
    height: panel.offsetHeight - (own?.offsetHeight ?? 0),
    pictures: grid.childElementCount,
    columns: getComputedStyle(grid).gridTemplateColumns.split(' ').length,
    letters: Math.min(...texts.map((node) => parseFloat(getComputedStyle(node).fontSize))),
    cut: [...panel.querySelectorAll('.sb-paper')].filter((node) => node.clientHeight < 70).length,
    wide: panel.scrollWidth - panel.clientWidth,
  };
  };
  const found = [];
  for (const panel of document.querySelectorAll('.sb-panel:has(> * .sb-stage)')) {
    panel.scrollIntoView(); // what is out of sight keeps its old places
    await drawn();
    found.push(measure(panel));
  }
  return found;
}"""


def show_files(notebook, shown: bool) -> None:
    """Open or close JupyterLab's file browser."""
    files = notebook.page.locator("#filebrowser")
    if files.is_visible() != shown:
        notebook.page.locator(".jp-SideBar.jp-mod-left .lm-TabBar-tab[data-id=filebrowser]").click()
    expect(files).to_be_visible(visible=shown)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_after_run_all_every_panel_fits_one_screen(open_notebook, path):
    notebook = open_notebook(str(path), until="## Claims")
    page = notebook.page
    notebook.menu("Run", "Run All Cells")
    waiting = page.locator(".jp-CodeCell .jp-InputPrompt", has_text="[*]:")
    expect(waiting.first).to_be_attached()
    expect(waiting).to_have_count(0, timeout=ALONE)
    for name, (width, height, files) in SCREENS.items():
        page.set_viewport_size({"width": width, "height": height})
        show_files(notebook, files)
        for panel in page.evaluate(MEASURE):
            about = f"{path} on a {name}: {panel}"
            assert panel["height"] <= (LOW if panel["pictures"] <= 3 else TALL), about
            assert panel["columns"] >= min(3, panel["pictures"]), about
            assert panel["letters"] >= 11 and not panel["cut"] and panel["wide"] <= 0, about
    assert not [error for error in notebook.errors if "ERR_" not in error], notebook.errors
    notebook.menu("Kernel", "Shut Down Kernel")  # thirty at once would fill a small machine
    expect(page.locator(".jp-Toolbar-kernelName")).to_have_text("No Kernel")
    page.close()


SIZES = {"laptop": (1366, 768), "projector-dark": (1280, 720), "wide": (2560, 1300), "phone": (360, 740)}


@pytest.mark.parametrize("name", SIZES)
def test_the_panel_of_lesson_1_at_every_size(lesson, stage, name):
    """For whoever looks at them: the pictures of a panel on four screens."""
    page, (width, height) = lesson.page, SIZES[name]
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": height})
    show_files(lesson.notebook, name == "laptop")
    if "dark" in name:
        lesson.notebook.menu("Settings", "Theme", "JupyterLab Dark")
        expect(stage.root).to_have_class("sb-stage sb-dark")
    stage.train(20)
    stage.pause()
    panel = lesson.cell.locator(".sb-panel")
    panel.evaluate("panel => panel.scrollIntoView()")
    lesson.notebook.picture(f"34-{name}")
    [found] = [one for one in page.evaluate(MEASURE) if one["pictures"] > 3]
    assert found["letters"] >= 11 and not found["cut"]
    assert found["columns"] == 1 if width < 500 else found["columns"] >= 3
    assert found["height"] <= (TALL if width < 1500 else 900) or width < 500
    if "dark" in name:
        lesson.notebook.menu("Settings", "Theme", "JupyterLab Light")
    page.set_viewport_size(before)
    show_files(lesson.notebook, True)
