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
task = sb.datasets["coin"](n=300)
run = sb.fit(sb.mlp(task, width=8), task, optimizer="adamax", steps=20, measure=["norm"])
assert sb.last(run).values["norm"].shape == (8,)
"""


@pytest.mark.slow
def test_the_readme_runs(tmp_path):
    """In a process of its own, where what it registers and writes reaches nothing else."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join([*blocks, USE])],
        env=os.environ | {"SBKIT_HEADLESS": "1", "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
