"""Low rank asked for: rows 8 and 10 of the course's systems, at other seeds and sizes than the notebook.

Closed forms and optimality (fact 37) are tested in tests/lessons/test_rank_by_design.py.
"""

import math

import pytest
import torch
from torch import Tensor, nn

import sbkit as sb
from sbkit.lessons.rank import rank_by_design as extra
from sbkit.lessons.rank.rank_by_design import low_rank

pytestmark = pytest.mark.slow


def inlier_error(outliers: int, p: float, seed: int, size: float, noise: float) -> float:
    rng = torch.Generator().manual_seed(seed)
    clean = torch.randn(120, 4, generator=rng) @ torch.randn(4, 30, generator=rng) / 2
    matrix = clean + noise * torch.randn(120, 30, generator=rng)
    matrix[:outliers] += size * torch.randn(outliers, 30, generator=rng)
    return float((low_rank(matrix, 4, p) - clean)[outliers:].norm())


def test_outlying_rows_pull_less_in_l1():
    """Row 8: with 5 % outlying rows the error on the others is at most ¾ of that in squares."""
    for seed in range(20, 28):
        one, two = (inlier_error(6, p, seed, 5.0, 0.1) for p in (1.0, 2.0))
        assert one <= 0.75 * two


def test_rows_twice_as_far_out_pull_no_more():
    """Ten times as large as the others' entries, where a start from the squares' answer alone is trapped."""
    for seed in range(20, 26):
        one, two = (inlier_error(6, p, seed, 10.0, 0.1) for p in (1.0, 2.0))
        assert one <= 0.75 * two


def test_without_outliers_it_costs_what_gaussian_noise_makes_it_cost():
    """Row 8 asks for 10 %: p = 1.5 keeps it, p = 1 does not; at most √(π/2), a median's price."""
    for seed in range(20, 28):
        one, half, two = (inlier_error(0, p, seed, 0.0, 0.1) for p in (1.0, 1.5, 2.0))
        assert half <= 1.1 * two
        assert 1.1 * two <= one <= 1.02 * math.sqrt(math.pi / 2) * two


class Unrolled(nn.Module):
    """Moves toward the measurements and thresholds, on singular values or on entries."""

    def __init__(self, threshold: str, rounds: int):
        super().__init__()
        self.takes = extra.TAKES[threshold]
        self.size, self.share = nn.Parameter(torch.ones(rounds)), nn.Parameter(torch.full((rounds,), -2.0))

    def forward(self, given: Tensor) -> Tensor:
        measured, x = extra.measured(given), extra.back(given)
        for size, share in zip(self.size, self.share.sigmoid(), strict=True):
            x = self.takes(x - size * extra.off(x, measured), share)
        return x.flatten(-2)


def dB(threshold: str, kind: str, rank: int, seed: int, rounds: int = 5) -> tuple[Tensor, Tensor]:
    """Quality on new scans, before and after training. (sets,) each"""
    task = extra.scans(kind, rank, seed, sets=3)
    fleet = sb.models.fleet_of(lambda: Unrolled(threshold, rounds), runs=3)
    options = {"optimizer": "adam", "lr": 0.1, "steps": 100, "every": 100, "stop": None}
    run = sb.fit(fleet, task, **options, measure=extra.quality)
    first = run.snapshot()
    return first.values["quality"], sb.last(run).values["quality"]


@pytest.mark.parametrize("seed", [40, 50])
def test_each_threshold_restores_the_scans_that_it_hopes_for(seed):
    """Row 10: 2 dB more than the first thresholds; 4 dB more than the other kind, each on its own scans."""
    first, values = dB("singular values", "few directions", 2, seed)
    _, entries = dB("entries", "few directions", 2, seed)
    assert (values >= first + 2).all() and (values >= entries + 4).all()
    _, values = dB("singular values", "few pixels", 2, seed)
    _, entries = dB("entries", "few pixels", 2, seed)
    assert (entries >= values + 4).all()


def test_at_full_rank_a_threshold_on_singular_values_gains_little():
    """Sixteen moments, rank 16: no more than 2 dB over what training began with."""
    first, values = dB("singular values", "few directions", 16, 60)
    assert (values <= first + 2).all()
