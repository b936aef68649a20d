"""Run notebooks in place, store their pictures and their claims: python scripts/notebooks.py [PATH …]

Without a path, all of them. Each then runs once more at other seeds, and its claims say how they fared there.
What a notebook claimed before goes from docs/, the claims of the others stay, in the order of the course.
PHOTOGRAPHS=folder measures the claims on photographs, too (photographs.py); else they stay as they were.
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

HERE = Path(__file__).parent
ROOT, DOCS = HERE.parent, HERE.parent / "docs"
CONVERT = ["-m", "nbconvert", "--to", "notebook", "--execute", "--inplace"]
CONVERT += ["--ExecutePreprocessor.record_timing=False", "--ExecutePreprocessor.store_widget_state=False"]
BY = "50000"  # so many seeds later it runs again
ON_PHOTOGRAPHS = "MNIST digits)"  # in such a claim
ASKED = "images = None", "images = sb.data.mnist()"  # the reader's cell, and as it is run here

Rows = list[dict[str, Any]]


def course() -> list[Path]:
    """All notebooks, in their order."""
    found = sorted((ROOT / "notebooks").rglob("*.ipynb"))
    return [path for path in found if ".ipynb_checkpoints" not in path.parts]


def run(path: Path, claims: Path, *options: str, lesson: Path | None = None, **told: str) -> None:
    """Execute one notebook, without a page, and let it write its claims as those of `lesson`."""
    told |= {"SBKIT_HEADLESS": "1", "SBKIT_LESSON": str(lesson or path), "SBKIT_CLAIMS": str(claims)}
    command = [sys.executable, *CONVERT, *options, str(path)]
    if subprocess.run(command, env=os.environ | told, check=False).returncode:
        sys.exit(f"{path.name} stopped at the error above; the claims in docs/ are as before.")


def run_after(first: str, path: Path, folder: Path, *options: str, **told: str) -> Rows:
    """The claims of a copy of the notebook that runs a file of scripts/ as its first cell."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    source = (HERE / first).read_text(encoding="utf-8")
    cell = {"cell_type": "code", "id": "first", "metadata": {}, "outputs": [], "execution_count": None}
    notebook["cells"].insert(0, cell | {"source": source})
    copy, claims = folder / path.name, folder / f"{path.stem}-{first}.json"
    text = json.dumps(notebook, ensure_ascii=False)
    copy.write_text(text.replace(*ASKED) if first == "photographs.py" else text, encoding="utf-8")
    run(copy, claims, *options, lesson=path, **told)
    return rows(claims)


def rows(path: Path) -> Rows:
    """The claims in a file, none where there is no file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def beside(found: Rows, again: Rows) -> Rows:
    """The claims, each with what came of it at other seeds.

    >>> row = {"lesson": "a", "claim": "A", "ours": "1 (1 … 1, 5 runs)", "verdict": "holds"}
    >>> [one["again"] for one in beside([row, row | {"claim": "B"}], [row | {"ours": "0.9"}])]
    ['0.9: holds', 'did not run']
    """
    by_claim = {row["claim"]: f"{row['ours']}: {row['verdict'].partition(':')[0]}" for row in again}
    return [row | {"again": by_claim.get(row["claim"], "did not run")} for row in found]


def merged(kept: Rows, new: Rows, ran: list[str], order: list[str]) -> Rows:
    """The new claims, and those kept of lessons that did not run, in this order of lessons.

    >>> old = [{"lesson": "b", "claim": "B"}, {"lesson": "a", "claim": "A, once"}, {"lesson": "gone"}]
    >>> merged(old, [{"lesson": "a", "claim": "A, now"}], ["a"], ["a", "b"])
    [{'lesson': 'a', 'claim': 'A, now'}, {'lesson': 'b', 'claim': 'B'}]
    """
    others = [row for row in kept if row["lesson"] in order and row["lesson"] not in ran]
    return sorted(others + new, key=lambda row: order.index(row["lesson"]))


def claimed(path: Path, folder: Path, kept: Rows) -> Rows:
    """What a notebook claims: as it stands, again at other seeds, and on photographs, now or before."""
    claims = folder / f"{path.stem}.json"
    run(path, claims, SBKIT_PNG="1")
    found = beside(rows(claims), run_after("moved.py", path, folder, "--allow-errors", MOVED_BY=BY))
    text = path.read_text(encoding="utf-8")
    if "PHOTOGRAPHS" in os.environ and ASKED[0] in text:
        kept = run_after("photographs.py", path, folder)
    mine = (row for row in kept if row["lesson"] == path.stem and ON_PHOTOGRAPHS in row["claim"])
    return found + [row for row in mine if row["claim"].partition(" (")[0] in text]


def main() -> None:
    """Run what the command line names, or all, and write docs/claims.json and docs/claims.md."""
    paths = [Path(given).resolve() for given in sys.argv[1:]] or course()
    for path in paths:
        if path not in course():
            sys.exit(f"No notebook of the course at {path}; give its path: ONLY=notebooks/0-start-here.ipynb")
    before = rows(DOCS / "claims.json")
    with tempfile.TemporaryDirectory() as folder:
        new = [row for path in paths for row in claimed(path, Path(folder), before)]
    ran, order = ([path.stem for path in of] for of in (paths, course()))
    text = json.dumps(merged(before, new, ran, order), indent=1, ensure_ascii=False)
    (DOCS / "claims.json").write_text(text + "\n", encoding="utf-8")
    (DOCS / "claims.md").write_text(table(DOCS / "claims.json") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
