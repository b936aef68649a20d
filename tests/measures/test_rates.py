"""Rates of classes counted row by row, the published toys of CEV and SDE, and the group that fares worst."""

import math

import pytest
import torch
from cases import DOUBLE, FLEETS, regression, slab_task, three_classes
from torch.testing import assert_close

import sbkit as sb
from sbkit.measures import cev, class_rates, sde, worst_group

FPR, FNR = torch.tensor([10.0, 0, -10], dtype=DOUBLE), torch.tensor([0.0, 20, 10], dtype=DOUBLE)


@pytest.mark.parametrize("build", ["relu", "convnet"])
def test_rates_are_counted_row_by_row(build):
    task = three_classes()
    logits = FLEETS[build](task, runs=3).predict(task.x_test)
    found = class_rates(logits, task.y_test)
    for r, c in torch.cartesian_prod(torch.arange(3), torch.arange(3)).tolist():
        rows = [
            (bool(said == c), bool(y == c)) for said, y in zip(logits[r].argmax(1), task.y_test, strict=True)
        ]
        false = rows.count((True, False)) / (rows.count((True, False)) + rows.count((False, False)))
        missed = rows.count((False, True)) / (rows.count((False, True)) + rows.count((True, True)))
        assert (float(found[0][r, c]), float(found[1][r, c])) == pytest.approx((false, missed))


def test_rates_without_a_base_are_nan():
    """Class 2 has no row, so none is missed; class 1 has all rows, so none of another is taken for it."""
    fpr, fnr = class_rates(torch.eye(3)[[1, 1, 0]].unsqueeze(0), torch.tensor([1, 1, 1]))
    assert_close(fpr, torch.tensor([[1 / 3, math.nan, 0]]), equal_nan=True)
    assert_close(fnr, torch.tensor([[math.nan, 1 / 3, math.nan]]), equal_nan=True)


def test_a_run_may_have_labels_of_its_own():
    logits, y = torch.randn(2, 9, 3, dtype=DOUBLE), torch.arange(18).view(2, 9) % 3
    for rate, own in zip(class_rates(logits, y), class_rates(logits[1:], y[1]), strict=True):
        assert_close(rate[1:], own)


def test_a_run_that_diverged_is_nan_and_alone():
    task = three_classes()
    fleet = FLEETS["relu"](task, runs=3)
    next(fleet.parameters()).data[1] = torch.nan
    for rate in class_rates(fleet.predict(task.x_test), task.y_test):
        assert rate.isnan().all(1).tolist() == [False, True, False]
    assert worst_group(fleet, task, task.y_test).isnan().tolist() == [False, True, False]


def test_published_toy():
    assert_close(cev(FPR, FNR), torch.tensor(200 / 3, dtype=DOUBLE))
    assert float(sde(FPR, FNR)) == pytest.approx(11.7851, abs=5e-5)


def test_one_number_a_run_and_none_of_a_base_rate_of_zero():
    before = torch.tensor([[0.1, 0.2], [0.0, 0.2], [0.0, 0.2]])
    after = torch.tensor([[0.2, 0.1], [0.1, 0.1], [0.0, 0.1]])
    change = 100 * (after - before) / before  # 100 and −50, then ∞, then 0/0
    assert_close(cev(change, change), torch.tensor([75.0**2, math.nan, math.nan]), equal_nan=True)
    assert_close(sde(change, 0 * before), torch.tensor([75 / 2**0.5, math.nan, math.nan]), equal_nan=True)


def test_equal_changes_are_even_and_not_one_sided():
    assert cev([5, 5, 5], [7, 7, 7]) == 0 and sde([5, 1, -9], [5, 1, -9]) == 0


@pytest.mark.parametrize("groups", ["classes", "halves", "array", "bools", "one gap"])
def test_worst_group_is_the_least_accuracy(groups):
    task = three_classes()
    n, fleet = len(task.y_test), FLEETS["relu"](task, runs=3)
    told = {
        "classes": task.y_test,
        "halves": (torch.arange(n) < n // 2).long(),
        "array": (torch.arange(n) % 4).numpy(),
        "bools": torch.arange(n) < 3,
        "one gap": (torch.arange(n) % 2 * 7).tolist(),
    }[groups]
    right = fleet.predict(task.x_test).argmax(2) == task.y_test  # (runs, n)
    of = torch.as_tensor(told)
    wanted = [min(float(run[of == g].float().mean()) for g in of.unique()) for run in right]
    assert_close(worst_group(fleet, task, told), torch.tensor(wanted))


LOGITS, Y = torch.randn(2, 4, 3), torch.tensor([0, 1, 2, 0])
BAD_RATES = [
    (
        (LOGITS, Y[:3]),
        r"y is a class, 0…2, for each of 4 rows, got \(3,\), torch.int64; try task.y_test with",
    ),
    ((LOGITS, Y.float()), r"y is a class.*got \(4,\), torch.float32"),
    ((LOGITS, ["a", "b", "c", "a"]), r"y is a class.*got \['a', 'b'"),
    ((LOGITS, Y + 1), "y is a class, 0…2"),
    ((LOGITS, Y - 1), "y is a class, 0…2"),
    ((LOGITS, None), "y is a class, 0…2, for each of 4 rows, got None"),
    ((LOGITS[0, 0], Y), r"Logits are \(runs, n, C\), got \(3,\), torch.float32; try fleet.predict"),
    (("logits", Y), "Logits is of numbers"),
]


@pytest.mark.parametrize(("given", "says"), BAD_RATES)
def test_rates_refuse(given, says):
    with pytest.raises(sb.SbkitError, match=says):
        class_rates(*given)


@pytest.mark.parametrize("score", [cev, sde])
@pytest.mark.parametrize("given", [([1.0, 2], [1.0]), (1.0, 2.0), ([], []), (FPR, "no")], ids=str)
def test_changes_are_refused(score, given):
    with pytest.raises(sb.SbkitError, match="change"):
        score(*given)


TASK = slab_task()
N = len(TASK.y_test)
BAD_GROUPS = {
    "a row too few": torch.zeros(N - 1, dtype=torch.int64),
    "training rows": TASK.y,
    "floats": torch.zeros(N),
    "negative": torch.arange(N) - 1,
    "a table": torch.zeros(N, 1, dtype=torch.int64),
    "names": ["a"] * N,
    "one number": 0,
    "none": None,
}


@pytest.mark.parametrize("case", BAD_GROUPS)
def test_groups_are_refused_and_the_advice_works(case):
    fleet = FLEETS["relu"](TASK, runs=2)
    says = f"groups are whole numbers from 0, one for each of {N} test rows, got .*; try groups=task.y_test"
    with pytest.raises(sb.SbkitError, match=says):
        worst_group(fleet, TASK, BAD_GROUPS[case])
    assert worst_group(fleet, TASK, groups=TASK.y_test).shape == (2,)


def test_regression_has_no_worst_group():
    with pytest.raises(sb.SbkitError, match="Accuracy needs classes, got a regression task"):
        worst_group(sb.mlp(regression()), regression(), regression().y_test)
