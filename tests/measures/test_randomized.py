"""Reliance against an obvious loop, scikit-learn and nets built by hand."""

import numpy as np
import pytest
import torch
from cases import DOUBLE, FLEETS, regression, slab_task, three_classes
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.testing import assert_close

import sbkit as sb
from sbkit.core import Fleet
from sbkit.measures import auc, kinds, shuffled


def reads(column: int, inputs: int) -> Fleet:
    """Nets whose logits are −z and z of one column (unrotated)."""
    fleet = sb.models.fleet_of(lambda: nn.Linear(inputs, 2, bias=False), runs=2).double()
    weight = fleet.weights()[0]
    with torch.no_grad():
        weight.zero_()
        weight[:, :, column] = torch.tensor([-1.0, 1.0])
    return fleet


def score(logits: np.ndarray, y: np.ndarray, metric: str) -> float:
    """Of one run, by its definition; AUC as the chance that a row of class 1 is above a row of class 0."""
    if metric == "accuracy":
        return float((logits.argmax(-1) == y).mean())
    s = logits[:, 1] - logits[:, 0]
    pairs = s[y == 1][:, None] - s[y == 0][None]
    return float(((pairs > 0) + 0.5 * (pairs == 0)).mean())


@pytest.mark.parametrize("metric", ["auc", "accuracy"])
@pytest.mark.parametrize(
    "features", ["linear", "slab5_2", ["linear"], ["linear", "slab3"], ["slab5_1", "slab5_2"]]
)
def test_randomized_is_the_obvious_loop(metric, features):
    """One order of the rows, the columns of all named features with it, embedded, scored."""
    task = slab_task((1, 3, 5, 5), n_test=100)
    fleet = FLEETS["relu"](task, runs=3, init=3.0)
    names = [features] if isinstance(features, str) else features
    found = sb.randomized(fleet, task, features, metric=metric, seed=4)
    order = shuffled(task, [["linear"]], seed=4)[0] @ task.embed.weight  # rotated back
    order = (order[:, None, 0] - task.z_test[None, :, 0]).abs().argmin(1)
    assert sorted(order.tolist()) == list(range(100))
    z = task.z_test.clone()
    for name in names:
        for column in task.features[name].columns:
            for row in range(100):
                z[row, column] = task.z_test[order[row], column]
    for r in range(3):
        logits = fleet.run(r)(task.embed(z)).detach().numpy()
        expected = score(logits, task.y_test.numpy(), metric)
        assert_close(found[r], torch.tensor(expected, dtype=torch.float32))


def test_auc_is_sklearns_with_ties():
    logits = torch.randn(3, 200, 2, generator=torch.Generator().manual_seed(0)).mul(2).round()
    y = torch.arange(200) % 2
    expected = [roc_auc_score(y, run[:, 1] - run[:, 0]) for run in logits.numpy()]
    assert_close(auc(logits, y), torch.tensor(expected, dtype=torch.float32))
    assert_close(auc(torch.zeros(1, 200, 2), y), torch.tensor([0.5]))


def test_shuffling_cuts_only_the_link_to_the_label():
    """Fact 9: marginals and the joint law of S stay, its correlation with the label goes."""
    task = sb.slabs((1, 5, 7), n=10, n_test=20_000, rotate=False)
    z = shuffled(task, [["linear", "slab7"]])[0]
    moved, before = z[:, [0, 2]], task.z_test[:, [0, 2]]
    assert torch.equal(z[:, 1], task.z_test[:, 1]) and not torch.equal(moved, before)
    assert torch.equal(moved.unique(dim=0), before.unique(dim=0))
    link = torch.corrcoef(torch.cat([moved.abs(), moved, 2.0 * task.y_test[:, None] - 1], dim=1).T)
    assert link[-1, :-1].abs().max() < 0.02


def test_reliance_of_nets_built_by_hand_is_exact():
    task = slab_task((1, 5, 7), rotate=False, n_test=500)
    fleet = reads(0, 3)
    cut = shuffled(task, [["linear"]])[0][:, 0]
    lost = 1 - ((cut > 0) == task.y_test).double().mean()
    found = sb.reliance(fleet, task)
    assert_close(found, torch.tensor([[lost, 0, 0]] * 2, dtype=torch.float32))
    assert abs(lost - 0.5) < 0.05
    assert_close(kinds(fleet, task), torch.tensor([[lost, 0]] * 2, dtype=torch.float32))
    assert_close(sb.randomized(fleet, task, ["slab5", "slab7"]), torch.ones(2))
    assert_close(sb.randomized(fleet, task, "linear"), torch.full((2,), 0.5), atol=0.06, rtol=0)


def test_reliance_is_accuracy_lost_one_feature_at_a_time():
    task = slab_task((5, 1, 3), n_test=100)  # features stand in another order than columns
    fleet = FLEETS["relu"](task, runs=3, init=3.0)
    whole = torch.stack(
        [(fleet.run(r)(task.x_test).argmax(-1) == task.y_test).float().mean() for r in range(3)]
    )
    found = sb.reliance(fleet, task)
    assert list(task.features) == ["linear", "slab3", "slab5"] and task.columns(task.features) == [1, 2, 0]
    for i, name in enumerate(task.features):
        assert_close(found[:, i], whole - sb.randomized(fleet, task, name, metric="accuracy"))


def test_reliance_does_not_depend_on_how_many_features_fit_at_once():
    blocks = [1] + [5] * 29
    task = sb.slabs(blocks, n=10, n_test=20_000)  # 30 inputs: not all shuffles at once
    fleet = sb.mlp(task, depth=1, width=4, runs=2)
    found = sb.reliance(fleet, task)
    for i in (0, 7, 29):
        alone = sb.randomized(fleet, task, list(task.features)[i], metric="accuracy")
        whole = sb.randomized(fleet, task, [], metric="accuracy")
        assert_close(found[:, i], whole - alone)


def test_kinds_are_empty_without_a_known_order():
    task = sb.planar("moons", n=20, n_test=20)
    assert task.kinds == {} and kinds(sb.mlp(task, runs=3), task).shape == (3, 0)
    same = sb.slabs((5, 5), n=20, n_test=20)
    assert same.kinds == {} and kinds(sb.mlp(same, runs=3), same).shape == (3, 0)


def test_more_classes_have_reliance_but_no_auc():
    task = three_classes()
    fleet = sb.mlp(task, runs=2)
    assert sb.reliance(fleet, task).shape == (2, 1)
    with pytest.raises(sb.SbkitError, match="two classes, got 3; try metric='accuracy'"):
        sb.randomized(fleet, task, "across")


def test_order_follows_the_seed():
    task = slab_task()
    orders = [shuffled(task, [["linear"]], seed=seed) for seed in (0, 0, 1)]
    assert torch.equal(orders[0], orders[1]) and not torch.equal(orders[0], orders[2])
    assert orders[0].dtype == DOUBLE


REFUSED = [
    (lambda f, t: sb.randomized(f, t, "linaer"), "No feature named 'linaer'.*Did you mean 'linear'"),
    (lambda f, t: sb.randomized(f, t, ["linear", "slab"]), "No feature named 'slab'.*Did you mean 'slab"),
    (
        lambda f, t: sb.randomized(f, t, "linear", metric="acc"),
        "No metric named 'acc'; there are auc, accuracy",
    ),
]


@pytest.mark.parametrize(("ask", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_refuses(ask, says):
    task = slab_task()
    with pytest.raises(sb.SbkitError, match=says):
        ask(FLEETS["relu"](task, runs=2), task)


@pytest.mark.parametrize("measure", [sb.reliance, kinds, lambda f, t: sb.randomized(f, t, "x0")])
def test_regression_is_refused(measure):
    task = regression()
    fleet = sb.mlp(task, runs=2)
    if measure is kinds:
        assert kinds(fleet, task).shape == (2, 0)
    else:
        with pytest.raises(sb.SbkitError, match="need classes, got a regression task"):
            measure(fleet, task)
