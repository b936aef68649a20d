"""Processor milliseconds of instruments beside the obvious way: tangent kernels, Fisher information.

    python benchmarks/instruments.py

One thread, float32, ReLU nets with two hidden layers of the width, 64 inputs, 10 classes. The two take turns,
so that a busy machine slows both; the table shows medians, the range over the turns, and how far both differ.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

import sbkit as sb
from sbkit.measures.gradients import example_gradients
from sbkit.measures.kernel import _derivatives

TURNS = 5
WORKLOADS = [(64, 1, 100), (256, 1, 100), (256, 1, 200), (256, 4, 100)]  # width, runs, rows


def jacobian_kernel(fleet: sb.Fleet, task: sb.Task) -> Tensor:
    """The tangent kernel from all derivatives. (runs, n, n)"""
    vectors = _derivatives(fleet, task.x)
    return vectors @ vectors.mT


def example_fisher(fleet: sb.Fleet, task: sb.Task) -> Tensor:
    """The mean of squared gradients, row by row under `torch.func.vmap`. (runs, P)"""
    return example_gradients(fleet, task.x, task.y).square().mean(1)


def outer_fisher(fleet: sb.Fleet, task: sb.Task) -> Tensor:
    """The same by outer products. (runs, P)"""
    return torch.cat([part.flatten(1) for part in sb.measures.fisher(fleet, task.x, task.y)], dim=1)


PAIRS: dict[str, tuple[Callable[[sb.Fleet, sb.Task], Tensor], Callable[[sb.Fleet, sb.Task], Tensor]]] = {
    "kernel by layers": (lambda fleet, task: sb.measures.kernel(fleet, task.x), jacobian_kernel),
    "Fisher by outer products": (outer_fisher, example_fisher),
}


def task(rows: int) -> sb.Task:
    """Random pixels of ten classes."""
    rng, y = torch.Generator().manual_seed(0), torch.arange(rows) % 10
    z = torch.randn(rows, 64, generator=rng)
    return sb.Task(z, y, z, y, {})


def milliseconds(turn: Callable[[sb.Fleet, sb.Task], Tensor], fleet: sb.Fleet, task: sb.Task) -> float:
    """Time of one turn on the processor, whoever else it serves."""
    start = time.process_time()
    turn(fleet, task)
    return 1e3 * (time.process_time() - start)


def main() -> None:
    torch.set_num_threads(1)
    print("| what | width | runs | rows | sbkit, ms | obvious way, ms | × obvious | differ by |")
    print("|---|---|---|---|---|---|---|---|")
    for name, turns in PAIRS.items():
        for width, runs, rows in WORKLOADS:
            of = task(rows)
            fleet = sb.mlp(of, width=width, runs=runs)
            ours, other = (turn(fleet, of) for turn in turns)
            differ = float((ours - other).abs().max() / other.abs().max())
            pairs = [[milliseconds(turn, fleet, of) for turn in turns] for _ in range(TURNS)]
            cells = [
                f"{statistics.median(s):.1f} ({min(s):.1f}–{max(s):.1f})" for s in zip(*pairs, strict=True)
            ]
            ratio = statistics.median(obvious / mine for mine, obvious in pairs)
            print(
                f"| {name} | {width} | {runs} | {rows} | {' | '.join(cells)} | {ratio:.0f} | {differ:.0e} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
