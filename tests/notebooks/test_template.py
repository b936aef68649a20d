"""Every notebook keeps to the template: size, prose, stored pictures, badge, links, a claim at the end."""

from __future__ import annotations

import base64
import json
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATHS = [p for p in sorted(ROOT.glob("notebooks/**/*.ipynb")) if ".ipynb_checkpoints" not in p.parts]
notebooks = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[dict]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == kind]


def lines(cell: dict) -> list[str]:
    return [line for line in "".join(cell["source"]).splitlines() if line.strip()]


@notebooks
def test_cells_are_few_and_short(path):
    code = [len(lines(cell)) for cell in cells(path, "code")]
    assert len(code) + len(cells(path, "markdown")) <= 30
    assert max(code) <= 15 and statistics.median(code) <= 4


@notebooks
def test_prose_outweighs_code(path):
    words = sum(len("".join(cell["source"]).split()) for cell in cells(path, "markdown"))
    assert words >= 6 * sum(len(lines(cell)) for cell in cells(path, "code"))


@notebooks
def test_the_only_magic_is_the_install_line(path):
    found = [line.strip() for cell in cells(path, "code") for line in lines(cell) if line.lstrip()[0] in "%!"]
    assert len(found) == 1 and found[0].startswith("%pip install -q --no-deps")


@notebooks
def test_stored_outputs_are_small_and_plain(path):
    outputs = [output for cell in cells(path, "code") for output in cell["outputs"]]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert kinds <= {"text/plain", "text/html", "image/png"}
    pictures = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    assert pictures and all(len(base64.b64decode(picture)) <= 100_000 for picture in pictures)
    assert "widgets" not in json.loads(path.read_text())["metadata"]


@notebooks
def test_every_cell_ran_in_order(path):
    counts = [cell["execution_count"] for cell in cells(path, "code")]
    assert counts == list(range(1, len(counts) + 1))


@notebooks
def test_it_ends_with_checked_claims_that_hold(path):
    claims = [cell for cell in cells(path, "code") if "# NBVAL_CHECK_OUTPUT" in "".join(cell["source"])]
    text = "".join(line for cell in claims for output in cell["outputs"] for line in output["text"])
    assert "holds" in text and "DOES NOT HOLD" not in text


@notebooks
def test_links_within_the_course_resolve(path):
    text = "".join("".join(cell["source"]) for cell in cells(path, "markdown"))
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert link.startswith("https://") or (path.parent / link).exists(), link


@notebooks
def test_the_badge_opens_this_notebook(path):
    assert f"/blob/main/{path.relative_to(ROOT).as_posix()})" in "".join(cells(path, "markdown")[0]["source"])


def test_the_address_stands_in_one_place():
    check = [sys.executable, ROOT / "scripts/address.py", "--check"]
    done = subprocess.run(check, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout
