"""The worst inputs within a ball around given ones, by projected gradient ascent."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

NORMS = ("l2", "linf")
STEP = 2.5  # times radius / steps: far enough to reach the sphere and walk along it


def ascend(
    score: Callable[[Tensor], Tensor], start: Tensor, x: Tensor, norm: str, radius: float, steps: int
) -> Tensor:
    """Where each row's score is high within `radius` of x, from start (runs, n, d) on. (runs, n, d)

    score: inputs (runs, n, d) → (runs, n). `steps` steps of 2.5·radius/steps along its gradient ("l2",
    Euclidean length) or the gradient's sign ("linf", largest coordinate), each followed by a projection onto
    the ball (Madry et al. 2018). x (n, d), or as start.
    """
    moved, step, tiny = start, STEP * radius / steps, torch.finfo(x.dtype).tiny
    for _ in range(steps):
        moved = moved.detach().requires_grad_()
        with torch.enable_grad():
            (slope,) = torch.autograd.grad(score(moved).sum(), moved)
        if norm == "linf":
            change = (moved.detach() + step * slope.sign() - x).clamp(-radius, radius)
        else:
            change = moved.detach() + step * slope / slope.norm(dim=-1, keepdim=True).clamp_min(tiny) - x
            change = change * (radius / change.norm(dim=-1, keepdim=True).clamp_min(tiny)).clamp_max(1)
        moved = x + change
    return moved
