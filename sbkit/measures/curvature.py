"""How steeply the loss curves around a fleet's weights: its Hessian and the parts of it, run by run."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sbkit.core import (
    LAYERS,
    Fleet,
    SbkitError,
    Task,
    check_memory,
    check_pair,
    generator,
    measure,
    told,
    whole,
)
from sbkit.losses import Named
from sbkit.measures.lanczos import lanczos
from sbkit.measures.landscape import Product, curvature, landscape

AT_ONCE = 64  # columns of a dense matrix
MOST = 1000  # weights of a net, for all its eigenvalues: their time goes with the cube


def hvp(fleet: Fleet, task: Task, v: Tensor, kind: str = "hessian", loss: Named = None) -> Tensor:
    """The curvature times directions in the space of weights: how the gradient changes along v.

    v (runs, P) or (runs, k, P), in the order of `fleet.vector()`, → the same shape, in the loss's unit. kind:
    "hessian", "gauss_newton" (Jᵀ H_L J, never negative; Schraudolph 2002) or "nme", the difference of both
    (Dauphin et al. 2024). loss: as `fit` takes it, None, a name or a function (logits, y) → (runs, n); its
    mean over all training rows. NaN for a run that diverged. Raises `SbkitError` on other names and shapes,
    and on nets none of whose weights train.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=10)
    >>> fleet = mlp(task, width=3, runs=2)
    >>> hvp(fleet, task, torch.ones_like(fleet.vector())).shape == fleet.vector().shape
    True
    """
    product, weights = _product("hvp", fleet, task, kind, loss)
    fits = isinstance(v, Tensor) and v.ndim in (2, 3) and (len(v), v.shape[-1]) == weights.shape
    if not fits:
        runs, size = weights.shape
        rule = f"v is a direction in the space of weights, a tensor ({runs}, {size}) or ({runs}, k, {size})"
        raise SbkitError(f"{rule}, got {told(v)}; try torch.randn_like(fleet.vector()).")
    along = v.detach().to(weights)
    return product(along) if v.ndim == 3 else product(along.unsqueeze(1)).squeeze(1)


def _product(name: str, fleet: Fleet, task: Task, kind: str, loss: Named) -> tuple[Product, Tensor]:
    """For the measure `name`, the curvature as a function of directions, and the weights (runs, P)."""
    return curvature(landscape(name, fleet, task, loss), kind), fleet.vector().detach()


def hessian(
    fleet: Fleet, task: Task, kind: str = "hessian", layer: int | None = None, loss: Named = None
) -> Tensor:
    """Second derivatives of the loss by every two weights of a run. (runs, P, P)

    kind, loss: as in `hvp`. layer: only the weight and bias of this one of `fleet.weights()`, in the order of
    its `parameters()`. Symmetric but for rounding; NaN for a run that diverged. Raises `SbkitError` as `hvp`,
    on a layer out of range, and where the memory is too small.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=10)
    >>> hessian(mlp(task, width=3, depth=1, runs=2), task, layer=1).shape  # 2 · 3 weights and 2 biases
    torch.Size([2, 8, 8])
    """
    product, weights = _product("hessian", fleet, task, kind, loss)
    columns = torch.arange(weights.shape[1], device=weights.device)[_places(fleet, layer)]
    runs, size, bytes_each = fleet.runs, len(columns), weights.element_size()
    check_memory(runs * size**2 * bytes_each, f"{runs} runs × {size:,}² weights × {bytes_each} bytes")
    found = weights.new_empty(runs, size, size)
    for some, rows in zip(columns.split(AT_ONCE), found.split(AT_ONCE, 1), strict=True):
        units = torch.zeros(len(some), weights.shape[1]).to(weights).scatter_(1, some.unsqueeze(1), 1.0)
        rows[:] = product(units.expand(runs, -1, -1))[..., columns]
    return found


def _places(fleet: Fleet, layer: int | None) -> Any:
    """Which weights of a run belong to a layer of `fleet.weights()`: an index into P."""
    if layer is None:
        return slice(None)
    layers = [part for part in fleet.net.modules() if isinstance(part, LAYERS)]
    if whole("layer", layer, 0) >= len(layers):
        raise SbkitError(f"layer is one of 0…{len(layers) - 1}, got {layer}; try layer=0.")
    own = set(map(id, layers[layer].parameters()))
    trained = [p for p in fleet.parameters() if p.requires_grad]
    return torch.cat([torch.full((p[0].numel(),), id(p) in own) for p in trained])


def eigenvalues(fleet: Fleet, task: Task, k: int = 1, kind: str = "hessian", loss: Named = None) -> Tensor:
    """The k algebraically largest eigenvalues of the curvature, largest first. (runs, k)

    As often as each comes; the least of H are those of −H. By `lanczos`, of all runs at once, from vectors
    drawn from the runs' seeds: to about 1e-9 of the largest in float64. kind, loss: as in `hvp`. NaN for a
    run that diverged. Raises `SbkitError` as `hvp`, and if k is more than the P weights of a run.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=10)
    >>> eigenvalues(mlp(task, width=3, runs=2), task, k=3, kind="gauss_newton").shape
    torch.Size([2, 3])
    """
    return top("eigenvalues", fleet, task, k, kind, loss)[0]


def top(name: str, fleet: Fleet, task: Task, k: int, kind: str, loss: Named) -> tuple[Tensor, Tensor]:
    """`eigenvalues` and their vectors of length 1, for the measure `name`. (runs, k), (runs, k, P)"""
    product, weights = _product(name, fleet, task, kind, loss)
    if whole("k", k) > (size := weights.shape[1]):
        raise SbkitError(f"A run of {size} weights has as many eigenvalues, got k={k}; try k={size}.")
    lost = torch.zeros(fleet.runs, 1, 1, dtype=torch.bool, device=weights.device)

    def finite(v: Tensor) -> Tensor:
        found = product(v)  # NaN all over in a run that diverged
        lost.logical_or_(found[:, :1, :1].isnan())
        return found.nan_to_num()

    rngs = [generator(fleet.seed + r, 0) for r in range(fleet.runs)]
    values, vectors = lanczos(finite, k, weights, rngs)
    return values.masked_fill(lost[..., 0], torch.nan), vectors.masked_fill(lost, torch.nan)


def trace(
    fleet: Fleet, task: Task, probes: int = 64, kind: str = "hessian", loss: Named = None, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Σ of all eigenvalues of the curvature, estimated, and the standard error of that. (runs,), (runs,)

    Mean of vᵀHv over `probes` random vectors v of ±1, drawn from seed and each run's own (Hutchinson 1990);
    the error is their standard deviation over √probes. kind, loss: as in `hvp`. NaN for a run that diverged.
    Raises `SbkitError` as `hvp`, and for fewer than two probes.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=10)
    >>> [part.shape for part in trace(mlp(task, width=3, runs=2), task)]
    [torch.Size([2]), torch.Size([2])]
    """
    probes = whole("probes", probes, 2)
    product, weights = _product("trace", fleet, task, kind, loss)
    rngs = [generator(seed, fleet.seed + r) for r in range(fleet.runs)]
    found = []  # vᵀHv of some probes, (runs, …) each
    for first in range(0, probes, AT_ONCE):
        shape = min(AT_ONCE, probes - first), weights.shape[1]
        signs = torch.stack([torch.randint(2, shape, generator=rng) for rng in rngs]).to(weights) * 2 - 1
        found.append((signs * product(signs)).sum(-1))
    each = torch.cat(found, dim=1)  # (runs, probes)
    return each.mean(1), each.std(1) / probes**0.5


@measure("sharpness", glance_every=6)
def sharpness(fleet: Fleet, task: Task, kind: str = "hessian", loss: Named = None) -> Tensor:
    """How sharply the loss curves in its steepest direction: the largest eigenvalue of its Hessian. (runs,)

    Gradient descent of step size λ is stable below 2/λ; above, it moves to flatter weights (Cohen et al.
    2021). It is no measure of generalization by itself: weights scaled without a change of what the net
    computes change it (Dinh et al. 2017). kind, loss: as in `hvp`; what is trained with another loss is
    measured with `functools.partial(sharpness, loss="square")`. NaN for a run that diverged.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=10)
    >>> sharpness(mlp(task, width=3, runs=2), task).shape
    torch.Size([2])
    """
    return top("sharpness", fleet, task, 1, kind, loss)[0].squeeze(1)


@measure("hessian", glance_every=12, weights=MOST)
def hessian_spectrum(fleet: Fleet, task: Task, loss: Named = None) -> list[Tensor]:
    """All eigenvalues of the two parts of the Hessian, least first: Gauss–Newton and NME, (runs, P) each.

    The first says how the loss curves with the logits, the second how the logits curve with the weights, as
    `hvp` has them. NaN for a run that diverged. Raises `SbkitError` as `hvp`, and on nets of more than 1,000
    weights.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=10)
    >>> [part.shape for part in hessian_spectrum(mlp(task, width=1, depth=1, runs=2), task)]
    [torch.Size([2, 7]), torch.Size([2, 7])]
    """
    check_pair("sb.measure['hessian']", fleet, task, trains=True)
    if (size := fleet.vector().shape[1]) > MOST:
        fix = "a narrower net, or sb.measures.eigenvalues(fleet, task, k=10)"
        raise SbkitError(f"All eigenvalues are of up to {MOST:,} weights a net, got {size:,}; try {fix}.")
    return [_spectrum(hessian(fleet, task, kind, loss=loss)) for kind in ("gauss_newton", "nme")]


def _spectrum(matrix: Tensor) -> Tensor:
    """Eigenvalues of symmetric matrices (runs, P, P), NaN where one is not finite. (runs, P)

    In double precision: in single, LAPACK gave up on some that have zeros for most eigenvalues.
    """
    finite = matrix.isfinite().all(-1)  # (runs, P)
    return torch.linalg.eigvalsh(matrix.nan_to_num(0, 0, 0).double()).to(matrix).where(finite, torch.nan)
