"""Kernels of a fleet, how alike it finds two inputs, and whether that goes with the labels."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.core import Fleet, SbkitError, called, check_fleet, check_memory, numbers, one_of

KINDS = ("ntk", "gram", "cosine")


def kernel(
    fleet: Fleet, x: Tensor, kind: str = "ntk", centre: bool = False, layer: int | None = None
) -> Tensor:
    """How alike each net finds every two of the inputs. (runs, n, n)

    "ntk": Σ over outputs and weights of the products of their derivatives at the two inputs, the tangent
    kernel (Jacot et al. 2018); "gram": dot products of their features in hidden layer `layer` (the last);
    "cosine": the same, each feature vector of length 1. x (n, d), shared, or (runs, n, d). centre: subtract
    the mean over inputs from the vectors first (before the lengths, for cosine). Symmetric, no negative
    eigenvalues; NaN for a run that diverged. Raises `SbkitError` on other names of a kernel, and
    where there are no hidden layers whose features could be taken.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=6, n_test=6)
    >>> kernel(mlp(task, runs=3), task.x).shape
    torch.Size([3, 6, 6])
    """
    check_fleet(fleet)
    one_of("kernel", kind, KINDS)
    x = numbers("The input of a kernel", x).to(next(fleet.parameters()))
    alive = fleet.predict(x).isfinite().all(-1).all(-1)  # (runs,); it also refuses inputs of another task
    if kind == "ntk":
        vectors = _derivatives(fleet, x)  # (runs, n, outputs · weights)
    else:
        with torch.no_grad():
            vectors = fleet.features(x, _layers(fleet) - 1 if layer is None else layer)  # (runs, n, width)
    if centre:
        vectors = vectors - vectors.mean(1, keepdim=True)
    if kind == "cosine":
        vectors = F.normalize(vectors, dim=-1)
    return (vectors @ vectors.mT).where(alive.view(-1, 1, 1), torch.nan)


def _layers(fleet: Fleet) -> int:
    """How many hidden layers the nets have, at least one."""
    hidden = len(fleet.weights()) - 1
    if hidden < 1:
        raise SbkitError('A net without hidden layers has no features, got depth 0; try kind="ntk".')
    return hidden


def _derivatives(fleet: Fleet, x: Tensor) -> Tensor:
    """d output / d weight of every input, output by output. (runs, n, outputs · weights)"""
    state = {name: p.detach() for name, p in fleet.net.named_parameters() if p.requires_grad}
    fixed = {name: p.detach() for name, p in fleet.net.named_parameters() if not p.requires_grad}
    fixed |= dict(fleet.net.named_buffers())
    rows, outputs = x.shape[-2], fleet.predict(x[..., :1, :]).shape[-1]
    size = fleet.runs * rows * outputs * sum(p[0].numel() for p in state.values()) * x.element_size()
    what = f"{fleet.runs} runs × {rows:,} inputs × {outputs} outputs × all weights × {x.element_size()} bytes"
    check_memory(2 * size, f"{what} × 2 copies", x.device)

    def one(state: dict, fixed: dict, row: Tensor) -> Tensor:
        def logits(state: dict) -> Tensor:
            return called(fleet.net, state | fixed, row.unsqueeze(0))[0]

        parts = torch.func.jacrev(logits)(state).values()  # (outputs, …) each
        return torch.cat([part.flatten(1) for part in parts], dim=1).flatten()

    rowwise = torch.func.vmap(one, in_dims=(None, None, 0))
    return torch.func.vmap(rowwise, in_dims=(0, 0, 0 if x.ndim == 3 else None))(state, fixed, x)


def alignment(kernel: Tensor, y: Tensor) -> Tensor:
    """How much of a kernel is the labels' own, ⟨HKH, HYYᵀH⟩ / (‖HKH‖·‖HYYᵀH‖). (…, n, n), (n,) → (…)

    The cosine between the centred kernel and that of the labels, as one-hot vectors, or values (n, outputs);
    H subtracts the mean. 1: it tells classes apart and nothing else; 0: nothing of them; about 0 for random
    labels. For two classes it is yᵀKy / (‖K‖·‖y‖²) of Baratin et al. 2021, y and K centred. NaN for a
    constant kernel, and one that is not finite. Of a complex kernel the real part of the product counts.
    Arrays and lists will do, classes of any whole numbers. Raises `SbkitError` unless there are as many
    labels as rows, and not all alike.

    >>> y = torch.tensor([0, 0, 1, 1])
    >>> alignment((y[:, None] == y).float(), y).round(decimals=3)
    tensor(1.)
    """
    kernel, y = numbers("A kernel", kernel), _labels(y)
    if kernel.ndim < 2 or kernel.shape[-2:] != (len(y), len(y)):
        raise SbkitError(
            f"A kernel of {len(y)} labels is (…, {len(y)}, {len(y)}), got {tuple(kernel.shape)}."
        )
    classes = y if y.is_floating_point() else F.one_hot(y.unique(return_inverse=True)[1])  # (n, outputs)
    labels = classes.to(kernel).reshape(len(y), -1)
    labels = labels - labels.mean(0)
    if not labels.any():
        raise SbkitError("Alignment needs labels that differ, got one value only; take more rows.")
    own = labels @ labels.mT  # (n, n)
    inner = kernel - kernel.mean(-1, keepdim=True)
    inner = inner - inner.mean(-2, keepdim=True)  # (…, n, n)
    return (inner * own).sum((-2, -1)).real / (inner.norm(dim=(-2, -1)) * own.norm())


def _labels(y: Any) -> Tensor:
    """Labels, one a row, as a tensor (n,) or (n, outputs)."""
    with suppress(TypeError, ValueError, RuntimeError):
        if (labels := torch.as_tensor(y)).ndim:
            return labels
    raise SbkitError(f"Labels are numbers, one a row, got {y!r:.60}; try task.y.")
