"""What depth does to random products: the course's facts on rank 1–5, 7, 8 and 13, in float64.

Row 2 (a) of the course's sheet (Huh et al. 2021), against closed forms, at other sizes and seeds than the
lesson's. Fact 11 stands with the fleets it is about, in tests/models/test_deep_linear.py.
"""

import math

import pytest
import torch
from cases import DOUBLE
from scipy.special import binom, digamma, gammaln
from torch import Tensor
from torch.testing import assert_close

import sbkit as sb
from sbkit.lessons.rank.learning_low_rank import low_rank_task

DEPTHS = [1, 2, 4, 8, 16]


def chain(width: int, draws: int, seed: int, depth: int = 16) -> list[Tensor]:
    """Products of 1, 2, … depth normal matrices, (draws, width, width) each."""
    rng = torch.Generator().manual_seed(seed)
    factors = [torch.randn(draws, width, width, dtype=DOUBLE, generator=rng) for _ in range(depth)]
    made = [factors[0] / width**0.5]
    for factor in factors[1:]:
        made.append(factor @ made[-1] / width**0.5)
    return made


def gram(matrix: Tensor) -> Tensor:
    return matrix @ matrix.mT


def rotated(matrix: Tensor, seed: int) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    left, right = (
        torch.linalg.qr(torch.randn(n, n, dtype=DOUBLE, generator=rng)).Q for n in matrix.shape[-2:]
    )
    return left @ matrix @ right


KNOWN = {
    "identity": (torch.eye(7, dtype=DOUBLE), 7.0),
    "rank one": (torch.outer(torch.arange(1.0, 6), torch.arange(1.0, 4)).to(DOUBLE), 1.0),
    "three to one": (torch.diag(torch.tensor([3.0, 1.0], dtype=DOUBLE)), 1.7547653506033237),
    "an exact zero": (torch.diag(torch.tensor([1.0, 1.0, 0.0], dtype=DOUBLE)), 2.0),
}


@pytest.mark.parametrize("case", KNOWN)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 250.0])
def test_the_effective_rank_of_known_matrices(case, scale):
    """Facts 1 and 2: (a/(a + b))^−a/(a + b) … for two values; no NaN where one is 0; turns change nothing."""
    matrix, expected = KNOWN[case]
    for turned in (matrix, rotated(matrix, 0), rotated(matrix, 1)):
        tight = 1e-10 if case in ("identity", "three to one") or turned is matrix else 1e-6
        assert abs(sb.measures.effective_rank(scale * turned).item() - expected) <= tight * expected


def test_gram_below_effective_below_exact_rank():
    """Fact 3, on matrices of every rank and shape."""
    rng = torch.Generator().manual_seed(3)
    for rows, columns, rank in [(6, 6, 6), (9, 4, 4), (5, 12, 3), (8, 8, 1)]:
        sizes = [(50, rows, rank), (50, rank, columns)]
        left, right = (torch.randn(size, dtype=DOUBLE, generator=rng) for size in sizes)
        matrix = left @ right
        assert (sb.measures.effective_rank(gram(matrix)) <= sb.measures.effective_rank(matrix) + 1e-9).all()
        assert (sb.measures.effective_rank(matrix) <= rank + 1e-6).all()
        assert (torch.linalg.matrix_rank(matrix) == rank).all()


def test_components_for_99_per_cent():
    """Fact 4: 10 and 1 are 100 and 1 of variance; a hundred alike take all hundred."""
    assert sb.measures.pca_rank(torch.diag(torch.tensor([10.0, 1.0], dtype=DOUBLE)), centre=False) == 1
    assert sb.measures.pca_rank(torch.eye(100, dtype=DOUBLE), share=0.991, centre=False) == 100
    assert sb.measures.pca_rank(torch.eye(100, dtype=DOUBLE), centre=False) == 99  # 99 of 100 are 99 %


@pytest.mark.parametrize(
    ("width", "entropies", "deviations"),
    [(16, [2.544, 2.348, 2.046, 1.621, 1.131], [0.027, 0.035, 0.063, 0.108, 0.190])],
)
def test_entropies_of_gaussian_products(width, entropies, deviations):
    """Fact 5: means of 400 draws, ± 4 standard errors of both sides."""
    task = low_rank_task(dim=width, outputs=width, n=2, n_test=2).to(dtype=DOUBLE)
    for depth, mean, deviation in zip(DEPTHS, entropies, deviations, strict=True):
        product = sb.measures.effective_weight(sb.models.deep_linear(task, depth, runs=400, seed=7)).detach()
        found = sb.measures.entropy_rank(product)
        assert abs(found.mean() - mean) <= 4 * 2**0.5 * deviation / 400**0.5 + 0.0005
        assert abs(found.std() - deviation) <= 0.2 * deviation


@pytest.mark.parametrize("seed", [10, 11, 12, 13, 14])
@pytest.mark.parametrize("width", [16, 32])
def test_depth_lowers_the_entropy(width, seed):
    """Row 2 (a): strictly decreasing over depths 1, 2, 4, 8, 16."""
    made = chain(width, 50, seed)
    means = torch.stack([sb.measures.entropy_rank(made[depth - 1]).mean() for depth in DEPTHS])
    assert (means.diff() <= -0.1).all()
    if width == 32:
        assert_close(means, torch.tensor([3.24, 3.05, 2.75, 2.32, 1.80], dtype=DOUBLE), atol=0.07, rtol=0)


def log_moment(t: float, depth: int) -> float:
    """ln M(t), the Fuss–Catalan law of squared singular values at real powers t / 2."""
    return gammaln((depth + 1) * t / 2 + 1) - gammaln(t / 2 + 1) - gammaln(depth * t / 2 + 2)


def limit(depth: int) -> float:
    """M(1) exp(−M′(1) / M(1)), the derivative by digamma functions."""
    slope = (depth + 1) * digamma((depth + 3) / 2) - digamma(1.5) - depth * digamma(depth / 2 + 2)
    return math.exp(log_moment(1, depth) - slope / 2)


def gram_limit(depth: int) -> float:
    return math.exp(-sum(1 / j for j in range(2, depth + 2)))


def test_the_formulas_are_the_fuss_catalan_numbers():
    for depth in DEPTHS:
        for k in (1, 2, 3):
            exact = binom((depth + 1) * k, k) / (depth * k + 1)
            assert math.isclose(math.exp(log_moment(2 * k, depth)), exact, rel_tol=1e-12)
    shares = [0.8050, 0.6694, 0.4979, 0.3276, 0.1939]
    assert [round(limit(depth), 4) for depth in DEPTHS] == shares
    assert [round(gram_limit(depth), 4) for depth in DEPTHS] == [0.6065, 0.4346, 0.2771, 0.1606, 0.0872]


def test_moments_of_wide_products():
    """M(t) itself: means of σ and σ² at width 200."""
    made = chain(200, 5, 20, depth=4)
    for depth in (1, 2, 4):
        values = sb.spectrum(made[depth - 1])
        for t in (1.0, 2.0):
            assert math.isclose(values.pow(t).mean(), math.exp(log_moment(t, depth)), rel_tol=0.02)


@pytest.mark.slow
def test_wide_products_meet_the_closed_forms():
    """Facts 7 and 8 at width 200: within 1 % and 2.5 %, beside 3 standard errors of the mean of draws."""
    made = [chain(200, 10, seed) for seed in (30, 31, 32, 33)]
    for depth in DEPTHS:
        product = torch.cat([each[depth - 1] for each in made])  # (40, 200, 200)
        for matrix, formula, within in [
            (product, limit(depth), 0.01),
            (gram(product), gram_limit(depth), 0.025),
        ]:
            ratio = sb.measures.effective_rank(matrix) / 200 / formula
            assert abs(ratio.mean() - 1) <= within + 3 * ratio.std() / 40**0.5


def arc_cosine(depth: int) -> Tensor:
    """Cosines between 32 orthonormal inputs after `depth` wide ReLU layers. (32, 32)"""
    c = torch.eye(32, dtype=DOUBLE)
    for _ in range(depth):
        c = ((1 - c**2).clamp_min(0).sqrt() + (math.pi - c.clamp(-1, 1).arccos()) * c) / math.pi
    return c


def test_the_map_of_relu_layers():
    """Fact 13, its numbers; and one layer against an integral over 10⁶ directions."""
    ranks = [sb.measures.effective_rank(arc_cosine(depth)).item() for depth in DEPTHS]
    assert_close(ranks, [18.33, 10.77, 5.36, 2.69, 1.62], atol=0.006, rtol=0)
    rng, c = torch.Generator().manual_seed(0), 0.3
    u, v = torch.randn(2, 1_000_000, dtype=DOUBLE, generator=rng)
    mean = (torch.relu(u) * torch.relu(c * u + (1 - c**2) ** 0.5 * v)).mean()
    expected = ((1 - c**2) ** 0.5 + (math.pi - math.acos(c)) * c) / math.pi
    assert math.isclose(2 * mean, expected, rel_tol=0.01)


@pytest.mark.slow
def test_relu_nets_at_birth_meet_it():
    """Fact 13 at width 1024: the mean over eight nets within 10 %, to depth 16."""
    rng = torch.Generator().manual_seed(40)
    ranks = torch.empty(8, 16, dtype=DOUBLE)
    for net in range(8):
        h = torch.eye(32, dtype=DOUBLE)
        for layer in range(16):
            h = torch.relu(h @ torch.randn(h.shape[1], 1024, dtype=DOUBLE, generator=rng))
            h = h / h.norm(dim=1).mean()
            ranks[net, layer] = sb.measures.effective_rank(gram(torch.nn.functional.normalize(h, dim=1)))
    for depth in DEPTHS:
        assert abs(ranks[:, depth - 1].mean() / sb.measures.effective_rank(arc_cosine(depth)) - 1) <= 0.1


@pytest.mark.parametrize("seed", [50, 51, 52, 53, 54])
def test_factors_that_depth_does_not_squeeze(seed):
    """Rotations keep all; blocks I + W / √L, more than half, at depth 64."""
    rng = torch.Generator().manual_seed(seed)
    turns = skips = torch.eye(24, dtype=DOUBLE)
    for _ in range(64):
        normal = torch.randn(10, 24, 24, dtype=DOUBLE, generator=rng)
        turns = torch.linalg.qr(normal).Q @ turns
        skips = skips + normal @ skips / (24 * 64) ** 0.5
    assert_close(sb.measures.effective_rank(turns), torch.full((10,), 24.0, dtype=DOUBLE))
    assert sb.measures.effective_rank(skips).min() >= 12


def test_low_rank_takes_a_growing_share_of_products():
    """The volume statement for one line, a quarter of the width, at width 48: none at depth 6, all at 20."""
    made = chain(48, 100, 60, depth=20)
    shares = torch.stack([(sb.measures.effective_rank(product) <= 12).double().mean() for product in made])
    assert shares[5] == 0 and shares[-1] >= 0.95
    assert shares.diff().min() >= -0.05
