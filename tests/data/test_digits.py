"""Digits drawn as the facts of the course were, and rows that say nothing with a mark on each."""

import pickle

import numpy as np
import pytest
import torch
from cases import DOUBLE, regression, told
from sklearn.datasets import load_digits
from torch.testing import assert_close

import sbkit as sb
from sbkit.data import corrupt, digits

DIGITS = load_digits()


def looked_up(z: torch.Tensor) -> np.ndarray:
    """Which of the bundled images each row shows. (rows,)"""
    return torch.cdist(16 * z.double(), torch.tensor(DIGITS.data)).argmin(1).numpy()


@pytest.mark.parametrize(("n", "noise", "data"), [(300, 0.0, 0), (600, 0.2, 3), (1000, 1.0, 1)])
def test_digits_are_those_of_the_facts(n, noise, data):
    """The recipe line by line; `noise` is there the share of labels that are redrawn."""
    rng = np.random.default_rng(data)
    order = rng.permutation(len(DIGITS.target))
    x, y = DIGITS.data[order] / 16, DIGITS.target[order]
    flip = rng.random(n) < noise
    y[:n][flip] = rng.integers(0, 10, flip.sum())
    task = digits(n, flip=noise, seed=data)
    assert_close(torch.cat([task.x, task.x_test]).double().numpy(), x)
    assert torch.cat([task.y, task.y_test]).tolist() == y.tolist()
    assert task.corrupted.tolist() == flip.tolist()


@pytest.mark.parametrize(
    ("labels", "names", "rule"),
    [
        (None, tuple("0123456789"), lambda shown: shown),
        ((3, 8), ("3", "8"), lambda shown: shown == 8),
        ((8, 3), ("8", "3"), lambda shown: shown == 3),
        (np.array([4, 9]), ("4", "9"), lambda shown: shown == 9),
        (8, ("0/1/2/3/4/5/6/7/9", "8"), lambda shown: shown == 8),
        (0, ("1/2/3/4/5/6/7/8/9", "0"), lambda shown: shown == 0),
        ((range(0, 10, 2), range(1, 10, 2)), ("0/2/4/6/8", "1/3/5/7/9"), lambda shown: shown % 2),
        ([1, [7, 2], 5], ("1", "7/2", "5"), lambda shown: np.select([shown == 1, shown == 5], [0, 2], 1)),
    ],
    ids=told,
)
def test_classes_show_their_digits(labels, names, rule):
    task = digits(100, labels)
    assert task.names == names and task.outputs == len(names)
    kept = np.isin(DIGITS.target, [int(digit) for name in names for digit in name.split("/")])
    assert len(task.y) == 100 and len(task.y_test) == kept.sum() - 100
    for z, y in ((task.z, task.y), (task.z_test, task.y_test)):
        assert y.tolist() == rule(DIGITS.target[looked_up(z)]).tolist()
    assert not set(looked_up(task.z)) & set(looked_up(task.z_test))


def test_noise_is_gaussian_and_on_test_rows_too():
    clean, task = digits(400), digits(400, noise=0.35)
    for part in ("x", "x_test"):
        added = getattr(task, part) - getattr(clean, part)
        assert abs(float(added.std()) - 0.35) < 0.01 and abs(float(added.mean())) < 0.01
    assert task.y.tolist() == clean.y.tolist()


def test_copies_have_one_label_and_noise_of_their_own():
    clean, task = digits(50, flip=0.5), digits(50, flip=0.5, noise=0.1, copies=4)
    assert task.x.shape == (200, 64) and task.x_test.shape == clean.x_test.shape
    for part in ("y", "corrupted"):
        assert torch.equal(getattr(task, part).view(50, 4), getattr(clean, part)[:, None].expand(-1, 4))
    added = task.x.view(50, 4, 64) - clean.x[:, None]
    assert added.abs().max() < 0.7 and not (added[:, 0] == added[:, 1]).any()
    assert torch.equal(digits(5, copies=3).x, digits(5).x.repeat_interleave(3, 0))


def test_a_redrawn_label_is_uniform_and_may_be_the_old_one():
    clean, task = digits(1700, flip=0.0), digits(1700, flip=1.0)
    assert task.corrupted.all() and not clean.corrupted.any()
    assert abs(float((task.y == clean.y).float().mean()) - 0.1) < 0.03
    assert task.y.bincount().min() > 120 and torch.equal(task.y_test, clean.y_test)


@pytest.mark.parametrize("shape", [(1, 8, 8), (8, 8), (64,)])
def test_shape_is_kept_and_rows_stay_flat(shape):
    task = digits(30, flip=0.3, shape=shape)
    assert task.x.shape == (30, 64) and task.shape == shape
    for other in (task.to(dtype=DOUBLE), task.sample(20), pickle.loads(pickle.dumps(task))):
        assert other.shape == shape and len(other.corrupted) == len(other.y)


BAD = [
    ({"n": 0}, "n is a whole number of at least 1, got 0; try 1"),
    ({"n": 1797}, "n is less than the 1,797 images, got 1,797; try 898"),
    ({"n": 400, "labels": (3, 8)}, "n is less than the 357 images, got 400; try 178"),
    ({"labels": 10}, "labels are two classes or more, each of digits of its own, 0…9, got 10; try labels="),
    ({"labels": [8]}, r"labels are .*got \[8\]; try labels=\(3, 8\), or labels=8"),
    ({"labels": (3, 3)}, "labels are two classes or more"),
    ({"labels": ([1, 2], [2, 3])}, "each of digits of its own"),
    ({"labels": ([], [2, 3])}, "labels are two classes or more"),
    ({"labels": (3, 11)}, "labels are two classes or more"),
    ({"labels": (3, 8.0)}, "labels are two classes or more"),
    ({"labels": (True, False)}, "labels are two classes or more"),
    ({"labels": True}, "labels are two classes or more"),
    ({"labels": "38"}, "labels are two classes or more"),
    ({"labels": [[[1], 2], 3]}, "labels are two classes or more"),
    ({"flip": 1.5}, "flip is a number at least 0 and at most 1, got 1.5"),
    ({"noise": -0.1}, "noise is a number at least 0"),
    ({"copies": 0}, "copies is a whole number of at least 1"),
    ({"copies": 10**9}, "half of the free memory.*copies"),
    ({"shape": (8, 9)}, r"shape is a tuple of whole numbers whose product is 64.*got \(8, 9\)"),
    ({"seed": -1}, "seed is a whole number of at least 0"),
]


@pytest.mark.parametrize(("given", "says"), BAD, ids=told)
def test_digits_refuse(given, says):
    with pytest.raises(sb.SbkitError, match=says):
        digits(**({"n": 100} | given))


# ---------------------------------------------------------------- corrupted rows


def test_redrawn_labels():
    task = digits(1000)
    noisy = corrupt(task, labels=0.3, seed=5)
    assert abs(float(noisy.corrupted.float().mean()) - 0.3) < 0.05
    kept = ~noisy.corrupted
    assert torch.equal(noisy.y[kept], task.y[kept]) and torch.equal(noisy.z, task.z)
    assert abs(float((noisy.y == task.y)[noisy.corrupted].float().mean()) - 0.1) < 0.07
    assert torch.equal(noisy.y_test, task.y_test) and torch.equal(noisy.z_test, task.z_test)
    assert noisy.names == task.names and not task.corrupted.any()


def test_replaced_inputs_keep_each_column_and_lose_the_label():
    task = sb.slabs((1, 3), n=4000, n_test=10)
    noisy = corrupt(task, inputs=1.0)
    assert noisy.corrupted.all() and torch.equal(noisy.y, task.y)
    side = 2.0 * task.y - 1
    for column in range(2):
        assert np.isin(noisy.z[:, column], task.z[:, column]).all()
        assert abs(float(noisy.z[:, column].std() / task.z[:, column].std()) - 1) < 0.05
    assert (side * task.z[:, 0]).min() > 0 and abs(float((side * noisy.z[:, 0]).mean())) < 0.05
    assert abs(np.corrcoef(noisy.z.abs().T)[0, 1]) < 0.06
    assert_close(noisy.x, noisy.embed(noisy.z))


def test_both_are_drawn_apart_and_marked_together():
    task = digits(1500)
    both = corrupt(task, labels=0.5, inputs=0.5)
    only = corrupt(task, labels=0.5), corrupt(task, inputs=0.5)
    assert torch.equal(both.y, only[0].y) and torch.equal(both.z, only[1].z)
    assert torch.equal(both.corrupted, only[0].corrupted | only[1].corrupted)
    assert abs(float((only[0].corrupted & only[1].corrupted).float().mean()) - 0.25) < 0.05


@pytest.mark.parametrize("what", ["labels", "inputs"])
def test_a_larger_share_has_the_rows_of_a_smaller_one(what):
    small, large = (corrupt(digits(200), **{what: share}).corrupted for share in (0.2, 0.6))
    assert not (small & ~large).any() and large.sum() > small.sum()


def test_marks_stay_and_seeds_count():
    task = digits(200, flip=0.3)
    twice = corrupt(task, labels=0.3, seed=9)
    assert not (task.corrupted & ~twice.corrupted).any() and twice.corrupted.sum() > task.corrupted.sum()
    same, other = (corrupt(task, labels=0.3, seed=seed) for seed in (9, 8))
    assert torch.equal(same.y, twice.y) and not torch.equal(other.y, twice.y)
    assert torch.equal(corrupt(task).corrupted, task.corrupted) and torch.equal(corrupt(task).z, task.z)


def test_inputs_of_a_regression_task_may_be_replaced():
    task = corrupt(regression(), inputs=0.5)
    assert task.z.dtype == DOUBLE and 60 < task.corrupted.sum() < 140


@pytest.mark.parametrize(
    ("task", "given", "says"),
    [
        (
            regression(),
            {"labels": 0.1},
            r"Labels are redrawn where a row has one class, got \(200, 2\).*; try",
        ),
        (digits(20), {"labels": 2}, "labels is a number at least 0 and at most 1, got 2; try 1"),
        (digits(20), {"inputs": -1}, "inputs is a number at least 0"),
        (digits(20), {"seed": 0.5}, "seed is a whole number"),
        (digits(20).x, {}, "A task is rows with their labels, an sb.Task, got a Tensor"),
    ],
)
def test_corrupt_refuses(task, given, says):
    with pytest.raises(sb.SbkitError, match=says):
        corrupt(task, **given)
