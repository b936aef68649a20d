"""Row 7 of the course's systems: trained rank pruning, with another optimizer, other seeds and data.

Xu et al. 2020 cut while they train; what counts is that the last cut isn't one that training has just made.
"""

import pytest
import torch
from sklearn.datasets import load_digits

import sbkit as sb
from sbkit.lessons.rank.surviving_a_cut import nearest, right

PIXELS, DIGIT = load_digits(return_X_y=True)


def energy_rank(weight: torch.Tensor, share=0.95) -> torch.Tensor:
    energy = torch.linalg.svdvals(weight.detach()).square()
    return 1 + (energy.cumsum(-1) < share * energy.sum(-1, keepdim=True)).sum(-1)


def trained(period: int, seed: int, steps: int, share=0.95) -> tuple[torch.Tensor, sb.Fleet]:
    """Test accuracy lost by a cut to rank 8, (runs,), of nets that were cut every so many steps."""

    @torch.no_grad()
    def prune(fleet, step):
        for weight in fleet.weights()[:2] if step % period == 0 else ():
            for matrix, rank in zip(weight, energy_rank(weight, share), strict=True):
                matrix.copy_(nearest(matrix, int(rank)))

    task = sb.data.table(PIXELS / 16, DIGIT, test=0.3, seed=seed)
    fleet = sb.mlp(task, depth=2, width=128, runs=5, seed=10 * seed)
    options = {"optimizer": "momentum", "lr": 0.05, "batch": 64, "stop": None, "after_step": prune}
    sb.last(sb.fit(fleet, task, **options, steps=steps))
    return right(fleet, task, 64) - right(fleet, task, 8), fleet


def test_the_nearest_matrix_misses_what_it_drops():
    """Eckart and Young 1936: the root of the squares of the singular values that are dropped."""
    matrix = torch.randn(3, 6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    dropped = torch.linalg.svdvals(matrix)[:, 2:].square().sum(-1).sqrt()
    assert torch.allclose((matrix - nearest(matrix, 2)).norm(dim=(-2, -1)), dropped, atol=1e-12, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_pruned_network_survives_rank_eight_just_before_its_next_cut(seed):
    """19 steps after the last cut there are more than 8 directions, and they don't count."""
    pruned, fleet = trained(20, seed, 799)
    plain, _ = trained(10_000, seed, 799)
    assert pruned.max() <= 0.005 and plain.mean() >= 0.01
    assert (torch.linalg.matrix_rank(fleet.weights()[1].double(), rtol=1e-4) > 12).all()


@pytest.mark.slow
def test_a_cut_at_a_step_that_cuts_is_none():
    """The broken experiment of the lesson: training has made the same cut itself."""
    lost, fleet = trained(20, 3, 400)
    rank = int(max(energy_rank(weight, 0.999).max() for weight in fleet.weights()[:2]))
    assert rank <= 12
    assert (lost.abs() <= 0.003).all()


@pytest.mark.slow
def test_a_nuclear_norm_lowers_the_energy_rank():
    """Row 7: it leaves fewer directions, without any cut."""
    task, ranks = sb.data.table(PIXELS / 16, DIGIT, test=0.3, seed=3), []
    for strength in (0.0, 0.001):

        def penalty(fleet, x, y, logits, strength=strength):
            norms = [torch.linalg.matrix_norm(weight, "nuc") for weight in fleet.weights()[:2]]
            return strength * torch.stack(norms).sum(0)

        fleet = sb.mlp(task, depth=2, width=64, runs=5, seed=3)
        options = {"optimizer": "adam", "lr": 0.002, "batch": 64, "steps": 200, "stop": None}
        sb.last(sb.fit(fleet, task, **options, penalty=penalty))
        ranks.append(energy_rank(fleet.weights()[1]))
    assert (ranks[1] <= 0.7 * ranks[0]).all()
