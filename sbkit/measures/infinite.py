"""What nets of infinite width are: their kernels in closed form, and what a Gaussian process makes of one."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sbkit.core import SbkitError, between, numbers, one_of, told, whole


def infinite_kernel(
    x: Tensor,
    x2: Tensor | None = None,
    depth: int = 1,
    kind: str = "ntk",
    w_var: float = 2.0,
    b_var: float = 0.0,
) -> Tensor:
    """How alike infinitely wide ReLU nets find every two inputs. (n, d), (m, d) → (n, m)

    Of nets with `depth` hidden layers whose weights have the variance w_var / inputs of their layer, and
    biases b_var. "nngp": the covariance of an output over such nets, Σ; "ntk": the tangent kernel Θ, which
    does not move in training, of nets in the NTK parameterization (weights N(0, 1), times √(w_var / inputs)
    in forward, biases times √b_var), one output. With θ the angle between two inputs by Σ,

        Σ ← w_var √(Σ₁₁Σ₂₂) (sin θ + (π − θ) cos θ) / 2π + b_var,   Θ ← Σ + Θ w_var (π − θ) / 2π,

    both from Σ = Θ = w_var x·x₂ / d + b_var (Cho and Saul 2009; Lee et al. 2018; Jacot et al. 2018). Computed
    in double precision, given in that of x. Raises `SbkitError` on other names and shapes, and numbers out of
    range.

    >>> x = 2**0.5 * torch.eye(2)
    >>> infinite_kernel(x, depth=2, kind="nngp").diag(), infinite_kernel(x, depth=2).diag()
    (tensor([2.0000, 2.0000]), tensor([6., 6.]))
    """
    one_of("kernel", kind, ("ntk", "nngp"))
    depth = whole("depth", depth, 0)
    w_var, b_var = between("w_var", w_var, 0, math.inf), between("b_var", b_var, 0, math.inf)
    given = numbers("The input of a kernel", x)
    a = _rows(given)
    b = a if x2 is None else _rows(numbers("The input of a kernel", x2), a)
    sigma = w_var * a @ b.mT / a.shape[1] + b_var  # (n, m)
    ends = [w_var * rows.square().mean(1) + b_var for rows in (a, b)]  # each input with itself, (n,), (m,)
    theta = sigma
    for _ in range(depth):
        if x2 is None:
            ends = [sigma.diag()] * 2  # to the last bit, so that an input is at the angle 0 to itself
        lengths = (ends[0][:, None] * ends[1]).sqrt()  # (n, m)
        cosine = (sigma / lengths.clamp_min(torch.finfo(lengths.dtype).tiny)).clamp(-1, 1)
        angle = cosine.acos()
        turned = math.pi - angle
        sigma = w_var * lengths * (angle.sin() + turned * cosine) / (2 * math.pi) + b_var
        theta = sigma + theta * w_var * turned / (2 * math.pi)
        ends = [w_var * end / 2 + b_var for end in ends]
    return (theta if kind == "ntk" else sigma).to(given)


def _rows(x: Tensor, like: Tensor | None = None) -> Tensor:
    """Inputs (n, d) in double precision, as wide as others."""
    if x.ndim != 2 or not x.numel() or x.is_complex() or (like is not None and x.shape[1] != like.shape[1]):
        wanted = "(n, d)" if like is None else f"(m, {like.shape[1]})"
        raise SbkitError(f"Inputs of a kernel are real {wanted}, got {told(x)}; try task.x.")
    return x.detach().double()


def gp_posterior(K: Tensor, Kx: Tensor, Kxx: Tensor, y: Tensor, noise: float) -> tuple[Tensor, Tensor]:
    """What a Gaussian process believes after n noisy values: its mean and covariance at m other places.

    K (n, n), Kx (m, n) and Kxx (m, m): the kernel of the places where y was seen, between the others and
    these, and of the others. y (n,), or (n, outputs), with a variance `noise` each. → mean (m,), or
    (m, outputs), Kx (K + noise I)⁻¹ y, and covariance (m, m) of the function without noise,
    Kxx − Kx (K + noise I)⁻¹ Kxᵀ (Rasmussen and Williams 2006, equations 2.23 and 2.24; by Cholesky, in
    double precision). Kernels may have one leading axis, as those of runs, and so have the answers then.
    Raises `SbkitError` on shapes that do not match, and where K + noise I is not positive definite.

    >>> mean, covariance = gp_posterior(torch.eye(1), torch.ones(1, 1), torch.ones(1, 1), torch.ones(1), 1.0)
    >>> mean, covariance
    (tensor([0.5000]), tensor([[0.5000]]))
    """
    noise = between("noise", noise, 0, math.inf)
    named = {"K": K, "Kx": Kx, "Kxx": Kxx, "y": y}
    given = [numbers(f"{name} of a Gaussian process", one) for name, one in named.items()]
    shapes = [tuple(one.shape) for one in given]
    *runs, n = shapes[0][:-1] or (0,)
    m = (0, *shapes[2])[-1]
    wanted = [(*runs, n, n), (*runs, m, n), (*runs, m, m), (n, *shapes[3][1:2])]
    if shapes != wanted or not n or any(one.is_complex() for one in given):
        rule = "A Gaussian process takes real K (n, n), Kx (m, n), Kxx (m, m) and y (n,) or (n, outputs)"
        raise SbkitError(f"{rule}, got {told(given)}; try Kx = kernel(x_new, x), its rows the new places.")
    seen, across, others, values = (one.detach().double() for one in given)
    factor = _cholesky(seen + noise * torch.eye(n, dtype=seen.dtype, device=seen.device), noise)
    weights = torch.cholesky_solve(values.reshape(n, -1), factor)  # (…, n, outputs)
    mean = across @ weights
    explained = torch.linalg.solve_triangular(factor, across.mT, upper=False)  # (…, n, m)
    mean = mean if values.ndim == 2 else mean.squeeze(-1)
    return mean.to(given[0]), (others - explained.mT @ explained).to(given[0])


def _cholesky(covariance: Tensor, noise: float) -> Tensor:
    """The lower factor L of L Lᵀ, of symmetric matrices (…, n, n) that have one."""
    if not covariance.isfinite().all() or not torch.allclose(covariance, covariance.mT, 1e-4, 1e-8):
        raise SbkitError("K is finite and symmetric, got one that is not; try infinite_kernel(x).")
    factor, failed = torch.linalg.cholesky_ex(covariance)
    if failed.any():
        values = torch.linalg.eigvalsh(covariance)  # (…, n)
        enough = noise + 2 * max(0.0, -float(values.min())) + 1e-10 * float(values.abs().max() or 1)
        rule = "K + noise I has positive eigenvalues only"
        raise SbkitError(f"{rule}, got {float(values.min()):.1g}; try noise={enough:.1g} or more.")
    return factor
