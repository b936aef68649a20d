"""Conflicts and single features against obvious loops, and on nets built by hand to use known features."""

import pytest
import torch
from cases import DOUBLE, FLEETS, regression, slab_task, three_classes
from torch.testing import assert_close

import sbkit as sb
from sbkit.measures import shuffled


def voter(task: sb.Task, *votes: list[float]) -> sb.Fleet:
    """Linear nets, one a list, whose score logit₁ − logit₀ is the sum of z times the run's votes."""
    fleet = sb.mlp(task, depth=0, runs=len(votes))
    for parameter in fleet.parameters():
        parameter.data.zero_()
    z = torch.tensor(votes, dtype=task.z.dtype)  # (runs, k)
    fleet.weights()[0].data[:, 1] = task.embed(z)  # a rotation: x·Rv = z·v
    return fleet


def rotated_back(x: torch.Tensor, task: sb.Task) -> torch.Tensor:
    """Features z (n, k) of inputs x (n, k)."""
    return x @ task.embed.get_parameter("weight")


def right(fleet: sb.Fleet, z, y, task) -> torch.Tensor:
    """Accuracy of each run, a row and a run at a time. (runs,)"""
    counts = torch.zeros(fleet.runs)
    for r in range(fleet.runs):
        net = fleet.run(r)
        for row, label in zip(z, y, strict=True):
            low, high = net(task.embed(row[None]))[0].tolist()
            counts[r] += int(high > low) == int(label)
    return counts / len(y)


@pytest.mark.parametrize("build", ["linear", "relu", "tanh"])
def test_alone_is_the_obvious_loop(build):
    """All other features come from one other row; the order is that of `randomized`."""
    task = slab_task((1, 3, 5), n_test=60)
    fleet = FLEETS[build](task, runs=2, init=3.0)
    found, order = sb.measures.alone(fleet, task), rotated_back(shuffled(task, [["linear"]])[0], task)
    order = (order[:, None, 0] - task.z_test[None, :, 0]).abs().argmin(1)
    for i, name in enumerate(task.features):
        z = task.z_test[order].clone()
        for column in task.features[name].columns:
            z[:, column] = task.z_test[:, column]
        assert_close(found[:, i], right(fleet, z, task.y_test, task))
        others = [other for other in task.features if other != name]
        assert_close(found[:, i], sb.randomized(fleet, task, others, "accuracy"))


def test_conflict_is_the_obvious_loop(monkeypatch):
    """Every row takes the feature's columns from a row of the other class, and is asked for that class."""
    task = slab_task((1, 3, 5), n_test=60)
    fleet, seen = FLEETS["relu"](task, runs=2, init=3.0), []
    predict = fleet.predict
    monkeypatch.setattr(fleet, "predict", lambda x: (seen.append(x), predict(x))[1])
    found = sb.measures.conflict(fleet, task)
    (x,) = seen
    z = rotated_back(x, task).unflatten(0, (3, 60))  # (features, n, k), rotated back
    for i, columns in enumerate(task.columns(name) for name in task.features):
        kept = [c for c in range(3) if c not in columns]
        assert_close(z[i][:, kept], task.z_test[:, kept])
        source = (z[i][:, None, columns] - task.z_test[None, :, columns]).abs().sum(-1).argmin(1)
        assert_close(z[i][:, columns], task.z_test[source][:, columns])
        assert torch.equal(task.y_test[source], 1 - task.y_test)
        assert_close(found[:, i], right(fleet, z[i], 1 - task.y_test, task))


def test_a_feature_of_several_columns_moves_as_one():
    """A parity of two bits: neither bit says anything, and the swap must keep the pair together."""
    z = torch.tensor([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (a * b,)], dtype=DOUBLE)
    z, y = z.repeat(30, 1), (z[:, 2] > 0).long().repeat(30)
    features = {"copy": sb.Feature((2,)), "parity": sb.Feature((0, 1))}
    task = sb.Task(z, y, z, y, features)

    class Product(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1, dtype=DOUBLE))

        def forward(self, x):
            score = self.weight * x[..., 0] * x[..., 1]
            return torch.stack([-score, score], dim=-1)

    fleet = sb.models.fleet_of(Product, runs=2)
    assert_close(sb.measures.conflict(fleet, task), torch.tensor([[0.0, 1.0]] * 2))
    assert_close(sb.measures.alone(fleet, task)[:, 1], torch.ones(2))


def test_nets_that_use_one_feature_follow_it_and_nothing_else():
    task = slab_task((5, 1, 7), n_test=2000)  # features stand in another order than columns
    fleet = voter(task, [0.0, 1.0, 0.0], [0.0, -1.0, 0.0])  # the second is always wrong
    assert list(task.features) == ["linear", "slab5", "slab7"]
    assert_close(sb.measures.conflict(fleet, task), torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]))
    found = sb.measures.alone(fleet, task)
    assert_close(found[:, 0], torch.tensor([1.0, 0.0]))
    assert (found[:, 1:] - 0.5).abs().max() < 0.04


def test_votes_are_counted():
    """Weights 3, 1, 1 on equal features: the first outvotes two, each other is outvoted by the rest."""
    task = sb.slabs([1, 1, 1], margin=0.9, n=10, n_test=2000)  # |z| in .9 … 1
    fleet = voter(task, [3.0, 1.0, 1.0], [1.0, 1.0, 1.0])
    assert_close(sb.measures.conflict(fleet, task), torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    alone = sb.measures.alone(fleet, task)
    assert_close(alone[0, 0], torch.tensor(1.0))
    assert (alone[0, 1:] - 0.5).abs().max() < 0.04 and (alone[1] - 0.5).abs().max() < 0.04


def test_a_net_that_looks_at_nothing_reads_a_half():
    task = slab_task((1, 5))
    fleet = voter(task, [0.0, 0.0])
    for measure in (sb.measures.conflict, sb.measures.alone):
        assert_close(measure(fleet, task), torch.full((1, 2), 0.5))


def test_a_noisy_feature_wins_only_where_it_speaks():
    """Three tenths of its rows are coins: it is followed in .7 + .15 of its conflicts."""
    task = sb.slabs([1, 5], noise=[0.3, 0.0], n=10, n_test=20_000)
    fleet = voter(task, [1.0, 0.0])
    assert abs(float(sb.measures.conflict(fleet, task)[0, 0]) - 0.85) < 0.01
    assert abs(float(sb.measures.alone(fleet, task)[0, 0]) - 0.85) < 0.01


def test_numbers_do_not_depend_on_how_many_features_fit_at_once():
    task = sb.slabs([1] + [5] * 29, n=10, n_test=20_000)  # 30 inputs: not all moves at once
    fleet = sb.mlp(task, depth=1, width=4, runs=2)
    found = sb.measures.alone(fleet, task)
    for i in (0, 7, 29):
        others = [name for k, name in enumerate(task.features) if k != i]
        assert_close(found[:, i], sb.randomized(fleet, task, others, "accuracy"))


def test_a_run_that_diverged_reads_nan_and_spares_the_rest():
    task = slab_task((1, 5))
    fleet = voter(task, [1.0, 0.0], [1.0, 0.0])
    fleet.weights()[0].data[1] = float("nan")
    for measure in (sb.measures.conflict, sb.measures.alone):
        found = measure(fleet, task)
        assert found[0].isfinite().all() and found[1].isnan().all()


def test_a_sweep_names_the_features():
    def lesson(noise=0.0, seed=0):
        task = sb.lms(5, dim=2, noise=noise, n=512, n_test=100)
        return sb.fit(sb.mlp(task, width=4, runs=2, seed=seed), task, steps=1, measure=["alone", "conflict"])

    columns = set(sb.sweep(lesson, noise=[0.0]).columns)
    assert {"alone[linear]", "alone[slab5]", "conflict[linear]", "conflict[slab5]"} <= columns


REFUSED = [
    (sb.measures.conflict, three_classes, "between two classes, got 3 of them; try sb.reliance"),
    (sb.measures.conflict, regression, "between two classes, got a regression task; try sb.reliance"),
    (sb.measures.alone, regression, "need classes, got a regression task"),
]


@pytest.mark.parametrize(("measure", "build", "says"), REFUSED, ids=[says for *_, says in REFUSED])
def test_refuses(measure, build, says):
    task = build()
    with pytest.raises(sb.SbkitError, match=says):
        measure(sb.mlp(task, runs=2), task)


def test_one_class_among_the_rows_is_refused():
    task = slab_task((1, 5))
    rows = task.y_test.argsort()
    task = sb.Task(task.z, task.y, task.z_test[rows], task.y_test[rows], task.features, task.embed)
    sb.measures.conflict(sb.mlp(task, runs=2), task.sample(20))  # drawn from both
    one = sb.Task(task.z, task.y, task.z_test[:20], task.y_test[:20], task.features, task.embed)
    with pytest.raises(sb.SbkitError, match="both classes, got one in 20; take more of them"):
        sb.measures.conflict(sb.mlp(task, runs=2), one)
