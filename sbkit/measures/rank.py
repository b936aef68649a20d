"""Rank and its soft versions: functions of matrices, with any leading axes.

A matrix is a tensor, array, table or list of numbers, real or complex. half and bfloat16 are computed, and
answered, in float32, whole numbers in the default float type, all else in its own precision.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn

from sbkit.core import Fleet, SbkitError, Task, between, check_fleet, check_pair, measure, numbers


def spectrum(matrix: Tensor) -> Tensor:
    """Singular values, largest first. (…, m, n) → (…, min(m, n))

    Real, of a complex matrix too. Raises `SbkitError` on fewer than two axes, on matrices without entries,
    and on entries that are not finite.

    >>> spectrum(torch.diag(torch.tensor([1.0, 3.0])))
    tensor([3., 1.])
    """
    return torch.linalg.svdvals(_matrices(matrix))


def entropy_rank(matrix: Tensor) -> Tensor:
    """Entropy of the singular values as shares of their sum, in nats. (…, m, n) → (…)

    −Σ pᵢ ln pᵢ with pᵢ = σᵢ / Σσ; 0 for rank one, ln min(m, n) at most; 0 for a zero matrix.
    Huh et al. 2021, definition 1, whose "effective rank" this is; its exponential is `effective_rank`.

    >>> entropy_rank(torch.eye(3)) / torch.tensor(3.0).log()
    tensor(1.)
    """
    values = spectrum(matrix)
    shares = values / values.sum(-1, keepdim=True).clamp_min(torch.finfo(values.dtype).tiny)
    return torch.special.entr(shares).sum(-1)


def effective_rank(matrix: Tensor) -> Tensor:
    """How many directions a matrix uses about equally: exp of `entropy_rank`. (…, m, n) → (…)

    1 for rank one, min(m, n) at most. Roy and Vetterli 2007.

    >>> effective_rank(torch.eye(3))
    tensor(3.)
    """
    return entropy_rank(matrix).exp()


def stable_rank(matrix: Tensor) -> Tensor:
    """Energy over its largest part, ‖A‖²_F / ‖A‖²₂. (…, m, n) → (…)

    1 for rank one, min(m, n) at most, 0 for a zero matrix; moved little by small singular values.

    >>> stable_rank(torch.eye(3))
    tensor(3.)
    """
    values = spectrum(matrix)
    shares = values / values[..., :1].clamp_min(torch.finfo(values.dtype).tiny)
    return shares.square().sum(-1)  # of shares: the squares of small values would vanish


def pca_rank(features: Tensor, share: float = 0.99, centre: bool = True) -> Tensor:
    """Fewest principal components that hold `share` of the variance of the rows. (…, n, d) → (…), int64

    centre: subtract the mean row first; without it the mean counts as a direction. 0 if all rows are
    equal (centred) or zero. Raises `SbkitError` unless 0 < share ≤ 1.

    >>> pca_rank(torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]))
    tensor(1)
    """
    between("share", share, 0, 1, open_low=True)
    features = _matrices(features)
    rows = features - features.mean(-2, keepdim=True) if centre else features
    values = spectrum(rows)
    limits = torch.finfo(values.dtype)
    scale = torch.maximum(values[..., 0], features.abs().amax((-2, -1))).unsqueeze(-1)
    noise = max(features.shape[-2:]) * limits.eps * scale  # rounding, as in matrix_rank
    energy = torch.where(values > noise, values / scale.clamp_min(limits.tiny), 0).square()
    total = energy.sum(-1, keepdim=True)
    enough = energy.cumsum(-1) >= share * total * (1 - 4 * limits.eps)
    return torch.where(total.squeeze(-1) > 0, 1 + (~enough).sum(-1), 0)


def effective_weight(fleet: Fleet) -> Tensor:
    """The one matrix that each linear net amounts to, the product of its layers. (runs, out, in)

    Gradients flow to the layers. Raises `SbkitError` if the nets hold anything but linear layers.

    >>> from sbkit.data import lms
    >>> from sbkit.models import deep_linear
    >>> effective_weight(deep_linear(lms(5, dim=8), factors=3, runs=2)).shape
    torch.Size([2, 2, 8])
    """
    check_fleet(fleet)
    parts = {name: m for name, m in fleet.net.named_modules() if "parametrizations" not in name.split(".")}
    leaves = [m for m in parts.values() if isinstance(m, nn.Linear) or not list(m.children())]
    for other in [m for m in leaves if not isinstance(m, nn.Linear | nn.Identity)]:
        raise SbkitError(
            f"An effective weight is of linear nets, got a {type(other).__name__} in one; "
            "try sb.models.deep_linear."
        )
    return functools.reduce(lambda product, weight: weight @ product, fleet.weights())


def _matrices(given: Tensor) -> Tensor:
    """Finite matrices (…, m, n) with at least one entry, in single precision or better."""
    matrix = numbers("A matrix", given)
    shape = tuple(matrix.shape)
    if matrix.ndim < 2 or not all(shape[-2:]):
        raise SbkitError(
            f"A spectrum is of finite matrices (…, m, n), m and n at least 1, got shape {shape}; "
            "try a matrix with rows and columns, e.g. torch.eye(3)."
        )
    if not matrix.isfinite().all():
        raise SbkitError(
            f"A spectrum is of finite matrices, got NaN or infinity in one of shape {shape}; "
            "drop or fill those entries."
        )
    return matrix


@measure("spectrum", glance_every=6)
def weight_spectrum(fleet: Fleet, task: Task) -> list[Tensor]:
    """Singular values of every weight matrix, first layer to last: (runs, min(out, in)) each.

    A convolution's is the matrix (out, in · kernel). NaN for a run that diverged.
    """
    check_pair("sb.measure['spectrum']", fleet, task)
    each = [p.detach().flatten(1).isfinite().all(1) for p in fleet.parameters()]
    finite = torch.stack(each).all(0).unsqueeze(1)  # (runs, 1)
    return [_each(weight.detach().flatten(2), finite) for weight in fleet.weights()]


def _each(weight: Tensor, finite: Tensor) -> Tensor:
    values = spectrum(weight.where(finite.unsqueeze(-1), 0))  # (runs, min(out, in))
    return values.where(finite, torch.nan).cpu()
