"""`scripts/processors.py` makes NumPy and torch compute as on another processor."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "processors.py"
ASK = """
import numpy, torch
from threadpoolctl import threadpool_info
print(*{pool["architecture"] for pool in threadpool_info() if "architecture" in pool})
print(torch.backends.cpu.get_cpu_capability(), torch.get_num_threads())
"""


def asked(kernel: str) -> str:
    """What a process started for a kernel computes with."""
    command = [sys.executable, SCRIPT, kernel, sys.executable, "-c", ASK]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stdout


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="kernels of x86")
def test_the_kernels_asked_for_are_used():
    other, nehalem = asked("other"), asked("nehalem")
    assert "Nehalem\nDEFAULT" in nehalem
    own = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True).stdout
    assert other.splitlines()[1] != own.splitlines()[0], "a kernel that is not the machine's own"


def test_two_threads():
    assert asked("threads").split()[-1] == "2"
