"""Products of matrices as fleets: their entries, their product, their gradients; float64."""

import pytest
import torch
from cases import DOUBLE, FLEETS, assert_same_run, regression
from torch import nn
from torch.testing import assert_close

import sbkit as sb
from sbkit.lessons.rank.learning_low_rank import low_rank_task


def task(dim=32, outputs=32, n=24) -> sb.Task:
    return low_rank_task(dim=dim, outputs=outputs, n=n, n_test=50).to(dtype=DOUBLE)


@pytest.mark.parametrize("factors", [1, 2, 5])
def test_a_fleet_computes_its_product(factors):
    fleet = sb.models.deep_linear(task(8, 5), factors, width=9, runs=3)
    product = sb.measures.effective_weight(fleet)
    assert product.shape == (3, 5, 8) and len(fleet.weights()) == factors
    assert not [name for name, _ in fleet.named_parameters() if "bias" in name]
    x = task(8, 5).x
    assert_close(fleet(x), x @ product.mT)


def test_entries_are_normal_so_that_products_keep_their_length():
    """Fact 11: E‖W_L⋯W₁‖² = n for n × n factors of N(0, 1/n), every L."""
    for factors in (1, 2, 4, 8):
        fleet = sb.models.deep_linear(task(n=2), factors, runs=400)
        squares = sb.measures.effective_weight(fleet).square().sum((1, 2))  # (runs,)
        assert abs(squares.mean() - 32) <= 4 * squares.std() / 400**0.5
        assert_close(fleet.weights()[0].std(), torch.tensor(32**-0.5, dtype=DOUBLE), rtol=0.01, atol=0)


def test_init_is_the_scale_of_every_factor():
    one, half = (sb.models.deep_linear(task(), 3, init=init, runs=2) for init in (1.0, 0.5))
    assert_close(half.weights()[1], 0.5 * one.weights()[1])
    assert_close(sb.measures.effective_weight(half), sb.measures.effective_weight(one) / 8)


def test_run_r_is_the_fleet_of_one_of_its_own_seed():
    fleet, alone = (
        sb.models.deep_linear(task(), 3, runs=4, seed=5),
        sb.models.deep_linear(task(), 3, runs=1, seed=7),
    )
    assert_same_run(fleet, 2, alone)


@pytest.mark.parametrize("factors", [1, 3])
def test_the_fast_gradient_is_autograds(factors):
    """With a penalty of 0 the loop takes autograd; the weights after training are the same."""

    def trained(**options):
        fleet = sb.models.deep_linear(task(), factors, runs=2)
        sb.last(sb.fit(fleet, task(), optimizer="momentum", lr=0.01, batch=8, steps=40, stop=None, **options))
        return fleet

    slow = trained(penalty=lambda fleet, x, y, logits: 0 * logits.sum((1, 2)))
    for mine, theirs in zip(trained().weights(), slow.weights(), strict=True):
        assert_close(mine, theirs, atol=1e-12, rtol=0)


def test_gradients_flow_through_the_product():
    fleet = sb.models.deep_linear(task(), 3, runs=2)
    torch.linalg.matrix_norm(sb.measures.effective_weight(fleet), "nuc").sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in fleet.weights())


def test_the_product_of_other_linear_fleets():
    small = regression()
    plain = sb.mlp(small, depth=2, width=4, activation="linear", runs=2)
    last, middle, first = reversed(plain.weights())
    assert_close(sb.measures.effective_weight(plain), last @ middle @ first)
    over = sb.models.fleet_of(lambda: sb.models.overparameterize(nn.Linear(3, 2), 3), runs=2)
    assert_close(sb.measures.effective_weight(over), over.weights()[0])


@pytest.mark.parametrize("build", ["relu", "layer norm"])
def test_other_nets_have_no_product(build):
    with pytest.raises(sb.SbkitError, match="is of linear nets, got a (ReLU|LayerNorm)"):
        sb.measures.effective_weight(FLEETS[build](regression(), runs=2))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"factors": 0}, "factors is a whole number of at least 1, got 0"),
        ({"width": 0}, "width is a whole number"),
        ({"init": -1}, "init is"),
        ({"factors": 10**7, "width": 1}, "10,000,000 layers × 6,000 bytes"),
        ({"width": 10**6, "factors": 3}, "weights × 8 bytes × 5 copies"),
    ],
)
def test_refuses(options, says):
    with pytest.raises(sb.SbkitError, match=says):
        sb.models.deep_linear(task(), **options)
