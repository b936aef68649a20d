"""One JupyterLab for all browser tests, one Chromium a module, so that no event loop outlives its module."""

from itertools import takewhile

import nbformat
import pytest
from browser.jupyter import ROOT, Notebook, Stage, dial, jupyter_lab, real_browser, stage_of
from playwright.sync_api import expect


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """The folder that JupyterLab lives in, its copy of the notebooks too."""
    return tmp_path_factory.mktemp("jupyter")


@pytest.fixture(scope="session")
def address(chromium, home):
    """Address of a JupyterLab that ends with the tests."""
    with jupyter_lab(home) as address:
        yield address


@pytest.fixture(scope="module")
def browser(chromium):
    """Chromium."""
    with real_browser(chromium) as browser:
        yield browser


@pytest.fixture(scope="module")
def open_notebook(address, browser, home):
    """open_notebook(path) opens a notebook as it was before any test; its page is closed with the module.

    until: a text; the cell that has it is left out, with all cells below it.
    """
    opened = []

    def opener(path: str, until: str = "") -> Notebook:
        whole = nbformat.read(ROOT / "notebooks" / path, 4)
        if until:
            whole.cells = [*takewhile(lambda cell: until not in cell.source, whole.cells)]
        nbformat.write(whole, home / "notebooks" / path)
        opened.append(Notebook(browser, address, path))
        return opened[-1]

    yield opener
    for notebook in opened:
        notebook.page.close()


LESSON = "1-simplicity/01-which-feature-will-it-use.ipynb"


class Lesson:
    """Lesson 1, open, its set-up run: the panel's cell and below it a cell to ask Python in."""

    def __init__(self, notebook: Notebook):
        self.notebook, self.page = notebook, notebook.page
        for text in ["import sbkit as sb", "def lesson("]:
            notebook.run(notebook.cell(text))
        self.predict().get_by_role("button", name="Commit").click()
        self.cell = notebook.cell("panel = sb.lab(")
        self.scratch = notebook.insert_below(self.cell)

    def predict(self):
        """Ask the lesson's question; its cell."""
        cell = self.notebook.cell("sb.predict(")
        self.notebook.run(cell)
        return cell

    def open(self, speed: str = "slow") -> Stage:
        """Run the panel's cell. A slow run draws every step, and so lasts as long as a test needs."""
        stage = stage_of(self.notebook, self.cell)
        stage.speed.select_option(speed)
        return stage

    def ask(self, source: str) -> str:
        """What a source prints."""
        return self.notebook.say(self.scratch, source)

    def dial(self, name: str):
        """What takes the keyboard of a dial; those folded away are shown."""
        found = dial(self.cell, name)
        if not found.is_visible():
            self.cell.get_by_role("button", name="More").click()
            expect(found).to_be_visible()
        return found


@pytest.fixture(scope="module")
def lesson(open_notebook):
    """Lesson 1 in its page, shared by a module."""
    return Lesson(open_notebook(LESSON))


@pytest.fixture
def stage(lesson):
    """A new panel of lesson 1, at step 0, at slow speed."""
    return lesson.open()
