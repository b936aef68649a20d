"""The architecture: imports point down, never in a circle; files, functions and the whole keep budgets."""

import ast
import graphlib
import io
import subprocess
import sys
import tokenize
from pathlib import Path
from typing import NamedTuple, TypeGuard

import pytest

import sbkit

PACKAGE = Path(__file__).parents[1] / "sbkit"

# Floor, and what may be imported beside the standard library. A folder counts as one module.
FLOORS: dict[str, tuple[int, set[str]]] = {
    "core": (0, {"torch", "numpy", "platformdirs", "psutil", "threadpoolctl"}),
    "losses": (1, {"torch", "numpy"}),
    "stats": (1, {"torch", "numpy", "pandas", "scipy"}),
    "data": (2, {"torch", "numpy", "pandas", "sklearn"}),
    "models": (2, {"torch", "numpy"}),
    "optimizers": (2, {"torch", "numpy"}),
    "transforms": (2, {"torch", "numpy"}),
    "measures": (2, {"torch", "numpy", "scipy", "sklearn"}),
    "plots": (2, {"torch", "numpy", "pandas", "plotly", "matplotlib", "contourpy", "PIL"}),
    "training": (3, {"torch", "numpy", "tqdm"}),
    "sweeps": (4, {"torch", "numpy", "pandas", "joblib", "tqdm"}),
    "lab": (5, {"torch", "numpy", "pandas", "ipywidgets", "anywidget", "traitlets", "IPython"}),
    "course": (6, {"torch", "numpy", "pandas", "ipywidgets", "traitlets", "IPython", "filelock"}),
    "lessons": (7, {"torch", "numpy", "pandas", "scipy", "sklearn"}),
    "__init__": (8, set()),
    "__main__": (9, set()),
}
HEAVY = {"plotly", "matplotlib", "ipywidgets", "anywidget", "sklearn", "pandas", "scipy", "IPython"}
# Budgets in code lines: docstrings, comments and blank lines aside.
KIT = 10314  # all of sbkit/ but lessons/: this number may only fall, or rise with what an issue names
LESSON = 88  # on average: drawings and repaired experiments of parts 0 to 2 stand here, not in their cells
LESSON_FILE = 120  # at most
FILE, FUNCTION_LINES = 250, 30
SAME = 6  # so many lines in a row stand nowhere twice
TOP = 40  # names of sbkit itself
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
LAYOUT = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER),
}
VAGUE = {"utils", "util", "common", "helpers", "helper", "misc"}


class Import(NamedTuple):
    """One imported name and the line it stands on."""

    line: int
    name: str


def dotted(path: Path) -> str:
    """Name of the module in a file, `sbkit.data.slabs`; a package has its folder's."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = {dotted(path): path for path in FILES}


def imports(path: Path) -> list[Import]:
    """All that a file imports, in functions too, as full names of modules."""
    package = dotted(path) if path.stem == "__init__" else dotted(path).rpartition(".")[0]
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [Import(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            names = [f"{base}.{alias.name}" for alias in node.names]
            found += [Import(node.lineno, name if name in MODULES else base) for name in names]
    return found


def inside(name: str) -> bool:
    return name.split(".")[0] == "sbkit"


def home(name: str) -> str:
    """Row of the table that a module belongs to: `sbkit.data.slabs` to data, `sbkit` itself to __init__."""
    return name.split(".")[1] if "." in name else "__init__"


def floor(name: str) -> int:
    """Floor of a module; one that is in no row stands above all."""
    return FLOORS.get(home(name), (99,))[0]


every_file = pytest.mark.parametrize("path", FILES, ids=dotted)


@every_file
def test_has_a_floor(path):
    assert home(dotted(path)) in FLOORS, (
        f"Every module stands on a floor, {dotted(path)} on none; give it a row in FLOORS, or move it."
    )


@every_file
def test_name_says_what_it_holds(path):
    assert path.stem not in VAGUE, (
        f"No module is called {path.stem}; name {dotted(path)} after what it holds."
    )


@every_file
def test_imports_point_down(path):
    here = dotted(path)
    wrong = [
        f"line {line}: {name}"
        for line, name in imports(path)
        if inside(name) and home(name) != home(here) and floor(name) >= floor(here)
    ]
    assert not wrong, (
        f"Imports point strictly down; {dotted(path)} on floor {floor(dotted(path))} imports its own floor "
        f"or above: {wrong}. Take what is needed as an argument, or move it to a lower floor."
    )


@every_file
def test_outside_imports_are_in_the_table(path):
    _, allowed = FLOORS.get(home(dotted(path)), (99, set()))
    roots = [(line, name.split(".")[0]) for line, name in imports(path) if not inside(name)]
    wrong = [f"line {line}: {root}" for line, root in roots if root not in allowed | sys.stdlib_module_names]
    assert not wrong, (
        f"Beside the standard library {dotted(path)} may import {sorted(allowed) or 'nothing'}, got {wrong}; "
        "do it on a floor that has it, or argue for a change of FLOORS."
    )


def test_no_circles():
    graph = {
        name: {i.name for i in imports(path) if i.name in MODULES} - {name} for name, path in MODULES.items()
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(
            f"Imports never go in a circle, got {' <- '.join(error.args[1])}; "
            "within a folder import the file that defines a name, not the folder."
        )


@pytest.mark.skipif(not (PACKAGE / "__init__.py").exists(), reason="no package yet")
def test_import_loads_nothing_heavy():
    code = "import sys, sbkit; print(*{name.partition('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, f"`import sbkit` fails: {run.stderr}"
    heavy = HEAVY & set(run.stdout.split())
    assert not heavy, (
        f"`import sbkit` costs little more than `import torch`, but loads {sorted(heavy)}; "
        "import them in the function that needs them."
    )


def code_lines(path: Path) -> dict[int, str]:
    """The lines of a file that hold code, not docstrings or comments, by number and without their indent."""
    source = path.read_text()
    docs = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | FUNCTION) and ast.get_docstring(node) is not None:
            docs |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    held = {n for t in tokens if t.type not in LAYOUT for n in range(t.start[0], t.end[0] + 1)}
    text = source.splitlines()
    return {n: text[n - 1].strip() for n in sorted(held - docs)}


def lines_of(node: ast.stmt) -> range:
    """The lines of a statement, the decorators of a function with it."""
    decorators = getattr(node, "decorator_list", [])
    return range(min(one.lineno for one in [*decorators, node]), (node.end_lineno or 0) + 1)


CODE = {path: code_lines(path) for path in FILES}


def is_lesson(path: Path) -> bool:
    return home(dotted(path)) == "lessons"


ALL_LESSONS = LESSON * sum(is_lesson(path) and path.stem != "__init__" for path in FILES)


@every_file
def test_file_fits_its_budget(path):
    most = LESSON_FILE if is_lesson(path) else FILE
    assert len(CODE[path]) <= most, (
        f"A file has at most {most} code lines, {dotted(path)} has {len(CODE[path])}; "
        + (
            "move what other lessons use into the kit."
            if is_lesson(path)
            else "make it two, by what they hold."
        )
    )


@every_file
def test_functions_are_short(path):
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, FUNCTION)]
    sizes = {
        f"{node.name}, line {node.lineno}": len(CODE[path].keys() & lines_of(node)) for node in functions
    }
    long = {name: size for name, size in sizes.items() if size > FUNCTION_LINES}
    assert not long, (
        f"A function has at most {FUNCTION_LINES} code lines, its signature with them; {dotted(path)} has "
        f"{long}. Move one of its steps into a function named after what that step gives."
    )


def test_nothing_stands_twice():
    seen: dict[tuple[str, ...], list[str]] = {}
    for path, lines in CODE.items():
        numbers = [n for n in lines if n not in listed(path)]
        for block in zip(*(numbers[i:] for i in range(SAME)), strict=False):
            seen.setdefault(tuple(lines[n] for n in block), []).append(f"{dotted(path)}:{block[0]}")
    twice = [places for places in seen.values() if len(places) > 1]
    assert not twice, (
        f"No {SAME} lines of code stand twice, got the same at {twice}; "
        "write them once, as a function or a table, where both can import it."
    )


def listed(path: Path) -> set[int]:
    """The lines of a file that import or only list names, which may stand in two files."""
    body = ast.walk(ast.parse(path.read_text()))
    return {
        n
        for node in body
        if isinstance(node, ast.Import | ast.ImportFrom) or is_names(node)
        for n in lines_of(node)
    }


def is_names(node: ast.AST) -> TypeGuard[ast.stmt]:
    """Whether a statement gives a name to a list of strings, such as `__all__`."""
    value = node.value if isinstance(node, ast.Assign) else None
    parts = value.elts if isinstance(value, ast.List | ast.Tuple | ast.Set) else []
    return bool(parts) and all(isinstance(part, ast.Constant) for part in parts)


@pytest.mark.parametrize(
    ("what", "most", "files"),
    [
        ("The kit", KIT, [path for path in FILES if not is_lesson(path)]),
        ("lessons/", ALL_LESSONS, [path for path in FILES if is_lesson(path)]),
    ],
    ids=["kit", "lessons"],
)
def test_package_fits_its_budget(what, most, files):
    got = sum(len(CODE[path]) for path in files)
    assert got <= most, (
        f"{what} has at most {most:,} code lines, got {got:,}; cut {got - most:,} elsewhere in it: what no "
        "notebook or reader needs, what a library already does, what is said twice."
    )


def test_public_face_is_small():
    names = {*sbkit.__all__, *sbkit.LAZY}
    assert len(names) <= TOP, (
        f"On top stand at most {TOP} names, got {len(names)}; leave in its module what fewer than three "
        "notebooks use (sb.measures.effective_rank)."
    )
