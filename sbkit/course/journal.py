"""The reader's journal: predictions and how they went, as lines of JSON in the user's own data folder.

Nothing is sent anywhere and no names are kept. Each computer that shares a home appends to a file of
its own, whole lines at a time and without locks, so a home on a network is safe.
"""

from __future__ import annotations

import json
import platform
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from sbkit.core import between
from sbkit.core.environment import data_folder

if TYPE_CHECKING:
    import pandas as pd

SPOILED = (ValueError, KeyError, TypeError, RecursionError)  # what a line raises that is not the journal's
COLUMNS = ["id", "when", "lesson", "question", "choice", "confidence", "measured", "right"]


_unkept: dict[Path, dict[str, dict[str, Any]]] = {}  # by folder and id: lines that no file took


@contextmanager
def _warned(done: str, path: Path) -> Iterator[None]:
    """Where the system refuses what is done to a file, a warning says so and the lesson goes on."""
    try:
        yield
    except OSError as error:
        words = f"{path.name} in {path.parent} is not {done}: {error.strerror or error}"
        advice = "The lesson goes on; SBKIT_DATA names another folder."
        warnings.warn(f"{words}. {advice}", stacklevel=5)


def _files() -> list[Path]:
    with _warned("read", data_folder()):
        return sorted(data_folder().glob("predictions-*.jsonl"))
    return []


def _own_file() -> Path:
    return data_folder() / f"predictions-{crc32(platform.node().encode()):08x}.jsonl"


def write(line: Mapping[str, Any]) -> None:
    """Append one line; where that cannot be done, a warning says so and it lives as long as this kernel."""
    path, unkept = _own_file(), _unkept.setdefault(data_folder(), {})
    unkept[line["id"]] = dict(line)
    with _warned("kept", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab") as file:  # appends: one write, one line, also when two kernels write
            whole = file.tell() == 0 or path.read_bytes()[-1:] == b"\n"
            text = json.dumps(dict(line), ensure_ascii=False) + "\n"
            file.write(("" if whole else "\n").encode() + text.encode(errors="backslashreplace"))
        del unkept[line["id"]]


def _read(text: bytes) -> dict[str, Any]:
    """The journal's line that a text holds; one of `SPOILED` if it holds none."""
    line = json.loads(text)
    line = {name: line[name] for name in COLUMNS} | {"confidence": float(line["confidence"])}
    texts = all(isinstance(line[name], str) for name in ("id", "when", "lesson", "question", "choice"))
    if not texts or line["right"] not in (None, False, True):
        raise ValueError(f"texts, and right is true, false or null, got {line}")
    between("confidence", line["confidence"], 0, 100)
    return line


def table() -> pd.DataFrame:
    """Your predictions, a row each, oldest first; `right` is None until the lesson has measured.

    Columns: id, when (UTC), lesson, question, choice, confidence (per cent), measured, right. Each file
    can also be read by `pandas.read_json(path, lines=True)`; of an id the last line counts. Files and lines
    that cannot be read are left out, and a warning says which or how many; what this kernel could not write
    is among the rows.

    >>> list(table().columns)
    ['id', 'when', 'lesson', 'question', 'choice', 'confidence', 'measured', 'right']
    """
    import pandas as pd

    kept: dict[str, dict[str, Any]] = {}
    texts: list[bytes] = []
    for path in _files():
        with _warned("read", path):
            texts += filter(bytes.strip, path.read_bytes().splitlines())
    spoiled = 0
    for text in texts:
        try:
            line = _read(text)
            kept[line["id"]] = line
        except SPOILED:
            spoiled += 1
    if spoiled:
        warnings.warn(f"{spoiled} line(s) in {data_folder()} cannot be read and are left out.", stacklevel=2)
    kept |= _unkept.get(data_folder(), {})
    return pd.DataFrame(sorted(kept.values(), key=lambda row: row["when"]), columns=COLUMNS)


def calibration() -> pd.DataFrame:
    """How well your confidence matches what came true: a row a lesson, and one for all of them.

    predictions: how many were measured. right, confidence: share and mean, in per cent; equal if well
    calibrated. brier: mean of (confidence − right)² with both from 0 to 1 (Brier 1950, for the choice
    you made): 0 is sure and right, 0.25 is always “50 %”, 1 is sure and wrong.

    >>> list(calibration().columns)
    ['predictions', 'right', 'confidence', 'brier']
    """
    import pandas as pd

    told = table().dropna(subset=["right"])
    right, sure = told["right"].astype(float), told["confidence"].astype(float) / 100
    each = pd.DataFrame({"right": 100 * right, "confidence": 100 * sure, "brier": (sure - right) ** 2})
    both = pd.concat([each.assign(lesson=told["lesson"]), each.assign(lesson="all lessons")])
    means = {name: (name, "mean") for name in each}
    return both.groupby("lesson", sort=False).agg(predictions=("right", "size"), **means)


def delete() -> int:
    """Delete all your predictions for good; how many files that were. A warning names those that stay."""
    _unkept.pop(data_folder(), None)
    deleted = 0
    for path in _files():
        with _warned("deleted", path):
            path.unlink()
            deleted += 1
    return deleted
