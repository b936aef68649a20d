"""Pictures at once: while later cells keep the kernel busy, while a cell trains, and without any kernel."""

import itertools

import pytest
from browser.jupyter import RAN, Notebook, Stage, prefer
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PATH = "2-rank/09-sam-prunes.ipynb"
LESSON = """
def small(depth=1, seed=0):
    task = sb.lms(5, dim=3, n=600, n_test=300)
    fleet = sb.mlp(task, depth=depth, width=16, runs=4, seed=seed)
    return sb.fit(fleet, task, steps=2000, stop=None, measure=["boundary", "reliance"])
"""
PANEL = f"{LESSON}\npanel = sb.lab(small, depth=(1, 4))\npanel"
WAIT = "import os, time\nwhile not os.path.exists({sign!r}):\n    time.sleep(0.05)"
SIGNS = map("over-{}".format, itertools.count())  # a test's own: a kernel serves the next one, too


class Cells:
    """A notebook of some sources of our own."""

    def __init__(self, notebook: Notebook, *sources: str):
        self.notebook, self.page = notebook, notebook.page
        above, self.cells = notebook.cell("import sbkit as sb"), []
        notebook.run(above)
        for source in sources:
            above = notebook.insert_below(above)
            notebook.write(above, source.strip())
            self.cells.append(above)

    def run(self, *cells: int) -> None:
        """Run some cells, as Run All does: without waiting for any."""
        for cell in cells:
            self.notebook.run(self.cells[cell], wait=False)

    def stage(self, cell: int) -> Stage:
        """The stage of a cell, once a picture stands there."""
        stage = Stage(self.cells[cell].locator(".sb-stage"))
        stage.wait("frames", "n >= 1")
        return stage

    def runs(self, cell: int) -> None:
        """The cell is running, or waits for its turn."""
        expect(self.cells[cell].locator(".jp-InputPrompt")).to_have_text("[*]:")

    def ends(self, cell: int) -> None:
        """Wait until the cell has returned."""
        expect(self.cells[cell].locator(".jp-InputPrompt")).to_have_text(RAN)


@pytest.fixture
def busy(home):
    """The source of a cell that keeps the kernel busy, and let_go(), which ends it.

    Its page sends every message to the one queue of the kernel. With a subshell, which JupyterLab asks for
    as soon as a widget stands, the panel would be answered beside the cell, or not, whichever came first.
    """
    sign = (home / "notebooks" / PATH).parent / next(SIGNS)
    with prefer(home / "settings", "apputils-extension/kernels-settings", commsOverSubshells="disabled"):
        yield WAIT.format(sign=sign.name), sign.touch
    sign.touch()  # also where a test failed


def test_every_picture_stands_while_the_kernel_is_busy(open_notebook, busy):
    wait, let_go = busy
    cells = Cells(open_notebook(PATH), PANEL, PANEL.replace("panel", "other"), wait)
    cells.run(0, 1, 2)
    stages = [cells.stage(0), cells.stage(1)]
    cells.runs(2)
    for stage in stages:
        stage.says("Ready")
        assert stage.root.locator(".sb-reason").inner_text() == ""
    stages[0].press("Run")
    expect(stages[0].root).to_contain_text("waiting for the cell that is running")
    cells.notebook.picture("once-busy")
    cells.runs(2)
    let_go()
    cells.ends(2)
    stages[0].says("Training")
    stages[0].more("step", by=2)
    stages[0].pause()
    stages[1].says("Ready")


@pytest.mark.parametrize(
    "train", ["panel.result()", "sb.last(panel.session.run)", "for _ in panel.session.run: pass"]
)
def test_a_run_that_a_cell_trains_plays(open_notebook, busy, train):
    wait, let_go = busy
    slow = PANEL.replace("steps=2000", "steps=15_000, every=100")
    cells = Cells(open_notebook(PATH), slow, train, wait)
    cells.run(0)
    stage = cells.stage(0)
    cells.run(1, 2)
    stage.says("Training")
    stage.more("frames", by=3)
    stage.says("Done")
    cells.runs(2)
    let_go()
    cells.ends(2)
