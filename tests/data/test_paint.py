"""Dabs of paint as a task: where points lie, how they are split, what is refused."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch

import sbkit as sb

DABS = [(-0.5, 0.2, 0), (-0.4, 0.1, 0), (0.5, 0.0, 1)]


def test_every_dab_gives_points_near_it_to_both_parts():
    task = sb.data.painted(DABS)
    assert (len(task.y), len(task.y_test)) == (12, 6) and task.x.dtype == torch.float32
    for z, y, count in ((task.z, task.y, 4), (task.z_test, task.y_test, 2)):
        for x1, x2, c in DABS:
            near = (z - torch.tensor([x1, x2])).norm(dim=1) < 0.0701
            assert (near & (y == c)).sum() >= count
    assert list(task.features) == ["x1", "x2"] and task.kinds == {} and task.names == ("blue", "orange")


def test_the_seed_splits_and_orders_and_nothing_else():
    first, again, other = (sb.data.painted(DABS, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first.z, again.z) and not torch.equal(first.z, other.z)

    def points(task):
        return sorted(torch.cat([task.z, task.z_test]).tolist())

    assert points(first) == points(other)


@pytest.mark.parametrize("kind", [np.array, torch.tensor, pd.DataFrame, lambda dabs: [list(d) for d in dabs]])
def test_dabs_of_any_kind(kind):
    for made, dab in zip(sb.data.painted(kind(DABS)).dabs, DABS, strict=True):
        assert made == pytest.approx(dab)


def test_one_dab_a_class_is_enough_to_train_on():
    task = sb.data.painted([(-0.9, 0, 0), (0.9, 0, 1)])
    assert sb.last(sb.fit(sb.mlp(task, runs=2), task, steps=200)).test_accuracy.tolist() == [1, 1]


def test_it_remembers_its_dabs_through_pickles_copies_and_samples():
    task = sb.data.painted(DABS, seed=3)
    for copy in (pickle.loads(pickle.dumps(task)), task.to(dtype=torch.float64), task.sample(2)):
        assert (copy.dabs, copy.seed, repr(copy)) == (tuple(DABS), 3, "3 dabs of paint")


REFUSED = [
    ([], r"rows \(x1, x2, class\), got shape \(0,\)"),
    ([(0, 1)], r"rows \(x1, x2, class\), got shape \(1, 2\)"),
    ([(0, 0, 0)], r"two classes, 0 and 1, got \[0.0\]; try"),
    ([(0, 0, 1), (0, 0, 2)], "two classes, 0 and 1, got"),
    ([(1.5, 0, 0), (0, 0, 1)], "lie in −1…1"),
    ([(float("nan"), 0, 0), (0, 0, 1)], "lie in −1…1"),
    ([(0, 0, k % 2) for k in range(501)], "at most 500 dabs, got 501; try sb.data.table"),
    ("dabs", "numbers in rows"),
]


@pytest.mark.parametrize(("dabs", "words"), REFUSED)
def test_refused(dabs, words):
    with pytest.raises(sb.SbkitError, match=words):
        sb.data.painted(dabs)
