"""Painting: by mouse and by keys, in a cell of its own and beside a panel, which begins anew."""

import json
import re

import pytest
from browser.jupyter import Notebook, Stage
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SOURCES = [
    "import sbkit as sb\nboard = sb.draw('circles')\nstart = board.dabs\nboard",
    """def lesson(task, depth=1, seed=0):
    fleet = sb.mlp(task, depth=depth, width=12, runs=2, seed=seed)
    return sb.fit(fleet, task, stop=None, steps=5000, measure=["boundary", "units"])
sb.lab(lesson, task=board, depth=(1, 4))""",
    "0",
]


class Painting:
    """A board in its own cell, and beside a panel in the next."""

    def __init__(self, browser, address, home):
        cells = [
            {"cell_type": "code", "id": f"c{k}", "metadata": {}, "outputs": [], "execution_count": None}
            | {"source": source}
            for k, source in enumerate(SOURCES)
        ]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        text = json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})
        (home / "notebooks" / "draw.ipynb").write_text(text)
        self.notebook = Notebook(browser, address, "draw.ipynb")
        self.first, self.cell, self.scratch = (self.notebook.cells.nth(k) for k in range(3))
        self.notebook.run(self.first)
        self.alone, self.beside = (cell.locator(".sb-board") for cell in (self.first, self.cell))

    def open(self) -> Stage:
        self.notebook.run(self.cell)
        stage = Stage(self.cell.locator(".sb-stage:not(.sb-board)"))
        stage.wait("frames", "n >= 1")
        return stage

    def dabs(self, count: int) -> None:
        """Wait until both boards show so many dabs."""
        for board in (self.alone, self.beside):
            expect(board.locator(".sb-told")).to_have_text(re.compile(rf"^{count} dabs"))

    def count(self) -> int:
        return int(self.beside.locator(".sb-told").inner_text().split()[0])

    def stroke(self, board, ends, button="left"):
        """Drag over a board, between two places in shares of its size."""
        canvas, mouse = board.locator("canvas"), self.notebook.page.mouse
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        (x0, y0), (x1, y1) = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in ends]
        mouse.move(x0, y0)
        mouse.down(button=button)
        mouse.move(x1, y1, steps=8)
        mouse.up(button=button)

    def ask(self, source: str) -> str:
        return self.notebook.say(self.scratch, source)


@pytest.fixture(scope="module")
def painting(browser, address, home):
    painting = Painting(browser, address, home)
    yield painting
    ours = [text for text in painting.notebook.errors if "Failed to load resource: net::" not in text]
    painting.notebook.page.close()
    assert not ours, "\n".join(ours)


@pytest.fixture
def stage(painting):
    """A new panel, its board beside it, with the example as it was."""
    painting.ask("board.dabs = start")
    stage = painting.open()
    painting.dabs(60)
    return stage


def test_a_stroke_of_the_mouse_begins_a_running_panel_anew(painting, stage):
    stage.train()
    run = stage.number("run")
    painting.beside.get_by_role("button", name="orange").click()
    painting.stroke(painting.beside, [(0.1, 0.03), (0.9, 0.03)])
    stage.wait("run", "n > v", run)
    stage.more("frames", by=3)
    stage.says("Training")
    painting.dabs(count := painting.count())
    assert count > 66
    stage.pause()
    assert painting.ask("print(len(board.task.dabs), {c for *_, c in board.dabs[60:]})") == f"{count} {{1}}"
    painting.beside.get_by_role("button", name="Undo").click()  # the whole stroke
    painting.dabs(60)


def test_right_button_and_eraser_erase(painting, stage):
    painting.stroke(painting.alone, [(0.02, 0.5), (0.98, 0.5)], button="right")
    expect(painting.alone.locator(".sb-told")).not_to_have_text(re.compile("^60 "))
    left = painting.count()
    painting.beside.get_by_role("button", name="Eraser").click()
    painting.stroke(painting.beside, [(0.5, 0.02), (0.5, 0.98)])
    expect(painting.beside.locator(".sb-told")).not_to_have_text(re.compile(f"^{left} "))
    assert painting.count() < left < 60


def test_one_colour_alone_leaves_the_task_as_it_was(painting, stage):
    run = stage.number("run")
    painting.beside.get_by_role("button", name="Clear").click()
    expect(painting.beside).to_contain_text("Paint both colours")
    canvas = painting.beside.locator("canvas")
    canvas.press("1")
    expect(painting.beside).to_contain_text("Paint both colours")
    count = "print(len(board.dabs), len(board.task.dabs))"
    assert any(painting.ask(count) == "1 60" for _ in range(20)), "it may still be on its way"
    assert stage.number("run") == run
    for key in ("ArrowRight", "ArrowRight", "2"):
        canvas.press(key)
    stage.wait("run", "n > v", run)
    assert painting.ask("print(board.dabs)") == "[[0, 0, 0], [0.2, 0, 1]]"


def test_keys_paint_erase_and_tell(painting, stage):
    canvas, live = painting.beside.locator("canvas"), painting.beside.locator(".sb-unseen")
    painting.beside.get_by_role("button", name="blue").click()
    for key in ("ArrowUp", "ArrowUp"):
        canvas.press(key)
    expect(live).to_have_text(re.compile("^0, 0.2"))
    canvas.press("Space")
    expect(live).to_have_text("0, 0.2 blue")
    painting.dabs(61)
    canvas.press("Delete")
    expect(live).to_have_text("0, 0.2 Eraser")
    painting.dabs(60)
    expect(painting.cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\["))  # still the same cell
    painting.notebook.picture("24-draw")


def test_panels_that_ran_again_leave_nothing_behind(painting, stage):
    count = "import ipywidgets.widgets.widget as w; print(len(w._instances))"
    before = painting.ask(count)
    for _ in range(3):
        painting.open()
    assert painting.ask(count) == before


def test_an_example_begins_the_panel_anew(painting, stage):
    run = stage.number("run")
    painting.alone.get_by_label("Examples").select_option("spirals")
    stage.wait("run", "n > v", run)
    assert painting.ask("print(board.dabs == start, len(board.task.dabs))") == "False 60"
