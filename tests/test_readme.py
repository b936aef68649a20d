"""What the README shows runs as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
USE = """
task = sb.dataset["coin"](n=300)
fleet, added = sb.mlp(task, width=8), {"optimizer": "adamax", "loss": "smooth", "measure": ["norm"]}
run = sb.fit(fleet, task, steps=20, every=10, **added)
history = list(run)
assert history[-1].values["norm"].shape == (8,)
assert len(sb.plot["norm"](history).table()) == 2
"""


def blocks() -> list[str]:
    """The Python of the README, block by block."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def python(*given: str, folder: Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"SBKIT_HEADLESS": "1", "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])}
    return subprocess.run(
        [sys.executable, *given], env=env, cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_what_the_readme_adds_keeps_the_contracts(tmp_path):
    """Registered by a user before the contract tests are collected, its examples are tested by them."""
    added = next(block for block in blocks() if re.search(r"@sb\.measure\(", block))
    (tmp_path / "added.py").write_text(f"import sbkit as sb\n{added}", encoding="utf-8")
    kinds = dict(re.findall(r"@sb\.(\w+)\(\"(\w+)\"", added))
    assert set(kinds) >= {"measure", "dataset", "optimizer", "loss", "plot"}
    names = set(kinds.values())
    tests = ["-q", "-p", "added", "-p", "no:cacheprovider", str(ROOT / "tests" / "test_contracts.py")]
    done = python("-m", "pytest", *tests, "-k", " or ".join(names), f"--rootdir={ROOT}", folder=tmp_path)
    assert done.returncode == 0 and int(re.findall(r"(\d+) passed", done.stdout)[0]) >= 28, done.stdout


@pytest.mark.slow
def test_the_readme_runs(tmp_path):
    """In a process of its own, where what it registers and writes reaches nothing else."""
    assert len(blocks()) == 3
    done = python("-W", "error", "-c", "\n".join([*blocks(), USE]), folder=tmp_path)
    assert done.returncode == 0, done.stderr
