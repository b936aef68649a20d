"""Ranks against numpy, scikit-learn and closed forms, with exact zeros and any leading axes."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from cases import DOUBLE, FLEETS, slab_task
from sklearn.decomposition import PCA
from torch.testing import assert_close

import sbkit as sb

RANKS = [sb.measures.entropy_rank, sb.measures.effective_rank, sb.measures.stable_rank, sb.measures.pca_rank]
RNG = np.random.default_rng(0)
U = np.linalg.qr(RNG.normal(size=(6, 6)))[0]
V = np.linalg.qr(RNG.normal(size=(4, 4)))[0]


def with_values(*values: float) -> torch.Tensor:
    """A 6 × 4 matrix with these singular values."""
    return torch.tensor(U[:, :4] @ np.diag(values) @ V)


MIXED = 3 / 4 ** (1 / 3)  # exp of the entropy of (2/3, 1/3)

# matrix, its singular values, (entropy rank, effective rank, stable rank), the last by their definitions
CLOSED = {
    "identity": (torch.eye(4, dtype=DOUBLE), [1, 1, 1, 1], (math.log(4), 4, 4)),
    "rank one": (with_values(3, 0, 0, 0), [3, 0, 0, 0], (0, 1, 1)),
    "ones": (torch.ones(3, 5, dtype=DOUBLE), [15**0.5, 0, 0], (0, 1, 1)),
    "zero": (torch.zeros(3, 4, dtype=DOUBLE), [0, 0, 0], (0, 1, 0)),
    "two equal": (with_values(2, 2, 0, 0), [2, 2, 0, 0], (math.log(2), 2, 2)),
    "two to one": (with_values(2, 1, 0, 0), [2, 1, 0, 0], (math.log(MIXED), MIXED, 1.25)),
    "one number": (torch.tensor([[-2.0]], dtype=DOUBLE), [2], (0, 1, 1)),
}  # fmt: skip


@pytest.mark.parametrize("case", CLOSED)
@pytest.mark.parametrize("scale", [1.0, 1e-25, 1e25])
def test_closed_forms_at_every_scale(case, scale):
    matrix, values, expected = CLOSED[case]
    assert_close(sb.spectrum(scale * matrix) / scale, torch.tensor(values, dtype=DOUBLE))
    for rank, number in zip(RANKS, expected, strict=False):
        assert_close(rank(scale * matrix), torch.tensor(number, dtype=DOUBLE), atol=1e-6, rtol=1e-6)
        single = rank(scale * matrix.float())
        assert_close(single, torch.tensor(float(number)), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (1, 4), (7, 7)])
def test_numpy(shape):
    matrix = RNG.normal(size=shape)
    values = np.linalg.svd(matrix, compute_uv=False)
    shares = values / values.sum()
    entropy = -(shares * np.log(shares)).sum()
    given = torch.tensor(matrix)
    assert_close(sb.spectrum(given), torch.tensor(values))
    assert_close(sb.measures.entropy_rank(given).item(), entropy)
    assert_close(sb.measures.effective_rank(given).item(), np.exp(entropy))
    assert_close(
        sb.measures.stable_rank(given).item(), (np.linalg.norm(matrix) / np.linalg.norm(matrix, 2)) ** 2
    )


@pytest.mark.parametrize("rank", [sb.spectrum, *RANKS])
def test_leading_axes_are_matrices_one_by_one(rank):
    matrices = torch.tensor(RNG.normal(size=(2, 3, 6, 4)))
    matrices[0, 1], matrices[1, 2] = 0, matrices[1, 2, :1]
    together = rank(matrices)
    for i in range(2):
        for j in range(3):
            assert_close(together[i, j], rank(matrices[i, j]))


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 0.99])
def test_pca_rank_is_sklearns_count(share):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        rows = rng.normal(size=(200, 12)) @ np.diag(0.7 ** np.arange(12)) + 5 * rng.normal(size=12)
        count = PCA(n_components=share, svd_solver="full").fit(rows).n_components_
        assert sb.measures.pca_rank(torch.tensor(rows), share) == count
        moved = torch.tensor(rows - rows.mean(0))
        assert sb.measures.pca_rank(moved, share, centre=False) == count


PCA_CASES = [
    (torch.zeros(5, 3), {}, 0),
    (torch.full((5, 3), 7.3), {}, 0),
    (torch.full((5, 3), 7.3), {"centre": False}, 1),
    (torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]), {"share": 1.0}, 1),
    (torch.eye(4), {"share": 1.0}, 3),
    (torch.eye(4), {"share": 1.0, "centre": False}, 4),
    (torch.eye(4), {"share": 0.5, "centre": False}, 2),
    (torch.eye(4), {"share": 0.75, "centre": False}, 3),
    (torch.eye(4), {"share": 0.76, "centre": False}, 4),
    (1e4 + torch.eye(4), {"share": 1.0}, 3),
    (1e-25 * torch.eye(4), {"share": 1.0, "centre": False}, 4),
]


@pytest.mark.parametrize(("rows", "options", "rank"), PCA_CASES)
def test_pca_rank_of_exact_cases(rows, options, rank):
    for dtype in (torch.float32, DOUBLE):
        found = sb.measures.pca_rank(rows.to(dtype), **options)
        assert found == rank and found.dtype == torch.int64


def test_pca_rank_of_a_single_row():
    assert (
        sb.measures.pca_rank(torch.ones(1, 3)) == 0
        and sb.measures.pca_rank(torch.ones(1, 3), centre=False) == 1
    )


def test_measure_is_of_every_weight_matrix():
    fleet = FLEETS["relu"](slab_task(), runs=3)
    values = sb.measure["spectrum"](fleet, slab_task())
    assert [tuple(v.shape) for v in values] == [(3, 3), (3, 8), (3, 2)]
    for weight, value in zip(fleet.weights(), values, strict=True):
        for r in range(3):
            assert_close(value[r], torch.tensor(np.linalg.svd(weight[r].detach().numpy())[1]))


REFUSED = [
    (lambda: sb.spectrum(torch.ones(3)), r"finite matrices.*shape \(3,\)"),
    (lambda: sb.measures.pca_rank(torch.ones(3)), r"finite matrices.*shape \(3,\)"),
    (lambda: sb.measures.effective_rank(torch.empty(0, 3)), r"m and n at least 1, got shape \(0, 3\)"),
    (lambda: sb.measures.pca_rank(np.empty((3, 0))), r"m and n at least 1, got shape \(3, 0\)"),
    (lambda: sb.measures.effective_rank([[1.0], [1.0, 2.0]]), "numbers in rows of one length"),
    (lambda: sb.measures.effective_rank([["a"]]), "numbers in rows of one length, got .*<U1"),
    (lambda: sb.measures.effective_rank(None), "numbers in rows of one length, got None"),
    (lambda: sb.measures.pca_rank(torch.full((2, 2), math.nan)), "finite matrices"),
    (lambda: sb.measures.entropy_rank(torch.full((2, 2), math.nan)), "finite matrices"),
    (lambda: sb.measures.stable_rank(torch.full((2, 2), math.inf)), "finite matrices"),
    (
        lambda: sb.measures.pca_rank(torch.ones(3, 3), share=0),
        "share is a number above 0 and at most 1, got 0",
    ),
    (
        lambda: sb.measures.pca_rank(torch.ones(3, 3), share=1.2),
        "share is a number above 0 and at most 1, got 1.2",
    ),
]


@pytest.mark.parametrize(("ask", "says"), REFUSED)
def test_refuses(ask, says):
    with pytest.raises(sb.SbkitError, match=says):
        ask()


@pytest.mark.parametrize(
    "rank",
    [
        sb.spectrum,
        sb.measures.entropy_rank,
        sb.measures.effective_rank,
        sb.measures.stable_rank,
        sb.measures.pca_rank,
    ],
)
def test_lists_and_whole_numbers_will_do(rank):
    rows = [[1, 2], [3, 5], [0, 1]]
    assert torch.equal(rank(rows), rank(torch.tensor(rows, dtype=torch.float32)))


KINDS_OF_NUMBERS = [torch.half, torch.bfloat16, torch.int64, torch.uint8, torch.bool, torch.float32]


@pytest.mark.parametrize("rank", [sb.spectrum, *RANKS])
@pytest.mark.parametrize("dtype", KINDS_OF_NUMBERS, ids=str)
def test_numbers_of_few_bits_are_taken_in_single_precision(rank, dtype):
    rows = torch.tensor([[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 1]])
    assert_close(rank(rows.to(dtype)), rank(rows.float()), rtol=0, atol=0)


FOURIER = np.fft.fft(np.eye(4)) / 2  # unitary: all four singular values are 1
TURNED = (U + 1j * U[::-1]) @ np.diag([4, 3, 2, 1, 0.5, 0.25])


@pytest.mark.parametrize("matrix", [FOURIER, TURNED, TURNED[:4], 1j * U])
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_matrices_keep_their_imaginary_part(matrix, dtype):
    """The ranks of A are those of the real matrix [[Re, −Im], [Im, Re]], whose values come twice."""
    given = matrix.astype(dtype)
    close = {"rtol": 1e-4, "atol": 1e-5} if dtype == np.complex64 else {"rtol": 1e-9, "atol": 1e-12}
    twice = np.block([[matrix.real, -matrix.imag], [matrix.imag, matrix.real]])
    values = np.linalg.svd(twice, compute_uv=False)[::2]
    for form in (given, torch.from_numpy(given), torch.from_numpy(given).mT.conj()):
        np.testing.assert_allclose(sb.spectrum(form), values, **close)
        np.testing.assert_allclose(
            sb.measures.effective_rank(form), sb.measures.effective_rank(twice) / 2, **close
        )
        np.testing.assert_allclose(sb.measures.stable_rank(form), sb.measures.stable_rank(twice) / 2, **close)
        assert (
            sb.measures.pca_rank(form, 1.0, centre=False)
            == sb.measures.pca_rank(twice, 1.0, centre=False) / 2
        )
        assert not sb.measures.effective_rank(form).is_complex()


def test_arrays_of_every_layout_will_do():
    matrix = RNG.normal(size=(4, 3))
    read_only = matrix.copy()
    read_only.flags.writeable = False
    same = [read_only, matrix[::-1], np.asfortranarray(matrix), matrix.astype(">f8"), matrix.tolist()]
    same += [matrix.astype(np.longdouble), pd.DataFrame(matrix), torch.tensor(matrix).to_sparse()]
    for form in same:
        assert_close(sb.measures.effective_rank(form), sb.measures.effective_rank(torch.tensor(matrix)))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.half, torch.float32, torch.complex128])
@pytest.mark.parametrize(
    "rank", [sb.spectrum, sb.measures.entropy_rank, sb.measures.effective_rank, sb.measures.stable_rank]
)
def test_gradients_flow_through_every_kind(rank, dtype):
    matrix = torch.tensor([[1.0, 2.0], [3.0, 5.0], [0.0, 1.0]], dtype=dtype, requires_grad=True)
    rank(matrix).sum().backward()
    assert matrix.grad.dtype == dtype and matrix.grad.isfinite().all() and matrix.grad.any()
