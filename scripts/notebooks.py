"""Run notebooks in place, store their pictures and their claims: python scripts/notebooks.py [PATH …]

Without a path, all of them. What a notebook claimed before goes from docs/, the claims of the others stay, in
the order of the course.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from claims_page import table

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
CONVERT = ["-m", "nbconvert", "--to", "notebook", "--execute", "--inplace"]
CONVERT += ["--ExecutePreprocessor.record_timing=False", "--ExecutePreprocessor.store_widget_state=False"]


def course() -> list[Path]:
    """All notebooks, in their order."""
    found = sorted((ROOT / "notebooks").rglob("*.ipynb"))
    return [path for path in found if ".ipynb_checkpoints" not in path.parts]


def run(path: Path, claims: Path) -> None:
    """Execute one notebook, without a page, and let it write its claims."""
    told = {"SBKIT_HEADLESS": "1", "SBKIT_PNG": "1", "SBKIT_LESSON": str(path), "SBKIT_CLAIMS": str(claims)}
    done = subprocess.run([sys.executable, *CONVERT, str(path)], env=os.environ | told, check=False)
    if done.returncode:
        sys.exit(f"{path.relative_to(ROOT)} stopped at the error above; the claims in docs/ are as before.")


def rows(path: Path) -> list[dict[str, Any]]:
    """The claims in a file, none where there is no file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def merged(kept: list[dict[str, Any]], new: list[dict[str, Any]], ran: list[str], order: list[str]) -> list:
    """The new claims, and those kept of lessons that did not run, in this order of lessons.

    >>> old = [{"lesson": "b", "claim": "B"}, {"lesson": "a", "claim": "A, once"}, {"lesson": "gone"}]
    >>> merged(old, [{"lesson": "a", "claim": "A, now"}], ["a"], ["a", "b"])
    [{'lesson': 'a', 'claim': 'A, now'}, {'lesson': 'b', 'claim': 'B'}]
    """
    others = [row for row in kept if row["lesson"] in order and row["lesson"] not in ran]
    return sorted(others + new, key=lambda row: order.index(row["lesson"]))


def main() -> None:
    """Run what the command line names, or all, and write docs/claims.json and docs/claims.md."""
    paths = [Path(given).resolve() for given in sys.argv[1:]] or course()
    for path in paths:
        if path not in course():
            sys.exit(f"No notebook of the course at {path}; give its path: ONLY=notebooks/0-start-here.ipynb")
    with tempfile.TemporaryDirectory() as folder:
        new = Path(folder) / "claims.json"
        for path in paths:
            run(path, new)
        ran, order = ([path.stem for path in of] for of in (paths, course()))
        found = merged(rows(DOCS / "claims.json"), rows(new), ran, order)
    text = json.dumps(found, indent=1, ensure_ascii=False)
    (DOCS / "claims.json").write_text(text + "\n", encoding="utf-8")
    (DOCS / "claims.md").write_text(table(DOCS / "claims.json") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
