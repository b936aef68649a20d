"""Steps per second of GRU and convolution fleets beside `torch.func` and a loop, one thread each.

    python benchmarks/nets.py

A step is the gradient of the mean loss over a minibatch for 8 runs, float32. Turns alternate; a cell is the
median and, in brackets, the range. The GRU's peers are nets of `nn.GRUCell`, step by step, as torch has it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from turns import side_by_side, table

import sbkit as sb
from sbkit.core import threads

RUNS = 8


class Cells(nn.Module):
    """A GRU over 8 steps of 8 numbers."""

    def __init__(self, hidden: int):
        super().__init__()
        self.cell, self.head = nn.GRUCell(8, hidden), nn.Linear(hidden, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, 10) of x (n, 64)."""
        h = None
        for step in x.unflatten(1, (8, 8)).unbind(1):
            h = self.cell(step, h)
        return self.head(h)


def convnet() -> nn.Module:
    """Two layers of 3 × 3 kernels over 8 × 8 pixels."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(16 * 64, 10)),
    )


def steps(logits: Callable[[], Tensor], y: Tensor, weights: Sequence[Tensor]) -> Callable[[int], None]:
    """So many gradients of the loss of logits (runs, n, outputs)."""

    def take(times: int) -> None:
        for _ in range(times):
            made = logits()
            loss = F.cross_entropy(made.flatten(0, 1), y.repeat(len(made)))
            torch.autograd.grad(loss, [*weights])

    return take


def row(
    name: str, make: Callable[[sb.Task], sb.Fleet], net: Callable[[], nn.Module], rows: int
) -> list[object]:
    """A fleet, `torch.func.vmap` of such nets, and a loop over them."""
    x, y = torch.randn(rows, 64), torch.arange(rows) % 10
    task = replace(sb.Task(x, y, x, y, {"pixels": sb.Feature(tuple(range(64)))}), shape=(8, 8))
    fleet, nets = make(task), [net() for _ in range(RUNS)]
    state, _ = torch.func.stack_module_state(nets)
    vmapped = torch.func.vmap(lambda state: torch.func.functional_call(nets[0], state, (x,)))
    peers = {
        "sbkit": steps(lambda: fleet(x), y, [*fleet.parameters()]),
        "torch.func": steps(lambda: vmapped(state), y, [*state.values()]),
        "loop": steps(
            lambda: torch.stack([each(x) for each in nets]), y, [p for n in nets for p in n.parameters()]
        ),
    }
    rates = side_by_side(peers)
    return [
        name,
        *rates.values(),
        *(f"{rates['sbkit'].over(rates[peer]):.2f}" for peer in ("torch.func", "loop")),
    ]


def main() -> None:
    """Print the table."""
    rows = [
        row(
            f"GRU, {h} units, {n} rows",
            lambda task, h=h: sb.models.gru(task, h, RUNS),
            lambda h=h: Cells(h),
            n,
        )
        for h, n in ((32, 32), (64, 64))
    ]
    rows.append(row("convolutions, 64 rows", lambda task: sb.models.fleet_of(convnet, RUNS), convnet, 64))
    print(table(["nets", "sbkit", "torch.func", "loop", "× torch.func", "× loop"], rows))


if __name__ == "__main__":
    with threads(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch batches cells slowly, and says so
        main()
