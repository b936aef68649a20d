"""Slab data: features that differ only in how many linear pieces they need (Shah et al. 2020)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from sbkit.core import Feature, SbkitError, Task, between, check_memory, dataset, generator, threads, whole
from sbkit.data.places import numbered

# Label → {slab number m from the centre: probability}; they equalise the class variances for
# k = 5 and 7, not for k = 3 (Shah et al. 2020, appendix B).
SLABS: dict[int, tuple[dict[int, float], dict[int, float]]] = {
    3: ({0: 1.0}, {1: 1.0}),
    5: ({0: 0.75, 2: 0.25}, {1: 1.0}),
    7: ({0: 0.5, 2: 0.5}, {1: 0.875, 3: 0.125}),
}
FEATURE = 1_000  # bytes of a feature and its name in Python


def linear_block(y: Tensor, margin: float, noise: float, rng: Generator) -> Tensor:
    """A column that a threshold at 0 classifies, at distance `margin` … 1 from it. (n,)

    y (n,) classes 0 and 1. A share `noise` of rows is U(−margin, margin) instead, whatever the label:
    main text and code of Shah et al. 2020 (the formula of appendix B swaps p and 1 − p).
    """
    clean = (2 * y - 1) * (margin + (1 - margin) * torch.rand(len(y), generator=rng))  # (n,)
    noisy = torch.rand(len(y), generator=rng) < noise  # (n,)
    return torch.where(noisy, margin * (2 * torch.rand(len(y), generator=rng) - 1), clean)


def slab_block(y: Tensor, k: int, margin: float, noise: float, rng: Generator) -> Tensor:
    """A column of k slabs with alternating labels on [−1, 1], gaps 2·margin apart. (n,)

    y (n,). Slabs have width 2(1 − (k − 1)·margin)/k (Shah et al. 2020, appendix B). A share `noise`
    of rows is drawn with a fair-coin label instead of its own (our definition; the paper has none).
    """
    n, width = len(y), 2 * (1 - (k - 1) * margin) / k
    noisy = torch.rand(n, generator=rng) < noise  # (n,)
    label = torch.where(noisy, torch.randint(2, (n,), generator=rng), y)
    chances = torch.zeros(2, k // 2 + 1)  # (labels, slabs from the centre)
    for row, slabs in enumerate(SLABS[k]):
        chances[row, list(slabs)] = torch.tensor(list(slabs.values()))
    up_to = F.embedding(label, chances.cumsum(1))  # (n, slabs); three times faster than indexing
    m = (torch.rand(n, 1, generator=rng) >= up_to).sum(1)  # (n,)
    sign = 2 * torch.randint(2, (n,), generator=rng) - 1
    return sign * (m * (width + 2 * margin) + width * (torch.rand(n, generator=rng) - 0.5))


def rotation(dim: int, rng: Generator) -> nn.Module:
    """A random orthogonal map of z (n, dim) to x (n, dim), from the QR of a Gaussian matrix."""
    q, r = torch.linalg.qr(torch.randn(dim, dim, generator=rng, dtype=torch.float64))
    weight = (q * r.diagonal().sign()).to(torch.get_default_dtype())  # the sign makes it uniform
    layer = nn.Linear(dim, dim, bias=False, device="meta")  # draws no numbers of torch's own
    layer.weight = nn.Parameter(weight, requires_grad=False)
    return layer


def per_block(name: str, value: float | Sequence[float], blocks: int) -> Sequence[float]:
    """A setting of each of the blocks, given as one number or one a block."""
    values = list(value) if isinstance(value, Iterable) else [value] * blocks
    if len(values) != blocks:
        raise SbkitError(f"{name} is one number or one a block, got {len(values)} for {blocks} blocks.")
    return values


def _check_blocks(blocks: Sequence[int], noise: Sequence[float], margin: Sequence[float]) -> None:
    if not blocks:
        raise SbkitError("blocks names at least one block, got none; try (1, 5).")
    for k, p, gap in zip(blocks, noise, margin, strict=True):
        if not isinstance(k, int | np.integer) or isinstance(k, bool) or k not in (1, *SLABS):
            number = isinstance(k, int | float | np.integer)
            near = min([1, *SLABS], key=lambda block: abs(block - k) if number else 0)
            raise SbkitError(f"blocks are 1 (linear) or 3, 5, 7 (slabs), got {k!r}; try {near}.")
        between("noise", p, 0, 1)
        room = 1 / max(k - 1, 1)  # above this the slabs have no width
        if not (isinstance(gap, int | float) and 0 <= gap < room):
            rule = f"margin of a block of {k} is at least 0 and below {room:.3g}"
            raise SbkitError(f"{rule}, got {gap!r}; try 0.1.")


def _check_size(rows: int, dim: int, rotate: bool) -> None:
    check_memory(rows * dim * 4 * 3, f"{rows:,} rows × {dim:,} features × 4 bytes × 3 copies")
    if rotate:
        check_memory(dim**2 * 8 * 4, f"{dim:,} × {dim:,} numbers of the rotation × 8 bytes × 4 copies")


@dataset("slabs")
def slabs(
    blocks: Sequence[int] = (1, 5),
    noise: float | Sequence[float] = 0.0,
    margin: float | Sequence[float] = 0.1,
    n: int = 10_000,
    n_test: int = 10_000,
    rotate: bool = True,
    seed: int = 0,
) -> Task:
    """Two classes told apart by each of several features of known simplicity, one block a feature.

    blocks: 1 is the linear block, k = 3, 5, 7 a k-slab. noise (share of rows on which a feature says
    nothing) and margin (half the gap, data lie in [−1, 1]): one number, or one a block. rotate: turn
    the inputs by a random orthogonal matrix. Classes are balanced to one row. Features are named
    linear, slab5, … and repeats numbered. Shah et al. 2020, section 3.1 and appendix B.
    Raises `SbkitError` on other blocks, numbers out of range, or data too large for the memory.

    >>> task = slabs(blocks=[1, 5, 5], n=100, n_test=50)
    >>> list(task.features), task.x.shape
    (['linear', 'slab5_1', 'slab5_2'], torch.Size([100, 3]))
    """
    blocks = list(blocks) if isinstance(blocks, Iterable) else [blocks]
    noise, margin = per_block("noise", noise, len(blocks)), per_block("margin", margin, len(blocks))
    _check_blocks(blocks, noise, margin)
    _check_size(whole("n", n) + whole("n_test", n_test), dim := len(blocks), rotate)
    rng = generator(seed)
    y = (torch.randperm(n, generator=rng) % 2, torch.randperm(n_test, generator=rng) % 2)
    labels = torch.cat(y)  # (rows,)
    with threads(1):  # small operations: a second thread waits more than it works
        columns = [
            linear_block(labels, gap, p, rng) if k == 1 else slab_block(labels, k, gap, p, rng)
            for k, p, gap in zip(blocks, noise, margin, strict=True)
        ]
    z, z_test = torch.stack(columns, dim=1).split([n, n_test])  # (n, dim), (n_test, dim)
    names = numbered(["linear" if k == 1 else f"slab{k}" for k in blocks])
    parts = enumerate(zip(names, blocks, margin, noise, strict=True))
    features = {name: Feature((i,), max(k - 1, 1), gap, p) for i, (name, k, gap, p) in parts}
    simplest_first = dict(sorted(features.items(), key=lambda item: item[1].pieces or 0))
    embed = rotation(dim, rng) if rotate else nn.Identity()
    return Task(z, y[0], z_test, y[1], simplest_first, embed)


@dataset("lms")
def lms(k: int = 5, dim: int = 50, noise: float = 0.0, **options) -> Task:
    """LMS-k: one linear feature beside dim − 1 features of k slabs, each enough on its own.

    noise acts on the linear feature only; options as in `slabs`. Shah et al. 2020, section 3.1.

    >>> list(lms(7, dim=3, n=10, n_test=10).features)
    ['linear', 'slab7_1', 'slab7_2']
    """
    return ms(1, k, dim, noise, **options)


@dataset("ms")
def ms(k_first: int = 5, k_rest: int = 7, dim: int = 50, noise: float = 0.0, **options) -> Task:
    """MS-(a, b): one feature of `k_first` slabs beside dim − 1 of `k_rest`, each enough on its own.

    noise acts on the first feature only; options as in `slabs`. Shah et al. 2020, section 3.1.

    >>> list(ms(5, 7, dim=3, n=10, n_test=10).features)
    ['slab5', 'slab7_1', 'slab7_2']
    """
    check_memory(whole("dim", dim) * FEATURE, f"{dim:,} features × {FEATURE:,} bytes")
    return slabs([k_first] + [k_rest] * (dim - 1), noise=[noise] + [0.0] * (dim - 1), **options)
