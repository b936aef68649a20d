"""Model-steps per second of a fleet beside the same training as others write it, one thread each.

    python benchmarks/fleet.py            # --jax PYTHON names an interpreter that has JAX (extra `bench`)

2-layer ReLU nets, fresh minibatches at every step, float32. Turns alternate; a cell is the median and, in
brackets, the range. "peak" is the share of the fastest batched product that was measured here.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import warnings

import numpy as np
import torch
from peers import WORKLOADS, Jax, Workload, loop, loop_with_loader, sbkit, sklearn, vmapped
from turns import Rates, side_by_side, table

from sbkit.core import threads

RUNS, OPTIMIZERS = (1, 8, 32, 128), ("sgd", "adam", "sam")


def peak(workload: Workload, runs: int = 32) -> Rates:
    """Floating-point operations a second of the hidden layer's product, by whichever library is faster."""
    shape = runs, workload.batch, workload.width
    a, b, out = np.ones(shape, "f"), np.ones((runs, workload.width, workload.width), "f"), np.ones(shape, "f")
    tensors = torch.from_numpy(a), torch.from_numpy(b), torch.from_numpy(out)

    def by_numpy(times: int) -> None:
        for _ in range(times):
            np.matmul(a, b, out=out)

    def by_torch(times: int) -> None:
        for _ in range(times):
            torch.bmm(tensors[0], tensors[1], out=tensors[2])

    rates = side_by_side({"numpy": by_numpy, "torch": by_torch}).values()
    flops = 2 * a.size * workload.width
    return Rates(tuple(flops * each for each in max(rates, key=lambda r: r.median).each))


def fleets(jax: Jax) -> str:
    """sbkit, `torch.func` and JAX at every number of runs."""
    rows, best = [], {workload: peak(workload).median for workload in WORKLOADS}
    for optimizer in OPTIMIZERS:
        for workload in WORKLOADS:
            for runs in RUNS:
                peers = {"sbkit": sbkit, "vmap": vmapped, "JAX": jax}
                rates = side_by_side({name: make(workload, runs, optimizer) for name, make in peers.items()})
                steps = (2 if optimizer == "sam" else 1) * workload.step_flops()
                share = rates["sbkit"].median * steps / best[workload]
                ratio = [f"{rates['sbkit'].over(rates[name]):.2f}" for name in ("vmap", "JAX")]
                rows.append([optimizer, workload, runs, *rates.values(), *ratio, f"{share:.0%}"])
                print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
    return table(
        ["optimizer", "nets", "runs", "sbkit", "torch.func", "JAX", "× torch.func", "× JAX", "peak"], rows
    )


def loops(runs: int = 32) -> str:
    """A fleet of 32 beside loops over single nets, whose cost does not depend on how many there are."""
    rows = []
    for optimizer in OPTIMIZERS:
        for workload in WORKLOADS:
            peers = {"sbkit": sbkit, "DataLoader": loop_with_loader, "sliced": loop}
            peers |= {} if optimizer == "sam" else {"sklearn": sklearn}
            rates = side_by_side({name: make(workload, runs, optimizer) for name, make in peers.items()})
            ours = rates.pop("sbkit")
            ratios = [f"{ours.over(other):.1f}" for other in rates.values()]
            cells = [*rates.values(), *["–"] * (3 - len(rates)), *ratios, *["–"] * (3 - len(ratios))]
            rows.append([optimizer, workload, ours, *cells])
            print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
    names = ["DataLoader loop", "sliced loop", "scikit-learn"]
    return table(["optimizer", "nets", f"sbkit, {runs} runs", *names, *(f"× {name}" for name in names)], rows)


def compiled(runs: int = 32) -> str:
    """`torch.compile` of the mapped gradient: what it costs before the first step, and what it reaches."""
    os.environ["TORCHINDUCTOR_CACHE_DIR"], rows = tempfile.mkdtemp(), []
    for workload in WORKLOADS:
        begun = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            work = vmapped(workload, runs, "sgd", compiled=True)
            work(runs)
        seconds = time.perf_counter() - begun
        rates = side_by_side({"sbkit": sbkit(workload, runs, "sgd"), "compiled": work})
        ahead = 1 / rates["sbkit"].median - 1 / rates["compiled"].median
        pays = f"after {seconds / ahead:,.0f} model-steps" if ahead > 0 else "never"
        rows.append([workload, *rates.values(), f"{seconds:.0f} s", pays])
    return table(["nets", f"sbkit, {runs} runs", "torch.compile", "compilation", "pays"], rows)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--jax", default=sys.executable, help="a Python that has JAX (extra `bench`)")
    jax = Jax(options.parse_args().jax)
    with threads(1):
        peaks = [f"{workload}: {peak(workload).median / 1e9:.0f}" for workload in WORKLOADS]
        print(f"Fastest batched product of the hidden layer, 32 at a time, GFLOP/s: {'; '.join(peaks)}.\n")
        for part in (fleets(jax), loops(), compiled()):
            print(part, end="\n\n", flush=True)
    jax.process.kill()


if __name__ == "__main__":
    main()
