"""Seconds that every notebook takes without a page, and all of them.

python benchmarks/notebooks.py        # all, or those whose path contains a given word
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from turns import table

ROOT = Path(__file__).parents[1]


def seconds(path: Path) -> float:
    """Time of one notebook from its kernel's start to its end."""
    start = time.perf_counter()
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(nbformat.read(path, 4), timeout=300, resources=resources).execute()
    return time.perf_counter() - start


def main() -> None:
    os.environ["SBKIT_HEADLESS"] = "1"
    word = next(iter(sys.argv[1:]), "")
    paths = [
        p for p in sorted(ROOT.glob("notebooks/**/*.ipynb")) if word in str(p) and ".ipynb_" not in str(p)
    ]
    took = {str(path.relative_to(ROOT / "notebooks")): seconds(path) for path in paths}
    print(table(["notebook", "seconds"], [[name, f"{s:.0f}"] for name, s in took.items()]))
    print(
        f"\nAll {len(took)}: {sum(took.values()) / 60:.1f} minutes; the longest {max(took.values()):.0f} s."
    )


if __name__ == "__main__":
    main()
