"""The first cell of every lesson: nothing where sbkit is installed, elsewhere sbkit and no package more."""

import ast
import builtins
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

ROOT = Path(__file__).parents[1]
LESSONS = [
    path for path in sorted((ROOT / "notebooks").rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts
]


def first_cell(path: Path) -> str:
    """The source of a notebook's first code cell."""
    cells = nbformat.read(path, as_version=4).cells
    return next(cell.source for cell in cells if cell.cell_type == "code")


class Shell:
    """Notes the magics that a cell runs."""

    def __init__(self, then=lambda: None):
        self.ran, self.then = [], then

    def run_line_magic(self, name, line):
        self.ran.append(f"%{name} {line}")
        self.then()


def run(source: str, shell: Shell) -> dict:
    """Run a cell as IPython reads it; the names it defines."""
    names = {"get_ipython": lambda: shell}
    exec(TransformerManager().transform_cell(source), names)
    return names


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_where_sbkit_is_installed_nothing_is_asked_of_pip(path):
    shell = Shell()
    assert run(first_cell(path), shell)["sb"].__name__ == "sbkit"
    assert shell.ran == []


def test_where_it_is_missing_it_alone_is_installed(monkeypatch):
    real, missing = builtins.__import__, [True]

    def importing(name, *rest, **named):
        if name == "sbkit" and missing:
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", importing)
    for source in {first_cell(path) for path in LESSONS}:
        missing[:] = [True]
        shell = Shell(then=missing.clear)
        assert "sb" in run(source, shell)
        assert len(shell.ran) == 1 and re.fullmatch(
            r"%pip install -q --no-deps git\+https://github\.com/[\w.-]+/[\w.-]+", shell.ran[0]
        )


def parsed(path: Path) -> list[ast.stmt]:
    """The statements of a notebook's code cells."""
    cells = (cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
    return [one for cell in cells for one in ast.parse(TransformerManager().transform_cell(cell.source)).body]


def modules(statements: list[ast.stmt]) -> dict[str, ModuleType]:
    """Run the imports that stand in no function; the modules that they bind, by the notebook's names."""
    names: dict[str, object] = {}
    imports = [node for node in statements if isinstance(node, ast.Import | ast.ImportFrom | ast.Try)]
    exec(compile(ast.Module(imports, []), "imports", "exec"), names)
    return {name: value for name, value in names.items() if isinstance(value, ModuleType)}


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_what_a_lesson_imports_and_names_is_there(path):
    """All that it takes from modules, as `sb.measures.kernel`, in these versions of them; nothing is run."""
    statements = parsed(path)
    known = modules(statements)
    assert known["sb"].__name__ == "sbkit"

    def value(node: ast.AST) -> object:
        """What a module is or holds, None of all else; raises where it holds no such name."""
        if isinstance(node, ast.Attribute) and isinstance(module := value(node.value), ModuleType):
            return getattr(module, node.attr)
        return known.get(node.id) if isinstance(node, ast.Name) else None

    for node in ast.walk(ast.Module(statements, [])):
        value(node)


@pytest.mark.slow
@pytest.mark.parametrize("flags", [["--no-deps"], []], ids=["as in the cell", "with what it needs"])
def test_pip_would_bring_sbkit_and_move_nothing(flags, tmp_path):
    """In the environment of `make colab` these are Colab's own versions."""
    report = tmp_path / "report.json"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "-q",
        "--report",
        str(report),
        *flags,
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True, text=True)
    brought = [item["metadata"]["name"] for item in json.loads(report.read_text())["install"]]
    assert brought == ["sbkit"]
