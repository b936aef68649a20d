"""The architecture, read from the imports: they point down, from floor to floor, and never in a circle."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "sbkit"

# Floor, and what may be imported beside the standard library. A folder counts as one module.
FLOORS: dict[str, tuple[int, set[str]]] = {
    "core": (0, {"torch", "numpy", "platformdirs", "psutil", "threadpoolctl"}),
    "data": (1, {"torch", "numpy", "pandas", "sklearn"}),
    "models": (1, {"torch", "numpy"}),
    "losses": (1, {"torch", "numpy"}),
    "batches": (1, {"torch", "numpy"}),
    "optimizers": (1, {"torch", "numpy"}),
    "measures": (1, {"torch", "numpy", "scipy", "sklearn"}),
    "plots": (1, {"torch", "numpy", "pandas", "plotly", "matplotlib"}),
    "cache": (1, {"torch", "numpy"}),
    "training": (2, {"torch", "numpy", "tqdm"}),
    "sweeps": (3, {"torch", "numpy", "pandas", "sklearn", "joblib", "tqdm"}),
    "lab": (3, {"torch", "numpy", "ipywidgets", "anywidget", "traitlets", "IPython"}),
    "course": (5, {"torch", "numpy", "pandas", "ipywidgets", "traitlets", "IPython", "filelock"}),
    "lessons": (6, {"torch", "numpy", "pandas", "scipy", "sklearn"}),
    "__init__": (7, set()),
    "__main__": (8, set()),
}
HEAVY = {"plotly", "matplotlib", "ipywidgets", "anywidget", "sklearn", "pandas", "scipy", "IPython"}
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
