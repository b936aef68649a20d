"""Every notebook keeps to the template: header, size, stored outputs, exercises, notes, links, claims."""

from __future__ import annotations

import base64
import json
import re
import statistics
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
PATHS = [p for p in sorted(ROOT.glob("notebooks/**/*.ipynb")) if ".ipynb_checkpoints" not in p.parts]
LESSONS = [path for path in PATHS if path.parent != ROOT / "notebooks"]
notebooks = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
lessons = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)

LARGEST = 100_000  # bytes of a stored picture
LAST_FEW = 4  # cells at the end, the claims among them
GALLERY = "8-gallery"  # whose lessons are short: a screen each
CUT = 25  # minutes, of a lesson's shorter plan
DRIVE = "Open this notebook in JupyterLab or Colab to drive it."
FIGURE = "application/vnd.plotly.v1+json"  # MIME type of what stands without a kernel


def cells(path: Path, which: str = "") -> list[dict]:
    """The notebook's cells, or those of one type."""
    return [cell for cell in json.loads(path.read_text())["cells"] if which in cell["cell_type"]]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def lines(cell: dict) -> list[str]:
    return [line for line in source(cell).splitlines() if line.strip()]


def prose(path: Path) -> str:
    return "\n\n".join(source(cell) for cell in cells(path, "markdown"))


def header(path: Path) -> str:
    return source(cells(path)[0])


def shown(output: dict) -> str:
    """The text of an output, whatever its format."""
    return "".join(output.get("text", output.get("data", {}).get("text/plain", [])))


def claim_cells(path: Path) -> list[tuple[int, dict]]:
    """Place and cell of all that nbval checks the output of."""
    marked = (
        "# NBVAL_CHECK_OUTPUT" in source(cell) or "nbval-check-output" in tags(cell) for cell in cells(path)
    )
    return [(i, cells(path)[i]) for i, yes in enumerate(marked) if yes]


def tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


# Header


@notebooks
def test_the_header_says_what_the_reader_gets(path):
    title = header(path)
    assert title.startswith("# ")
    for words in ("**You will", "**You need**"):
        assert words in title
    assert re.search(r"After this (lesson|notebook) you can \w+", title), "objectives"


@notebooks
def test_the_header_says_how_long_it_takes(path):
    assert re.search(r"\*\*Time:\*\* \d+ minutes\b", header(path))
    assert re.search(r"the notebook itself runs in about \d+ seconds", header(path)), "measured seconds"


@notebooks
def test_the_badge_opens_this_notebook(path):
    assert f"/blob/main/{path.relative_to(ROOT).as_posix()})" in header(path)


def test_the_address_stands_in_one_place():
    check = [sys.executable, ROOT / "scripts/address.py", "--check"]
    done = subprocess.run(check, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout


# Size


@notebooks
def test_cells_are_few_and_short(path):
    code = cells(path, "code")
    assert len(cells(path)) <= (15 if path.parent.name == GALLERY else 30)
    assert max(len(source(cell).splitlines()) for cell in code) <= 15  # blank ones too
    assert statistics.median(len(lines(cell)) for cell in code) <= 4


@notebooks
def test_prose_outweighs_code(path):
    words = len(prose(path).split())
    assert words >= 6 * sum(len(lines(cell)) for cell in cells(path, "code"))


@notebooks
def test_the_only_magic_is_the_install_line(path):
    found = [line.strip() for cell in cells(path, "code") for line in lines(cell) if line.lstrip()[0] in "%!"]
    assert len(found) == 1 and found[0].startswith("%pip install -q --no-deps")


# What is stored


@notebooks
def test_outputs_are_plain(path):
    outputs = [output for cell in cells(path, "code") for output in cell["outputs"]]
    formats = {one for output in outputs for one in output.get("data", {})}
    assert formats <= {"text/plain", "text/html", "image/png", FIGURE}  # no view of a widget
    assert not [
        output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"
    ]


@notebooks
def test_a_panel_leaves_one_small_described_picture_and_one_line(path):
    panels = [
        cell for cell in cells(path, "code") if any(DRIVE in shown(output) for output in cell["outputs"])
    ]
    assert panels
    for cell in panels:
        (output,) = cell["outputs"]
        assert set(output["data"]) == {"text/plain", "image/png"}
        assert shown(output).count("\n") == 0
        assert len(base64.b64decode(output["data"]["image/png"])) <= LARGEST
        alt = output["metadata"].get("image/png", {}).get("alt", "")  # nbconvert's and IPython's place for it
        assert len(alt.split()) >= 5, f"No alt text: {source(cell)}"


@notebooks
def test_it_is_small_and_so_is_each_picture(path):
    pictures = [
        output["data"]["image/png"]
        for cell in cells(path, "code")
        for output in cell["outputs"]
        if "image/png" in output.get("data", {})
    ]
    assert path.stat().st_size <= 500_000
    assert all(len(picture) <= 4 / 3 * 100_000 + 4 for picture in pictures), "100 kB in base 64"


@notebooks
def test_every_panel_is_stored_and_nothing_else_is_a_picture(path):
    for cell in cells(path, "code"):
        panel = any(DRIVE in shown(output) or FIGURE in output.get("data", {}) for output in cell["outputs"])
        assert panel or not any("image/png" in output.get("data", {}) for output in cell["outputs"])
        assert panel or not re.search(r"^(\w+ = )?sb\.lab\(", source(cell), re.MULTILINE), source(cell)


@notebooks
def test_no_widget_and_no_clock_is_stored(path):
    notebook = json.loads(path.read_text())
    assert "widgets" not in notebook["metadata"]
    assert not [cell["id"] for cell in notebook["cells"] if "execution" in cell["metadata"]]


@notebooks
def test_every_cell_ran_in_order(path):
    counts = [cell["execution_count"] for cell in cells(path, "code")]
    assert counts == list(range(1, len(counts) + 1))


# Exercises and notes


@notebooks
def test_exercises_carry_minutes_difficulty_and_two_hints(path):
    every = cells(path)
    for before, cell in zip(every, every[1:], strict=False):
        if "solution" in tags(cell):
            assert "sb.check." in source(cell) and before["cell_type"] == "markdown"
            assert re.search(r"\(\d+ minutes?, (easy|medium|hard)\)", source(before)), source(before)
            hints = re.findall(r"<details><summary>Hint (\d)</summary>", source(before))
            assert hints == ["1", "2"], source(before)


@lessons
def test_a_lesson_has_an_exercise(path):
    assert [cell for cell in cells(path, "code") if "solution" in tags(cell)]


def notes(path: Path) -> str:
    """The notebook's notes for the teacher."""
    metadata = json.loads(path.read_text())["metadata"]
    return "\n".join(line.rstrip("\n") for line in metadata.get("sbkit", {}).get("teacher", []))


def minutes(text: str, heading: str) -> int:
    """Sum of the last column of the table under a heading."""
    _, _, below = text.partition(heading)
    table = re.split(r"^#", below, flags=re.MULTILINE)[0]
    return sum(int(number) for number in re.findall(r"\|\s*(\d+)\s*\|\s*$", table, re.MULTILINE))


@notebooks
def test_the_minute_plan_fills_the_time_of_the_header(path):
    found = re.search(r"\*\*Time:\*\* (\d+) minutes", header(path))
    assert found and minutes(notes(path), "# Minute plan") == int(found[1])


@lessons
def test_the_25_minute_cut_takes_25(path):
    cut = minutes(notes(path), "# 25-minute cut")
    assert cut == CUT or path.parent.name == GALLERY and minutes(notes(path), "# Minute plan") <= CUT


@lessons
def test_the_teacher_is_told_what_to_expect_and_what_to_say(path):
    every = cells(path)
    told = [i for i, cell in enumerate(every) if cell["metadata"].get("sbkit", {}).get("teacher")]
    for i, cell in enumerate(every):
        if "solution" in tags(cell) or "sb.predict(" in source(cell):
            assert i in told, f"No note for the teacher after {source(cell)!r}"
    assert any("Explore" in source(every[i]) for i in told), "what to say at each goal"


# Links and claims


@notebooks
def test_links_within_the_course_resolve(path):
    for link in re.findall(r"\]\(([^)#]+)", prose(path)):
        assert "://" in link or (path.parent / link).exists(), link


@notebooks
def test_links_out_of_it_are_well_formed(path):
    for link in re.findall(r"\]\(([^)]*://[^)]*)\)", prose(path)) + re.findall(r"<(\w+://.*?)>", prose(path)):
        url = urlsplit(link)
        assert url.scheme == "https" and "." in url.netloc and not re.search(r"\s", link), link


@notebooks
def test_it_ends_with_checked_claims_that_hold(path):
    assert any("sb.claim(" in source(cell) for _, cell in claim_cells(path))
    assert max(i for i, _ in claim_cells(path)) >= len(cells(path)) - LAST_FEW
    text = "".join(shown(output) for _, cell in claim_cells(path) for output in cell["outputs"])
    assert "holds" in text and "DOES NOT HOLD" not in text
