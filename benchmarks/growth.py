"""How cost grows with runs, rows and steps, and whether memory is what the formula of docs/scaling.md says.

    python benchmarks/growth.py

One thread. Growth: the exponent b of a fit seconds ∝ size^b, 1 = linear, less = better. Memory: the resident
set of a process of its own, before the task is built and at its highest while it trains and looks.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from turns import table

import sbkit as sb

REPEATS = 3
SETTINGS = [  # runs, width, rows, inputs, batch, optimizer
    (512, 256, 4096, 50, 64, "adam"),
    (64, 100, 100_000, 50, 1024, "sgd"),
    (1024, 200, 10_000, 10, 32, "momentum"),
    (8, 1024, 50_000, 200, 512, "adam"),
]


def seconds(runs: int = 8, rows: int = 4096, steps: int = 100) -> float:
    """Training and a look at all rows."""
    task = sb.lms(5, n=rows, n_test=rows, dim=10)
    run = sb.fit(sb.mlp(task, runs=runs), task, steps=steps, batch=64, stop=None, measure="reliance")
    start = time.perf_counter()
    run.advance(steps=steps)
    return time.perf_counter() - start


GROWTH = {
    "runs": [{"runs": n} for n in (8, 16, 32, 64, 128)],
    "steps": [{"steps": n} for n in (100, 200, 400, 800)],
    "rows": [{"rows": n, "steps": 1} for n in (8192, 16384, 32768, 65536)],
}


def growth(sizes: list[dict[str, int]]) -> tuple[float, list[float]]:
    """The exponent, and the seconds of every size, the least of a few."""
    took = [min(seconds(**size) for _ in range(REPEATS)) for size in sizes]
    counts = [next(iter(size.values())) for size in sizes]
    return float(np.polyfit(np.log(counts), np.log(took), 1)[0]), took


def stated(runs: int, width: int, rows: int, inputs: int, batch: int, optimizer: str) -> float:
    """Bytes by the formula of docs/scaling.md, for nets inputs-width-width-2 in float32."""
    weights = (inputs + 1) * width + (width + 1) * width + (width + 1) * 2
    copies = {"sgd": 2, "momentum": 3, "sam": 3, "adam": 4}[optimizer]
    units = 2 * width + 2
    nets = runs * weights * copies
    step = runs * batch * units * 3
    ready = min(rows // batch * batch * runs, max(1, 2**22 // (runs * batch * inputs)) * runs * batch)
    data = rows * (2 * inputs + 2) + 2 * rows  # z, x and targets; labels are int64
    orders = 2 * runs * rows  # int64; once more while they are drawn, when nobody looks
    look = 3 * max(2048, 128 * runs) * width
    return 4 * (nets + step + ready * (inputs + 2) + data + orders + max(orders, look))


def resident(*setting) -> float:
    """Bytes that a process needs to train at this setting, above what it had before; the median of three."""
    command = [sys.executable, __file__, "--one", *map(str, setting)]
    found = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(REPEATS)]
    return statistics.median(float(each.stdout) for each in found)


def highest() -> int:
    """Bytes of this process's resident set at its highest (Linux)."""
    return 1024 * int(re.findall(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[0])


def one(runs: int, width: int, rows: int, inputs: int, batch: int, optimizer: str) -> None:
    """Train in this process and print the bytes."""
    small = sb.lms(5, n=64, n_test=64, dim=2)
    sb.last(sb.fit(sb.mlp(small, width=4, runs=2), small, optimizer=optimizer, steps=2, batch=8))
    before = highest()
    task = sb.lms(5, n=rows, n_test=64, dim=inputs)
    run = sb.fit(sb.mlp(task, width=width, runs=runs), task, optimizer=optimizer, batch=batch, steps=20)
    sb.last(run)
    print(highest() - before)


def main() -> None:
    torch.set_num_threads(1)
    if sys.argv[1:2] == ["--one"]:
        *numbers, optimizer = sys.argv[2:]
        return one(*map(int, numbers), optimizer)  # pyright: ignore[reportCallIssue]
    rows = []
    for name, sizes in GROWTH.items():
        exponent, took = growth(sizes)
        counts = [f"{next(iter(size.values())):,}: {s:.3f}" for size, s in zip(sizes, took, strict=True)]
        rows.append([name, f"{exponent:.2f}", "; ".join(counts)])
    print(table(["what grows", "exponent", "seconds"], rows), end="\n\n")
    rows = []
    for setting in SETTINGS:
        formula, found = stated(*setting), resident(*setting)
        rows.append([*setting, *(f"{b / 1e6:,.0f}" for b in (formula, found)), f"{formula / found - 1:+.0%}"])
    names = ["runs", "width", "rows", "inputs", "batch", "optimizer", "formula, MB", "measured, MB", "off"]
    print(table(names, rows))


if __name__ == "__main__":
    main()
