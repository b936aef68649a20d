"""What training and depth do to the rank of a net, by definition: the lesson's claims at other settings.

Row 2 (c) of the course's sheet, on digits: other seeds and test rows than the lesson's, and another width.
"""

import functools

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.testing import assert_close

import sbkit as sb

pytestmark = pytest.mark.slow
HE = 6**0.5  # times torch's own weights


@functools.cache
def digits(seed: int = 1) -> sb.Task:
    pixels, digit = load_digits(return_X_y=True)
    return sb.data.table(pixels / 16, digit, seed=seed)


def net(depth: int, init: float = 1.0, width: int = 64, seed: int = 40) -> sb.Fleet:
    return sb.mlp(digits(), depth=depth, width=width, init=init, runs=5, seed=seed)


def trained(fleet: sb.Fleet, lr: float = 0.003, steps: int = 1200) -> sb.Fleet:
    snapshot = sb.last(sb.fit(fleet, digits(), optimizer="adam", lr=lr, batch=64, steps=steps, every=steps))
    assert snapshot.test_accuracy.min() >= 0.9
    return fleet


def features(fleet: sb.Fleet, centre: bool = False) -> Tensor:
    """What the last hidden layer makes of the test images. (runs, images, width)"""
    with torch.no_grad():
        found = fleet.features(digits().x_test, len(fleet.weights()) - 2)
    return found - found.mean(1, keepdim=True) if centre else found


def middle(fleet: sb.Fleet) -> Tensor:
    return fleet.weights()[len(fleet.weights()) // 2].detach()


@pytest.mark.parametrize(("width", "lr", "steps", "rises"), [(64, 0.003, 600, 1.5), (100, 0.001, 800, 1.2)])
def test_one_question_has_three_answers(width, lr, steps, rises):
    """Four hidden layers, torch's weights: features up, centred features down, weights a little down."""
    born = net(4, width=width)
    after = trained(net(4, width=width), lr, steps)
    ratio = sb.measures.effective_rank(features(after)) / sb.measures.effective_rank(features(born))
    assert ratio.min() >= rises
    ratio = sb.measures.effective_rank(features(after, True)) / sb.measures.effective_rank(
        features(born, True)
    )
    assert ratio.max() <= 0.8
    ratio = sb.measures.effective_rank(middle(after)) / sb.measures.effective_rank(middle(born))
    assert ratio.min() >= 0.75 and ratio.max() <= 1
    assert (sb.measures.stable_rank(middle(after)) / sb.measures.stable_rank(middle(born))).max() <= 0.5


@functools.cache
def deep_and_shallow(init: float) -> dict[int, sb.Fleet]:
    return {depth: trained(net(depth, init)) for depth in (1, 2, 8)}


@pytest.mark.parametrize("init", [1.0, HE])
def test_two_definitions_order_nets_oppositely(init):
    """One matrix of each net: the deep one has the lower effective rank, the higher stable rank."""
    fleets = deep_and_shallow(init)
    effective = sb.measures.effective_rank(features(fleets[8])) / sb.measures.effective_rank(
        features(fleets[1])
    )
    stable = sb.measures.stable_rank(features(fleets[8])) / sb.measures.stable_rank(features(fleets[1]))
    assert effective.mean() <= 0.95 and stable.mean() >= 1.05  # single nets move with the processor
    weights = sb.measures.effective_rank(middle(fleets[8])) / sb.measures.effective_rank(middle(fleets[2]))
    assert weights.min() >= 1.02


def test_components_of_centred_features_fall_with_depth():
    """Row 2 (c): PCs for 99 % at depth 8 at most 0.6 of those at depth 1; by He's weights on average."""
    for init, within in [(1.0, torch.max), (HE, torch.mean)]:
        fleets = deep_and_shallow(init)
        ratio = sb.measures.pca_rank(features(fleets[8])) / sb.measures.pca_rank(features(fleets[1]))
        assert within(ratio) <= 0.6


def test_the_kernels_entropy_rises_with_depth():
    """Row 2 (c): the uncentred cosine kernel's ρ goes the other way, from He's weights."""
    rho = {
        depth: sb.measures.entropy_rank(sb.measures.kernel(fleet, digits().x_test, "cosine"))
        for depth, fleet in deep_and_shallow(HE).items()
    }
    assert (rho[8] - rho[1]).mean() >= 0.1


def test_a_gram_matrix_squares():
    """The effective rank of F Fᵀ is that of σ², and its own PCA needs fewer; float64."""
    found = features(deep_and_shallow(1.0)[2], centre=True).double()  # (runs, images, width)
    squares = sb.spectrum(found).square().diag_embed()
    assert_close(
        sb.measures.effective_rank(found @ found.mT), sb.measures.effective_rank(squares), rtol=1e-6, atol=0
    )
    assert (sb.measures.effective_rank(squares) <= sb.measures.effective_rank(found)).all()


@pytest.mark.parametrize("depth", [4, 8])
def test_at_birth_the_mean_is_nearly_all(depth):
    """Where one direction holds 98 % of the energy, every uncentred rank is small; less so after training."""
    born, after = net(depth), trained(net(depth))
    for fleet, low, high in [(born, 0.98, 1), (after, 0.2, 0.75)]:
        share = 1 - features(fleet, True).square().sum((1, 2)) / features(fleet).square().sum((1, 2))
        assert low <= share.min() and share.max() <= high
    assert sb.measures.stable_rank(features(born)).max() <= 1.05
