"""Model-steps per second of a fleet against one net a loop and against JAX, side by side.

    python benchmarks/fleet.py            # --jax PYTHON names an interpreter that has JAX

One thread each, 2-layer ReLU nets, SGD, fresh minibatches at every step, float32. The peers take turns,
so that a busy machine slows all of them; the table shows medians and the range over the turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import sbkit as sb

ROWS, TURNS = 10_000, 7
WORKLOADS = [  # inputs, width, outputs, batch, runs, steps a turn
    (2, 8, 2, 10, 32, 4000),
    (2, 32, 2, 64, 32, 1560),
    (50, 100, 2, 256, 32, 117),
]


def rows(inputs: int) -> tuple[torch.Tensor, torch.Tensor]:
    """x (ROWS, inputs), y (ROWS,)."""
    rng = torch.Generator().manual_seed(0)
    return torch.randn(ROWS, inputs, generator=rng), torch.randint(2, (ROWS,), generator=rng)


def fleet_turn(inputs: int, width: int, outputs: int, batch: int, runs: int, steps: int):
    """One turn of sbkit: seconds a step of all runs."""
    x, y = rows(inputs)
    task = sb.Task(x, y, x, y, {"all": sb.Feature(tuple(range(inputs)))})
    run = sb.fit(sb.mlp(task, depth=2, width=width, runs=runs), task, batch=batch, steps=10**9, stop=None)
    for _ in range(1000 if inputs == 2 else 50):  # as `advance` does, without the look at its end
        run._train_step()

    def turn() -> float:
        start = time.perf_counter()
        with torch.no_grad():
            for _ in range(steps):
                run._train_step()
        return (time.perf_counter() - start) / steps

    return turn


def loader_turn(inputs: int, width: int, outputs: int, batch: int, runs: int, steps: int):
    """One turn of plain PyTorch with a DataLoader, one net: seconds a step of that net."""
    data = DataLoader(TensorDataset(*rows(inputs)), batch_size=batch, shuffle=True)
    net = nn.Sequential(
        nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, outputs)
    )
    optimizer, loss = torch.optim.SGD(net.parameters(), lr=0.1), nn.CrossEntropyLoss()

    def turn() -> float:
        start, done, most = time.perf_counter(), 0, max(100, steps // 10)
        while done < most:
            for x, y in data:
                optimizer.zero_grad()
                loss(net(x), y).backward()
                optimizer.step()
                done += 1
                if done == most:
                    break
        return (time.perf_counter() - start) / done

    return turn


def jax_turn(peer: subprocess.Popen, *workload: int):
    """One turn of the JAX process: seconds a step of all runs."""

    def turn() -> float:
        assert peer.stdin and peer.stdout
        print(*workload, file=peer.stdin, flush=True)
        return float(peer.stdout.readline())

    return turn


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--jax", default=sys.executable, help="a Python that has JAX (extra `bench`)")
    python = options.parse_args().jax
    torch.set_num_threads(1)
    script = Path(__file__).with_name("jax_fleet.py")
    pin = ["taskset", "-c", str(min(os.sched_getaffinity(0)))] if sys.platform == "linux" else []
    peer = subprocess.Popen([*pin, python, str(script)], stdin=-1, stdout=-1, text=True)
    print("| workload | runs | sbkit | DataLoader loop | JAX | × loop | × JAX |")
    print("|---|---|---|---|---|---|---|")
    for workload in WORKLOADS:
        turns = [fleet_turn(*workload), loader_turn(*workload), jax_turn(peer, *workload)]
        turns[2]()  # compile
        seconds = list(zip(*([turn() for turn in turns] for _ in range(TURNS)), strict=True))
        *sizes, batch, runs, _ = workload
        ours, loop, jax = (
            [nets / s for s in turn] for nets, turn in zip((runs, 1, runs), seconds, strict=True)
        )
        cells = [f"{statistics.median(r):,.0f} ({min(r):,.0f}–{max(r):,.0f})" for r in (ours, loop, jax)]
        ratios = [statistics.median(a / b for a, b in zip(ours, other, strict=True)) for other in (loop, jax)]
        name = f"{sizes[0]}-{sizes[1]}-{sizes[1]}-{sizes[2]}, {batch}"
        print(f"| {name} | {runs} | {' | '.join(cells)} | {ratios[0]:.1f} | {ratios[1]:.2f} |", flush=True)
    peer.kill()


if __name__ == "__main__":
    main()
