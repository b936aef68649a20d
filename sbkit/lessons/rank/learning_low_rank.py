"""Learning low rank: regression on a matrix of known rank; exercises on the unseen and on growing modes."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sbkit.core import Feature, SbkitError, Task, between, check_memory, generator, whole
from sbkit.course.exercise import exercise


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


UNSEEN = "The error is in the directions that no row shows: 24 rows show 24 of 32."

# Relative errors that inputs nobody saw leave in 32 dimensions: 24 rows, 8 rows, 24 rows from init 1.
unseen = exercise(
    want=[0.25, 0.75, 0.5],
    atol=0.005,
    expects="Three relative errors are expected",
    wrong={UNSEEN: [0.75, 0.25, 0.5]},
    must={
        UNSEEN: (lambda found: abs(found[0] - 0.25) < 0.005 and abs(found[1] - 0.75) < 0.005, [0.5, 0.5, 0.5])
    },
    right="On average no learner gets below 1 − n/d. What starts there comes on top.",
    rest="Weights of the target's size stay where no row shows: they add their own squares.",
)

SIGMA, START = 2.0, 1e-3


def _mode(t: Tensor, sigma: float, start: float, speed: float = 2.0) -> Tensor:
    """s(t) = σ e^{2σt} / (e^{2σt} − 1 + σ/s₀): Saxe et al. 2014, equation 8, with a time constant of 1."""
    grown = (speed * sigma * t).exp()
    return sigma * grown / (grown - 1 + sigma / start)


# A function (t, sigma, start) → the size at times t of a mode of size sigma, learned by two factors. (times,)
mode = exercise(
    "t, sigma and start",
    tries=[(torch.linspace(0, 10, 11, dtype=torch.float64), SIGMA, START)],
    want=_mode,
    atol=1e-6,
    expects="11 sizes are expected, one a time",
    must={
        "At t = 0 the size is start, 0.001; got {0[0]:.3g}.": (
            lambda found: abs(found[0] - START) <= 1e-6,
            lambda t, sigma, start: _mode(t, sigma, 0.1),
        ),
        "After long training the size is sigma, 2; got {0[10]:.3g}.": (
            lambda found: abs(found[-1] - SIGMA) <= 0.01,
            lambda t, sigma, start: _mode(t, 1.0, start),
        ),
        "Right at both ends, not between them. Both factors grow: look at the exponent.": (
            lambda found: (found - _mode(torch.arange(11).double(), SIGMA, START, 1.0)).abs().max() > 1e-6,
            lambda t, sigma, start: _mode(t, sigma, start, speed=1.0),
        ),
    },
    right="Ten times as small a start costs only ln 10 / 2σ more time: large modes first.",
    rest="Right at both ends, not between them. Compare numerator and denominator.",
)
