"""The claims of lesson 1·02 at other data, seeds and settings than the lesson's, with its tolerances."""

import pytest
import torch
from scipy.stats import spearmanr

import sbkit as sb
from sbkit.core import generator

pytestmark = pytest.mark.slow
INF = torch.inf


def timeline(task, seed, **options):
    """The run's curves `alone` (looks, runs, features), the steps of their half height, the last snapshot."""
    fleet = sb.mlp(task, seed=seed)
    history = list(sb.fit(fleet, task, steps=3000, measure=["alone", "conflict"], **options))
    steps = torch.tensor([snapshot.step for snapshot in history])
    alone = torch.stack([snapshot.values["alone"] for snapshot in history])
    halfway = alone >= (0.5 + alone.amax(0)) / 2
    return alone, steps[halfway.float().argmax(0)], history[-1]


@pytest.mark.parametrize(("noise", "seed", "data"), [(0.2, 20, 1), (0.2, 40, 2), (0.4, 60, 3)])
def test_features_are_learned_in_the_order_of_pieces(noise, seed, data):
    """A silent linear feature is kept, the five slabs are dropped; also where both are equally noisy."""
    task = sb.slabs([1, 5, 7], noise=[0.4, noise, 0.0], n_test=4000, seed=data)
    alone, learned, end = timeline(task, seed, optimizer="adam")
    assert learned.diff(dim=1).min() >= 1
    assert alone[-1, :, 0].min() >= 0.6 and alone[-1, :, 1].max() <= 0.55
    assert end.test_accuracy.min() >= 0.99


@pytest.mark.parametrize(("seed", "data"), [(20, 1), (40, 2)])
def test_a_lying_linear_feature_is_first_and_not_kept(seed, data):
    task, rng = sb.slabs([1, 5, 7], noise=[0, 0.2, 0], n_test=4000, seed=data), generator(data)
    for z in (task.z, task.z_test):
        z[torch.rand(len(z), generator=rng) < 0.2, 0] *= -1
    alone, learned, _ = timeline(task, seed, optimizer="adam")
    assert learned.diff(dim=1).min() >= 1
    assert alone[:, :, 0].amax(0).min() >= 0.75 and alone[-1, :, 0].max() < 0.6


@pytest.mark.parametrize(("optimizer", "data"), [("adam", 1), ("sgd", 2)])
def test_what_is_not_needed_is_not_learned(optimizer, data):
    task = sb.slabs([1, 5, 7], n_test=4000, seed=data)
    _, _, end = timeline(task, 20, optimizer=optimizer)
    assert end.values["conflict"][:, 0].min() >= 0.98 and end.values["conflict"][:, 1:].max() <= 0.02


def agreement(dial, steps: torch.Tensor) -> float:
    """Spearman's correlation of the dial with the steps (runs, dial) of the run where it is least."""
    return min(float(spearmanr(dial, run)[0]) for run in steps.tolist())  # pyright: ignore[reportArgumentType]


def rows(dim, seed, n=8000):
    return 2 * torch.rand(n, dim, generator=generator(seed)) - 1


def task_of(z, y, n=4000):
    return sb.Task(z[:n], y[:n], z[n:], y[n:], {"feature": sb.Feature((0,))})


def slab(pieces, seed):
    return sb.slabs([max(1, pieces + (pieces > 1)), 5], noise=[0, 1], n=4000, n_test=4000, seed=seed)


def wave(pieces, seed):
    z = rows(2, seed)
    return task_of(z, (torch.sin(torch.pi * (pieces + 1) / 2 * (z[:, 0] + 1)) > 0).long())


def parity(pieces, seed):
    z = rows(8, seed).sign()
    return task_of(z, (z[:, :pieces].prod(1) > 0).long())


@pytest.mark.parametrize("family", [slab, wave, parity])
def test_more_pieces_take_more_steps(family):
    needed = []
    for pieces in (1, 2, 4, 6):
        task, first = family(pieces, seed=5), torch.full((8,), INF)
        for snapshot in sb.fit(
            sb.mlp(task, seed=30), task, optimizer="adam", steps=2000, every=10, stop=None
        ):
            first = first.minimum(torch.where(snapshot.test_accuracy >= 0.9, snapshot.step, INF))
            if first.isfinite().all():
                break
        needed.append(first)
    assert agreement((1, 2, 4, 6), torch.stack(needed, 1)) >= 0.8


@pytest.mark.parametrize(
    ("periods", "seed", "steps", "ends"),
    [((1, 3, 5, 7, 9), 10, 1500, (100, 0)), ((2, 6, 10, 14, 18), 0, 8000, (200, 1500))],
)
def test_slow_waves_are_fitted_first(periods, seed, steps, ends):
    """Fact 39 (the second row) and the lesson's smaller case: steps to half height, Spearman at least .8."""
    t = torch.linspace(0, 1, 200)
    sines = torch.stack([torch.sin(2 * torch.pi * k * t) for k in periods], 1)  # (rows, waves)
    total = sines.sum(1, keepdim=True)
    task = sb.Task(t[:, None], total, t[:, None], total, {"t": sb.Feature((0,))})
    fleet, first = sb.mlp(task, depth=4, width=128, runs=5, seed=seed), torch.full((5, 5), INF)
    for look in sb.fit(fleet, task, optimizer="adam", batch=200, steps=steps, every=20, stop=None):
        height = fleet.predict(task.x)[..., 0] @ sines / 100  # (runs, waves)
        first = first.minimum(torch.where(height >= 0.5, look.step, INF))
        if first.isfinite().all():
            break
    assert agreement(periods, first) >= 0.8
    assert first[:, 0].max() < ends[0] and first[:, -1].min() > ends[1]
