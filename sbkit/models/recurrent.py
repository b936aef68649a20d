"""Recurrent nets for sequences, all runs at once."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from sbkit.core import Fleet, SbkitError, Task, check_task, whole
from sbkit.core.rules import gru as next_state
from sbkit.models.layers import Linear, turned
from sbkit.models.modules import seeded
from sbkit.models.plain import check_weights


class Recurrent(nn.Module):
    """A GRU layer over the steps of a sequence and a linear layer of its last state; `gru` makes it.

    Its weights are those of an `nn.GRU` and an `nn.Linear` made one after the other, in layers: `ih` of the
    inputs, `hh` of the state, each with its rows for the reset, update and new gates, and `head`.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int):
        super().__init__()
        self.inputs, layer, head = inputs, nn.GRU(inputs, hidden), nn.Linear(hidden, outputs)
        self.ih, self.hh, self.head = nn.Linear(inputs, 3 * hidden), nn.Linear(hidden, 3 * hidden), head
        for part, name in ((self.ih, "ih"), (self.hh, "hh")):
            part.weight, part.bias = getattr(layer, f"weight_{name}_l0"), getattr(layer, f"bias_{name}_l0")

    def forward(self, x: Tensor) -> Tensor:
        """Logits (…, n, outputs) of x (…, n, steps · inputs)."""
        steps = x.unflatten(-1, (-1, self.inputs))  # (…, n, steps, inputs)
        gates = self.ih(steps.flatten(-3, -2)).unflatten(-2, steps.shape[-3:-1])  # (…, n, steps, 3 · hidden)
        h = x.new_zeros(*x.shape[:-1], self.hh.in_features)  # (…, n, hidden)
        for i in gates.unbind(-2):
            h = next_state(i, self.hh(h), h)
        return self.head(h)


class GRU(Fleet):
    """A fleet of `Recurrent` nets, as batched matrix products; hooks and masks act on all runs at once."""

    def __init__(self, modules: Sequence[nn.Module], seed: int):
        super().__init__(modules, seed)
        self.own = ()
        turned(self.net, nn.Linear, Linear)

    def run(self, i: int) -> nn.Module:
        """Run i alone as an ordinary module with its own copy of the weights."""
        return turned(super().run(i), Linear, nn.Linear)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (runs, n, outputs) of x (n, steps · inputs), shared by the runs, or (runs, n, …)."""
        if not all(isinstance(part, Linear) for part in self.net.children()):
            return super().forward(x)
        return self.net(x if x.ndim == 3 else x.expand(self.runs, *x.shape))


def gru(task: Task, hidden: int = 64, runs: int = 8, seed: int = 0) -> Fleet:
    """`runs` recurrent nets for a task of sequences, seeds seed … seed + runs − 1.

    A gated recurrent unit (Cho et al. 2014, as torch's `nn.GRU`) of `hidden` units reads the steps of a
    sequence, `task.shape` (steps, inputs) or (1, steps, inputs), the rows of an image; a linear layer makes
    the logits of its last state. Run r is, weight for weight, `nn.GRU` and then `nn.Linear`, made after
    `torch.manual_seed(seed + r)`. Its matrices are those of linear layers: `fleet.weights()` are W_ih
    (runs, 3 · hidden, inputs), W_hh (runs, 3 · hidden, hidden) and the output's. The fleet stands on the
    task's device, in its float type. Raises `SbkitError` where the task has no such shape, on numbers out of
    range, or nets too large for the memory.

    >>> from dataclasses import replace
    >>> from sbkit.data import slabs
    >>> task = replace(slabs((1, 3, 5, 5, 5, 5), n=10, n_test=10), shape=(3, 2))  # three steps of two numbers
    >>> gru(task, hidden=8, runs=3)(task.x).shape
    torch.Size([3, 10, 2])
    """
    check_task(task)
    hidden, runs, seed = whole("hidden", hidden), whole("runs", runs), whole("seed", seed, 0)
    columns = task.x.shape[-1]
    shape = task.shape[1:] if len(task.shape) == 3 and task.shape[0] == 1 else task.shape
    if len(shape) != 2:
        rule = f"A GRU reads sequences, a task of {columns} columns whose shape is (steps, inputs)"
        fix = f"dataclasses.replace(task, shape=({columns}, 1))"
        raise SbkitError(f"{rule}, got shape {task.shape}; try {fix}.")
    check_weights(3 * hidden * (shape[1] + hidden + 2) + (hidden + 1) * task.outputs, runs, task)
    nets = [seeded(lambda: Recurrent(shape[1], hidden, task.outputs), seed + r) for r in range(runs)]
    return GRU(nets, seed).to(device=task.x.device, dtype=task.x.dtype)
