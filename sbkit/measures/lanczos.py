"""Largest eigenvalues of many symmetric matrices at once, known by their products alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from sbkit.core import SbkitError, check_memory

MOST = 64  # vectors of a basis, or four an eigenvalue; then its better half goes on
TURNS = 1000  # times that a basis grows, at most
WEAK = 1e-3  # less is left of a vector of length 1 that leads nowhere new


def lanczos(
    product: Callable[[Tensor], Tensor], k: int, like: Tensor, rngs: Sequence[torch.Generator]
) -> tuple[Tensor, Tensor]:
    """The k algebraically largest eigenvalues, largest first, and their vectors. (runs, k), (runs, k, P)

    Of symmetric matrices A (P, P), one a run, by product: v (runs, k, P) → A v, finite. like (runs, P): a
    tensor of that type and device. rngs: one a run. Block Lanczos with full reorthogonalization (Golub and
    Van Loan 2013, section 10.3), restarted by the better half of its basis (Wu and Simon 2000). Blocks of k
    vectors find an eigenvalue as often as it comes, and one that leads nowhere new is drawn again, so that
    no invariant subspace holds them. It ends when every ‖A v − λ v‖ is below the largest |λ| times the 0.6th
    power of the float type's rounding, or the products' own rounding, or when the basis is complete. Raises
    `SbkitError` where it does not end, and where memory is too small.
    """
    runs, size = like.shape
    most = min(size, max(MOST, 4 * k))
    words = f"{runs} runs × {most} vectors × {size:,} weights × {like.element_size()} bytes × 2 (v, A v)"
    check_memory(2 * runs * most * size * like.element_size(), words, like.device)
    basis = images = like.new_empty(runs, 0, size)  # Q (runs, m, P), its rows orthonormal, and A Q
    inner, tiny = like.new_empty(runs, 0, 0), torch.finfo(like.dtype).tiny  # QᵀAQ (runs, m, m)
    ahead = _drawn(like, k, rngs)  # (runs, k, P)
    for _ in range(TURNS):
        ahead = _orthonormal(ahead, basis, rngs)
        found = product(ahead)
        inner = torch.cat([inner, basis @ found.mT], dim=2)
        basis, images = torch.cat([basis, ahead], dim=1), torch.cat([images, found], dim=1)
        inner = torch.cat([inner, ahead @ images.mT], dim=1)
        values, turns = (part.to(like) for part in torch.linalg.eigh((inner + inner.mT).double() / 2))
        values, turns = values.flip(-1), turns.flip(-1).mT  # (runs, m), (runs, m, m), largest first
        vectors = turns[:, :k] @ basis
        scale = values.abs().amax(1).clamp_min(tiny).view(-1, 1, 1)  # without it small squares vanish
        ahead = (turns[:, :k] @ images - values[:, :k, None] * vectors) / scale  # residuals
        far = _far(ahead, inner / scale)  # (k,)
        if basis.shape[1] == size or not far.any():
            return values[:, :k], vectors
        if basis.shape[1] + k > most < size:
            kept = turns[:, : most // 2]
            basis, images, inner = kept @ basis, kept @ images, kept @ inner @ kept.mT
        ahead = ahead[:, far][:, : size - basis.shape[1]]
    got = f"{k} that lie too close to others; try fewer, or the float64 of task.to(dtype=torch.float64)"
    raise SbkitError(f"Eigenvalues are found in {TURNS:,} products each, got {got}.")


def _far(residuals: Tensor, inner: Tensor) -> Tensor:
    """Which residuals (runs, k, P) of any run are larger than its float type, or its products, allow. (k,)

    The rounding of the products is what QᵀAQ, inner (runs, m, m), lacks to be symmetric.
    """
    rounding = (inner - inner.mT).square().mean((1, 2)).mul(residuals.shape[-1]).sqrt()  # (runs,)
    return (residuals.norm(dim=-1) > torch.finfo(inner.dtype).eps ** 0.6 + rounding.unsqueeze(1)).any(0)


def _drawn(like: Tensor, k: int, rngs: Sequence[torch.Generator]) -> Tensor:
    """Random vectors, each run's from its own generator. (runs, k, P)"""
    drawn = [torch.randn(k, like.shape[1], generator=rng, dtype=like.dtype) for rng in rngs]
    return torch.stack(drawn).to(like.device)


def _orthonormal(vectors: Tensor, basis: Tensor, rngs: Sequence[torch.Generator]) -> Tensor:
    """Vectors (runs, k, P) made orthogonal to the basis (runs, m, P) and each other, of length 1.

    Twice, for rounding is left at first; a third time where one lay in the others' span and is drawn again.
    """
    for turn in range(3):
        vectors = normalize(vectors, dim=-1, eps=torch.finfo(vectors.dtype).tiny)
        columns, rest = torch.linalg.qr((vectors - (vectors @ basis.mT) @ basis).mT)
        weak = rest.diagonal(dim1=1, dim2=2).abs() < WEAK  # (runs, k)
        vectors = columns.mT
        if weak.any():
            vectors = vectors.where(~weak.unsqueeze(-1), _drawn(vectors[:, 0], vectors.shape[1], rngs))
        elif turn:
            break
    return vectors
