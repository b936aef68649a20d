"""The science of the lesson "Optimizing by discriminating", at other seeds than its own.

Row 20 of the course's sheet: a game of two nets after Ramsauer et al. 2019. Not asserted: that it beats the
cross-entropy method anywhere, which it doesn't.
"""

import math

import pytest
import torch

import sbkit as sb
from sbkit.lessons.gallery import optimizing_by_discriminating as extra


def played(function: str, dims: int, shrink: float = 0.97, runs: int = 5, seed: int = 7000, steps: int = 300):
    game = extra.Game(function, dims, shrink, seed, runs)
    options = {"optimizer": "adam", "lr": 3e-3, "every": 15, "stop": None} | game.rules | {"steps": steps}
    sb.last(sb.fit(game.proposer, game.task, **options))
    return game


def test_functions_by_hand():
    x = torch.tensor([[0.05, -0.19], [1.0, 1.0], [0.0, 0.0]], dtype=torch.float64)
    found = {name: function(x).tolist() for name, function in extra.FUNCTIONS.items()}
    assert found["bowl"] == pytest.approx([0.0386, 2, 0])
    assert found["stairs"] == pytest.approx([0.1, 2, 0])
    assert found["valley"][1:] == pytest.approx([0, 1])
    assert found["valley"][0] == pytest.approx(100 * (-0.19 - 0.0025) ** 2 + 0.95**2)


def test_the_best_of_some_points_by_loops():
    x = torch.randn(60, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    values = x.square().sum(1)
    mean, spread = extra.around(x, values)
    best = sorted(range(60), key=lambda i: float(values[i]))[:20]
    for a in range(3):
        assert float(mean[a]) == pytest.approx(math.fsum(float(x[i, a]) for i in best) / 20)
        for b in range(3):
            each = [(float(x[i, a]) - float(mean[a])) * (float(x[i, b]) - float(mean[b])) for i in best]
            assert float(spread[a, b]) == pytest.approx(math.fsum(each) / 19)


def test_a_run_alone_plays_as_in_a_fleet_and_a_game_begins_anew():
    both, alone = (played("bowl", 3, runs=r, seed=s, steps=6) for r, s in ((2, 7000), (1, 7001)))
    torch.testing.assert_close(both.latest[1:], alone.latest, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(both.lowest[1:], alone.lowest, atol=1e-4, rtol=1e-3)
    assert (both.f(both.latest).amin(1) >= both.lowest - 1e-6).all()


def test_lower_never_rises_and_looks_are_as_many():
    found = extra.search("CEM", "bowl", dims=3, runs=2, seed=7000)
    assert found.shape == (2, 20) and (found.diff(dim=1) <= 0).all()


@pytest.mark.slow
def test_the_race_on_bowl_and_valley():
    for function, dims, least in (("bowl", 10, 2), ("valley", 4, 0.2)):
        nets = played(function, dims).lowest.log10()
        other = {
            way: extra.search(way, function, dims, seed=7000)[:, -1].log10()
            for way in ("random", "no nets", "CEM")
        }
        assert (other["random"] - nets).mean() > least
        assert (other["CEM"] - nets).mean() < 0.6  # never clearly behind
        assert (other["no nets"] - nets).mean() < 0.5


@pytest.mark.slow
def test_noise_that_stays_keeps_them_high():
    still, shrunk = (played("bowl", 10, shrink).lowest.log10() for shrink in (1.0, 0.97))
    assert (still - shrunk).mean() > 1
