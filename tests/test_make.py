"""What `make` does, tried with commands that only write down how they were called."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CPU = "https://download.pytorch.org/whl/cpu"
pytestmark = pytest.mark.skipif(not shutil.which("make") or os.name == "nt", reason="needs make and sh")

PYTHON = """#!/bin/sh
case "$*" in
  "-m venv"*) mkdir -p "$3/bin" && cp "$FAKES/pip" "$3/bin/pip" && cp "$0" "$3/bin/python" ;;
  *importlib.metadata*) [ -n "$HERE" ] && echo "$HERE" ;;
  *urlopen*) echo "python $*" >> "$FAKES/log"; exit "${ANSWERS:-0}" ;;
esac
"""
PIP = """#!/bin/sh
echo "pip $*" >> "$FAKES/log"
case "$*" in *"$CPU"*) exit "${LACKS:-0}" ;; esac
"""


@pytest.fixture
def house(tmp_path) -> Path:
    """A folder with the Makefile, its scripts and pins, and in bin/ what stands in for the system."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "constraints-colab.txt", "scripts"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    (tmp_path / "bin").mkdir()
    fake(tmp_path, "python", PYTHON)
    fake(tmp_path, "pip", PIP)
    return tmp_path


def fake(house: Path, name: str, source: str) -> None:
    path = house / "bin" / name
    path.write_text(source)
    path.chmod(0o755)


def make(house: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`make` with the stand-ins before all else, and no driver but theirs."""
    asked = {name: text for name, text in os.environ.items() if name not in ("TORCH_INDEX", "MAKEFLAGS")}
    path = f"{house / 'bin'}:{os.environ['PATH']}"
    asked |= {"PATH": path, "FAKES": str(house / "bin"), "CPU": CPU, "HERE": "", "PIP_FLAGS": "-qq"}
    asked |= {"NVIDIA_DRIVER": str(house / "driver"), "PYTHON": str(house / "bin" / "python")}
    done = ["make", "--no-print-directory", *arguments]
    return subprocess.run(done, cwd=house, env=asked | env, capture_output=True, text=True, check=False)


def installed(
    house: Path, *arguments: str, system="Linux", driver=False, **env: str
) -> tuple[str, list[str]]:
    """What setting up says, and the commands of pip that install."""
    fake(house, "uname", f"#!/bin/sh\necho {system}\n")
    fake(house, "nvidia-smi", f"#!/bin/sh\nexit {0 if driver else 9}\n")
    done = make(house, ".venv/lab.done", *arguments, **env)
    assert done.returncode == 0, done.stderr
    log = (house / "bin" / "log").read_text().splitlines()
    return done.stdout + done.stderr, [line for line in log if line.startswith("pip install")]


SBKIT = "pip install -qq -c constraints.txt -e .[lab]"


def torch(index: str) -> str:
    return f"pip install -qq --no-deps -c constraints.txt --index-url {index} torch"


def test_without_a_driver_linux_takes_the_small_build(house):
    said, commands = installed(house)
    assert commands == [torch(CPU), SBKIT]
    assert "No NVIDIA driver" in said and "out of reach" not in said


def test_where_its_index_is_out_of_reach_it_takes_pypis_and_says_so(house):
    said, commands = installed(house, ANSWERS="1")
    assert commands == [SBKIT]
    assert f"{CPU} is out of reach" in said and "TORCH_INDEX=" in said
    (asked,) = (line for line in (house / "bin" / "log").read_text().splitlines() if "urlopen" in line)
    assert f"{CPU}/torch/" in asked and "timeout=5" in asked


def test_where_its_index_lacks_the_pinned_torch_it_says_so_too(house):
    said, commands = installed(house, LACKS="1")
    assert commands == [torch(CPU), SBKIT] and "lacks the pinned torch" in said


@pytest.mark.parametrize("who", ["the driver's program", "the driver's file", "another system"])
def test_elsewhere_pypi_has_the_right_build(house, who):
    if who == "the driver's file":
        (house / "driver").touch()
    system = "Darwin" if who == "another system" else "Linux"
    said, commands = installed(house, system=system, driver=who == "the driver's program")
    assert commands == [SBKIT] and "NVIDIA" not in said


@pytest.mark.parametrize("how", ["argument", "environment"])
@pytest.mark.parametrize("index", ["", "https://mirror.example/whl"])
@pytest.mark.parametrize("driver", [False, True])
def test_torch_index_decides_otherwise_also_empty(house, index, how, driver):
    given = ([f"TORCH_INDEX={index}"], {}) if how == "argument" else ([], {"TORCH_INDEX": index})
    said, commands = installed(house, *given[0], driver=driver, **given[1])
    assert commands == [*([torch(index)] if index else []), SBKIT] and "NVIDIA" not in said


def test_an_index_that_was_asked_for_and_fails_is_an_error(house):
    done = make(house, ".venv/lab.done", f"TORCH_INDEX={CPU}", LACKS="1")
    assert done.returncode and not (house / ".venv" / "lab.done").exists()


def test_the_pinned_torch_that_is_there_stays(house):
    (pin,) = (line for line in (ROOT / "constraints.txt").read_text().splitlines() if line[:7] == "torch==")
    assert installed(house, HERE=f"{pin.removeprefix('torch==')}+cpu")[1] == [SBKIT]
    shutil.rmtree(house / ".venv")
    assert installed(house, HERE="2.6.0")[1][-2:] == [torch(CPU), SBKIT]


# ---------------------------------------------------------------- audit


SKIP = "Name  Skip Reason\n----- ------\nnumpy Dependency not found on PyPI and could not be audited: …\n"
TABLE = (
    "Found 1 known vulnerability in 1 package\nName  Version ID             Fix Versions\n----- ------- --\n"
)


@pytest.mark.parametrize(
    ("told", "code", "said"),
    [
        ("No known vulnerabilities found\n", 0, "No known vulnerabilities found"),
        (f"{TABLE}flask 0.5     PYSEC-2019-179\n", 0, "PYSEC-2019-179"),  # no fix to take
        (f"{TABLE}flask 0.5     PYSEC-2019-179 1.0\n", 2, "PYSEC-2019-179 1.0"),
        (f"No known vulnerabilities found\n{SKIP}", 0, "out of reach"),
        (
            "requests.exceptions.ProxyError: HTTPSConnectionPool(host='pypi.org', port=443)\n",
            0,
            "out of reach",
        ),
        ("ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed\n", 0, "out of reach"),
        ("ERROR: Invalid requirement: 'torch=='\n", 2, "Invalid requirement"),
    ],
)
def test_the_audit_fails_only_on_what_a_new_version_fixes(house, told, code, said):
    (house / ".venv" / "bin").mkdir(parents=True)
    (house / "told").write_text(told)
    fake(house, "../.venv/bin/pip-audit", f"#!/bin/sh\ncat {house / 'told'}\nexit 1\n")
    done = make(house, "audit", "DEV=")
    assert done.returncode == code and said in done.stdout + done.stderr


# ---------------------------------------------------------------- parts


def test_make_test_leaves_no_test_out():
    """What is quick, what is slow and what needs a browser are three parts; fast ones come first."""
    makefile = (ROOT / "Makefile").read_text()
    parts = re.findall(r"^PARTS := (.*)$", makefile, re.MULTILINE)[0].split()
    assert set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)) >= set(parts)
    assert {"style", "types", "stage", "audit", "quick", "colab", "slow", "kernel", "notebook-tests"} < set(
        parts
    )
    assert parts.index("quick") < parts.index("slow") < parts.index("browser") < parts.index("screens")
    assert (ROOT / re.findall(r"^SCREENS := (.*)$", makefile, re.MULTILINE)[0]).exists()
    for marks in (
        "QUICK := not slow and not browser\n",
        "-m 'slow and not browser'\n",
        "-m browser --ignore $(SCREENS)\n",
    ):
        assert makefile.count(marks) == 1


def test_every_part_runs_whichever_fails_and_tells_its_seconds(house):
    (house / "Makefile").write_text(
        "good:\n\t@echo '=== 3 passed, 1 skipped in 0.10s ==='\n\t@echo '2 passed in 70.10s (0:01:10)'\n"
        "bad:\n\t@echo '1 failed, 2 passed in 1.10s'; exit 1\nlast:\n\t@echo here\n"
    )
    command = [sys.executable, "scripts/parts.py", "good", "bad", "last"]
    done = subprocess.run(command, cwd=house, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert done.returncode == 1 and lines.index("here") > lines.index("1 failed, 2 passed in 1.10s")
    assert [line.split(" | ")[::2] for line in lines if line.startswith("| ")][1:] == [
        ["| good", "5 passed, 1 skipped |"],
        ["| bad", "1 failed, 2 passed FAILED |"],
        ["| last", " |"],
    ]
    assert lines[-2] == "FAILED in: bad" and "7 passed, 1 skipped, 1 failed in " in lines[-1]
