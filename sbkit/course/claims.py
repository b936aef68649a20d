"""Claims: a sentence, the tolerance written before the number is seen, and what was measured."""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor

from sbkit.core import SbkitError
from sbkit.core.environment import claims_file, lesson_name

Within = float | tuple[float | None, float | None]
HEADS = {"lesson": "lesson", "claim": "claim", "published": "published", "ours": "measured here"}
HEADS |= {"tolerance": "tolerance, every run", "verdict": "verdict"}

PATIENCE = 10  # seconds for others to finish writing

SIGNS = re.compile(r"[|\\]|<(?=[\w/!?])")  # of Markdown, that would end a column or begin a tag
PAGE = """# Claims of the course

Each is a sentence of a lesson with the cell that measures it; every run has to lie within the tolerance,
which was written before the number was seen. Measured: mean (smallest … largest) over runs. Made by
`make notebooks`.
"""


@dataclass(frozen=True)
class Claim:
    """A sentence and whether the measured numbers (any shape) all lie within [low, high].

    Prints as sentence, tolerance and verdict, the same on every processor; `digits` tells the rest.
    reproduces: False for a published sentence that is known not to hold here, for this `reason`.
    """

    sentence: str
    measured: Tensor
    low: float
    high: float
    published: str
    source: str
    reproduces: bool = True
    reason: str = ""

    @property
    def holds(self) -> bool:
        """True if every measured number lies within the tolerance (NaN never does)."""
        return bool(((self.measured >= self.low) & (self.measured <= self.high)).all())

    @property
    def as_stated(self) -> bool:
        """True if it holds, or was stated not to reproduce and still does not."""
        return self.holds == self.reproduces

    @property
    def verdict(self) -> str:
        """What to say of it; capitals where it is not as stated."""
        if self.reproduces:
            return "holds" if self.holds else "DOES NOT HOLD"
        return "REPRODUCES AFTER ALL" if self.holds else f"does not reproduce here: {self.reason}"

    @property
    def tolerance(self) -> str:
        """The range in words."""
        if self.high == math.inf:
            return f"at least {self.low:g}"
        if self.low == -math.inf:
            return f"at most {self.high:g}"
        return f"{self.low:g} to {self.high:g}"

    @property
    def digits(self) -> dict[str, str]:
        """A row of the table: claim, published, ours (mean, smallest, largest), tolerance, verdict."""
        m = self.measured
        ours = f"{m.mean():.4g} ({m.min():.4g} … {m.max():.4g}, {m.numel()} runs)"
        published = f"{self.published} [{self.source}]" if self.source else self.published
        rest = {"tolerance": self.tolerance, "verdict": self.verdict}
        return {"claim": self.sentence, "published": published, "ours": ours, **rest}

    def __repr__(self) -> str:
        return f"{self.sentence} [{self.tolerance}, every run]: {self.verdict}"


def claim(
    sentence: str,
    measured: Tensor | Sequence[float],
    within: Within,
    published: Any = "",
    source: str = "",
    reproduces: bool = True,
    reason: str = "",
) -> Claim:
    """A claim of a paper or lesson beside what was measured of it, one number a run.

    within: (low, high), None for no bound, or one number: that far from `published`; every run must lie
    in it. published, source: the paper's number and where it stands. reproduces=False: a published
    sentence that does not hold here; `reason` says why and under which settings, and what is checked is
    that it still does not. Its row goes to the file that SBKIT_CLAIMS names, if any. Raises `SbkitError` on
    an empty measurement or range, or a missing reason.

    >>> claim("The net ignores the slabs", torch.tensor([0.0, 0.01]), within=(-0.02, 0.02))
    The net ignores the slabs [-0.02 to 0.02, every run]: holds
    """
    tensor = measured if isinstance(measured, Tensor) else torch.from_numpy(np.array(measured, np.float64))
    numbers = tensor.detach().cpu().double().flatten()
    low, high = _range(within, published)
    if not len(numbers) or not low <= high:
        raise SbkitError(
            f"A claim has numbers and a range low ≤ high, got {len(numbers)} numbers and {within}."
        )
    if not reproduces and not reason:
        raise SbkitError("A claim that does not reproduce says why, got reason=''; name the settings too.")
    made = Claim(sentence, numbers, low, high, str(published), source, reproduces, reason)
    _keep(made)
    return made


def _range(within: Within, published: Any) -> tuple[float, float]:
    if isinstance(within, tuple | list):
        low, high = within
        return (-math.inf if low is None else low, math.inf if high is None else high)
    if not isinstance(published, int | float):
        raise SbkitError(
            f"within={within!r} is a distance from a published number, got published={published!r}; "
            "try within=(low, high)."
        )
    return published - within, published + within


def _keep(made: Claim) -> None:
    """Write the claim's row to the file asked for, in place of an older one of the same lesson and sentence.

    Notebooks that run at once write to one file, one after the other.
    """
    path = claims_file()
    if path is None:
        return
    row = {"lesson": lesson_name(), **made.digits}
    try:
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=PATIENCE):
            rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
            kept = {(old["lesson"], old["claim"]): old for old in rows} | {(row["lesson"], row["claim"]): row}
            text = json.dumps(list(kept.values()), indent=1, ensure_ascii=False)
            path.write_text(text + "\n", encoding="utf-8")
    except (OSError, ValueError, KeyError, TypeError) as error:
        warnings.warn(f"This claim is not kept in {path}: {error}. The lesson goes on.", stacklevel=3)


def table(path: str | Path = "docs/claims.json") -> str:
    """The claims kept in a file as a page of Markdown: a table, a row a claim; what looks like a tag is text.

    Raises `SbkitError` where there is no such file.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise SbkitError(f"No claims at {path}; run the notebooks first: make notebooks.")
    rows = json.loads(path.read_text(encoding="utf-8"))
    lines = [[SIGNS.sub(r"\\\g<0>", " ".join(row[name].splitlines())) for name in HEADS] for row in rows]
    table = [f"| {' | '.join(line)} |" for line in [[*HEADS.values()], ["---"] * len(HEADS), *lines]]
    return "\n".join([PAGE, *table])
