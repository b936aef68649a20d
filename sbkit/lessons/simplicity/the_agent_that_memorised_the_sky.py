"""The agent that memorised the sky: its world, a control to design, and a study of the reader's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise

import torch
from torch import Tensor, nn

from sbkit.core import Task
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
        K = collapsed(weights)  # (actions, D + dim)
        gain = torch.einsum("nl,lij->nij", x[:, D:], K @ self.levels)  # action = K · observation = gain · s
        s, path = x[:, :D], []
        for _ in range(STEPS):
            a = (gain @ s[..., None])[..., 0]
            path += [s := s @ self.A.T + a @ self.B.T, a]
        return torch.cat(path, 1)


def rows(levels: int) -> Task:
    """Unit starts in every level, those of training first; all that is seen on the way is to be 0."""
    n, count = levels * D, levels + NEW
    z = torch.cat([torch.eye(D).repeat(count, 1), torch.eye(count).repeat_interleave(D, 0)], 1)
    zero = torch.zeros(len(z), 2 * STEPS * D)  # (rows, numbers of a path)
    return Task(z[:n], zero[:n], z[n:], zero[n:], {})


def collapsed(weights: Sequence[Tensor]) -> Tensor:
    """The one matrix that does what layers do one after the other. (…, actions, D + dim)"""
    return reduce(torch.matmul, weights[::-1])


def first_step() -> Tensor:
    """How long a first step from 0 is on core and sky, by gradient descent and by Adam. (2, 2)"""
    agent = Agent(*world())
    w = next(agent.parameters())
    w.data.zero_()
    [g] = torch.autograd.grad(agent(rows(3).x).square().mean(), [w])  # (D, D + dim)
    steps = g, g.sign()  # Adam's first is the gradient's sign, times lr
    return torch.stack([part.norm() for step in steps for part in (step[:, :D], step[:, D:])]).view(2, 2)


_W = normal(8, 5, seed=1), normal(7, 8, seed=2), normal(4, 7, seed=3)  # (out, in) of each layer

# A function of the layers' weights, first layer first → the matrix of the one layer that does the same.
alike = exercise(
    "weights",
    tries=[(_W,), (_W[1:],)],
    want=collapsed,
    wrong={"That layer does nothing; three layers begin small, and not at 0.": lambda w: 0 * collapsed(w)},
    right="One layer and three now begin with the same policy. What differs is depth.",
    rest="The first layer acts first, so it stands rightmost in the product.",
)
