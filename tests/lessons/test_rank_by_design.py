"""Low-rank approximation and singular value thresholding: closed forms, optimality, gradients; float64."""

import pytest
import torch
from cases import DOUBLE
from scipy.optimize import minimize
from torch.testing import assert_close

import sbkit as sb
from sbkit.lessons.rank.rank_by_design import low_rank, svt


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (3, 2, 7, 4)])
def test_the_residual_is_eckart_and_youngs(shape):
    """Fact 37: √ of the sum of the squares of the singular values left out."""
    matrix = normal(*shape)
    values = torch.linalg.svdvals(matrix)
    for rank in range(1, min(shape[-2:]) + 1):
        near = low_rank(matrix, rank)
        wanted = values[..., rank:].square().sum(-1).sqrt()
        assert_close((matrix - near).norm(dim=(-2, -1)), wanted, atol=1e-12, rtol=0)
        assert (torch.linalg.matrix_rank(near) == rank).all()


@pytest.mark.parametrize("p", [1.0, 1.5])
def test_smaller_p_is_the_better_optimum(p):
    """No other matrix of rank 1 that scipy finds, from twenty starts, has a smaller Σ|r|ᵖ."""
    matrix = normal(6, 4, seed=1)
    matrix[0] *= 8

    def cost(flat):
        u, v = torch.as_tensor(flat[:6])[:, None], torch.as_tensor(flat[6:])[None]
        return float(((matrix - u @ v).abs() ** p).sum())

    starts = [normal(10, seed=seed).numpy() for seed in range(20)]
    options = {"maxiter": 20_000, "maxfev": 40_000, "xatol": 1e-8, "fatol": 1e-10}
    best = min(minimize(cost, start, method="Nelder-Mead", options=options).fun for start in starts)
    assert float(((matrix - low_rank(matrix, 1, p)).abs() ** p).sum()) <= 1.02 * best


@pytest.mark.parametrize("size", [5, 10])
def test_outlying_rows_pull_less_in_l1(size):
    """Row 8 of the course's systems: the error on the other rows is at most ¾ of that of least squares."""
    ratio = []
    for seed in range(5):
        clean = normal(100, 4, seed=seed) @ normal(4, 30, seed=seed + 10)
        matrix = clean + 0.1 * normal(100, 30, seed=seed + 20)
        matrix[:5] += size * clean.std() * normal(5, 30, seed=seed + 30)
        one, two = ((low_rank(matrix, 4, p) - clean)[5:].norm() for p in (1, 2))
        ratio.append(float(one / two))
    assert max(ratio) <= 0.75


def test_each_matrix_of_a_batch_is_approximated_alone():
    batch = normal(3, 5, 4)
    for p in (1.0, 2.0):
        each = torch.stack([low_rank(matrix, 2, p) for matrix in batch])
        assert_close(low_rank(batch, 2, p), each, atol=1e-8, rtol=0)


@pytest.mark.parametrize(
    ("rank", "p", "says"), [(0, 2, "at least 1, got 0"), (5, 2, "= 4, got 5; try"), (1, 3, "p is")]
)
def test_low_rank_refuses(rank, p, says):
    with pytest.raises(sb.SbkitError, match=says):
        low_rank(normal(6, 4), rank, p)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5)])
def test_thresholding_meets_the_conditions_of_optimality(shape):
    """Fact 37: (A − D)/τ is a subgradient of the nuclear norm at D."""
    matrix, tau = normal(*shape), 0.8
    found = svt(matrix, tau)
    rest = (matrix - found) / tau
    assert abs(torch.linalg.matrix_norm(rest, 2) - 1) <= 1e-10
    assert abs((rest * found).sum() - torch.linalg.matrix_norm(found, "nuc")) <= 1e-10


def test_no_threshold_changes_nothing_and_a_large_one_leaves_nothing():
    matrix = normal(2, 5, 4)
    assert_close(svt(matrix, 0.0), matrix)
    assert not svt(matrix, 100.0).any()
    both = svt(matrix, torch.tensor([0.0, 100.0]))
    assert_close(both[0], matrix[0])
    assert not both[1].any()


@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 3, 5), (2, 4, 4)])
def test_gradients_of_thresholding_are_those_of_differences(shape):
    matrix = normal(*shape).requires_grad_()
    tau = torch.tensor([0.4, 0.9], dtype=DOUBLE, requires_grad=True)
    assert torch.autograd.gradcheck(svt, (matrix, tau))


def test_gradients_are_finite_where_singular_values_repeat():
    matrix, direction, step = (2 * torch.eye(3, dtype=DOUBLE)).requires_grad_(), normal(3, 3), 1e-6

    def energy(at):
        return svt(at, 0.5).square().sum()

    (slope,) = torch.autograd.grad(energy(matrix), matrix)
    ahead, back = (energy(matrix + side * step * direction) for side in (1, -1))
    assert_close((slope * direction).sum(), (ahead - back) / (2 * step), atol=1e-6, rtol=0)


def test_a_negative_threshold_is_refused():
    with pytest.raises(sb.SbkitError, match="tau is at least 0, got -1"):
        svt(normal(3, 3), -1.0)


@pytest.mark.parametrize("ask", [lambda m: low_rank(m, 1), lambda m: svt(m, 0.1)])
@pytest.mark.parametrize(
    ("matrix", "says"),
    [
        ([[1.0, 2.0]], "takes a float tensor .*, got list"),
        (torch.ones(3), r"got torch.float32 \(3,\)"),
        (torch.ones(3, 3, dtype=torch.int64), "got torch.int64"),
        (torch.full((3, 3), torch.nan), "takes finite numbers"),
    ],
)
def test_what_is_no_finite_matrix_is_refused(ask, matrix, says):
    with pytest.raises(sb.SbkitError, match=says):
        ask(matrix)


@pytest.mark.parametrize(
    ("tau", "says"), [(torch.ones(5), r"one a matrix, \(2,\), got \(5,\)"), (torch.nan, "at least 0")]
)
def test_thresholds_that_do_not_fit_are_refused(tau, says):
    with pytest.raises(sb.SbkitError, match=says):
        svt(normal(2, 3, 3), tau)


@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 3, 5), (2, 4, 4)])
def test_gradients_of_thresholding_complex_matrices_are_those_of_differences(shape):
    matrix = torch.complex(normal(*shape), normal(*shape, seed=1)).requires_grad_()
    tau = torch.tensor([0.4, 0.9], dtype=DOUBLE, requires_grad=True)
    assert torch.autograd.gradcheck(lambda m, t: torch.view_as_real(svt(m, t)), (matrix, tau))


@pytest.mark.parametrize("p", [1.0, 2.0])
def test_the_residual_of_a_complex_matrix_is_eckart_and_youngs(p):
    matrix = torch.complex(normal(6, 4), normal(6, 4, seed=1))
    u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
    assert_close(low_rank(matrix, 2), u[:, :2] * s[:2] @ vh[:2])
    assert_close(svt(matrix, 0.7), u * (s - 0.7).clamp_min(0) @ vh)
    exact = u[:, :2] * s[:2] @ vh[:2]
    assert_close(low_rank(exact, 2, p), exact)


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16])
@pytest.mark.parametrize(
    "ask",
    [
        lambda m: low_rank(m, 1),
        lambda m: low_rank(m, 1, 1.0),
        lambda m: svt(m, 0.5),
    ],
)
def test_few_bits_come_back_as_they_were_given(ask, dtype):
    matrix = torch.tensor([[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]], dtype=dtype, requires_grad=True)
    found = ask(matrix)
    assert found.dtype == dtype
    assert_close(found.float(), ask(matrix.detach().float()), rtol=1e-2, atol=1e-2)
    assert found.requires_grad


@pytest.mark.parametrize("ask", [lambda m: low_rank(m, 1), lambda m: svt(m, 0.1)])
def test_empty_matrices_are_refused(ask):
    with pytest.raises(sb.SbkitError, match=r"at least one entry, got torch.float32 \(0, 3\)"):
        ask(torch.empty(0, 3))
