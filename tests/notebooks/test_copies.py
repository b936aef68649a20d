"""The copies of the real lessons: students get no answer, the teacher all notes, and both run."""

from __future__ import annotations

import ast
import json
import re
import symtable
from pathlib import Path

import nbclient
import nbformat
import pytest
import torch
from copies import student, teacher

import sbkit as sb

ROOT = Path(__file__).parents[2]
MASTERS = ROOT / "notebooks"
NAMES = [
    path.relative_to(MASTERS).as_posix()
    for path in sorted(MASTERS.rglob("*.ipynb"))
    if ".ipynb_checkpoints" not in path.parts
]
START = "0-start-here.ipynb"
LONG_ENOUGH = 4  # characters of a line that tells something
every_lesson = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def copies(tmp_path_factory) -> dict[str, Path]:
    """The folder of each copy."""
    made = {reader: tmp_path_factory.mktemp(reader) for reader in ("student", "teacher")}
    student(MASTERS, made["student"]), teacher(MASTERS, made["teacher"])
    return made


def read(path: Path):
    """A notebook that is valid."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def solutions(name: str) -> list:
    return [cell for cell in read(MASTERS / name).cells if "solution" in cell.metadata.get("tags", [])]


def execute(path: Path):
    """The notebook after a headless run in which no cell raised."""
    notebook = read(path)
    resources = {"metadata": {"path": path.parent}}
    return nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources=resources
    ).execute()


def shown(cell) -> str:
    """What a code cell printed and what its value looks like."""
    return "".join(
        output.get("text", output.get("data", {}).get("text/plain", "")) for output in cell.outputs
    )


@every_lesson
def test_no_solution_is_in_the_students_copy(name, copies):
    text = (copies["student"] / name).read_text(encoding="utf-8")
    cells = {cell.id: cell for cell in read(copies["student"] / name).cells}
    for cell in solutions(name):
        left = [line.strip() for line in cells[cell.id].source.splitlines()]
        lines = [line.strip() for line in cell.source.splitlines()]
        removed = [line for line in lines if line not in left and len(line) >= LONG_ENOUGH]
        assert removed, f"Nothing was taken out of {cell.source!r}."
        assert not [line for line in removed if json.dumps(line, ensure_ascii=False)[1:-1] in text]


@every_lesson
def test_the_students_copy_tells_nothing_that_the_master_hides(name, copies):
    notebook = read(copies["student"] / name)
    for holder in [notebook, *notebook.cells]:
        assert not {"sbkit", "execution"} & set(holder.metadata)
        assert not {"solution", "teacher"} & set(holder.metadata.get("tags", []))
    assert not [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")]
    assert "colab-badge" not in notebook.cells[0].source


@every_lesson
def test_all_notes_are_in_the_teachers_copy(name, copies):
    master, notebook = read(MASTERS / name), read(copies["teacher"] / name)
    notes = [holder.metadata.get("sbkit", {}).get("teacher") for holder in [master, *master.cells]]
    found = [cell.source for cell in notebook.cells if "teacher" in cell.metadata.get("tags", [])]
    assert len(found) == len(list(filter(None, notes)))
    for lines, source in zip(filter(None, notes), found, strict=True):
        assert all(line.rstrip("\n") in source for line in lines)
    answers = [cell.source for cell in notebook.cells if "solution" in cell.metadata.get("tags", [])]
    assert all(master.source in answer for master, answer in zip(solutions(name), answers, strict=True))


@every_lesson
@pytest.mark.parametrize("reader", ["student", "teacher"])
def test_links_within_the_course_resolve_in_a_copy(name, reader, copies):
    path = copies[reader] / name
    text = "".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert link.startswith("https://") or (path.parent / link).exists(), link


def code(path: Path) -> dict[str, str]:
    """Source of the code cells by id."""
    return {cell.id: cell.source for cell in read(path).cells if cell.cell_type == "code"}


@every_lesson
def test_the_rest_of_the_code_is_the_masters(name, copies):
    """So a copy runs wherever the master does, which nbval executes, if its exercises do."""
    master, answers = code(MASTERS / name), {cell.id for cell in solutions(name)}
    for reader in ("student", "teacher"):
        copy = code(copies[reader] / name)
        assert list(copy) == list(master)
        kept = [cell for cell in master if cell not in answers or reader == "teacher"]
        assert all(copy[cell].endswith(master[cell]) for cell in kept)


@every_lesson
def test_every_solution_is_right_and_its_blank_is_not(name, copies):
    blanks = code(copies["student"] / name)
    for cell in solutions(name):
        assert repr(verdict(cell.source)).startswith("✓"), cell.source
        assert repr(verdict(blanks[cell.id])).startswith("✗"), blanks[cell.id]


def verdict(source: str):
    """The value of a cell's last line, run on its own after the imports."""
    *above, last = ast.parse(source).body
    space = {"sb": sb, "torch": torch}
    exec(compile(ast.Module(above, []), "exercise", "exec"), space)
    return eval(compile(ast.Expression(last.value), "exercise", "eval"), space)


@every_lesson
def test_nothing_after_an_exercise_needs_its_answer(name):
    cells = [cell for cell in read(MASTERS / name).cells if cell.cell_type == "code"]
    for i, cell in enumerate(cells):
        if "solution" in cell.metadata.get("tags", []):
            later = set().union(*(globals_read(other.source) for other in cells[i + 1 :]))
            assert not made(cell.source) & later, cell.source


def made(source: str) -> set[str]:
    """The names that a cell leaves behind."""
    return {s.get_name() for s in symtable.symtable(source, "cell", "exec").get_symbols() if s.is_assigned()}


def globals_read(source: str) -> set[str]:
    """The names that a cell takes from those before it, in its functions too."""

    def inside(table: symtable.SymbolTable) -> set[str]:
        mine = {s.get_name() for s in table.get_symbols() if s.is_referenced() and s.is_global()}
        return mine.union(*(inside(child) for child in table.get_children()))

    top = symtable.symtable(source, "cell", "exec")
    own = {s.get_name() for s in top.get_symbols() if s.is_referenced() and not s.is_assigned()}
    return own.union(*(inside(child) for child in top.get_children())) - made(source)


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["student", "teacher"])
def test_a_copy_runs(reader, copies, monkeypatch):
    """The first notebook; the others' cells are the master's, as tested above."""
    monkeypatch.setenv("SBKIT_HEADLESS", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    cells = {cell.id: cell for cell in execute(copies[reader] / START).cells}
    verdicts = [shown(cells[cell.id]) for cell in solutions(START) if "sb.check." in cell.source]
    sign = "✗" if reader == "student" else "✓"
    assert all(verdict.startswith(sign) for verdict in verdicts), verdicts
