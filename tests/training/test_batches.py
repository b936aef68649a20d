"""The order of minibatches: whole epochs, one order a run, the same however it is asked for."""

import pytest
import torch
from torch.testing import assert_close

from sbkit.training import batches
from sbkit.training.batches import Batches, WholeSet


def rows(n=100, d=3):
    """Rows that say their own number, with labels that do too."""
    return torch.arange(n).float().unsqueeze(1).expand(n, d).contiguous(), torch.arange(n)


def order(batches: Batches, run: int, steps) -> list[list[int]]:
    """Numbers of the rows of one run, step by step."""
    return [batches(step)[1][run].tolist() for step in steps]


@pytest.mark.parametrize(("n", "batch"), [(100, 10), (100, 32), (100, 100), (7, 2), (1, 1)])
def test_an_epoch_sees_no_row_twice(n, batch):
    made = Batches(*rows(n), batch, seed=0, seeds=[0, 1])
    per_epoch = n // batch
    for run in range(2):
        for epoch in range(3):
            steps = range(epoch * per_epoch, (epoch + 1) * per_epoch)
            seen = sum(order(made, run, steps), [])
            assert len(set(seen)) == len(seen) == per_epoch * batch


@pytest.mark.parametrize("y", [torch.arange(100), torch.arange(200.0).view(100, 2)])
def test_labels_stay_with_their_rows(y):
    x, number = rows()
    made = Batches(x, y, 32, seed=0, seeds=[0, 1, 2])
    for step in range(7):
        xs, ys = made(step)
        assert xs.shape == (3, 32, 3) and ys.shape == (3, 32, *y.shape[1:])
        assert torch.equal(ys, y[xs[..., 0].long()])


def test_order_differs_by_run_epoch_and_seed_and_is_reproducible():
    def first_epochs(seed, run_seed):
        return order(Batches(*rows(), 25, seed=seed, seeds=[run_seed]), 0, range(8))

    orders = {str(first_epochs(seed, run)): None for seed in range(3) for run in range(3)}
    assert len(orders) == 9
    assert first_epochs(1, 2) == first_epochs(1, 2)
    assert first_epochs(0, 0)[:4] != first_epochs(0, 0)[4:]


def test_a_run_has_its_order_in_any_fleet():
    fleet = Batches(*rows(), 32, seed=5, seeds=[7, 8, 9])
    for run in range(3):
        alone = Batches(*rows(), 32, seed=5, seeds=[7 + run])
        assert order(fleet, run, range(10)) == order(alone, 0, range(10))


def test_steps_may_be_asked_for_in_any_order_and_chunks_do_not_matter(monkeypatch):
    whole = order(Batches(*rows(), 10, seed=0, seeds=[0]), 0, range(30))
    made = Batches(*rows(), 10, seed=0, seeds=[0])
    assert [order(made, 0, [step])[0] for step in reversed(range(30))] == whole[::-1]
    monkeypatch.setattr(batches, "GATHERED", 90)  # three steps at once
    assert order(Batches(*rows(), 10, seed=0, seeds=[0]), 0, range(30)) == whole


def test_every_row_comes_equally_often():
    made = Batches(*rows(10), 4, seed=0, seeds=list(range(50)))
    counts = torch.cat([made(step)[1].flatten() for step in range(80)]).bincount()
    assert counts.sum() == 80 * 50 * 4
    assert_close(counts.float(), torch.full((10,), 1600.0), rtol=0.05, atol=0)


def test_whole_set_is_all_rows_in_order():
    x, y = rows()
    made = WholeSet(x, y, runs=2)
    for step in (0, 9):
        assert torch.equal(made(step)[0], torch.stack([x, x])) and torch.equal(
            made(step)[1], torch.stack([y, y])
        )
