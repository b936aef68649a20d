"""Dominoes: what stands where, which images are held out, and how often a block agrees with the label."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch.testing import assert_close

import sbkit as sb

DIGITS = load_digits()
FOUR = [(0, 1), (3, 8), (4, 9), (1, 7)]


def digit_of(task: sb.Task, name: str, test=False) -> np.ndarray:
    """Which of the bundled images each row's block is, by looking all of them up. (n,)"""
    pixels = (task.z_test if test else task.z)[:, task.columns(name)].double()
    distance = torch.cdist(16 * pixels, torch.tensor(DIGITS.data))
    assert distance.min(1).values.max() < 1e-3
    return distance.argmin(1).numpy()


def coloured(channels, height, width, m=40, seed=0) -> tuple[np.ndarray, np.ndarray]:
    """m random images and their labels, "a" and "b" in turn."""
    pixels = np.random.default_rng(seed).random((m, channels, height, width))
    return pixels, np.array(["a", "b"] * (m // 2))


def test_every_block_shows_an_image_of_its_class():
    task = sb.data.dominoes([(0, 1), (3, 8)], n=300, n_test=200)
    for name, pair in {"0/1": (0, 1), "3/8": (3, 8)}.items():
        for test, y in ((False, task.y), (True, task.y_test)):
            assert (DIGITS.target[digit_of(task, name, test)] == np.array(pair)[y]).all()


def test_a_class_may_have_several_labels():
    task = sb.data.dominoes([(range(0, 10, 2), range(1, 10, 2))], n=2000, n_test=10)
    shown = DIGITS.target[digit_of(task, "02468/13579")]
    assert (shown % 2 == task.y.numpy()).all() and set(shown) == set(range(10))


def test_train_and_test_images_are_different_ones_in_all_blocks():
    """One split for the whole set: a digit of two blocks is not trained on in one and tested in the other."""
    task = sb.data.dominoes([(3, 8), (3, 5)], n=4000, n_test=4000)
    train, test = (
        {i for name in task.features for i in digit_of(task, name, part)} for part in (False, True)
    )
    assert not train & test
    assert len(test) == sum(round(0.25 * (DIGITS.target == label).sum()) for label in (3, 5, 8))


def test_blocks_are_drawn_apart_given_the_label():
    task = sb.data.dominoes([(0, 1), (0, 1)], n=4000, n_test=10)
    first, second = (digit_of(task, name) for name in ("0/1_1", "0/1_2"))
    assert (first == second).mean() < 0.02  # one in about 135


@pytest.mark.parametrize("shares", [(0.95, 1.0), (0.5, 0.75)])
def test_correlation_is_the_share_of_rows_that_agree(shares):
    task = sb.data.dominoes([(0, 1), (3, 8)], correlation=shares, n=8000, n_test=2000)
    for (name, feature), pair, share in zip(task.features.items(), FOUR, shares, strict=False):
        agrees = DIGITS.target[digit_of(task, name)] == np.array(pair)[task.y]
        assert abs(agrees.mean() - share) < 4 * (share * (1 - share) / 8000) ** 0.5 + 1e-9
        assert_close(1 - feature.noise / 2, share)


def test_noise_is_the_standard_deviation_added():
    clean, noisy = (sb.data.dominoes(noise=[0, s], n=2000, n_test=10) for s in (0.0, 0.3))
    first, second = (clean.columns(name) for name in clean.features)
    assert torch.equal(clean.z[:, first], noisy.z[:, first])
    assert abs((noisy.z - clean.z)[:, second].std() - 0.3) < 0.005


def test_the_first_stands_on_top():
    task = sb.data.dominoes([(0, 1), (3, 8)], n=20, n_test=10)
    images = task.x.unflatten(1, task.embed.shape)  # (n, 1, 16, 8)
    first, second = (task.z[:, task.columns(name)].view(-1, 1, 8, 8) for name in task.features)
    assert torch.equal(images[:, :, :8], first) and torch.equal(images[:, :, 8:], second)


def test_four_are_a_square():
    task = sb.data.dominoes(FOUR, n=20, n_test=10)
    images = task.x.unflatten(1, task.embed.shape)  # (n, 1, 16, 16)
    for name, (row, column) in zip(task.features, [(0, 0), (0, 8), (8, 0), (8, 8)], strict=True):
        part = images[:, 0, row : row + 8, column : column + 8]
        assert torch.equal(part.flatten(1), task.z[:, task.columns(name)])


def test_grey_on_colour_like_mnist_on_cifar():
    """Small images are framed in black, one channel becomes three, and a shuffle moves a block alone."""
    small, big = coloured(1, 28, 28), coloured(3, 32, 32, seed=1)
    images = {"top": (small[0][:, 0], small[1]), "bottom": big}
    task = sb.data.dominoes([("a", "b"), ("b", "a")], images, n=16, n_test=10)
    pictures = task.x.unflatten(1, task.embed.shape)
    assert pictures.shape == (16, 3, 64, 32) and task.z.shape == (16, 784 + 3072)
    top = task.z[:, task.columns("top")].view(-1, 1, 28, 28)
    assert torch.equal(pictures[:, :, 2:30, 2:30], top.expand(-1, 3, -1, -1))
    pictures[:, :, 2:30, 2:30] = 0
    assert not pictures[:, :, :32].any()
    assert torch.equal(pictures[:, :, 32:].flatten(1), task.z[:, task.columns("bottom")])


def test_a_net_that_sees_the_top_relies_on_the_top():
    task = sb.data.dominoes([(0, 1), (3, 8)], n=400, n_test=1000)
    cut = task.x.clone()
    cut[:, 64:] = 0
    blind = sb.Task(cut, task.y, task.z_test, task.y_test, task.features, task.embed)
    fleet = sb.mlp(blind, depth=0, runs=2)
    for weight in fleet.weights():
        weight.data[:, :, 64:] = 0
    sb.last(sb.fit(fleet, blind, steps=200))
    top, bottom = sb.reliance(fleet, task).mT
    assert top.min() > 0.45 and bottom.abs().max() == 0
    assert sb.measures.conflict(fleet, task)[:, 0].min() > 0.98 and not task.kinds


REFUSED = [
    (lambda: sb.data.dominoes([]), r"blocks are one to four pairs of labels, got \[\]; try"),
    (lambda: sb.data.dominoes([(0, 1, 2)]), "one to four pairs of labels"),
    (lambda: sb.data.dominoes(["01"]), "one to four pairs of labels"),
    (lambda: sb.data.dominoes([(0, 1)] * 5), "one to four pairs of labels"),
    (lambda: sb.data.dominoes([(0, 10)]), "label has two images or more, got 10; there are 0, 1, 2"),
    (lambda: sb.data.dominoes([("0", "1")]), "label has two images or more, got '0'; there are 0, 1, 2"),
    (lambda: sb.data.dominoes([(0, (0, 1))]), r"different labels for the two classes, got \(0, \(0, 1\)\)"),
    (lambda: sb.data.dominoes([((), 1)]), "different labels for the two classes"),
    (
        lambda: sb.data.dominoes(correlation=0.4),
        "correlation is a number at least 0.5 and at most 1, got 0.4",
    ),
    (
        lambda: sb.data.dominoes(correlation=[1, 1, 1]),
        "correlation is one number or one a block, got 3 for 2",
    ),
    (lambda: sb.data.dominoes(noise=-1), "noise is a number at least 0"),
    (lambda: sb.data.dominoes(n=0), "n is a whole number of at least 1, got 0"),
    (lambda: sb.data.dominoes(n=10**10), "at most half of the free memory; 10,000,002,000 rows × 128 pixels"),
    (lambda: sb.data.dominoes([(0, 1)], {}), "images are given once a block, got 0 for 1"),
    (lambda: own(np.ones((8, 64)), [0, 1] * 4), r"Images are .*, got \(8, 64\) and \(8,\) for 'own'"),
    (lambda: own(np.ones((8, 8, 8)), [0, 1]), r"got \(8, 8, 8\) and \(2,\) for 'own'; reshape"),
    (lambda: own(255 * np.ones((8, 8, 8)), [0, 1] * 4), "in 0…1, got 255 to 255 in 'own'; divide, e.g. by"),
    (lambda: own(np.full((8, 8, 8), np.nan), [0, 1] * 4), "Pixels lie in 0…1, got nan"),
    (lambda: own(np.ones((0, 8, 8)), []), r"got \(0, 8, 8\) and \(0,\)"),
    (lambda: own(np.ones((8, 8, 8)), ["0", "1"] * 4), "two images or more, got 0; there are 0, 1"),
    (
        lambda: sb.data.dominoes(
            [("a", "b")] * 2, {"two": coloured(2, 8, 8), "three": coloured(3, 8, 8)}, n=8, n_test=8
        ),
        r"one number of channels, or one channel, got \[2, 3\]",
    ),
]


def own(pixels, labels) -> sb.Task:
    return sb.data.dominoes([(0, 1)], {"own": (pixels, np.array(labels))}, n=8, n_test=8)


@pytest.mark.parametrize(("ask", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_refuses(ask, says):
    with pytest.raises(sb.SbkitError, match=says):
        ask()
