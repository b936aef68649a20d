"""Regression on a matrix of known rank."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sbkit.core import Feature, SbkitError, Task, between, check_memory, generator, whole


class Target(nn.Identity):
    """Inputs as they are, beside the matrix (outputs, dim) that their labels come from."""

    target: Tensor

    def __init__(self, target: Tensor):
        super().__init__()
        self.register_buffer("target", target)


def low_rank_task(
    rank: int = 2,
    dim: int = 32,
    outputs: int = 32,
    n: int = 24,
    n_test: int = 1000,
    noise: float = 0.0,
    seed: int = 0,
) -> Task:
    """Least squares for a matrix of rank `rank`, seen through n rows: y = W x + noise · ε.

    x, ε ~ N(0, I); W, task.embed.target (outputs, dim), is a product of normal matrices, scaled so that
    labels vary by 1 without noise. With n < dim many matrices fit the training rows, and the test error
    tells which of them was found (Huh et al. 2021, section 3.2). One feature, "input", of all columns.
    Raises `SbkitError` on numbers out of range.

    >>> task = low_rank_task(rank=2, dim=8, outputs=5)
    >>> task.x.shape, task.y.shape, int(torch.linalg.matrix_rank(task.embed.target))
    (torch.Size([24, 8]), torch.Size([24, 5]), 2)
    """
    rank, rows = whole("rank", rank), whole("n", n) + whole("n_test", n_test)
    for name, value in (("dim", dim), ("outputs", outputs)):  # what is advised has room for the rank
        whole(name, value, 1 if type(value) is int and value > 0 else rank)
    if rank > min(dim, outputs):
        most = min(dim, outputs)
        raise SbkitError(f"rank is at most min(dim, outputs) = {most}, got {rank}; try rank={most}.")
    between("noise", noise, 0, math.inf)
    check_memory(
        rows * (dim + outputs) * 4 * 3, f"{rows:,} rows × {dim + outputs} columns × 4 bytes × 3 copies"
    )
    rng = generator(seed)
    target = torch.randn(outputs, rank, generator=rng) @ torch.randn(rank, dim, generator=rng)
    target /= math.sqrt(rank * dim)  # (outputs, dim)
    x = torch.randn(rows, dim, generator=rng)
    y = x @ target.mT + noise * torch.randn(rows, outputs, generator=rng)  # (rows, outputs)
    features = {"input": Feature(tuple(range(dim)))}
    return Task(x[:n], y[:n], x[n:], y[n:], features, Target(target))
