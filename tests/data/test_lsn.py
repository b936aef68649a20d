"""Linear, slab, noise: fact 8 of the course's sheet on simplicity bias."""

import pytest
import torch
from scipy import stats

import sbkit as sb


def test_the_linear_column_is_the_label_and_the_slab_is_zero_for_one_class():
    """Fact 8."""
    task = sb.data.lsn(n=4000, n_test=1000)
    for z, y in ((task.z, task.y), (task.z_test, task.y_test)):
        assert torch.equal(z[:, 0], 2.0 * y - 1)
        assert not z[y == 0, 1].any()
        assert set(z[y == 1, 1].tolist()) == {-1.0, 1.0}


def test_the_slabs_side_is_a_fair_coin_and_the_rest_is_normal():
    z, y = (lambda task: (task.z.double(), task.y))(sb.data.lsn(dim=5, n=20_000))
    assert abs(z[y == 1, 1].mean()) <= 4 / 10_000**0.5  # four standard deviations
    for column in z[:, 2:].T:
        assert stats.kstest(column, "norm").pvalue >= 1e-3
    noise = torch.corrcoef(torch.cat([z, y.double().unsqueeze(1)], 1).T)[2:5]
    assert noise.triu(3).abs().max() <= 4 / 20_000**0.5  # of label, slab and one another independent


@pytest.mark.parametrize("n", [10, 11])
def test_classes_are_balanced_to_one_row(n):
    task = sb.data.lsn(n=n, n_test=n)
    assert int(task.y.sum()) == n // 2 and int(task.y_test.sum()) == n // 2


def test_the_seed_decides():
    assert torch.equal(sb.data.lsn(n=9, seed=4).z, sb.data.lsn(n=9, seed=4).z)
    assert not torch.equal(sb.data.lsn(n=9, seed=4).z, sb.data.lsn(n=9, seed=5).z)
    assert list(sb.data.lsn(dim=2, n=9).features) == ["linear", "slab3"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"dim": 1}, "dim is a whole number of at least 2, got 1"),
        ({"n": 0}, "n is a whole number of at least 1, got 0"),
        ({"n": 10**9}, "GiB|GB|memory"),
    ],
)
def test_refuses(options, says):
    with pytest.raises(sb.SbkitError, match=says):
        sb.data.lsn(**options)
