"""Ten panels in one server, a page and a kernel each, all running: nothing is lost and each stops alone.

benchmarks/room.py asks the same of as many as the machine holds, without their pages.
"""

from itertools import pairwise

import pytest
from browser.jupyter import PATIENCE, ROOT, stage_of
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOTEBOOKS = [f"2-rank/{path.name}" for path in sorted((ROOT / "notebooks" / "2-rank").glob("[01]*.ipynb"))]
LONG = 6 * PATIENCE  # ten pages draw on one processor
PANEL = """
import sbkit as sb
def one(depth=2, seed=0):
    task = sb.lms(5, dim=5, n=2000, n_test=500)
    fleet = sb.mlp(task, depth=depth, width=20, runs=4, seed=seed)
    return sb.fit(fleet, task, steps=10**6, stop=None)

panel = sb.lab(one, depth=(1, 4))
panel
"""


class Seat:
    """A notebook with a panel at its top, and a cell to ask Python in."""

    def __init__(self, notebook):
        self.notebook = notebook
        cell = notebook.insert_below(notebook.cell("import sbkit as sb"))
        notebook.write(cell, PANEL.strip())
        self.stage = stage_of(notebook, cell)
        self.scratch = notebook.insert_below(cell)

    def trained(self) -> int:
        """The step that Python stands at."""
        return int(self.notebook.say(self.scratch, "print(panel.session.run.step)"))


def test_ten_panels_run_at_once_and_each_stops(open_notebook):
    seats = [Seat(open_notebook(path)) for path in NOTEBOOKS]
    assert len(seats) == 10
    expect.set_options(timeout=LONG)
    for seat in seats:
        seat.notebook.page.set_default_timeout(LONG)
        seat.stage.press("Run")
    for seat in seats:
        seat.stage.more("frames", by=2)
        seat.stage.says("Training")
    for seat, other in pairwise([*seats, None]):
        shown = seat.stage.pause()
        assert seat.trained() == shown, "every answer has reached the page"
        if other:
            other.stage.more("step", by=2)
            assert seat.trained() == shown, "it has stopped"
