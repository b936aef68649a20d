"""What a reader waits for before anything trains: `import sbkit`, beside torch alone, and the first run.

    python benchmarks/start.py

Fresh processes that take turns. "first run" is a task, a fleet and one step, the imports included.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from turns import table

TURNS = 5
FIRST = "sb.fit(sb.mlp(task), task, steps=1).advance(steps=1)"
PROGRAMS = {
    "python": "pass",
    "import torch": "import torch",
    "import sbkit": "import sbkit",
    "first run": f"import sbkit as sb; task = sb.lms(5, dim=10); {FIRST}",
    "second run": f"import sbkit as sb; task = sb.lms(5, dim=10); {FIRST}; {FIRST}",
}


def seconds(program: str) -> float:
    """Time of a process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    turns = [[seconds(program) for program in PROGRAMS.values()] for _ in range(TURNS)]
    rows = [
        [name, f"{statistics.median(took):.2f} ({min(took):.2f}–{max(took):.2f})"]
        for name, took in zip(PROGRAMS, zip(*turns, strict=True), strict=True)
    ]
    print(table(["what", "seconds"], rows))


if __name__ == "__main__":
    main()
