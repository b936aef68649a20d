"""The guide for teachers: its links lead somewhere, it names every lesson, its minutes add up."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
LINKS = re.findall(r"\]\(([^)#]+)\)", TEXT)
LESSONS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "notebooks").rglob("*.ipynb"))
LESSONS = [path for path in LESSONS if ".ipynb_checkpoints" not in path]


def section(title: str) -> str:
    """The text below a heading."""
    return re.split(r"^## ", TEXT.split(f"## {title}\n")[1], flags=re.MULTILINE)[0]


@pytest.mark.parametrize("link", sorted(set(LINKS)))
def test_a_link_leads_to_a_file(link):
    assert link.startswith("http") or (ROOT / "docs" / link).exists()


@pytest.mark.parametrize("path", LESSONS)
def test_twenty_sessions_take_in_every_lesson(path):
    assert f"(../{path})" in section("Twenty sessions")


@pytest.mark.parametrize("title", ["One session", "The minutes of any lesson"])
def test_the_minutes_of_a_session_add_up(title):
    assert sum(map(int, re.findall(r"^\| (\d+) \|", section(title), flags=re.MULTILINE))) == 50


@pytest.mark.parametrize(("title", "count"), [("Four sessions", 4), ("Twenty sessions", 20)])
def test_a_syllabus_has_as_many_sessions_as_it_says(title, count):
    numbers = re.findall(r"^\| (\d+) \|", section(title), flags=re.MULTILINE)
    assert numbers == [str(k + 1) for k in range(count)]
