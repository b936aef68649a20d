"""Seconds for the largest eigenvalues of the Hessians of five nets: all at once, or by SciPy net by net.

    python benchmarks/curvature.py

One thread, float32, both to about five digits. SciPy's `eigsh` asks for products of each net's own Hessian,
a gradient of a gradient by torch.autograd. The two take turns, so that a busy machine slows both; the table
shows medians and the range over the turns.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh

import sbkit as sb

TURNS = 5
SHAPES = [(200, 20, 1), (400, 64, 1), (400, 64, 5), (400, 128, 1)]  # rows, width of two layers, eigenvalues


def at_once(fleet: sb.Fleet, task: sb.Task, k: int) -> np.ndarray:
    """The k largest eigenvalues of every net. (runs, k)"""
    return sb.measures.eigenvalues(fleet, task, k).numpy()


def one_by_one(fleet: sb.Fleet, task: sb.Task, k: int) -> np.ndarray:
    """The same by ARPACK, a net after another. (runs, k)"""
    return np.stack([scipys(fleet.run(r), task, k) for r in range(fleet.runs)])


def scipys(net: torch.nn.Module, task: sb.Task, k: int) -> np.ndarray:
    """The k largest eigenvalues of one net's Hessian. (k,)"""
    weights = list(net.parameters())
    loss = torch.nn.functional.cross_entropy(net(task.x), task.y)
    gradient = torch.cat([part.flatten() for part in torch.autograd.grad(loss, weights, create_graph=True)])

    def product(v: np.ndarray) -> np.ndarray:
        along = torch.from_numpy(v.reshape(-1))
        parts = torch.autograd.grad(gradient, weights, along, retain_graph=True)
        return torch.cat([part.flatten() for part in parts]).numpy()

    size, start = len(gradient), np.random.default_rng(0).normal(size=len(gradient)).astype(np.float32)
    operator = LinearOperator((size, size), matvec=product, dtype=np.float32)  # pyright: ignore
    options: Any = {"which": "LA", "v0": start, "tol": 1e-5, "return_eigenvectors": False}
    return np.sort(eigsh(operator, k, **options))[::-1]


def seconds(turn, *given) -> float:
    """Time of one turn."""
    start = time.perf_counter()
    turn(*given)
    return time.perf_counter() - start


def main() -> None:
    torch.set_num_threads(1)
    print("| weights | rows | k | at once, s | one by one, s | × SciPy | largest difference |")
    print("|---|---|---|---|---|---|---|")
    for rows, width, k in SHAPES:
        task = sb.slabs((1, 3, 5), n=rows, n_test=10)
        fleet = sb.mlp(task, width=width, activation="tanh", runs=5)
        sb.last(sb.fit(fleet, task, steps=200, lr=0.1, stop=None))
        ours, theirs = (turn(fleet, task, k) for turn in (at_once, one_by_one))
        pairs = [[seconds(turn, fleet, task, k) for turn in (at_once, one_by_one)] for _ in range(TURNS)]
        cells = [f"{statistics.median(s):.3f} ({min(s):.3f}–{max(s):.3f})" for s in zip(*pairs, strict=True)]
        ratio = statistics.median(loop / own for own, loop in pairs)
        about = f"{fleet.vector().shape[1]:,} | {rows} | {k}"
        print(
            f"| {about} | {' | '.join(cells)} | {ratio:.1f} | {np.abs(ours - theirs).max():.0e} |", flush=True
        )


if __name__ == "__main__":
    main()
