"""What it costs to look: measures of all runs at once beside one by one, and their share of a live run.

    python benchmarks/looks.py

One thread. "all at once" is the package's own call, "one by one" the same through fleets of one and single
features. The live run is 10-100-100-2, eight nets, batch 256, with boundary, reliance and spectrum.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from turns import side_by_side, table

import sbkit as sb

FRAMES, EVERY = 50, 1 / 25  # frames looked at, seconds from one to the next


def cases() -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """Name → all at once, one by one."""
    wide, plane = sb.lms(5, n=2000, n_test=2000, dim=50), sb.lms(5, n=2000, n_test=2000, dim=10)
    fleet, many = sb.mlp(wide, runs=8), sb.mlp(plane, runs=32)
    ones, weight = [many.only(r) for r in range(32)], many.weights()[1]
    singles = [fleet.only(r) for r in range(8)]
    return {
        "reliance, 50 features, 8 runs, 2,000 rows": (
            lambda: sb.measure["reliance"](fleet, wide),
            lambda: [
                sb.randomized(net, wide, name, metric="accuracy") for net in singles for name in wide.features
            ],
        ),
        "boundary, 100 × 100, 32 runs": (
            lambda: sb.boundary(many, plane),
            lambda: [sb.boundary(net, plane) for net in ones],
        ),
        "spectrum, 100 × 100, 32 runs": (
            lambda: sb.spectrum(weight),
            lambda: [sb.spectrum(matrix) for matrix in weight],
        ),
    }


def repeat(look: Callable[[], object]) -> Callable[[int], None]:
    """As many looks as asked for."""

    def work(times: int) -> None:
        for _ in range(times):
            look()

    return work


def share() -> tuple[float, float]:
    """Share of the time that looks take at 25 frames a second, and milliseconds a look."""
    task = sb.lms(5, dim=10)
    run = sb.fit(sb.mlp(task), task, steps=10**9, stop=None, measure=["boundary", "reliance", "spectrum"])
    run.advance(seconds=EVERY, glance=True)
    began, looked = time.perf_counter(), 0.0
    for _ in range(FRAMES):
        frame = time.perf_counter()
        run.snapshot(glance=True)
        looked += (took := time.perf_counter() - frame)
        run.train(seconds=max(1e-3, EVERY - took))
    return looked / (time.perf_counter() - began), 1000 * looked / FRAMES


def main() -> None:
    torch.set_num_threads(1)
    rows = []
    for name, (once, each) in cases().items():
        rates = side_by_side({"once": repeat(once), "each": repeat(each)})
        cells = [f"{1000 / rates[way].median:.1f} ms" for way in ("once", "each")]
        rows.append([name, *cells, f"{rates['once'].over(rates['each']):.1f}"])
    print(table(["measure", "all at once", "one by one", "×"], rows))
    part, each = share()
    print(f"\nAt 25 frames a second looking takes {part:.0%} of the time, {each:.1f} ms a frame.")


if __name__ == "__main__":
    main()
