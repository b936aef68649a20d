"""The claims of lesson 1·02 at other data, seeds and settings than the lesson's, with its tolerances."""

import math
from dataclasses import replace

import pytest
import torch
from scipy.stats import spearmanr
from sklearn.metrics import mutual_info_score

import sbkit as sb
from sbkit.core import generator

slow = pytest.mark.slow
INF = torch.inf


def bits(F, Y):
    return mutual_info_score(F, Y) / math.log(2)


def shared(F, Y, L):
    """I(F; Y) − I(F; Y | L) in bits: what answers F tell of Y that L tells, too (Kalimeris et al. 2019)."""
    within = [float((L == side).double().mean()) * bits(F[L == side], Y[L == side]) for side in (0, 1)]
    return bits(F, Y) - sum(within)


def test_perfect_answers_share_all_that_the_linear_ones_tell():
    """μ = I(L; Y) where F = Y or F = L, and 0 where F is right on points that L does not tell apart."""
    Y = torch.tensor([0, 1]).repeat(500)
    L = torch.where(torch.arange(1000) % 5 == 0, 1 - Y, Y)
    assert bits(L, Y) == pytest.approx(1 - 0.7219, abs=1e-3)
    assert shared(Y, Y, L) == pytest.approx(bits(L, Y)) == pytest.approx(shared(L, Y, L))
    assert shared(Y, Y, torch.arange(1000) // 500) == pytest.approx(0, abs=1e-9)


def timeline(task, seed, **options):
    """The run's curves `alone` (looks, runs, features), the steps of their half height, the last snapshot."""
    fleet = sb.mlp(task, seed=seed)
    history = list(sb.fit(fleet, task, steps=3000, measure=["alone", "conflict"], **options))
    steps = torch.tensor([snapshot.step for snapshot in history])
    alone = torch.stack([snapshot.values["alone"] for snapshot in history])
    halfway = alone >= (0.5 + alone.amax(0)) / 2
    return alone, steps[halfway.float().argmax(0)], history[-1]


@slow
@pytest.mark.parametrize(("noise", "seed", "data"), [(0.2, 20, 1), (0.2, 40, 2), (0.4, 60, 3)])
def test_features_are_learned_in_the_order_of_pieces(noise, seed, data):
    """A silent linear feature is kept, the five slabs are dropped; also where both are equally noisy."""
    task = sb.slabs([1, 5, 7], noise=[0.4, noise, 0.0], n_test=4000, seed=data)
    alone, learned, end = timeline(task, seed, optimizer="adam")
    assert learned.diff(dim=1).min() >= 1
    assert alone[-1, :, 0].min() >= 0.6 and alone[-1, :, 1].max() <= 0.55
    assert end.test_accuracy.min() >= 0.99


def lying(seed):
    """Linear, five and seven slabs; the linear feature lies on a fifth of the points."""
    task, rng = sb.slabs([1, 5, 7], noise=[0, 0.2, 0], n_test=4000, seed=seed), generator(seed)
    for z in (task.z, task.z_test):
        z[torch.rand(len(z), generator=rng) < 0.2, 0] *= -1
    return task


@slow
@pytest.mark.parametrize(("seed", "data"), [(20, 1), (40, 2)])
def test_a_lying_linear_feature_is_first_and_not_used_at_the_end(seed, data):
    alone, learned, _ = timeline(lying(data), seed, optimizer="adam")
    assert learned.diff(dim=1).min() >= 1
    assert alone[:, :, 0].amax(0).min() >= 0.75 and alone[-1, :, 0].max() < 0.55


@slow
@pytest.mark.parametrize(("cut", "seed"), [(False, 60), (True, 60)])
def test_what_it_told_is_shared_at_the_end_also_by_nets_that_never_had_it(cut, seed):
    task = lying(seed)
    z = torch.cat([task.z[:, :1].roll(1, 0), task.z[:, 1:]], 1) if cut else task.z
    fleet, L = sb.mlp(task, runs=5, seed=seed), (task.z_test[:, 0] > 0).long()
    for snapshot in sb.fit(fleet, replace(task, z=z), optimizer="adam", steps=3000):
        if snapshot.step == 50:
            early = [(shared(F, task.y_test, L), bits(F, task.y_test)) for F in answers(fleet, task)]
    late = [shared(F, task.y_test, L) / bits(L, task.y_test) for F in answers(fleet, task)]
    assert 0.95 <= min(late) and max(late) <= 1.05
    assert all((mu >= 0.9 * known) != cut for mu, known in early)


def answers(fleet, task):
    return fleet.predict(task.x_test).argmax(-1)  # (runs, rows)


@slow
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


@slow
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
