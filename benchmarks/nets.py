"""Steps per second of GRU and convolution fleets beside `torch.func` and a loop, one thread each.

    python benchmarks/nets.py

A step is the gradient of the mean loss over a minibatch of 64 for 5 runs, float32. Turns alternate; a cell is
the median and, in brackets, the range.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from turns import side_by_side, table

import sbkit as sb
from sbkit.core import called, threads

RUNS, ROWS = 5, 64


def convnet() -> nn.Module:
    """Two layers of 3 × 3 kernels over 8 × 8 pixels."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 64, 10),
    )


def steps(logits: Callable[[], Tensor], y: Tensor, weights: Sequence[Tensor]) -> Callable[[int], None]:
    """So many gradients of the loss of logits (runs, n, outputs)."""

    def take(times: int) -> None:
        for _ in range(times):
            made = logits()
            loss = F.cross_entropy(made.flatten(0, 1), y.repeat(len(made)))
            torch.autograd.grad(loss, [*weights])

    return take


def peers(fleet: sb.Fleet, x: Tensor, y: Tensor) -> dict[str, Callable[[int], None]]:
    """The fleet itself, `torch.func.vmap` of one of its nets, and a loop over all of them."""
    nets, one = [fleet.run(r) for r in range(fleet.runs)], fleet.run(0)
    state = {name: torch.stack([dict(net.named_parameters())[name] for net in nets]).detach().requires_grad_()
             for name, _ in one.named_parameters()}  # fmt: skip
    vmapped = torch.func.vmap(lambda state: called(one, state, x))
    loops = [p for net in nets for p in net.parameters()]
    return {
        "sbkit": steps(lambda: fleet(x), y, list(fleet.parameters())),
        "torch.func": steps(lambda: vmapped(state), y, list(state.values())),
        "loop": steps(lambda: torch.stack([net(x) for net in nets]), y, loops),
    }


def main() -> None:
    """Print the table."""
    x, y = torch.randn(ROWS, 64), torch.arange(ROWS) % 10
    task = replace(sb.Task(x, y, x, y, {"pixels": sb.Feature(tuple(range(64)))}), shape=(8, 8))
    fleets = {
        "GRU, 64 units, 8 steps of 8": sb.models.gru(task, hidden=64, runs=RUNS),
        "convolutions, 8 and 16 of 3 × 3": sb.models.fleet_of(convnet, runs=RUNS),
    }
    rows = []
    for name, fleet in fleets.items():
        rates = side_by_side(peers(fleet, x, y))
        ours = rates["sbkit"]
        ratios = [f"{ours.over(rates[other]):.2f}" for other in ("torch.func", "loop")]
        rows.append([name, *rates.values(), *ratios])
    print(table(["nets", "sbkit", "torch.func", "loop", "× torch.func", "× loop"], rows))


if __name__ == "__main__":
    with threads(1):
        main()
