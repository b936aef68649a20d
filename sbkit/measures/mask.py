"""Which weights of a fleet are left, as pruning leaves them."""

from __future__ import annotations

import torch
from torch import Tensor

from sbkit.core import Fleet, SbkitError, Task, check_pair, measure, whole


@measure("mask", rows=False)
def mask(fleet: Fleet, task: Task, layer: int | None = None) -> Tensor:
    """Which weights of a layer are not 0: 1 where one is left, 0 where it is pruned. (runs, out, in)

    layer: one of `fleet.weights()`; None is the largest. A kernel of a convolution is a row, (runs, out, in
    · size). Its plot shows run 0: each run may be pruned elsewhere. NaN
    for a run that diverged. Raises `SbkitError` on another layer.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=10)
    >>> mask(mlp(task, width=5, runs=3), task).shape
    torch.Size([3, 5, 5])
    """
    check_pair("sb.measures.mask", fleet, task, trains=True)
    weights = fleet.weights()
    if not weights:
        raise SbkitError("A mask is of weights (runs, out, in), got a fleet without; try sb.mlp(task).")
    if layer is None:
        layer = max(range(len(weights)), key=lambda i: weights[i].numel())
    elif whole("layer", layer, 0) >= len(weights):
        raise SbkitError(f"layer is one of 0…{len(weights) - 1}, got {layer}; try layer=0.")
    w = weights[layer].detach().flatten(2)
    return (w != 0).to(w).where(fleet.vector().isfinite().all(1).view(-1, 1, 1), torch.nan)
