"""The agent that memorised the sky: an exercise on what steering costs."""

from __future__ import annotations

import torch
from torch import Tensor

from sbkit.course.exercise import exercise, normal


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
