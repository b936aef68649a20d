"""The page of papers: forty-six, each with a lesson that exists, and no lesson without its paper."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/systems.md").read_text(encoding="utf-8")
ROWS = [
    line.strip("| ").split(" | ") for line in PAGE.splitlines() if re.match(r"\| [^|]*\b(19|20)\d\d\b", line)
]
LINK = re.compile(r"\]\(\.\./(notebooks/[^)]+)\)")
LESSONS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("notebooks/[1-8]-*/*.ipynb"))


def test_there_are_forty_six_papers_each_once():
    assert len({row[0] for row in ROWS}) == len(ROWS) == 46
    assert {len(row) for row in ROWS} == {5}, "paper, lesson, watched, measured, not"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].split(" 20")[0][:30])
def test_a_paper_has_a_lesson_that_exists(row):
    assert any((ROOT / path).exists() for path in LINK.findall(row[1])), row[0]


def test_every_lesson_of_parts_1_to_8_stands_on_the_page():
    assert set(LESSONS) <= set(LINK.findall(PAGE))
