"""The nearest matrix of low rank, in squares or in smaller powers, and singular values less a threshold."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sbkit.core import SbkitError, between, numbers, whole

FLOORS = torch.logspace(
    0, -6, 60
)  # of a residual in each round, as a share of the largest: weights stay finite


def _checked(name: str, matrix: Tensor) -> Tensor:
    """The matrix in single precision or better; what is no finite float or complex matrix is refused."""
    fits = isinstance(matrix, Tensor) and (matrix.is_floating_point() or matrix.is_complex())
    if not fits or matrix.ndim < 2 or not all(matrix.shape[-2:]):
        given = (
            f"{matrix.dtype} {tuple(matrix.shape)}" if isinstance(matrix, Tensor) else type(matrix).__name__
        )
        raise SbkitError(
            f"{name} takes a float tensor (…, m, n) of at least one entry, got {given}; "
            "try torch.as_tensor(…).double()."
        )
    if not matrix.isfinite().all():
        raise SbkitError(f"{name} takes finite numbers, got NaN or infinity; drop or fill those entries.")
    return numbers(name, matrix)


def low_rank(matrix: Tensor, rank: int, p: float = 2.0) -> Tensor:
    """The matrix of rank `rank` nearest to this one: Σ|A − B|ᵖ over all entries is least. (…, m, n)

    p = 2: the truncated singular value decomposition (Eckart and Young 1936), exact. 1 ≤ p < 2: fewer
    but larger residuals, so that outlying rows pull less (Tukan et al. 2020 ask for it; this is
    iteratively reweighted least squares, the better of two local minima: from the rows as they are, and
    from rows of one length). Real or complex, in the type given; half and bfloat16 are computed in float32.
    Raises `SbkitError` on other p, and unless 1 ≤ rank ≤ min(m, n).

    >>> low_rank(torch.diag(torch.tensor([3.0, 1.0])), rank=1)
    tensor([[3., 0.],
            [0., 0.]])
    """
    dtype, matrix = getattr(matrix, "dtype", None), _checked("low_rank", matrix)
    most = min(matrix.shape[-2:])
    if whole("rank", rank) > most:
        raise SbkitError(f"rank is at most min(m, n) = {most}, got {rank}; try rank={most}.")
    between("p", p, 1, 2)
    nearest = _truncated(matrix, rank)
    if p == 2:
        return nearest.to(dtype)
    level = torch.nn.functional.normalize(matrix, dim=-1)  # rows of one length: none outweighs the others
    starts = (
        (matrix, FLOORS),
        (level, FLOORS[len(FLOORS) // 3 :]),
    )  # all weights alike would undo the second
    found = torch.stack([_reweighted(matrix, _basis(rows, rank), p, floors) for rows, floors in starts])
    cost = (matrix - found).abs().pow(p).sum((-2, -1))  # (2, …)
    return torch.where((cost[0] <= cost[1])[..., None, None], found[0], found[1]).to(dtype)


def _truncated(matrix: Tensor, rank: int) -> Tensor:
    u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
    return u[..., :rank] * s[..., None, :rank] @ vh[..., :rank, :]


def _basis(matrix: Tensor, rank: int) -> Tensor:
    """The directions along which the rows are largest. (…, m, n) → (…, rank, n)"""
    return torch.linalg.svd(matrix, full_matrices=False).Vh[..., :rank, :]


def _reweighted(matrix: Tensor, right: Tensor, p: float, floors: Tensor) -> Tensor:
    """A local minimum of Σ|A − B|ᵖ by reweighted least squares, from rows spanned by `right`. (…, m, n)"""
    left = matrix @ right.mH  # (…, m, rank)
    for floor in floors.tolist():  # from least squares to the p-th powers
        weight = _weights(matrix - left @ right, p, floor)  # (…, m, n)
        left = _least_squares(right.mT, matrix, weight)
        right = _least_squares(left, matrix.mT, weight.mT).mT
    return left @ right


def _weights(residual: Tensor, p: float, floor: float) -> Tensor:
    """|r|ᵖ⁻², with which squares of r count as its p-th powers. (…, m, n)"""
    size = residual.abs()
    largest = size.amax((-2, -1), keepdim=True).clamp_min(torch.finfo(size.dtype).eps)
    return (size / largest).clamp_min(floor) ** (p - 2)


def _least_squares(basis: Tensor, rows: Tensor, weight: Tensor) -> Tensor:
    """Coefficients of each row (…, m, n) in a basis (…, n, k), with weights (…, m, n). (…, m, k)"""
    weighted = weight.unsqueeze(-1) * basis.unsqueeze(-3)  # (…, m, n, k)
    gram = weighted.mH @ basis.unsqueeze(-3)  # (…, m, k, k)
    return (torch.linalg.pinv(gram, hermitian=True) @ (weighted.mH @ rows.unsqueeze(-1))).squeeze(-1)


def svt(matrix: Tensor, tau: float | Tensor) -> Tensor:
    """Singular values less `tau`, none below 0: the minimum of ½‖A − B‖²_F + τ‖B‖_*. (…, m, n)

    tau: one threshold, or one a matrix (…). Gradients flow to the matrix and to tau, and stay finite where
    singular values repeat, where those of torch's svd do not. Cai, Candès and Shen 2010, theorem 2.1.
    Real or complex, in the type given; half and bfloat16 are computed in float32.
    Raises `SbkitError` on a negative threshold.

    >>> svt(torch.diag(torch.tensor([3.0, 1.0])), tau=2.0)
    tensor([[1., 0.],
            [0., 0.]])
    """
    dtype, matrix = getattr(matrix, "dtype", None), _checked("svt", matrix)
    threshold = numbers("A threshold tau", tau).real.to(matrix.real)
    if not (threshold >= 0).all():
        raise SbkitError(f"tau is at least 0, got {float(threshold.min()):g}; try tau=0.1.")
    if threshold.ndim and threshold.shape != matrix.shape[:-2]:
        own, given = tuple(matrix.shape[:-2]), tuple(threshold.shape)
        raise SbkitError(f"tau is one number or one a matrix, {own}, got {given}; try tau=0.1.")
    return shrunk(matrix, threshold.expand(matrix.shape[:-2])).to(dtype)


def shrunk(matrix: Tensor, tau: Tensor) -> Tensor:
    """As `svt`, tau (…) one a matrix, without a look at the numbers: nets of a fleet may use it. (…, m, n)"""
    return _Threshold.apply(matrix, tau)[0]


class _Threshold(torch.autograd.Function):
    """svt as U f(Σ) Vᵀ. Its derivative has divided differences of f for factors, which are 0 … 1."""

    generate_vmap_rule = True

    @staticmethod
    def forward(matrix: Tensor, tau: Tensor) -> tuple[Tensor, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
        return u @ ((s - tau.unsqueeze(-1)).clamp_min(0).unsqueeze(-1) * vh), u, s, vh

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*output[1:], inputs[1])
        ctx.mark_non_differentiable(*output[1:])

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Any) -> tuple[Tensor, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        u, s, vh, tau = ctx.saved_tensors  # (…, m, k), (…, k), (…, k, n), (…)
        f = (s - tau.unsqueeze(-1)).clamp_min(0)  # (…, k)
        kept, open_ = (f > 0).to(s), torch.where(s > 0, f / s, (tau == 0).to(s).unsqueeze(-1))  # (…, k)
        inner = u.mH @ grad @ vh.mH  # (…, k, k)
        even, odd = (inner + inner.mH) / 2, (inner - inner.mH) / 2
        apart, total = s.unsqueeze(-1) - s.unsqueeze(-2), s.unsqueeze(-1) + s.unsqueeze(-2)  # (…, k, k)
        rise = torch.where(apart == 0, kept.unsqueeze(-1), (f.unsqueeze(-1) - f.unsqueeze(-2)) / apart)
        mean = torch.where(total == 0, open_.unsqueeze(-1), (f.unsqueeze(-1) + f.unsqueeze(-2)) / total)
        within = u @ (rise * even + mean * odd) @ vh
        beyond = (grad - u @ (u.mH @ grad)) @ vh.mH * open_.unsqueeze(-2) @ vh  # columns outside U
        before = u @ (open_.unsqueeze(-1) * (u.mH @ (grad - grad @ vh.mH @ vh)))  # rows outside V
        return within + beyond + before, -(kept * inner.diagonal(dim1=-2, dim2=-1).real).sum(-1)
