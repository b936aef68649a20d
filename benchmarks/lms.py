"""Time to result: eight nets on LMS-7 until each one's loss is below .01, and then its reliance.

    python benchmarks/lms.py              # --turns

One linear feature, nine 7-slabs, 10-100-100-2, SGD .1, batch 256, tested every 50 steps: `sb.fit` of a fleet,
beside eight loops in plain PyTorch with a DataLoader, and eight without.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from turns import table

import sbkit as sb

RUNS, BATCH, STEPS, STOP = 8, 256, 5000, 0.01


def by_fleet(task: sb.Task) -> list[int]:
    """Steps that the eight nets took, all at once."""
    fleet = sb.mlp(task, runs=RUNS)
    run = sb.fit(fleet, task, batch=BATCH, steps=STEPS, stop=STOP)
    sb.last(run)
    sb.randomized(fleet, task, task.kinds["S"])
    return [run.step]


def by_loops(task: sb.Task, loader: bool) -> list[int]:
    """Steps that each of eight nets took, one after the other."""
    return [_one(task, seed, loader) for seed in range(RUNS)]


def _one(task: sb.Task, seed: int, loader: bool) -> int:
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(10, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 2))
    loss, stepper = nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.1)
    for step, (x, y) in enumerate(_batches(task, loader), 1):
        stepper.zero_grad()
        loss(net(x), y).backward()
        stepper.step()
        if step % 50 == 0:
            with torch.no_grad():
                if step >= STEPS or loss(net(task.x[:4096]), task.y[:4096]) < STOP:
                    break
    z = task.z_test.clone()
    z[:, 0] = z[torch.randperm(len(z)), 0]
    with torch.no_grad():
        net(task.embed(z)).argmax(1)
    return step


def _batches(task: sb.Task, loader: bool) -> Iterator[tuple[Tensor, Tensor]]:
    data = DataLoader(TensorDataset(task.x, task.y), BATCH, shuffle=True, drop_last=True)
    while True:
        if loader:
            yield from data
        else:
            for rows in torch.randperm(len(task.x)).split(BATCH)[:-1]:
                yield task.x[rows], task.y[rows]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--turns", type=int, default=3)
    turns = options.parse_args().turns
    torch.set_num_threads(1)
    task = sb.lms(7, dim=10)
    ways = {
        "sbkit, a fleet of 8": by_fleet,
        "eight loops, DataLoader": lambda task: by_loops(task, True),
        "eight loops, sliced": lambda task: by_loops(task, False),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    steps: dict[str, list[int]] = {}
    for _ in range(turns):
        for name, way in ways.items():
            start = time.perf_counter()
            steps[name] = way(task)
            seconds[name].append(time.perf_counter() - start)
    ours = seconds["sbkit, a fleet of 8"]
    rows = []
    for name, took in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(took, ours, strict=True))
        span = f"{statistics.median(took):.2f} ({min(took):.2f}–{max(took):.2f})"
        rows.append([name, span, f"{min(steps[name])}–{max(steps[name])}", f"{ratio:.1f}"])
    print(table(["way", "seconds", "steps", "× sbkit"], rows))


if __name__ == "__main__":
    main()
