"""Seconds for the ranks of many random products: all by one call or one by one; and for 25 nets of SAM.

    python benchmarks/rank.py

One thread, float32, the drawing of the factors counted in. The two take turns, so that a busy machine slows
both; the table shows medians and the range over the turns.
"""

from __future__ import annotations

import statistics
import time

import torch

import sbkit as sb
from sbkit.lessons.rank import sam_prunes

TURNS = 9
WORKLOADS = [(400, 16, 16), (400, 16, 32), (100, 16, 64), (20, 16, 128)]  # products, factors, width


def batched(products: int, factors: int, width: int) -> torch.Tensor:
    """Effective rank of every product, all of them at once. (products,)"""
    rng, product = torch.Generator().manual_seed(0), torch.eye(width)
    for _ in range(factors):
        product = torch.randn(products, width, width, generator=rng) @ product / width**0.5
    return sb.measures.effective_rank(product)


def looped(products: int, factors: int, width: int) -> torch.Tensor:
    """The same, product after product, as one writes it for a single matrix. (products,)"""
    rng, ranks = torch.Generator().manual_seed(0), []
    for _ in range(products):
        product = torch.eye(width)
        for _ in range(factors):
            product = torch.randn(width, width, generator=rng) @ product / width**0.5
        shares = torch.linalg.svdvals(product)
        shares = shares / shares.sum()
        ranks.append(torch.special.entr(shares).sum().exp())
    return torch.stack(ranks)


def seconds(turn, *workload: int) -> float:
    """Time of one turn."""
    start = time.perf_counter()
    turn(*workload)
    return time.perf_counter() - start


def sam_toy() -> float:
    """Time of lesson 2.9's toy: 25 nets at once, 10,000 steps of SAM and as many of SGD."""
    task = sam_prunes.teacher(nets=25)
    fleet = sam_prunes.student(task)
    options = {"lr": 0.1, "batch": 1, "steps": 10_000, "every": 10_000, "stop": None}
    start = time.perf_counter()
    sb.last(sb.fit(fleet, task, optimizer="sam", rho=0.6, **options))
    sb.last(sb.fit(fleet, task, **options))
    return time.perf_counter() - start


def main() -> None:
    torch.set_num_threads(1)
    print("| products | factors | width | one call, s | loop, s | × loop |")
    print("|---|---|---|---|---|---|")
    for workload in WORKLOADS:
        for turn in (batched, looped):
            turn(*workload)
        pairs = [[seconds(turn, *workload) for turn in (batched, looped)] for _ in range(TURNS)]
        cells = [f"{statistics.median(s):.3f} ({min(s):.3f}–{max(s):.3f})" for s in zip(*pairs, strict=True)]
        ratio = statistics.median(loop / ours for ours, loop in pairs)
        print(f"| {' | '.join(map(str, workload))} | {' | '.join(cells)} | {ratio:.1f} |", flush=True)
    print(f"\nSAM, 25 nets, 20,000 steps each: {sam_toy():.1f} s")


if __name__ == "__main__":
    main()
