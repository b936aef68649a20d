"""`make lesson`: what it writes keeps to every rule as it stands; a bad name is told a good one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAME = "9-own/01-how-sharp"
COPIED = ("Makefile", "README.md", "pyproject.toml", "docs", "notebooks", "sbkit", "scripts", "tests")
CLUTTER = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.gif", "*.png")


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """A copy of all that a lesson touches or is tested by."""
    home = tmp_path_factory.mktemp("house")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, home / name, ignore=CLUTTER)
        else:
            shutil.copy(ROOT / name, home / name)
    return home


def python(house: Path, *given: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": str(house), "SBKIT_HEADLESS": "1"}
    return subprocess.run(
        [sys.executable, *given],
        cwd=house,
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("", NAME),
        ("how-sharp", NAME),
        ("9-own", NAME),
        ("9-own/How sharp", "9-own/01-how-sharp"),
        ("9-own/1-how_sharp", "9-own/01-how-sharp"),
        ("notebooks/9-Own/01-how-sharp.ipynb", NAME),
        ("../../01-how-sharp", NAME),
        ("1-sharpness/20-how-sharp", "1-simplicity/20-how-sharp"),  # part 1 has a name
        ("1-simplicity/01-which-feature-will-it-use", r"1-simplicity/\d\d-which-feature-will-it-use-again"),
        ("1-simplicity/01-how-sharp", r"1-simplicity/\d\d-how-sharp"),  # the number is taken
        ("9-own/01-climb", "9-own/01-climb-again"),  # an exercise of that name is there
        ("9-own/01-class", "9-own/01-class-here"),
        ("9-class/01-how-sharp", "9-class-here/01-how-sharp"),
    ],
)
def test_a_bad_name_is_refused_with_one_that_fits(house, name, fix):
    before = sorted(house.rglob("*"))
    done = python(house, "scripts/lesson.py", name)
    assert done.returncode == 2 and sorted(house.rglob("*")) == before
    (proposed,) = re.findall(r"; try (\S+)\.\n$", done.stderr)
    assert re.fullmatch(fix, proposed), done.stderr
    again = python(
        house, "-c", f"import sys; sys.path[:0] = ['scripts']; import lesson; lesson.named({proposed!r})"
    )
    assert again.returncode == 0, again.stderr


def test_only_a_notebook_of_the_course_is_run(house):
    done = python(house, "scripts/notebooks.py", "notebooks/none.ipynb")
    assert done.returncode == 1 and "give its path: ONLY=notebooks/" in done.stderr


@pytest.fixture(scope="module")
def begun(house) -> Path:
    """The copy, after `make lesson`."""
    pytest.importorskip("nbconvert")
    before = json.loads((house / "docs" / "claims.json").read_text(encoding="utf-8"))
    ready = [f"VENV={sys.prefix}"]  # this environment will do, as it is
    ready += [f"--old-file={sys.prefix}/{extras}.done" for extras in ("lab", "lab,author")]
    command = ["make", "lesson", f"NAME={NAME}", *ready]
    done = subprocess.run(
        command,
        cwd=house,
        env=os.environ | {"PYTHONPATH": str(house)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    after = json.loads((house / "docs" / "claims.json").read_text(encoding="utf-8"))
    assert after[:-1] == before and after[-1]["lesson"] == "01-how-sharp"
    return house


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("make") or os.name == "nt", reason="needs make and sh")
@pytest.mark.parametrize(
    "tests",
    [
        ["tests/notebooks", "tests/test_colab.py", "-k", "how-sharp"],
        ["tests/test_floors.py", "tests/course", "-m", "not slow"],
        ["tests/claims/test_how_sharp.py"],
        ["--nbval-lax", "--nbval-current-env", f"notebooks/{NAME}.ipynb"],
    ],
    ids=["template", "floors and exercises", "claim", "notebook"],
)
def test_a_lesson_keeps_to_every_rule_as_it_begins(begun, tests):
    done = python(begun, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
    assert done.returncode == 0 and int(re.findall(r"(\d+) passed", done.stdout)[0]) >= 1, done.stdout


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("make") or os.name == "nt", reason="needs make and sh")
def test_what_is_written_is_tidy(begun):
    written = [f"notebooks/{NAME}.ipynb", "sbkit/lessons/own", "tests/claims/test_how_sharp.py"]
    ruff = shutil.which("ruff", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [ruff, *command, *written], cwd=begun, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
