"""Attacks against one row at a time, and against the best that can be done to linear nets."""

import importlib
import math

import pytest
import torch
from cases import DOUBLE, FLEETS, regression, slab_task, three_classes
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import sbkit as sb
from sbkit.lessons.simplicity.small_shifts_big_falls import budget, shifted

robustness = importlib.import_module("sbkit.measures.robustness")  # sb.measure is the registry
NORMS = {"l2": 2, "linf": math.inf}
norms = pytest.mark.parametrize("norm", NORMS)


def slow_attack(net: nn.Module, x, y, norm: str, radius: float, steps: int):
    """The cross-entropy of one row of one net, ascended step by step; autograd, Python's own arithmetic."""
    best, step = x.clone(), 2.5 * radius / steps
    for _ in range(steps):
        point = best.clone().requires_grad_()
        F.cross_entropy(net(point[None]), y[None]).backward()
        slope = point.grad
        if norm == "l2":
            change = best + step * slope / max(slope.norm(), 1e-300) - x  # 0 where a ReLU net is flat
            change = change if change.norm() <= radius else radius * change / change.norm()
        else:
            along = (best + step * slope.sign() - x).tolist()
            change = torch.tensor([max(min(c, radius), -radius) for c in along], dtype=x.dtype)
        best = x + change
    return best


@norms
@pytest.mark.parametrize("build", ["linear", "tanh", "gelu", "convnet"])
@pytest.mark.parametrize("make", [slab_task, three_classes], ids=lambda make: make.__name__)
@pytest.mark.parametrize("train", [False, True])
def test_is_projected_ascent_of_the_cross_entropy_row_by_row(norm, build, make, train):
    task = make()
    fleet = FLEETS[build](task, runs=2, seed=3)
    found = sb.measures.attack(fleet, task, norm, 0.3, steps=4, rows=5, train=train)
    x, y = (task.x, task.y) if train else (task.x_test, task.y_test)
    assert found.shape == (2, 5, x.shape[1]) and found.dtype == DOUBLE and not found.requires_grad
    for r in range(2):
        slow = [slow_attack(fleet.run(r), *row, norm, 0.3, 4) for row in zip(x[:5], y[:5], strict=True)]
        assert_close(found[r], torch.stack(slow))


def linear(task: sb.Task, scale: float = 1.0) -> tuple[sb.Fleet, torch.Tensor]:
    """Linear nets, and the direction w₁ − w₀ of each. (runs, d)"""
    fleet = sb.mlp(task, depth=0, runs=3)
    with torch.no_grad():
        for parameter in fleet.parameters():
            parameter.mul_(scale)
    weight = fleet.weights()[0].detach()  # (runs, 2, d)
    return fleet, weight[:, 1] - weight[:, 0]


@norms
@pytest.mark.parametrize("scale", [1.0, 1e-8, 1e4], ids=["plain", "flat", "sure"])
@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
def test_finds_the_best_change_of_a_linear_net(norm, scale, dtype):
    """Along w₁ − w₀, or its sign, away from the class: also where float32 has no cross-entropy left."""
    task = slab_task(n_test=40).to(dtype=dtype)
    fleet, w = linear(task, scale)
    away = 1 - 2 * task.y_test.view(1, -1, 1)
    best = away * (F.normalize(w, dim=-1, eps=0) if norm == "l2" else w.sign()).unsqueeze(1)
    found = sb.measures.attack(fleet, task, norm, 0.4) - task.x_test
    assert_close(found, 0.4 * best, atol=1e-5, rtol=0)
    from_elsewhere = sb.measures.attack(fleet, task, norm, 0.4, seed=7) - task.x_test
    assert F.cosine_similarity(from_elsewhere, best, dim=-1).min() > 0.95


@norms
@pytest.mark.parametrize("radius", [0, 1e-3, 2.5])
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("seed", [None, 0])
def test_stays_in_the_ball(norm, radius, steps, seed):
    task = slab_task(n_test=50)
    moved = (
        sb.measures.attack(FLEETS["relu"](task, runs=2), task, norm, radius, steps, seed=seed) - task.x_test
    )
    assert moved.norm(NORMS[norm], dim=-1).max() <= radius + 1e-12


@norms
def test_harms_more_than_chance(norm):
    """Every run loses more by the attack than by a random change as large."""
    task = slab_task()
    fleet = sb.mlp(task, depth=1, width=16, runs=3)
    sb.last(sb.fit(fleet, task, optimizer="adam", steps=200))

    def right(x):
        return (fleet.predict(x).argmax(-1) == task.y_test).double().mean(-1)

    change = torch.randn(3, *task.x_test.shape, dtype=DOUBLE, generator=torch.Generator().manual_seed(0))
    change = 0.3 * change / change.norm(NORMS[norm], dim=-1, keepdim=True)
    assert (right(sb.measures.attack(fleet, task, norm, 0.3)) < right(task.x_test + change) - 0.05).all()


@norms
@pytest.mark.parametrize("seed", [None, 5])
@pytest.mark.parametrize("build", ["relu", "convnet"])
def test_runs_are_independent(norm, seed, build):
    """Run r of a fleet is attacked as the fleet of one with that seed is."""
    task = slab_task(n_test=20)
    fleet = FLEETS[build](task, runs=3, seed=4)
    every = sb.measures.attack(fleet, task, norm, 0.2, 5, seed=seed)
    universal = sb.measures.universal_perturbation(fleet, task, 0.5, rows=50)
    for r in range(3):
        one = FLEETS[build](task, runs=1, seed=4 + r)
        assert_close(every[r], sb.measures.attack(one, task, norm, 0.2, 5, seed=seed)[0])
        assert_close(universal[r], sb.measures.universal_perturbation(one, task, 0.5, rows=50)[0])


def test_parts_of_the_rows_and_the_fleet_are_left_as_they_were(monkeypatch):
    task = slab_task(n_test=20)
    fleet = FLEETS["relu"](task, runs=2)
    before = [p.detach().clone() for p in fleet.parameters()]
    whole = sb.measures.attack(fleet, task, radius=0.2, seed=1)
    monkeypatch.setattr(robustness, "AT_ONCE", 7 * 2 * task.x.shape[1])
    with torch.no_grad():  # as in the look at a run
        assert_close(sb.measures.attack(fleet, task, radius=0.2, seed=1), whole)
    assert all(
        torch.equal(p, old) and p.grad is None for p, old in zip(fleet.parameters(), before, strict=True)
    )
    assert len(sb.measures.attack(fleet, task, rows=10**6)[0]) == 20


@norms
def test_random_starts_fill_the_ball(norm):
    """Mean length and mean square of a uniform point; no direction is preferred, no run like another."""
    task = slab_task(n_test=20_000)
    fleet = sb.mlp(task, depth=0, runs=2)
    start = robustness._start(norm, 2.0, fleet, task.x_test, 0) - task.x_test  # (runs, n, 3)
    assert not torch.equal(start[0], start[1])
    assert start.mean((0, 1)).abs().max() < 0.02
    length = start.norm(NORMS[norm], dim=-1)
    assert length.max() <= 2 and abs(length.mean() - 2 * 3 / 4) < 0.02  # E = d / (d + 1) of the radius
    second = 4 / 3 if norm == "linf" else 4 / 5  # of a coordinate: r²/3, r²/(d + 2)
    assert (start.square().mean((0, 1)) - second).abs().max() < 0.03


def test_the_universal_direction_of_a_linear_net_is_its_own():
    """δ is −(w₁ − w₀), as long as the radius: class 1 is moved by it, class 0 by its opposite."""
    task = slab_task(n_test=40)
    fleet, w = linear(task)
    assert_close(sb.measures.universal_perturbation(fleet, task, 0.7), -0.7 * F.normalize(w, dim=-1))


def test_the_universal_direction_is_the_top_singular_vector():
    task = slab_task()
    fleet = FLEETS["tanh"](task, runs=2)
    found = sb.measures.universal_perturbation(fleet, task, 0.6, rows=80, steps=7)
    some = task.sample(80)  # drawn from all, lest sorted rows show one class only
    for r in range(2):
        rows = zip(some.x, some.y, strict=True)
        change = torch.stack(
            [(2 * y - 1) * (slow_attack(fleet.run(r), x, y, "l2", 0.6, 7) - x) for x, y in rows]
        )
        _, vectors = torch.linalg.eigh(change.T @ change)  # ascending
        top = vectors[:, -1] * (change @ vectors[:, -1]).sum().sign()
        assert_close(found[r], 0.6 * top)


def test_a_run_that_diverged_is_nan_and_alone():
    task = slab_task()
    fleet, w = linear(task)
    with torch.no_grad():
        fleet.weights()[0][1] = math.nan
    found = sb.measures.universal_perturbation(fleet, task, 1.0)
    assert found[1].isnan().all() and sb.measures.attack(fleet, task)[1].isnan().all()
    assert_close(found[[0, 2]], -F.normalize(w, dim=-1)[[0, 2]])
    assert budget(task, found, "linear").isnan().tolist() == [False, True, False]


def test_a_net_that_says_nothing_leaves_the_inputs():
    task = slab_task()
    fleet, _ = linear(task, 0.0)
    assert_close(sb.measures.attack(fleet, task), task.x_test.expand(3, -1, -1))
    assert_close(
        sb.measures.universal_perturbation(fleet, task, 2.0).norm(dim=1), torch.full((3,), 2.0, dtype=DOUBLE)
    )


def test_shifted_moves_each_class_its_own_way():
    task = slab_task(n_test=6)
    delta = torch.randn(2, 4, 3, dtype=DOUBLE, generator=torch.Generator().manual_seed(0))
    found = shifted(task, delta)
    assert found.shape == (2, 4, 6, 3)
    for i, (x, y) in enumerate(zip(task.x_test, task.y_test.tolist(), strict=True)):
        assert_close(found[:, :, i], x + delta if y else x - delta)
    assert_close(shifted(task, delta[0, 0]), found[0, 0])


@pytest.mark.parametrize("rotate", [True, False])
def test_budget_is_the_share_of_the_length(rotate):
    task = slab_task((1, 3, 5, 5), rotate=rotate)
    change = torch.randn(2, 7, 4, dtype=DOUBLE, generator=torch.Generator().manual_seed(0))
    share = change[..., [2, 3]].norm(dim=-1) / change.norm(dim=-1)
    x_change = task.embed(change.flatten(0, 1)).unflatten(0, (2, 7))
    assert_close(budget(task, x_change, ["slab5_1", "slab5_2"]), share)
    rest = budget(task, x_change, ["linear", "slab3"])
    assert_close(share.square() + rest.square(), torch.ones(2, 7, dtype=DOUBLE))
    assert budget(task, torch.zeros(4, dtype=DOUBLE), "linear").isnan()


def test_budget_of_inputs_wider_than_the_features():
    """Three features in ten inputs: what no feature can do is left out."""
    task = slab_task()
    embed = nn.Linear(3, 10).double().requires_grad_(False)
    wide = sb.Task(task.z, task.y, task.z_test, task.y_test, task.features, embed)
    change = torch.tensor([3.0, 0.0, 4.0], dtype=DOUBLE) @ embed.weight.T
    outside = torch.linalg.svd(embed.weight.T).Vh[-1]  # orthogonal to all that z can do
    assert_close(budget(wide, change + outside, "linear"), torch.tensor(0.6, dtype=DOUBLE))


REFUSED = [
    (lambda f, t: sb.measures.attack(f, t, "l1"), "No norm named 'l1'; there are l2, linf"),
    (lambda f, t: sb.measures.attack(f, t, radius=-1), "radius is a number at least 0, got -1"),
    (lambda f, t: sb.measures.attack(f, t, radius=math.inf), "radius is a number at least 0, got inf"),
    (lambda f, t: sb.measures.attack(f, t, steps=0), "steps is a whole number of at least 1, got 0"),
    (lambda f, t: sb.measures.attack(f, t, rows=0), "rows is a whole number of at least 1, got 0"),
    (lambda f, t: sb.measures.attack(f, t, rows=-5), "rows is a whole number of at least 1, got -5"),
    (lambda f, t: sb.measures.attack(f, t, seed=-1), "seed is a whole number of at least 0, got -1"),
    (
        lambda f, t: sb.measures.universal_perturbation(f, t, math.nan),
        "radius is a number at least 0, got nan",
    ),
    (lambda f, t: shifted(t, torch.zeros(2, 4)), r"their 3 columns, \(…, 3\), got \(2, 4\)"),
    (lambda f, t: shifted(t, torch.tensor(1.0)), r"their 3 columns, \(…, 3\), got \(\)"),
    (lambda f, t: budget(t, torch.zeros(2), "linear"), r"their 3 columns, \(…, 3\), got \(2,\)"),
    (lambda f, t: budget(t, torch.zeros(3), "linaer"), "Did you mean 'linear'"),
]


@pytest.mark.parametrize(("ask", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_refuses(ask, says):
    task = slab_task()
    with pytest.raises(sb.SbkitError, match=says):
        ask(sb.mlp(task, runs=2), task)


def test_other_tasks_are_refused():
    for task in (regression(), three_classes()):
        fleet = sb.mlp(task, runs=2)
        with pytest.raises(sb.SbkitError, match="is for two classes, got"):
            sb.measures.universal_perturbation(fleet, task, 1.0)
        with pytest.raises(sb.SbkitError, match="is for two classes, got"):
            shifted(task, torch.zeros(task.x.shape[1]))
    with pytest.raises(sb.SbkitError, match="needs classes, got a regression task"):
        sb.measures.attack(sb.mlp(regression(), runs=2), regression())


def test_too_large_a_request_is_refused(monkeypatch):
    task = slab_task()
    fleet = sb.mlp(task, runs=2)
    little = type("Memory", (), {"available": 1000})
    monkeypatch.setattr("sbkit.core.machine.psutil.virtual_memory", lambda: little)
    with pytest.raises(sb.SbkitError, match="2 runs × 200 rows × 3 inputs × 8 bytes × 2 copies"):
        sb.measures.attack(fleet, task)
