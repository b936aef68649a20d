"""Eigenvalues by products alone against `eigvalsh`: every spectrum that is hard on Krylov spaces."""

import pytest
import torch
from cases import DOUBLE
from torch.testing import assert_close

import sbkit as sb
from sbkit.core import generator
from sbkit.measures import lanczos

SPECTRA = {
    "random": lambda size: torch.randn(size, dtype=DOUBLE, generator=generator(size)),
    "negative": lambda size: -1 - torch.rand(size, dtype=DOUBLE, generator=generator(size)),
    "all alike": lambda size: torch.ones(size, dtype=DOUBLE),
    "zero": lambda size: torch.zeros(size, dtype=DOUBLE),
    "the largest three times": lambda size: torch.linspace(1, 3, size, dtype=DOUBLE).clamp(max=3 - 5 / size),
    "of rank two": lambda size: 3.0 * (torch.arange(size) < 2).to(DOUBLE),
    "of rank two, negative": lambda size: -3.0 * (torch.arange(size) < 2).to(DOUBLE),
    "two values": lambda size: 1.0 - 2 * (torch.arange(size) % 2).to(DOUBLE),
    "a large negative one": lambda size: torch.cat([torch.tensor([-1e4]), torch.rand(size - 1)]).to(DOUBLE),
    "tiny": lambda size: 1e-200 * torch.exp(-torch.arange(size, dtype=DOUBLE)),
    "huge": lambda size: 1e100 * torch.exp(-torch.arange(size, dtype=DOUBLE)),
}


def matrices(name: str, size: int, runs: int = 2) -> torch.Tensor:
    """Symmetric ones of this spectrum (runs, size, size), each with directions of its own."""
    rng = generator(0, size)
    turned, _ = torch.linalg.qr(torch.randn(runs, size, size, dtype=DOUBLE, generator=rng))
    return turned @ torch.diag(SPECTRA[name](size)) @ turned.mT


def solved(matrix: torch.Tensor, k: int):
    rngs = [generator(run) for run in range(len(matrix))]
    return lanczos.lanczos(lambda v: v @ matrix, k, matrix[:, 0], rngs)


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize(
    ("size", "k"), [(1, 1), (2, 2), (9, 2), (50, 4), (65, 1), (65, 65), (200, 3), (200, 20)]
)
def test_finds_the_largest_as_often_as_they_come(name, size, k):
    matrix = matrices(name, size)
    values, vectors = solved(matrix, k)
    wanted = torch.linalg.eigvalsh(matrix).flip(-1)  # (runs, size)
    scale = float(wanted.abs().max())
    assert_close(values, wanted[:, :k], rtol=0, atol=1e-8 * scale)
    assert_close(vectors @ matrix, values.unsqueeze(-1) * vectors, rtol=0, atol=1e-8 * scale)
    assert_close(vectors @ vectors.mT, torch.eye(k, dtype=DOUBLE).expand(2, -1, -1), rtol=0, atol=1e-10)


def test_needs_few_products_of_a_large_matrix():
    """A diagonal one of 20,000 rows, and a basis of no more than 64 vectors."""
    diagonal, asked = torch.linspace(0, 1, 20_000, dtype=DOUBLE).pow(50), []

    def product(v):
        asked.append(v.shape)
        return v * diagonal

    values, _ = lanczos.lanczos(product, 2, diagonal[None], [generator(0)])
    assert_close(values[0], diagonal.flip(0)[:2], rtol=1e-8, atol=0)
    assert len(asked) < 300 and set(asked) <= {(1, 1, 20_000), (1, 2, 20_000)}


def test_says_so_where_it_does_not_end(monkeypatch):
    monkeypatch.setattr(lanczos, "TURNS", 3)
    with pytest.raises(sb.SbkitError, match="found in 3 products each, got 2 .* try fewer, or the float64"):
        solved(matrices("random", 200), 2)


def test_products_that_round_coarsely_end_it():
    """A product with noise is not symmetric; by that it is known how close its eigenvalues can be told."""
    matrix, rng = matrices("random", 300), generator(3)
    noisy = matrix + 1e-4 * torch.randn(2, 300, 300, dtype=DOUBLE, generator=rng)
    values, _ = solved(noisy, 2)
    assert_close(values, torch.linalg.eigvalsh(matrix).flip(-1)[:, :2], rtol=1e-2, atol=0)
