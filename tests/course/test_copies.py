"""One master, two copies: what each holds, and what happens to what is already there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from copies import RECORD, main, student, teacher
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from sbkit.core import SbkitError

ROOT = Path(__file__).parents[2]
BADGE = "[![Open in Colab](https://x.org/colab-badge.svg)](https://x.org/a.ipynb)"
TITLE = f"# Title\n\n{BADGE}\n\nThe [next](b/b.ipynb)."
SOLUTION = "answer = 42\nsb.check.answer(answer)"


def lesson(**metadata):
    """A master of four cells: title, a picture, a solution, and one whose stub is written by hand."""
    picture = new_output("display_data", {"image/png": "aGk=", "text/plain": "a line"})
    solved = new_output("execute_result", {"text/plain": "✓ right"}, execution_count=2)
    cells = [
        new_markdown_cell(TITLE),
        new_code_cell("sb.lab(x)", execution_count=1, outputs=[picture]),
        new_code_cell(SOLUTION, execution_count=2, outputs=[solved], metadata={"tags": ["solution", "long"]}),
        new_code_cell("class Own:\n    secret = 1", metadata={"tags": ["solution"]}),
    ]
    cells[1].metadata |= {"execution": {"iopub.execute_input": "2026"}, "sbkit": {"teacher": ["Ask", "why."]}}
    cells[3].metadata["sbkit"] = {"stub": ["class Own:", "    ..."]}
    for place, cell in enumerate(cells):
        cell.id = f"cell-{place}"  # nbformat's own are random, and now and then hold a word looked for
    return new_notebook(cells=cells, metadata=metadata)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder of masters, with all that may lie about in one."""
    root = tmp_path / "masters"
    for name in ["b/b.ipynb", "a.ipynb", ".ipynb_checkpoints/a-checkpoint.ipynb"]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(lesson(sbkit={"teacher": ["## Plan", "| a | 3 |"]}), root / name)
    for name in ["b/plot.png", "data.csv", "claims.json", "b/claims.json", ".DS_Store", "b/.hidden/x.csv"]:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def read(path: Path):
    """A notebook that is valid."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


@pytest.mark.parametrize("copy", [student, teacher])
def test_the_tree_is_kept_without_what_is_hidden_or_measured(copy, folder, tmp_path):
    made = copy(folder, tmp_path / "out")
    names = ["a.ipynb", "b/b.ipynb", "b/plot.png", "data.csv"]
    assert [path.relative_to(tmp_path / "out").as_posix() for path in made] == names
    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    assert found == {*names, RECORD}
    assert (tmp_path / "out/data.csv").read_bytes() == b"data.csv"


def test_students_see_stubs_and_nothing_that_ran(folder, tmp_path):
    student(folder, tmp_path / "out")
    notebook = read(tmp_path / "out/b/b.ipynb")
    title, shown, solved, own = notebook.cells
    assert solved.source == "answer = ...  # your answer\nsb.check.answer(answer)"
    assert own.source == "class Own:\n    ..." and solved.metadata.tags == ["long"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in (shown, solved, own))
    text = (tmp_path / "out/b/b.ipynb").read_text(encoding="utf-8")
    assert not [word for word in ("42", "secret", "sbkit", "why.", "Plan", "2026", "aGk=") if word in text]
    assert title.source == "# Title\n\nThe [next](b/b.ipynb)."


def test_the_teacher_sees_answers_outputs_and_notes(folder, tmp_path):
    teacher(folder, tmp_path / "out")
    notebook = read(tmp_path / "out/a.ipynb")
    title, about, shown, note, solved, own = notebook.cells
    assert "badge" not in title.source and shown.outputs[0].data["image/png"] == "aGk="
    assert solved.source.splitlines()[0].startswith("# The answer") and solved.source.endswith(SOLUTION)
    assert solved.outputs[0].data["text/plain"] == "✓ right" and "secret" in own.source
    for cell, lines in [(about, "## Plan\n| a | 3 |"), (note, "Ask\nwhy.")]:
        assert cell.cell_type == "markdown" and cell.metadata.tags == ["teacher"]
        assert "**For the teacher**" in cell.source and lines in cell.source
    assert len({cell.id for cell in notebook.cells}) == 6
    assert not [cell for cell in [notebook, *notebook.cells] if {"sbkit", "execution"} & set(cell.metadata)]


def test_masters_stay_as_they_are(folder, tmp_path):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    student(folder, tmp_path / "s"), teacher(folder, tmp_path / "t")
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_copy_is_the_same_every_time(folder, tmp_path):
    one, other = teacher(folder, tmp_path / "one"), teacher(folder, tmp_path / "other")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_an_earlier_copy_is_replaced(folder, tmp_path):
    student(folder, tmp_path / "out")
    (folder / "a.ipynb").rename(folder / "c.ipynb")
    student(folder, tmp_path / "out")
    assert (tmp_path / "out/c.ipynb").exists() and not (tmp_path / "out/a.ipynb").exists()


def test_work_in_an_earlier_copy_is_kept(folder, tmp_path):
    student(folder, tmp_path / "out")
    (tmp_path / "out/data.csv").write_text("mine")
    with pytest.raises(SbkitError, match="data.csv was changed since it was copied"):
        student(folder, tmp_path / "out")
    assert (tmp_path / "out/data.csv").read_text() == "mine" and (tmp_path / "out/a.ipynb").exists()


def test_a_new_master_does_not_cover_what_a_student_added(folder, tmp_path):
    student(folder, tmp_path / "out")
    (tmp_path / "out/new.csv").write_text("mine")
    (folder / "new.csv").write_text("ours")
    with pytest.raises(SbkitError, match="new.csv was changed"):
        student(folder, tmp_path / "out")


@pytest.mark.parametrize("record", [None, "no json", '{"copy": "teacher", "files": {}}'])
def test_a_folder_in_use_is_refused(record, folder, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.txt").write_text("mine")
    if record:
        (tmp_path / "out" / RECORD).write_text(record)
    with pytest.raises(SbkitError, match="A student copy goes to a new or empty folder.*is neither"):
        student(folder, tmp_path / "out")


@pytest.mark.parametrize("inside", [".", "b", "new/deep"])
def test_a_copy_stands_outside_its_masters(inside, folder):
    with pytest.raises(SbkitError, match="outside its masters"):
        student(folder, folder / inside)


@pytest.mark.parametrize("text", ["not json", "[]", '{"cells": []}', '{"cells": [], "nbformat": 3}', "3"])
def test_a_file_that_is_no_notebook_is_named_before_anything_is_written(text, folder, tmp_path):
    (folder / "z.ipynb").write_text(text)
    with pytest.raises(SbkitError, match="z.ipynb is no notebook"):
        student(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_old_format_is_refused(folder, tmp_path):
    old = json.loads((folder / "a.ipynb").read_text()) | {"nbformat_minor": 4}
    (folder / "a.ipynb").write_text(json.dumps(old))
    with pytest.raises(SbkitError, match="format 4.5 or later 4; save .*a.ipynb"):
        teacher(folder, tmp_path / "out")


def test_a_solution_that_cannot_be_blanked_is_named(folder, tmp_path):
    notebook = new_notebook(cells=[new_code_cell("%time 1", metadata={"tags": ["solution"]})])
    nbformat.write(notebook, folder / "bad.ipynb")
    with pytest.raises(SbkitError, match="bad.ipynb: A solution is plain Python"):
        student(folder, tmp_path / "out")


def test_a_folder_without_notebooks_is_refused(tmp_path):
    with pytest.raises(SbkitError, match="No notebook in .*--notebooks FOLDER"):
        student(tmp_path / "nowhere", tmp_path / "out")


def test_a_file_in_the_way_is_refused(folder, tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(SbkitError, match="new or empty folder"):
        student(folder, tmp_path / "out")


# The command line


@pytest.mark.parametrize("reader", ["student", "teacher"])
def test_the_command_copies_and_says_so(reader, folder, tmp_path, capsys):
    main([reader, str(tmp_path / "out"), "--notebooks", str(folder)])
    assert capsys.readouterr().out == f"{tmp_path / 'out'}: 2 notebooks for the {reader}.\n"
    assert (tmp_path / "out/b/b.ipynb").exists()


def test_an_error_is_one_sentence_and_exit_2(folder):
    command = [sys.executable, ROOT / "scripts/copies.py", "student", folder / "x", "--notebooks", folder]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("A copy stands outside its masters") and done.stderr.count("\n") == 1


def test_without_a_command_the_machine_is_checked():
    done = subprocess.run([sys.executable, "-m", "sbkit"], capture_output=True, text=True, encoding="utf-8")
    assert done.stdout.startswith("✓ Python 3")
