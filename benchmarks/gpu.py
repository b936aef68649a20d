"""Model-steps per second on a GPU, from one run to 8192, beside the plain loop and JAX on the same GPU.

python benchmarks/gpu.py              # --jax PYTHON names an interpreter that has JAX with CUDA
"""

from __future__ import annotations

import argparse
import sys

import torch
from peers import WORKLOADS, Jax, loop_with_loader, sbkit
from turns import Work, side_by_side, table

RUNS = (1, 8, 32, 128, 512, 2048, 8192)


def waited(work: Work) -> Work:
    """Work that is counted when the GPU has done it."""

    def done(steps: int) -> object:
        did = work(steps)
        torch.cuda.synchronize()
        return did

    return done


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--jax", default=sys.executable)
    if not torch.cuda.is_available():
        print("Not measured: this machine has no CUDA GPU.")
        return
    jax = Jax(options.parse_args().jax, platform="cuda")
    print(f"{torch.cuda.get_device_name()}\n")
    rows = []
    for workload in WORKLOADS:
        for runs in RUNS:
            peers = {
                "sbkit": waited(sbkit(workload, runs, "sgd", device="cuda")),
                "loop": waited(loop_with_loader(workload, runs, "sgd", device="cuda")),
                "JAX": jax(workload, runs, "sgd"),
            }
            rates = side_by_side(peers)
            ratios = [f"{rates['sbkit'].over(rates[name]):.2f}" for name in ("loop", "JAX")]
            rows.append([workload, runs, *rates.values(), *ratios])
    print(table(["nets", "runs", "sbkit", "DataLoader loop", "JAX", "× loop", "× JAX"], rows))
    jax.process.kill()


if __name__ == "__main__":
    main()
