"""The agent that memorised the sky: an exercise on what steering costs."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise

import torch
from torch import Tensor, nn

from sbkit.course.exercise import exercise, normal

D, STEPS, NEW = 6, 6, 20  # numbers of the state, steps, new levels


def world(
    dim: int = 100, levels: int = 3, data: int = 0, actions: int = D, turn: float = 1.0
) -> tuple[Tensor, Tensor, Tensor]:
    """How a state moves and is seen: A (D, D), B (D, actions), observations (levels + NEW, D + dim, D).

    s ← A s + B a; a level sees its state by a core that all levels share, and by a sky of its own.
    """
    rng = torch.Generator().manual_seed(data)
    sizes = [(D, D)] * 3 + [(dim, D)] * (levels + NEW)
    A, B, core, *skies = (torch.linalg.qr(torch.randn(size, generator=rng)).Q for size in sizes)
    return turn * A, B[:, :actions], torch.stack([torch.cat([core, sky]) for sky in skies])


class Agent(nn.Module):
    """A deep linear policy in its world: a start and its level, one-hot (n, D + levels) → its path.

    Six states and actions a row, (n, 6 · (D + actions)). The policy is one matrix, the product of its layers.
    """

    def __init__(self, A: Tensor, B: Tensor, levels: Tensor, depth: int = 1, width: int = 256):
        super().__init__()
        sizes = pairwise([levels.shape[1], *[width] * (depth - 1), B.shape[1]])
        self.layers = nn.ModuleList(nn.Linear(a, b, bias=False) for a, b in sizes)
        self.A, self.B, self.levels = A, B, levels

    def forward(self, x: Tensor) -> Tensor:
        """The path from every start."""
        weights = [layer.weight for layer in self.layers if isinstance(layer, nn.Linear)]
        K = reduce(torch.matmul, weights[::-1])  # (actions, D + dim)
        gain = torch.einsum("nl,lij->nij", x[:, D:], K @ self.levels)  # action = K · observation = gain · s
        s, path = x[:, :D], []
        for _ in range(STEPS):
            a = (gain @ s[..., None])[..., 0]
            path += [s := s @ self.A.T + a @ self.B.T, a]
        return torch.cat(path, 1)


def _costs(gain: Tensor, A: Tensor, B: Tensor, states: float = 1.0, actions: float = 1.0) -> Tensor:
    """What states and actions cost from each unit start, each so many times. (d,)"""
    s, paid = torch.eye(len(A), dtype=A.dtype), torch.zeros(len(A), dtype=A.dtype)  # (d, starts), (starts,)
    for _ in range(6):
        a = gain @ s
        s = A @ s + B @ a
        paid = paid + states * s.square().sum(0) + actions * a.square().sum(0)
    return paid


# A function (gain, A, B) → the cost of a = gain·s from each unit start over 6 steps. (d,)
# The sum of |sₜ₊₁|² + |aₜ|² over t = 0 … 5, with sₜ₊₁ = A sₜ + B aₜ; all matrices (d, d).
costs = exercise(
    "gain, A and B",
    tries=[tuple(normal(3, 4, 4) / 3)],
    want=_costs,
    expects="Four numbers are expected, one a start",
    wrong={
        "Actions cost too.": lambda *given: _costs(*given, actions=0.0),
        "States cost too.": lambda *given: _costs(*given, states=0.0),
        "The starts themselves are not counted, for no action changes them.": lambda *given: (
            _costs(*given) + 1
        ),
    },
    right="That is all the agent is told: no label, no target, only what its actions cost.",
    rest="Sum the squares of the states after the start, and of the actions, over six steps.",
)
