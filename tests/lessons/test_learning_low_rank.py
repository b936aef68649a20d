"""Regression on a matrix of known rank: the matrix, the labels, their size."""

import pytest
import torch

import sbkit as sb
from sbkit.lessons.rank.learning_low_rank import low_rank_task


def test_labels_are_the_target_times_the_inputs():
    task = low_rank_task(rank=3, dim=10, outputs=6, n=50)
    target = task.embed.target
    assert target.shape == (6, 10) and int(torch.linalg.matrix_rank(target)) == 3
    torch.testing.assert_close(task.y, task.x @ target.mT)
    torch.testing.assert_close(task.y_test, task.x_test @ target.mT)


def test_labels_vary_by_one_and_noise_adds_its_own():
    clean, noisy = (
        torch.stack([low_rank_task(noise=noise, n=2000, seed=s).y.square().mean() for s in range(40)])
        for noise in (0.0, 2.0)
    )
    assert abs(clean.mean() - 1) <= 0.1
    assert abs(noisy.mean() - 5) <= 0.15


def test_the_seed_decides_and_the_task_moves():
    one, again, other = (low_rank_task(seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.x, again.x) and torch.equal(one.y, again.y)
    assert not torch.equal(one.embed.target, other.embed.target)
    assert one.to(dtype=torch.float64).embed.target.dtype == torch.float64 and not one.classes


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"rank": 0}, "rank is a whole number of at least 1, got 0"),
        ({"rank": 6, "outputs": 5}, "rank is at most .* = 5, got 6; try rank=5"),
        ({"noise": -1}, "noise is a number"),
        ({"dim": 10**6, "n": 10**6}, "1,001,000 rows"),
    ],
)
def test_refuses(options, says):
    with pytest.raises(sb.SbkitError, match=says):
        low_rank_task(**options)
