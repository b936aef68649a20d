"""One master, two copies: `make student`, without answers, and `make teacher`, with answers and notes."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stubs import stub

from sbkit.core import SbkitError

Json = dict[str, Any]

MASTERS = Path(__file__).parents[1] / "notebooks"
RECORD = ".sbkit-copy.json"  # stands in a copy: which one it is, and the digest of every file written
LEFT_OUT = {"claims.json"}
BADGE = re.compile(r"^.*colab-badge\.svg.*\n+", re.MULTILINE)  # it opens the master
ANSWER = "# The answer; students see a stub here\n"
NOTE = '<div class="alert alert-info">\n\n**For the teacher**\n\n{}\n\n</div>'


def student(folder: str | Path, out: str | Path) -> list[Path]:
    """The files of the students' copy, written to `out`: solutions are stubs, and nothing has run yet.

    folder: the masters; its whole tree is copied, but for hidden files and claims.json. out: a new or
    empty folder, or an earlier students' copy in which nothing was changed; that one is replaced. Raises
    `SbkitError` on another `out`, on one inside `folder`, and where no notebook is found.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as out:
    ...     "0-start-here.ipynb" in {path.name for path in student(MASTERS, out)}
    True
    """
    return _copy("student", _for_students, Path(folder).expanduser(), Path(out).expanduser())


def teacher(folder: str | Path, out: str | Path) -> list[Path]:
    """The files of the teacher's copy, written to `out`: answers, outputs, and notes as cells of their own.

    Notes are lines of markdown in the master's `metadata.sbkit.teacher`: the notebook's stand after its
    title, a cell's after that cell. Arguments and errors are those of `student`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as out:
    ...     "0-start-here.ipynb" in {path.name for path in teacher(MASTERS, out)}
    True
    """
    return _copy("teacher", _for_the_teacher, Path(folder).expanduser(), Path(out).expanduser())


def _copy(kind: str, edit: Callable[[Json], None], folder: Path, out: Path) -> list[Path]:
    folder, out = folder.resolve(), out.resolve()
    if out.is_relative_to(folder):
        raise SbkitError(f"A copy stands outside its masters, got {out} in {folder}; choose another folder.")
    made = {name: _made(folder / name, edit) for name in _names(folder)}  # all is read before any is written
    try:
        _make_room(kind, out, made)
        for name, content in made.items():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_bytes(content)
        record = {"copy": kind, "files": {name: _digest(content) for name, content in made.items()}}
        (out / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
    except OSError as error:
        raise SbkitError(f"{out} cannot be written ({error}); choose another folder.") from error
    return [out / name for name in made]


def _names(folder: Path) -> list[str]:
    """Every file to copy, relative to the masters' folder."""
    paths = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()]
    hidden = {path for path in paths if any(part.startswith(".") for part in path.parts)}
    shown = [path for path in paths if path not in hidden and path.name not in LEFT_OUT]
    if not any(path.suffix == ".ipynb" for path in shown):
        raise SbkitError(f"No notebook in {folder}; name the masters with --notebooks FOLDER.")
    return [path.as_posix() for path in shown]


def _made(path: Path, edit: Callable[[Json], None]) -> bytes:
    """The copy of one file: an edited notebook, anything else as it is."""
    if path.suffix != ".ipynb":
        return path.read_bytes()
    try:
        notebook = json.loads(path.read_bytes())
        written = notebook["nbformat"], notebook["nbformat_minor"], bool(notebook["cells"])
    except (ValueError, KeyError, TypeError) as error:
        raise SbkitError(f"{path} is no notebook ({error!r}); mend or remove it.") from error
    if written[0] != 4 or written[1] < 5 or not written[2]:
        raise SbkitError(f"A master has cells and format 4.5 or later 4; save {path} in JupyterLab.")
    try:
        edit(notebook)
    except SbkitError as error:
        raise SbkitError(f"{path}: {error}") from error
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def _make_room(kind: str, out: Path, made: Iterable[str]) -> None:
    """Remove an earlier copy of this kind; an `SbkitError` if `out` holds anything that could be missed."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    written = _written(kind, out)
    there = [name for name in {*made, *written} if (out / name).exists()]
    for name in sorted(there):
        if _digest((out / name).read_bytes()) != written.get(name):
            raise SbkitError(f"{out / name} was changed since it was copied; choose another folder.")
    for name in there:
        (out / name).unlink()


def _written(kind: str, out: Path) -> dict[str, str]:
    """Digest by name of the files that an earlier copy of this kind wrote to `out`."""
    record: Json = {"copy": None}
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, ValueError):
        record = json.loads((out / RECORD).read_bytes())
    if record["copy"] != kind:
        raise SbkitError(
            f"A {kind} copy goes to a new or empty folder, or over an earlier {kind} copy; {out} is neither. "
            "Choose another folder."
        )
    return record["files"]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _for_students(notebook: Json) -> None:
    """Blank the solutions and forget that anything ran: a stored picture would spoil the prediction."""
    for cell in notebook["cells"]:
        if _is_solution(cell):
            own = _own(cell, "stub")
            _write(cell, own or stub(_text(cell["source"])))
            cell["metadata"]["tags"].remove("solution")
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    _tidy(notebook)


def _for_the_teacher(notebook: Json) -> None:
    """Mark the answers and put the notes into cells: the notebook's after its title, a cell's after it."""
    used = {cell["id"] for cell in notebook["cells"]}
    fresh = (name for i in itertools.count(1) if (name := f"teacher-{i}") not in used)
    cells, about = [], _own(notebook, "teacher")
    for cell in notebook["cells"]:
        if _is_solution(cell):
            _write(cell, ANSWER + _text(cell["source"]))
        notes = [note for note in (about, _own(cell, "teacher")) if note]
        cells += [cell, *(_note(next(fresh), note) for note in notes)]
        about = ""
    notebook["cells"] = cells
    _tidy(notebook)


def _note(name: str, text: str) -> Json:
    cell = {"cell_type": "markdown", "id": name, "metadata": {"tags": ["teacher"]}, "source": []}
    _write(cell, NOTE.format(text))
    return cell


def _tidy(notebook: Json) -> None:
    """Take out what belongs to the master: its notes and stubs, its badge, when it ran."""
    for holder in [notebook, *notebook["cells"]]:
        for key in ("sbkit", "execution"):
            holder["metadata"].pop(key, None)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            _write(cell, BADGE.sub("", _text(cell["source"])))


def _is_solution(cell: Json) -> bool:
    return "solution" in cell["metadata"].get("tags", [])


def _own(holder: Mapping[str, Any], key: str) -> str:
    """Text of a notebook's or cell's `metadata.sbkit` entry, "" if there is none."""
    return _text(holder["metadata"].get("sbkit", {}).get(key, ""), "\n")


def _text(lines: str | list[str], between: str = "") -> str:
    """Text as notebooks keep it: whole, or as a list of lines."""
    return lines if isinstance(lines, str) else between.join(lines)


def _write(cell: Json, text: str) -> None:
    cell["source"] = text.splitlines(keepends=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the copy that the command line asks for; errors exit with 2."""
    parser = argparse.ArgumentParser(description="A copy of the course for students, or for the teacher.")
    parser.add_argument("kind", choices=["student", "teacher"])
    parser.add_argument("out", type=Path, help="a new folder, or an earlier copy")
    parser.add_argument("--notebooks", type=Path, default=MASTERS, help="the masters, if elsewhere")
    given = parser.parse_args(arguments)
    try:
        made = {"student": student, "teacher": teacher}[given.kind](given.notebooks, given.out)
    except SbkitError as error:
        parser.exit(2, f"{error}\n")
    count = sum(path.suffix == ".ipynb" for path in made)
    print(f"{given.out}: {count} notebook{'s'[: count != 1]} for the {given.kind}.")


if __name__ == "__main__":
    main()
