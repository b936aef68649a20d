"""The board: its value follows the paint, a panel follows its value, and nothing needs a page."""

import ast
import gc
import weakref

import ipywidgets
import pytest

import sbkit as sb
from sbkit.lab.draw import EXAMPLES
from sbkit.lab.pen import Pen


def lesson(task, depth=1, seed=0):
    fleet = sb.mlp(task, depth=depth, width=8, runs=2, seed=seed)
    return sb.fit(fleet, task, steps=20, stop=None, measure=["boundary", "units"])


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_begin_with_both_classes(name):
    board = sb.draw(name)
    assert board.task is board.value and board.task.y.bincount().min() >= 100 and not board.told
    sb.data.painted(board.dabs)


def test_its_value_is_the_latest_task_as_long_as_both_classes_are_painted():
    board, seen = sb.draw([(-0.5, 0, 0), (0.5, 0, 1)], seed=4), []
    board.observe(lambda change: seen.append(change["new"]), "value")
    board.dabs = [*board.dabs, [0.0, 0.5, 1]]
    assert seen == [board.task] and board.task.dabs[-1] == (0.0, 0.5, 1) and board.task.seed == 4
    board.dabs = [[0.0, 0.5, 1]]
    assert len(seen) == 1 and "both colours" in board.told and len(board.task.dabs) == 3
    board.dabs = []
    assert len(seen) == 1 and board.told
    board.dabs = [[0.0, 0.5, 1], [0.0, 0.0, 0]]
    assert len(seen) == 2 and not board.told


def test_a_panel_begins_anew_with_what_is_painted():
    board = sb.draw("circles")
    panel = sb.lab(lesson, task=board, depth=(1, 4))
    assert panel.session.run.task is board.task
    panel.session.advance(steps=5)
    board.dabs = [*board.dabs, [0.0, 0.0, 0]]
    assert panel.session.dirty
    panel.result()
    assert panel.session.run.task is board.task and panel.session.number == 2
    board.dabs = [[0.0, 0.0, 0]]
    assert not panel.session.dirty, "the task stays as it was"


def test_the_board_stands_beside_the_stage_and_outlives_the_panel():
    board = sb.draw()
    panel = sb.lab(lesson, task=board, depth=(1, 4))
    dials, beside, _ = panel.children
    assert beside.children[0] is board and isinstance(dials.children[0], ipywidgets.IntSlider)
    panel.close()
    assert board.comm is not None and board.layout.comm is not None
    assert sb.lab(lesson, task=board).session.run.task is board.task


def test_a_closed_panel_lets_go_of_its_run():
    board = sb.draw()
    panel = sb.lab(lesson, task=board)
    gone = weakref.ref(panel.session)
    panel.close()
    del panel
    gc.collect()
    assert gone() is None


def test_locked_with_the_panel():
    board, question = sb.draw(), sb.predict("Which?", ["a", "b"])
    panel = sb.lab(lesson, task=board, after=question)
    assert board.disabled == question.locked
    panel._lock()
    assert not board.disabled


def test_show_code_writes_the_dabs():
    board = sb.draw([(-0.5, 0.25, 0), (0.5, 0, 1)], seed=2)
    panel = sb.lab(lesson, task=board)
    code = panel.code()
    assert "sbkit.data.painted([(-0.5, 0.25, 0), (0.5, 0.0, 1)], seed=2)" in code
    names = {"lesson": lesson}
    exec(code, names)
    assert names["run"].task.dabs == board.task.dabs
    with pytest.raises(sb.SbkitError, match="got task=2 dabs of paint; try a list"):
        panel.share()


def test_what_is_too_long_to_write_says_so_and_takes_a_name():
    many = sb.data.painted([(k / 500, 0.0, k % 2) for k in range(400)])
    pen = Pen(lesson)
    page = pen.page(pen.call({"task": many}))
    assert "# task cannot be written" in page and "give it a name" in page
    ast.parse(page)
    panel = sb.lab(lesson, task=sb.draw(many.dabs))
    assert repr(panel).startswith("lesson(") and len(repr(panel)) < 450


def test_without_a_page(monkeypatch):
    monkeypatch.setenv("SBKIT_HEADLESS", "1")
    board = sb.draw("xor", seed=1)
    assert not isinstance(board, ipywidgets.Widget) and "Open this notebook in JupyterLab" in repr(board)
    assert board.task.seed == 1 and sb.lab(lesson, task=board).result().finished
    table = sb.sweep(lesson, task=[board.task, sb.draw().task])
    assert len(table) == 4 and table["task"].nunique() == 2


def test_unknown_examples_are_told():
    with pytest.raises(sb.SbkitError, match="No example named 'circle'.*Did you mean 'circles'"):
        sb.draw("circle")
