"""The reader's journal: predictions and how they went, as lines of JSON in the user's own data folder.

Nothing is sent anywhere and no names are kept. Each computer that shares a home appends to a file of
its own, whole lines at a time and without locks, so a home on a network is safe.
"""

from __future__ import annotations

import json
import os
import platform
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from sbkit.core.environment import data_folder

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["id", "when", "lesson", "question", "choice", "confidence", "measured", "right"]


def _files() -> list[Path]:
    return sorted(data_folder().glob("predictions-*.jsonl"))


def write(line: Mapping[str, Any]) -> None:
    """Append one line; where that cannot be done, a warning says so and the lesson goes on."""
    path = data_folder() / f"predictions-{crc32(platform.node().encode()):08x}.jsonl"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab") as file:  # appends: one write, one line, also when two kernels write
            whole = file.tell() == 0 or path.read_bytes()[-1:] == b"\n"
            text = json.dumps(dict(line), ensure_ascii=False) + "\n"
            file.write(("" if whole else "\n").encode() + text.encode())
    except OSError as error:
        warnings.warn(
            f"This prediction is not kept: {error}. The lesson goes on; SBKIT_DATA names another folder.",
            stacklevel=3,
        )


def _read(text: bytes) -> dict[str, Any]:
    """The line of a text; ValueError, KeyError or TypeError if it is none of ours."""
    line = json.loads(text)
    line = {name: line[name] for name in COLUMNS}
    if line["right"] not in (None, False, True):
        raise ValueError(f"right is true, false or null, got {line['right']!r}")
    return line | {"confidence": float(line["confidence"])}


def table() -> pd.DataFrame:
    """Your predictions, a row each, oldest first; `right` is None until the lesson has measured.

    Columns: id, when (UTC), lesson, question, choice, confidence (per cent), measured, right. Each file
    can also be read by `pandas.read_json(path, lines=True)`; of an id the last line counts. Lines that
    cannot be read are left out, and a warning says how many.

    >>> list(table().columns)
    ['id', 'when', 'lesson', 'question', 'choice', 'confidence', 'measured', 'right']
    """
    import pandas as pd

    kept: dict[str, dict[str, Any]] = {}
    spoiled = 0
    for path in _files():
        for text in path.read_bytes().splitlines():
            try:
                line = _read(text)
                kept[line["id"]] = line
            except (ValueError, KeyError, TypeError):
                spoiled += bool(text.strip())
    if spoiled:
        warnings.warn(f"{spoiled} line(s) in {data_folder()} cannot be read and are left out.", stacklevel=2)
    rows = sorted(kept.values(), key=lambda row: str(row["when"]))
    return pd.DataFrame(rows, columns=COLUMNS)


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
    parts = {**dict(iter(each.groupby(told["lesson"]))), **({"all lessons": each} if len(each) else {})}
    rows = {name: {"predictions": len(part), **part.mean()} for name, part in parts.items()}
    return pd.DataFrame.from_dict(rows, "index", columns=["predictions", "right", "confidence", "brier"])


def export(path: str | Path) -> Path:
    """Write your predictions as a CSV file; its path."""
    path = Path(path).expanduser()
    table().to_csv(path, index=False)
    return path


def delete() -> int:
    """Delete all your predictions for good; how many files that were."""
    files = _files()
    for path in files:
        os.remove(path)
    return len(files)
