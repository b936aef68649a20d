"""Claims: a sentence, a tolerance and where it came from, and what was measured."""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from filelock import FileLock
from torch import Tensor

from sbkit.core import SbkitError, numbers, one_of
from sbkit.core.environment import claims_file, lesson_name

PATIENCE = 10  # seconds for others to finish writing
ORIGINS = {
    "before": "written before the number was seen",
    "after": "written after a trial had shown the number",
    "held-out seeds": "written after trials, and judged on seeds that no trial had used",
}
NO_ORIGIN = "not recorded"


@dataclass(repr=False, eq=False)
class Claim:
    """A claim of a paper or lesson beside what was measured of it, (runs,) or (settings, runs).

    within: (low, high), None for no bound, or one number: that far from `published`; every run must lie
    in it, or with mean=True the mean over runs (the last axis). published, source: the paper's number and
    where it stands. reproduces=False: a published sentence that does not hold here; `reason` says why and
    under which settings, and what is checked is that it still does not. origin: where the tolerance came
    from, one of `ORIGINS`; "" where nobody noted it. Its row goes to the file that SBKIT_CLAIMS names, if
    any. Prints as sentence, tolerance and verdict, the same on every processor; `digits` tells the rest.
    Raises `SbkitError` on an empty measurement or range, a missing reason, or another origin.

    >>> claim("The net ignores the slabs", torch.tensor([0.0, 0.01]), within=(-0.02, 0.02))
    The net ignores the slabs [-0.02 to 0.02, every run]: holds
    """

    sentence: str
    measured: Any  # numbers, as a tensor, array or list; kept as a tensor, float64 (…, runs)
    within: float | tuple[float | None, float | None]
    published: Any = ""
    source: str = ""
    reproduces: bool = True
    reason: str = ""
    mean: bool = False
    origin: str = ""

    def __post_init__(self) -> None:
        sentence, within = self.sentence, self.within
        if not isinstance(sentence, str) or not sentence:
            raise SbkitError(f"A claim is a sentence, got {sentence!r:.60}; try 'It uses one feature.'")
        found = numbers("What is measured", self.measured)
        self.measured = torch.atleast_1d(found.detach().cpu().double())  # (…, runs)
        self.low, self.high = bounds(within, self.published)
        if not (count := self.measured.numel()) or not self.low <= self.high:
            raise SbkitError(f"A claim has numbers and a range low ≤ high, got {count} numbers and {within}.")
        if not self.reproduces and not self.reason:
            raise SbkitError("A claim that does not reproduce says why, got reason=''; name the settings.")
        one_of("origin", self.origin or "before", ORIGINS)
        _keep(self)

    @property
    def judged(self) -> Tensor:
        """What has to lie within the tolerance: every number, or with `mean` each mean over the last axis."""
        return self.measured.mean(-1, keepdim=True) if self.mean else self.measured

    @property
    def holds(self) -> bool:
        """True if all that is judged lies within the tolerance (NaN never does)."""
        return bool(((self.judged >= self.low) & (self.judged <= self.high)).all())

    @property
    def as_stated(self) -> bool:
        """True if it holds, or was stated not to reproduce and still does not."""
        return self.holds == self.reproduces

    @property
    def room(self) -> float:
        """How many standard deviations over runs (the last axis) the worst run lies inside its bound.

        Of several settings, that of the least room. With `mean`: how many standard errors each mean does.
        Of what does not reproduce: how far the farthest lies outside. Negative where it is not as stated;
        infinite where all runs are equal; NaN of one run, which has no spread, and where a number is NaN.
        """
        m, runs = self.measured, self.measured.shape[-1]
        if runs == 1:
            return math.nan
        inside = torch.minimum(self.judged - self.low, self.high - self.judged).amin(-1)  # < 0 outside
        spread = m.std(-1) / (math.sqrt(runs) if self.mean else 1)
        equal = (m == m[..., :1]).all(-1)  # to the last bit
        rooms = torch.where(equal, torch.full_like(inside, math.inf).copysign(inside), inside / spread)
        return rooms.min().item() if self.reproduces else -rooms.min().item()

    @property
    def verdict(self) -> str:
        """What to say of it; capitals where it is not as stated."""
        if self.reproduces:
            return "holds" if self.holds else "DOES NOT HOLD"
        return "REPRODUCES AFTER ALL" if self.holds else f"does not reproduce here: {self.reason}"

    @property
    def tolerance(self) -> str:
        """The range in words, and of what, where that is not every run."""
        both = f"{self.low:g} to {self.high:g}" if self.low > -math.inf else f"at most {self.high:g}"
        words = both if self.high < math.inf else f"at least {self.low:g}"
        return f"{words}, mean" if self.mean else words

    @property
    def digits(self) -> dict[str, str]:
        """A row of the table; ours is mean (smallest … largest), room in standard deviations."""
        m, room = self.measured, self.room
        some = "one run" if m.shape[-1] == 1 else f"{room:.1f}" if abs(room) < 10 else f"{room:.3g}"
        return {
            "claim": self.sentence,
            "published": f"{self.published} [{self.source}]" if self.source else f"{self.published}",
            "ours": f"{m.mean():.4g} ({m.min():.4g} … {m.max():.4g}, {m.numel()} runs)",
            "tolerance": self.tolerance,
            "origin": self.origin or NO_ORIGIN,
            "room": "exact" if math.isinf(room) else some,
            "verdict": self.verdict,
        }

    def __repr__(self) -> str:
        return f"{self.sentence} [{self.tolerance}{'' if self.mean else ', every run'}]: {self.verdict}"


claim = Claim  # as lessons write it: sb.claim("The net ignores the slabs", …)


def bounds(within: Any, published: Any = "") -> tuple[float, float]:
    """The least and the most that a claim allows; infinite where there is no bound."""
    try:
        if isinstance(within, int | float):
            return published - within, published + within
        low, high = within
        return -math.inf if low is None else 1.0 * low, math.inf if high is None else 1.0 * high
    except (TypeError, ValueError) as error:
        raise SbkitError(
            "within is (low, high), None for no bound, or a distance from a published number, got "
            f"within={within!r:.60} and published={published!r:.60}; try within=(None, None)."
        ) from error


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
            kept = {(one["lesson"], one["claim"]): one for one in [*rows, row]}
            text = json.dumps(list(kept.values()), indent=1, ensure_ascii=False)
            path.write_text(text + "\n", encoding="utf-8")
    except (OSError, ValueError, KeyError, TypeError) as error:
        warnings.warn(f"This claim is not kept in {path}: {error}. The lesson goes on.", stacklevel=3)
