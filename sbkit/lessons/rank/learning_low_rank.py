"""Learning low rank: regression on a matrix of known rank; exercises on what stays unseen."""

# pyright: reportArgumentType=false
# Descriptions take lists and tensors for arrays.
from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sbkit.core import Feature, Fleet, SbkitError, Snapshot, Task, between, check_memory, generator, whole
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise
from sbkit.measures import effective_weight
from sbkit.plots import Axis, Lines
from sbkit.plots.bands import band_line, shown

FOUND = "Singular values of what is learned, strongest first; mean and range of nets. The table has two."


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


def directions(fleet: Fleet, task: Task) -> Tensor:
    """Singular values of the product of all factors, largest first; 0 for nets that diverged. (runs, d)"""
    return torch.linalg.svdvals(effective_weight(fleet).detach().nan_to_num(0, 0, 0))


@plot("directions", rows=False)
def directions_line(history: Sequence[Snapshot]) -> Lines | None:
    """The singular values as they are; None where nothing was measured."""
    values = history[-1].values.get("directions", torch.empty(0))
    if not values.numel():
        return None
    line = band_line("learned", range(1, values.shape[-1] + 1), shown(history[-1], values))
    x, y = Axis("direction, strongest first", low=1), Axis("singular value", low=0, high=8)
    return Lines("directions", "How strong is each direction?", x, y, [line], FOUND)


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
    right="On average nobody gets below 1 − n/d, and what starts there comes on top.",
    rest="Weights of the target's size stay where no row shows: they add their own squares.",
)


# Factors and init of the control: one factor, as before, from a start that leaves next to nothing behind.
less_start = exercise(
    want=[1, 0.1],
    many=True,
    expects="Two numbers are expected: the number of factors, and the init",
    wrong={"That's one of the two experiments that your friend has compared.": ([1, 1], [4, 1])},
    must={
        "The control has no depth. How many factors?": (lambda found: found[0] == 1, [4, 0.1]),
        "The start is still felt: take 0 to 0.2.": (lambda found: 0 <= found[1] <= 0.2, [1, 0.6]),
    },
    right="One thing differs from the one factor: its start. The next cells run this control.",
)
