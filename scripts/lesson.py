"""Begin a lesson: python scripts/lesson.py 9-own/01-how-sharp

Writes a notebook, the lesson's file (its exercise, and what it alone needs) and a test of its claim. All
three run and keep to the rules as they stand; change them from there.
"""

from __future__ import annotations

import json
import keyword
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

ROOT = Path(__file__).parents[1]
TEMPLATES = Path(__file__).parent / "templates" / "new"
NAME = re.compile(r"(?P<number>\d)-(?P<part>[a-z][a-z0-9-]*)/(?P<at>\d\d)-(?P<question>[a-z][a-z0-9-]*)")
CELL = re.compile(r"^%% (markdown|code) (\S+)(?: (\{.*\}))?$", re.MULTILINE)
EXAMPLE = "9-own/01-how-sharp"
METADATA: dict[str, Any] = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class Refused(Exception):
    """A name that no lesson can have: the rule, what was given, the nearest that fits."""


@dataclass(frozen=True)
class Lesson:
    """A lesson's name in all its forms. folder: 3-sharpness; part: sharpness; module: how_sharp."""

    folder: str
    part: str
    at: str
    question: str

    @property
    def module(self) -> str:
        return self.question.replace("-", "_")

    @property
    def title(self) -> str:
        return f"{self.question.replace('-', ' ').capitalize()}?"

    @property
    def notebook(self) -> Path:
        return ROOT / "notebooks" / self.folder / f"{self.at}-{self.question}.ipynb"

    @property
    def file(self) -> Path:
        return ROOT / "sbkit" / "lessons" / self.part / f"{self.module}.py"

    @property
    def test(self) -> Path:
        return ROOT / "tests" / "claims" / f"test_{self.module}.py"


def named(name: str) -> Lesson:
    """The lesson of a name, or `Refused`."""
    found = NAME.fullmatch(name)
    if not found:
        rule = "NAME is a part and a question, small letters, digits and hyphens"
        raise Refused(f"{rule}, got {name!r}; try {near(name)}.")
    lesson = Lesson(name.split("/")[0], found["part"].replace("-", "_"), found["at"], found["question"])
    known = {path.name[0]: path.name for path in (ROOT / "notebooks").glob("[0-9]-*") if path.is_dir()}
    part = known.get(found["number"], lesson.folder)
    if part != lesson.folder:
        rule = f"Part {found['number']} is {part}, got {lesson.folder}"
        raise Refused(f"{rule}; try {part}/{name.split('/')[1]}.")
    for word, long in ((lesson.part, lesson.folder), (lesson.module, name)):
        if keyword.iskeyword(word):
            fix = name.replace(long, f"{long}-here")
            raise Refused(f"Part and question name Python files, got the keyword {word!r}; try {fix}.")
    check_free(lesson, name)
    return lesson


def check_free(lesson: Lesson, name: str) -> None:
    """Refuse a lesson whose exercise, files or number another has."""
    exercise = re.compile(rf"^{lesson.module} = exercise\(", re.MULTILINE)
    for path in (ROOT / "sbkit" / "lessons").rglob("*.py"):
        if path != lesson.file and exercise.search(path.read_text(encoding="utf-8")):
            rule = f"An exercise has a name of its own, got {lesson.module}, which is {path.stem}'s"
            raise Refused(f"{rule}; try {name}-again.")
    for path in (lesson.notebook, lesson.file, lesson.test):
        if path.exists():
            rule = f"A lesson has its own files, got {path.relative_to(ROOT)}, which is there"
            raise Refused(f"{rule}; try {free(lesson)}-again.")
    taken = sorted(path.name for path in lesson.notebook.parent.glob(f"{lesson.at}-*.ipynb"))
    if taken:
        raise Refused(f"{lesson.folder} has its {lesson.at}, {taken[0]}; try {free(lesson)}.")


def near(name: str) -> str:
    """The nearest name that fits: small letters, hyphens, two digits; an example where there is none."""
    words = re.sub(r"[^a-z0-9/]+", "-", name.lower().removeprefix("notebooks/").removesuffix(".ipynb"))
    part, _, question = words.partition("/")
    question = re.sub(r"^(\d)-", r"0\1-", question.strip("-"))
    question = question if re.match(r"\d\d-", question) else f"01-{question}"
    guess = f"{part.strip('-')}/{question}"
    return guess if NAME.fullmatch(guess) else EXAMPLE


def free(lesson: Lesson) -> str:
    """The name with the next number that its part has free."""
    taken = [int(path.name[:2]) for path in lesson.notebook.parent.glob("[0-9][0-9]-*.ipynb")]
    return f"{lesson.folder}/{max(taken, default=0) + 1:02}-{lesson.question}"


def cells(text: str) -> list[dict[str, Any]]:
    """The cells of a template: after a line `%% kind id {metadata}` their source."""
    parts = CELL.split(text)[1:]
    found = []
    for kind, name, metadata, source in zip(*(parts[i::4] for i in range(4)), strict=True):
        cell = {"cell_type": kind, "id": name, "metadata": json.loads(metadata or "{}")}
        ran = {"execution_count": None, "outputs": []} if kind == "code" else {}
        found.append(cell | {"source": source.strip("\n").splitlines(keepends=True)} | ran)
    return found


def written(lesson: Lesson) -> dict[Path, str]:
    """Every file of a lesson and what it holds; a new part gets its folder."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    fill = jinja2.Environment(loader=loader, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
    address = re.search(
        r'^Repository = "https://github.com/(.*)"', (ROOT / "pyproject.toml").read_text(), re.M
    )
    about = {"lesson": lesson, "path": lesson.notebook.relative_to(ROOT).as_posix(), "address": address[1]}  # type: ignore
    text = {
        name: fill.get_template(f"{name}.j2").render(about)
        for name in ("notebook", "teacher", "lesson", "test")
    }
    metadata = METADATA | {"sbkit": {"teacher": text["teacher"].splitlines()}}
    notebook = {"cells": cells(text["notebook"]), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    files = {lesson.notebook: json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"}
    files |= {lesson.file: text["lesson"], lesson.test: text["test"]}
    start = lesson.file.parent / "__init__.py"
    return (
        files
        if start.exists()
        else files | {start: f'"""The lessons of part {lesson.folder[0]}: {lesson.part}."""\n'}
    )


def main() -> None:
    """Write the files of the lesson that the command line names, or say why not."""
    try:
        files = written(named(" ".join(sys.argv[1:])))
    except Refused as error:
        print(f"{error}", file=sys.stderr)
        sys.exit(2)
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"Wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
