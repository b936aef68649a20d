"""Exercises on agents that steer a linear system."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import generator
from sbkit.course.verdict import Verdict, called, exercise, numbers


@exercise
def costs(answer: Any) -> Verdict:
    """A function (gain, A, B) → the cost of a = gain·s from each unit start over 6 steps. (d,)

    The sum of |sₜ₊₁|² + |aₜ|² over t = 0 … 5, with sₜ₊₁ = A sₜ + B aₜ; all matrices (d, d).

    >>> costs(lambda gain, A, B: A[0])
    ✗ Sum the squares of the states after the start, and of the actions, over six steps.
    """
    rng = generator(0)
    A, B, gain = (torch.randn(4, 4, dtype=torch.float64, generator=rng) / 3 for _ in range(3))
    given = called(answer, "gain, A and B", "three (4, 4) matrices", gain.clone(), A.clone(), B.clone())
    flat = given.flatten() if isinstance(given, Tensor | np.ndarray) else given
    found = numbers(flat, 4, "Four numbers are expected, one a start")
    states, actions = _rolled(gain, A, B)
    for expected, hint in (
        (states, "Actions cost too."),
        (actions, "States cost too."),
        (states + actions + 1, "The starts themselves are not counted, for no action changes them."),
    ):
        if torch.allclose(found, expected, rtol=1e-3):
            return Verdict(False, hint)
    if torch.allclose(found, states + actions, rtol=1e-3):
        return Verdict(
            True, "That is all the agent is told: no label, no target, only what its actions cost."
        )
    return Verdict(
        False, "Sum the squares of the states after the start, and of the actions, over six steps."
    )


def _rolled(gain: Tensor, A: Tensor, B: Tensor) -> tuple[Tensor, Tensor]:
    """What states and actions cost from each unit start. (d,) each"""
    s = torch.eye(len(A), dtype=A.dtype)  # (d, starts)
    states, actions = s.new_zeros(len(A)), s.new_zeros(len(A))
    for _ in range(6):
        a = gain @ s
        s = A @ s + B @ a
        states, actions = states + s.square().sum(0), actions + a.square().sum(0)
    return states, actions
