"""Linear, slab, noise: the data on which simplicity bias is proved."""

from __future__ import annotations

import torch

from sbkit.core import Feature, Task, check_memory, dataset, generator, whole


@dataset("lsn")
def lsn(dim: int = 100, n: int = 20_000, n_test: int = 10_000, seed: int = 0) -> Task:
    """Two classes that a threshold tells apart, and three slabs tell apart as well, among normal noise.

    With the label as ±1 the first column is the label, the second 0 for class 0 and a fair ±1 for class 1,
    the other dim − 2 are N(0, 1) whatever the label (Shah et al. 2020, section 4.1, whose theorem 1 proves
    that a ReLU net of one hidden layer uses the first alone). Classes are balanced to one row. Raises
    `SbkitError` on numbers out of range.

    >>> task = lsn(n=10, n_test=10)
    >>> list(task.features), task.x.shape
    (['linear', 'slab3', 'noise'], torch.Size([10, 100]))
    """
    dim, rows = whole("dim", dim, 2), whole("n", n) + whole("n_test", n_test)
    check_memory(rows * dim * 4 * 3, f"{rows:,} rows × {dim} columns × 4 bytes × 3 copies")
    rng = generator(seed)
    y = torch.cat([torch.randperm(count, generator=rng) % 2 for count in (n, n_test)])  # (rows,)
    z = torch.randn(rows, dim, generator=rng)
    z[:, 0] = 2 * y - 1
    z[:, 1] = y * (2 * torch.randint(2, (rows,), generator=rng) - 1)
    features = {"linear": Feature((0,), 1, margin=1.0), "slab3": Feature((1,), 2, margin=0.5)}
    features |= {"noise": Feature(tuple(range(2, dim)), noise=1.0)} if dim > 2 else {}
    return Task(z[:n], y[:n], z[n:], y[n:], features)
