"""Kernels of infinite width against integrals, draws and finite nets; Gaussian processes against sklearn."""

import math

import numpy as np
import pytest
import torch
from cases import DOUBLE
from scipy.integrate import quad
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from torch.testing import assert_close

import sbkit as sb
from sbkit.measures import gp_posterior, infinite_kernel


def on_sphere(n: int, d: int, seed: int = 0) -> torch.Tensor:
    """n inputs with |x|² = d."""
    x = torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)
    return d**0.5 * x / x.norm(dim=1, keepdim=True)


def integrals(a: float, b: float, c: float) -> tuple[float, float]:
    """E[relu(u) relu(v)] and E[relu'(u) relu'(v)] of normal u, v with variances a, b and covariance c."""
    angle = math.acos(max(-1.0, min(1.0, c / (a * b) ** 0.5)))

    def product(turn: float) -> float:
        return max(math.cos(turn), 0) * max(math.cos(turn - angle), 0)

    both = quad(product, angle - math.pi / 2, math.pi / 2)[0] / math.pi  # E r² = 2, over 2π
    return (a * b) ** 0.5 * both, (math.pi - angle) / (2 * math.pi)


def by_integrals(x, z, depth, kind, w_var, b_var) -> float:
    """The recursion for one pair of inputs, numbers by quadrature."""
    a, b, c = (w_var * float(p @ q) / len(x) + b_var for p, q in ((x, x), (z, z), (x, z)))
    theta = c
    for _ in range(depth):
        product, slope = integrals(a, b, c)
        a, b, c = w_var * a / 2 + b_var, w_var * b / 2 + b_var, w_var * product + b_var
        theta = c + w_var * slope * theta
    return theta if kind == "ntk" else c


@pytest.mark.parametrize("kind", ["ntk", "nngp"])
@pytest.mark.parametrize("depth", [0, 1, 2, 4])
@pytest.mark.parametrize(("w_var", "b_var"), [(2.0, 0.0), (1.5, 0.3)])
def test_it_is_the_recursion_by_quadrature(kind, depth, w_var, b_var):
    x, z = on_sphere(3, 5), 1.7 * on_sphere(4, 5, seed=1)
    found = infinite_kernel(x, z, depth, kind, w_var, b_var)
    wanted = [[by_integrals(p, q, depth, kind, w_var, b_var) for q in z] for p in x]
    assert_close(found, torch.tensor(wanted, dtype=DOUBLE), rtol=1e-9, atol=1e-9)
    alone = infinite_kernel(x, None, depth, kind, w_var, b_var)
    assert_close(alone, infinite_kernel(x, x, depth, kind, w_var, b_var), rtol=1e-6, atol=1e-6)
    assert_close(alone, alone.mT) and torch.linalg.eigvalsh(alone).min() >= -1e-12


@pytest.mark.parametrize(("depth", "nngp", "ntk"), [(0, 2, 2), (1, 2, 4), (2, 2, 6), (5, 2, 12)])
def test_the_diagonal_on_the_sphere_is_known(depth, nngp, ntk):
    x = on_sphere(6, 9)
    for kind, value in (("nngp", nngp), ("ntk", ntk)):
        wanted = torch.full((6,), float(value), dtype=DOUBLE)
        assert_close(infinite_kernel(x, depth=depth, kind=kind).diag(), wanted, rtol=1e-12, atol=0)
    assert infinite_kernel(x.float()).dtype == torch.float32
    assert_close(infinite_kernel(torch.zeros(2, 3)), torch.zeros(2, 2))


def test_the_covariance_is_that_of_many_drawn_units():
    """400,000 rows of weights: the standard error of a product is about 4 / √400,000 = .006."""
    x, rng = on_sphere(4, 6), torch.Generator().manual_seed(0)
    units = (torch.randn(400_000, 6, generator=rng, dtype=DOUBLE) * (2 / 6) ** 0.5 @ x.mT).relu()  # (rows, n)
    found = 2 * units.mT @ units / len(units)
    assert float((found - infinite_kernel(x, kind="nngp")).abs().max()) <= 0.04


def test_tangent_kernels_of_finite_nets_scatter_about_it():
    """With one hidden layer they are unbiased at every width: so is the mean of 4,000 nets of width 8."""
    x, rng, width = on_sphere(3, 4), torch.Generator().manual_seed(0), 8
    first, bias, last, end = (
        torch.randn(4000, *shape, generator=rng, dtype=DOUBLE).requires_grad_()
        for shape in ((width, 4), (width,), (width,), ())
    )
    made = (2.0 / 4) ** 0.5 * x @ first.mT + 0.5**0.5 * bias.unsqueeze(1)  # (nets, n, width)
    out = (2.0 / width) ** 0.5 * (made.relu() @ last.unsqueeze(2)).squeeze(2) + 0.5**0.5 * end.unsqueeze(1)
    weights = first, bias, last, end
    slopes = [torch.autograd.grad(out[:, i].sum(), weights, retain_graph=True) for i in range(3)]
    vectors = torch.stack([torch.cat([g.reshape(4000, -1) for g in each], 1) for each in slopes], 1)
    wanted = infinite_kernel(x, w_var=2.0, b_var=0.5)  # (n, n)
    assert float(((vectors @ vectors.mT).mean(0) / wanted - 1).abs().max()) <= 0.1


@pytest.mark.parametrize("noise", [1e-4, 0.1, 2.0])
@pytest.mark.parametrize("outputs", [(), (1,), (3,)])
def test_the_posterior_is_sklearns(noise, outputs):
    rng = np.random.default_rng(0)
    x, new, y = rng.normal(size=(12, 3)), rng.normal(size=(7, 3)), rng.normal(size=(12, *outputs))
    k = RBF(1.3)
    process = GaussianProcessRegressor(k, alpha=noise, optimizer=None).fit(x, y)
    mean, covariance = process.predict(new, return_cov=True)
    found, spread = gp_posterior(k(x), k(new, x), k(new), y, noise)
    assert_close(found.reshape(7, -1), torch.tensor(mean).reshape(7, -1), rtol=1e-10, atol=1e-12)
    own = covariance if covariance.ndim == 2 else covariance[..., 0]
    assert_close(spread, torch.tensor(own), rtol=1e-10, atol=1e-12)
    assert found.shape == (7, *outputs) and spread.shape == (7, 7)


def test_posteriors_of_several_kernels_are_those_of_each():
    x, new, y = on_sphere(9, 4), on_sphere(5, 4, seed=1), torch.arange(9.0, dtype=DOUBLE)
    pairs = (x, None), (new, x), (new, None)
    parts = [[infinite_kernel(*pair, depth) for depth in (1, 3)] for pair in pairs]
    together = gp_posterior(*map(torch.stack, parts), y, 0.1)
    for i in range(2):
        for found, own in zip(together, gp_posterior(*(part[i] for part in parts), y, 0.1), strict=True):
            assert_close(found[i], own)


def test_without_noise_it_passes_through_what_was_seen():
    x, y = on_sphere(8, 5), torch.arange(8.0, dtype=DOUBLE)
    K = infinite_kernel(x)
    mean, covariance = gp_posterior(K, K, K, y, 0)
    assert_close(mean, y)
    assert_close(covariance, torch.zeros(8, 8, dtype=DOUBLE), rtol=0, atol=1e-10)


EYE = torch.eye(3)
REFUSED = [
    (lambda: infinite_kernel(EYE, kind="ntkk"), "No kernel named 'ntkk'.*Did you mean 'ntk'"),
    (lambda: infinite_kernel(EYE, depth=-1), "depth is a whole number of at least 0, got -1"),
    (lambda: infinite_kernel(EYE, depth=1.0), "depth is a whole number of at least 0, got 1.0"),
    (lambda: infinite_kernel(EYE, w_var=-1), "w_var is a number at least 0, got -1"),
    (lambda: infinite_kernel(EYE, b_var=math.nan), "b_var is a number at least 0, got nan"),
    (lambda: infinite_kernel(EYE[0]), r"Inputs of a kernel are real \(n, d\), got \(3,\).*try task.x"),
    (lambda: infinite_kernel(EYE, EYE[:, :2]), r"are real \(m, 3\), got \(3, 2\)"),
    (lambda: infinite_kernel("x"), "The input of a kernel is of numbers"),
    (lambda: gp_posterior(EYE, EYE, EYE, EYE[0], -1), "noise is a number at least 0, got -1"),
    (
        lambda: gp_posterior(EYE, EYE[:2].mT, EYE[:2, :2], EYE[0], 1),
        r"Kx \(m, n\).*got .*\(3, 2\).*rows the new",
    ),
    (lambda: gp_posterior(EYE, EYE, EYE, EYE[0, :2], 1), r"y \(n,\) or \(n, outputs\), got"),
    (lambda: gp_posterior(EYE * 1j, EYE, EYE, EYE[0], 1), "takes real K"),
    (lambda: gp_posterior(EYE.expand(4, 3, 3), EYE.expand(2, 3, 3), EYE, EYE[0], 1), r"got \(4, 3, 3\)"),
    (lambda: gp_posterior(EYE, EYE, EYE, 1.0, 1), r"y \(n,\) or \(n, outputs\), got"),
    (lambda: gp_posterior(EYE * math.nan, EYE, EYE, EYE[0], 1), "finite and symmetric"),
    (lambda: gp_posterior(EYE + EYE.roll(1, 1), EYE, EYE, EYE[0], 1), "finite and symmetric"),
]


@pytest.mark.parametrize(("ask", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_refuses(ask, says):
    with pytest.raises(sb.SbkitError, match=says):
        ask()


@pytest.mark.parametrize(
    "K", [torch.ones(4, 4), torch.diag(torch.tensor([1.0, 1.0, 1.0, -0.5])), torch.zeros(4, 4)]
)
def test_a_kernel_that_is_not_positive_definite_is_refused_with_a_noise_that_helps(K):
    with pytest.raises(sb.SbkitError, match="positive eigenvalues only, got .*; try noise=") as refused:
        gp_posterior(K, K, K, torch.ones(4), 0)
    noise = float(str(refused.value).partition("noise=")[2].split()[0])
    assert gp_posterior(K, K, K, torch.ones(4), noise)[0].isfinite().all()
