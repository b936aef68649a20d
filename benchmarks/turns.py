"""Peers side by side: each does a short turn after the other, so that a busy machine slows all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

TURNS, SECONDS = 7, 0.15  # turns a peer, and how long a turn should last
Work = Callable[[int], object]  # does so many units of work, at least


@dataclass(frozen=True)
class Rates:
    """What a peer did in each turn, in units a second."""

    each: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.each)

    def __str__(self) -> str:
        """Median, and in brackets the least and the most."""
        return f"{short(self.median)} ({short(min(self.each))}–{short(max(self.each))})"

    def over(self, other: Rates) -> float:
        """Median of the ratios of turns that stood side by side."""
        return statistics.median(a / b for a, b in zip(self.each, other.each, strict=True))


def short(number: float) -> str:
    """Three digits: 1,234,567 → 1,230k, 12.34 → 12.3."""
    if number >= 10_000:
        return f"{number / 1000:,.0f}k"
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def side_by_side(peers: Mapping[str, Work], turns: int = TURNS, seconds: float = SECONDS) -> dict[str, Rates]:
    """Units a second of every peer, over turns that alternate; the first, which sets up, does not count.

    A peer's function does about as many units as it is asked for and returns how many it did, None for all.
    """
    units = {name: _units_for(work, seconds) for name, work in peers.items()}
    rates: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(turns):
        for name, work in peers.items():
            rates[name].append(_rate(work, units[name]))
    return {name: Rates(tuple(each)) for name, each in rates.items()}


def _units_for(work: Work, seconds: float) -> int:
    """Units that fill a turn."""
    work(1)
    units = 1
    while True:
        start = time.perf_counter()
        did = work(units)
        took = time.perf_counter() - start
        units = did if isinstance(did, int) else units
        if took > seconds / 3:
            return max(1, round(units * seconds / took))
        units = max(2 * units, round(units * min(20, seconds / 2 / max(took, 1e-6))))


def _rate(work: Work, units: int) -> float:
    start = time.perf_counter()
    did = work(units)
    return (did if isinstance(did, int) else units) / (time.perf_counter() - start)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
