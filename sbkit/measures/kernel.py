"""Kernels of a fleet, how alike it finds two inputs, and whether that goes with the labels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.core import Fleet, Task, check_fleet, check_memory, check_pair, measure, numbers
from sbkit.core.names import SbkitError, one_of, whole
from sbkit.measures.gradients import derivatives, labels_of

KINDS = ("ntk", "gram", "cosine")


def kernel(
    fleet: Fleet, x: Tensor, kind: str = "ntk", centre: bool = False, layer: int | None = None
) -> Tensor:
    """How alike each net finds every two of the inputs. (runs, n, n)

    "ntk": Σ over outputs and weights that train of the products of their derivatives at the two inputs, the
    tangent kernel (Jacot et al. 2018), of plain nets by layers, Σ (HHᵀ) ∘ (GGᵀ), H what a layer is given and
    G the derivatives of an output by what it makes; "gram": dot products of their features in hidden layer
    `layer` (the last); "cosine": the same, each feature vector of length 1. x (n, d), shared, or
    (runs, n, d). centre: subtract the mean over inputs from the vectors first (before the lengths, for
    cosine). Symmetric, no negative eigenvalues; NaN for a run that diverged. Raises `SbkitError` on other
    names of a kernel, and where there are no hidden layers whose features could be taken.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=6, n_test=6)
    >>> kernel(mlp(task, runs=3), task.x).shape
    torch.Size([3, 6, 6])
    """
    check_fleet(fleet)
    one_of("kernel", kind, KINDS)
    x = numbers("The input of a kernel", x, next(fleet.parameters()))
    alive = fleet.predict(x).isfinite().all(-1).all(-1)  # (runs,); it also refuses inputs of another task
    if kind == "ntk":
        if layer is not None:
            raise SbkitError(f'"ntk" is of all layers together, got layer={layer!r:.60}; try kind="gram".')
        found = _by_layers(fleet, x, centre)
        if found is not None:
            return found.where(alive.view(-1, 1, 1), torch.nan)
        vectors = _derivatives(fleet, x)  # (runs, n, outputs · weights)
    else:
        vectors = _features(fleet, x, layer)  # (runs, n, width)
    if centre:
        vectors = vectors - vectors.mean(1, keepdim=True)
    if kind == "cosine":
        vectors = F.normalize(vectors, dim=-1)
    return (vectors @ vectors.mT).where(alive.view(-1, 1, 1), torch.nan)


@torch.no_grad()
def _features(fleet: Fleet, x: Tensor, layer: int | None) -> Tensor:
    """What a hidden layer makes of x, the last if not told. (runs, n, width)"""
    hidden = fleet.features(x) if layer is None else [fleet.features(x, layer)]
    if hidden:
        return hidden[-1].flatten(2)
    raise SbkitError('"gram" and "cosine" are of hidden layers, got a net without; try kind="ntk".')


@torch.inference_mode(False)
def _by_layers(fleet: Fleet, x: Tensor, centre: bool) -> Tensor | None:
    """The tangent kernel of plain nets without their derivatives by weights; None for others. (runs, n, n)

    d output / d W = g hᵀ, whose dot products are those of g times those of h. In double precision where it is
    centred, for what that leaves may be small.
    """
    layers = fleet.passes(x.clone().requires_grad_())
    if not layers:
        return None
    n, copies = x.shape[-2], len(layers) + 3
    what = f"{fleet.runs} runs × {n:,} × {n:,} inputs × 8 bytes × {copies} copies"
    check_memory(fleet.runs * n * n * 8 * copies, what, x.device)
    logits, made, exact = layers[-1][2], [each for *_, each in layers], torch.double if centre else x.dtype
    alike = [_alike(layer, given.detach().to(exact)) for layer, given, _ in layers]  # (runs, n, n) each
    total = logits.shape[-1] * alike.pop()  # each output's derivative by the last layer's is 1
    for c in range(logits.shape[-1] if alike else 0):
        slopes = torch.autograd.grad(logits[..., c].sum(), made[:-1], retain_graph=True)
        for same, g in zip(alike, slopes, strict=True):  # (runs, n, n), (runs, n, out)
            total += same * (g.to(exact) @ g.to(exact).mT)
    if centre:
        total = total - total.mean(1, keepdim=True)
        total = total - total.mean(2, keepdim=True)
    return total.to(x)


def _alike(layer: Any, h: Tensor) -> Tensor:
    """HHᵀ, and 1 more for a bias, of what trains of a layer that is given h (runs, n, in). (runs, n, n)"""
    scale, shift = layer.scale, layer.shift  # not 1 in the NTK parameterization
    of_weight = (h @ h.mT) * (scale**2 if layer.weight.requires_grad else 0)
    return of_weight + shift**2 if layer.bias is not None and layer.bias.requires_grad else of_weight


def _derivatives(fleet: Fleet, x: Tensor) -> Tensor:
    """d output / d weight of every input, output by output. (runs, n, outputs · weights)"""
    rows, outputs = x.shape[-2], fleet.predict(x[..., :1, :]).shape[-1]
    weights = sum(p.numel() for p in fleet.parameters() if p.requires_grad)  # of all runs
    what = f"{fleet.runs} runs × {rows:,} inputs × {outputs} outputs × all weights × {x.element_size()} bytes"
    check_memory(2 * rows * outputs * weights * x.element_size(), f"{what} × 2 copies", x.device)
    inputs = x.expand(fleet.runs, *x.shape[-2:])
    parts = derivatives(fleet, inputs, inputs, lambda logits, _: logits)  # (runs, n, outputs, …) each
    return torch.cat([part.flatten(3) for part in parts], dim=3).flatten(2)


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
    kernel, y = numbers("A kernel", kernel), labels_of(y)
    if kernel.ndim < 2 or kernel.shape[-2:] != (len(y), len(y)):
        n = len(y)
        raise SbkitError(f"A kernel of {n} labels is (…, {n}, {n}), got {tuple(kernel.shape)}.")
    classes = y if y.is_floating_point() else F.one_hot(y.unique(return_inverse=True)[1])  # (n, outputs)
    labels = classes.to(kernel).reshape(len(y), -1)
    labels = labels - labels.mean(0)
    if not labels.any():
        raise SbkitError("Alignment needs labels that differ, got one value only; take more rows.")
    own = labels @ labels.mT  # (n, n)
    inner = kernel - kernel.mean(-1, keepdim=True)
    inner = inner - inner.mean(-2, keepdim=True)  # (…, n, n)
    return (inner * own).sum((-2, -1)).real / (inner.norm(dim=(-2, -1)) * own.norm())


@measure("kernel", glance={"rows": 24})
def sorted_kernel(fleet: Fleet, task: Task, rows: int = 48) -> Tensor:
    """The tangent kernel of test rows in the order of their labels, `drawn` from all. (runs, n, n)

    A net that tells the classes apart shows them as blocks. `kernel` says what its numbers are. Raises
    `SbkitError` on a fleet of another task.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=10)
    >>> sorted_kernel(mlp(task, runs=3), task, rows=5).shape
    torch.Size([3, 5, 5])
    """
    check_pair("sb.measure['kernel']", fleet, task, trains=True)
    few = task.sample(whole("rows", rows))
    order = (few.y_test if task.classes else few.y_test[..., 0]).argsort(stable=True)  # (…, n)
    return kernel(fleet, few.x_test.expand(*order.shape, -1).take_along_dim(order.unsqueeze(-1), dim=-2))
