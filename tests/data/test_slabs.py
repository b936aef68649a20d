"""Slab data against the tables of Shah et al. 2020: facts 1 to 9 of the course's fact sheet."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch.testing import assert_close

import sbkit as sb

ROWS = 200_000
# k → (width, edges of the bands of |x| from the centre out, (label 0, label 1) → probability of each band)
TABLE = {
    3: (0.5333, [(0, 0.267), (0.467, 1)], ((1, 0), (0, 1))),
    5: (0.24, [(0, 0.12), (0.32, 0.56), (0.76, 1)], ((0.75, 0, 0.25), (0, 1, 0))),
    7: (
        0.1143,
        [(0, 0.0572), (0.257, 0.3715), (0.571, 0.686), (0.8857, 1)],
        ((0.5, 0, 0.5, 0), (0, 0.875, 0, 0.125)),
    ),
}
every_k = pytest.mark.parametrize("k", TABLE)


def column(block: int, noise=0.0, seed=0, n=ROWS, **options) -> tuple[np.ndarray, np.ndarray]:
    """One block's column and the labels, in float64."""
    task = sb.slabs([block], noise=noise, n=n, n_test=1, rotate=False, seed=seed, **options)
    return task.x[:, 0].double().numpy(), task.y.numpy()


def inside_of(x: np.ndarray, bands: list) -> np.ndarray:
    """Which band of |x| each row lies in. (bands, rows)"""
    return np.array([(np.abs(x) >= low - 1e-3) & (np.abs(x) <= high + 1e-3) for low, high in bands])


def test_linear_block():
    """Fact 1."""
    x, y = column(1)
    assert np.abs(x).min() >= 0.1 - 1e-7 and np.abs(x).max() <= 1
    assert ((x > 0) == y).all()
    assert_uniform(np.abs(x), 0.1, 1)


def assert_uniform(x: np.ndarray, low: float, high: float) -> None:
    """Chi-square of twenty equal bins, at one in ten thousand."""
    counts, _ = np.histogram(x, bins=20, range=(low, high))
    assert counts.sum() >= 0.999 * len(x) and chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize(("noise", "accuracy"), [(0.1, 0.95), (0.5, 0.75), (1.0, 0.5)])
def test_noisy_linear_block(noise, accuracy):
    """Facts 2 and 7: a share of rows is U(−margin, margin), whatever the label."""
    x, y = column(1, noise)
    assert abs(((x > 0) == y).mean() - accuracy) < 0.003
    noisy = np.abs(x) < 0.1 - 1e-6
    assert abs(noisy.mean() - noise) < 0.004
    assert abs(((x > 0) == y)[noisy].mean() - 0.5) < 0.02
    assert_uniform(x[noisy], -0.1, 0.1)


@every_k
def test_bands_and_their_probabilities(k):
    """Fact 3: nothing in the gaps, each label in its bands as often as tabled, uniform within, signs fair."""
    x, y = column(k)
    width, bands, chances = TABLE[k]
    assert np.abs(x).max() <= 1 + 1e-6
    assert width == pytest.approx(2 * (1 - (k - 1) * 0.1) / k, abs=1e-4)
    inside = inside_of(x, bands)
    assert inside.any(0).all()
    for label in (0, 1):
        counts = inside[:, y == label].sum(1)
        expected = np.array(chances[label]) * (y == label).sum()
        assert (counts[expected == 0] == 0).all()
        if (expected > 0).sum() > 1:
            assert chisquare(counts[expected > 0], expected[expected > 0]).pvalue > 1e-4
    for band in inside[1:]:
        assert abs((x[band] > 0).mean() - 0.5) < 2 / band.sum() ** 0.5  # four standard deviations
        assert_uniform(
            np.abs(x[band]), *np.abs(x[band])[[np.abs(x[band]).argmin(), np.abs(x[band]).argmax()]]
        )


@every_k
@pytest.mark.parametrize("margin", [0.0, 0.05, 0.12])
def test_gaps_are_twice_the_margin(k, margin):
    x, _ = column(k, margin=margin)
    width = 2 * (1 - (k - 1) * margin) / k
    where = np.abs(x) / (width + 2 * margin)  # whole numbers are centres
    assert np.abs(where - where.round()).max() <= 0.5 * width / (width + 2 * margin) + 1e-6
    assert np.abs(x).max() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("k", "moment"), [(5, 0.1984), (7, 0.1986)])
def test_variances_of_the_classes_agree(k, moment):
    """Fact 4, and the algebra behind it: E[m²] is 1 and 2."""
    x, y = column(k, n=2 * ROWS)
    for label in (0, 1):
        assert abs((x[y == label] ** 2).mean() - moment) < 0.002
    m = np.array([0, 1, 2, 3])[: k // 2 + 1]
    for chances in TABLE[k][2]:
        assert np.dot(chances, m**2) == pytest.approx({5: 1, 7: 2}[k])


def test_variances_of_three_slabs_differ():
    x, y = column(3)
    assert (x[y == 0] ** 2).mean() == pytest.approx(0.0237, abs=0.001)
    assert (x[y == 1] ** 2).mean() == pytest.approx(0.5616, abs=0.002)


@pytest.mark.parametrize(("k", "best"), [(3, 0.75), (5, 0.6875), (7, 0.625)])
def test_best_single_threshold(k, best):
    """Fact 5."""
    x, y = column(k, n=2 * ROWS)
    above = np.cumsum(2 * y[np.argsort(x)] - 1)  # ones minus zeros left of each threshold
    right = (above[-1] - above) - above  # rows classed right minus wrong, times one
    assert abs(0.5 + np.abs(right).max() / (2 * len(x)) - best) < 0.003


@pytest.mark.parametrize("dim", [1, 2, 10, 50])
def test_rotation_is_orthogonal_and_undone(dim):
    """Fact 6."""
    task = sb.lms(5, dim=dim, n=200, n_test=100)
    w = task.embed.weight.double()
    assert (w @ w.mT - torch.eye(dim)).abs().max() <= 1e-6
    assert_close(task.x @ task.embed.weight, task.z, atol=1e-5, rtol=0)
    assert_close(task.x.norm(dim=1), task.z.norm(dim=1))


def test_rotation_is_random_and_can_be_left_out():
    task = [sb.slabs([1, 5, 5], n=10, n_test=10, seed=seed) for seed in (0, 1)]
    assert not torch.allclose(task[0].embed.weight, task[1].embed.weight, atol=0.1)
    plain = sb.slabs([1, 5, 5], n=10, n_test=10, rotate=False)
    assert torch.equal(plain.x, plain.z) and torch.equal(plain.z, task[0].z)


def test_rotations_are_uniform():
    """No direction is preferred: every entry has mean 0 and mean square 1/d, of either determinant."""
    weights = torch.stack([sb.slabs([1, 1, 1], n=1, n_test=1, seed=s).embed.weight for s in range(600)])
    assert_close(weights.mean(0), torch.zeros(3, 3), atol=0.1, rtol=0)
    assert_close(weights.square().mean(0), torch.full((3, 3), 1 / 3), atol=0.06, rtol=0)
    assert abs((weights.det() > 0).float().mean() - 0.5) < 0.08


@every_k
def test_noisy_slab_rows_have_a_fair_coins_label(k):
    """Our definition: with noise 1 the column says nothing about the label, its bands stay."""
    x, y = column(k, noise=1.0)
    _, bands, chances = TABLE[k]
    inside = inside_of(x, bands)
    for label in (0, 1):
        counts = inside[:, y == label].sum(1)
        assert chisquare(counts, np.mean(chances, axis=0) * counts.sum()).pvalue > 1e-4
    x, y = column(k, noise=0.2)
    own = np.array(chances)[y] > 0
    right = (inside_of(x, bands) & own.T).any(0).mean()
    assert abs(right - 0.9) < 0.003


@pytest.mark.parametrize("block", [1, 5])
def test_noise_is_independent_of_label_and_other_features(block):
    task = sb.slabs([block, block], noise=[0.3, 0.3], n=ROWS, n_test=1, rotate=False)
    clean = torch.stack([honest(task.z[:, i].numpy(), task.y.numpy(), block) for i in range(2)])
    link = torch.corrcoef(torch.cat([clean, task.y[None].double()]))
    assert_close(link, torch.eye(3, dtype=torch.float64), atol=0.01, rtol=0)


def honest(x: np.ndarray, y: np.ndarray, block: int) -> torch.Tensor:
    """1.0 where the column agrees with the label."""
    if block == 1:
        return torch.tensor((np.sign(x) == 2 * y - 1).astype(float))
    return torch.tensor((inside_of(x, TABLE[5][1])[1] == y).astype(float))


@pytest.mark.parametrize("n", [1, 2, 99, 100])
def test_classes_are_balanced_to_one_row(n):
    task = sb.slabs(n=n, n_test=n)
    for y in (task.y, task.y_test):
        assert abs(2 * y.sum() - n) <= 1 and y.dtype == torch.int64
    assert len(task.x) == len(task.x_test) == n


FEATURES = [
    ((1, 5), {"linear": (0, 1), "slab5": (1, 4)}),
    ((7, 1, 3), {"linear": (1, 1), "slab3": (2, 2), "slab7": (0, 6)}),
    ((5, 5), {"slab5_1": (0, 4), "slab5_2": (1, 4)}),
    ((5, 1, 5, 1), {"linear_1": (1, 1), "linear_2": (3, 1), "slab5_1": (0, 4), "slab5_2": (2, 4)}),
]


@pytest.mark.parametrize(("blocks", "features"), FEATURES)
def test_features_are_named_simplest_first(blocks, features):
    task = sb.slabs(blocks, n=10, n_test=10)
    assert list(task.features) == list(features)
    for name, (place, pieces) in features.items():
        assert task.features[name].columns == (place,) and task.features[name].pieces == pieces


def test_noise_and_margin_go_to_their_blocks():
    task = sb.slabs((5, 1), noise=(0, 0.3), margin=(0.05, 0.2), n=5000, n_test=10, rotate=False)
    assert task.features == {"linear": sb.Feature((1,), 1, 0.2, 0.3), "slab5": sb.Feature((0,), 4, 0.05, 0)}
    assert abs((task.z[:, 1].abs() < 0.2).float().mean() - 0.3) < 0.02


def test_presets():
    lms, ms = sb.lms(7, dim=4, noise=0.1, n=10, n_test=10), sb.ms(5, 7, dim=4, noise=0.2, n=10, n_test=10)
    assert list(lms.features) == ["linear", "slab7_1", "slab7_2", "slab7_3"]
    assert list(ms.features) == ["slab5", "slab7_1", "slab7_2", "slab7_3"]
    assert [f.noise for f in lms.features.values()] == [0.1, 0, 0, 0]
    assert [f.noise for f in ms.features.values()] == [0.2, 0, 0, 0]
    same = sb.slabs([1, 7, 7, 7], noise=[0.1, 0, 0, 0], n=10, n_test=10)
    assert torch.equal(lms.x, same.x) and torch.equal(lms.y_test, same.y_test)
    assert sb.lms(5, n=10, n_test=10).x.shape == (10, 50)
    assert lms.kinds == {"S": ["linear"], "Sᶜ": ["slab7_1", "slab7_2", "slab7_3"]}


REFUSED = [
    (lambda: sb.slabs([1, 4]), r"blocks are 1 \(linear\) or 3, 5, 7 \(slabs\), got 4; try 3"),
    (lambda: sb.slabs([9]), "blocks are .*, got 9; try 7"),
    (lambda: sb.slabs([5.0]), "blocks are .*, got 5.0; try 5"),
    (lambda: sb.slabs("5"), "blocks are .*, got '5'"),
    (lambda: sb.slabs([]), r"at least one block, got none; try \(1, 5\)"),
    (lambda: sb.slabs(noise=1.5), "noise is a number at least 0 and at most 1, got 1.5"),
    (lambda: sb.slabs(noise=-0.1), "noise is a number at least 0 and at most 1, got -0.1"),
    (lambda: sb.slabs(noise=None), "noise is a number.*, got None"),
    (lambda: sb.slabs(noise=math.nan), "noise is a number.*, got nan"),
    (lambda: sb.slabs(noise=[0.1]), r"noise is one number or one a block, got 1 for 2"),
    (lambda: sb.slabs(margin=[0.1] * 3), r"margin is one number or one a block, got 3 for 2"),
    (lambda: sb.slabs(margin=0.25), "margin of a block of 5 is at least 0 and below 0.25, got 0.25; try 0.1"),
    (
        lambda: sb.slabs([7], margin=0.2),
        "margin of a block of 7 is at least 0 and below 0.167, got 0.2; try 0.1",
    ),
    (lambda: sb.slabs(margin=-0.1), "margin of a block of 1 is at least 0 and below 1, got -0.1; try 0.1"),
    (lambda: sb.slabs(n=0), "n is a whole number of at least 1, got 0"),
    (lambda: sb.slabs(n=1e4), "n is a whole number of at least 1, got 10000.0"),
    (lambda: sb.slabs(n_test=-1), "n_test is a whole number of at least 1, got -1"),
    (lambda: sb.slabs(seed=-1), "seed is a whole number of at least 0, got -1"),
    (lambda: sb.slabs(n=10**12), "at most half of the free memory; 1,000,000,010,000 rows × 2 features"),
    (lambda: sb.lms(5, dim=0), "dim is a whole number of at least 1, got 0"),
    (lambda: sb.lms(4), "blocks are .*, got 4"),
]


@pytest.mark.parametrize(("ask", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_refuses(ask, says):
    with pytest.raises(sb.SbkitError, match=says):
        ask()
