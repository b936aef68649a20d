"""Scores of measures against hand-worked toys, SciPy's τ, and a loop over all pairs of models."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

import sbkit as sb
from sbkit.stats import conditional_information, granulated_kendall

AXES = {"width": [32, 96], "lr": [0.03, 0.1], "batch": [16, 64], "noise": [0.0, 0.15, 0.3]}
GRID = pd.DataFrame(itertools.product(*AXES.values()), columns=list(AXES))


def scored(seed: int, **columns) -> pd.DataFrame:
    """The grid of 24 models with gaps that grow with noise, and a measure of whole numbers, which tie."""
    rng = np.random.default_rng(seed)
    gap = rng.random(24) + 2 * GRID.noise
    return GRID.assign(gap=gap, own=rng.integers(0, 6, 24), **columns)


def entropy(counts) -> float:
    shares = [count / sum(counts) for count in counts if count]
    return -sum(share * math.log(share) for share in shares)


def obvious_information(table: pd.DataFrame, axes) -> float:
    """The organizers' score, pair by pair and cell by cell."""
    rows, scores = table.to_dict("records"), []
    for axis, other in itertools.combinations(axes, 2):
        cells = {}
        for p, q in itertools.product(rows, rows):
            cell = p[axis], q[axis], p[other], q[other]
            cells.setdefault(cell, []).append((p["gap"] > q["gap"], p["own"] > q["own"]))
        told = both = 0.0
        for pairs in cells.values():
            counts = [[pairs.count((g, m)) for m in (False, True)] for g in (False, True)]
            gap, own = entropy(map_sum(counts)), entropy(map_sum(zip(*counts, strict=True)))
            told, both = told + gap, both + gap + own - entropy(counts[0] + counts[1])
        scores.append(both / told)
    return 100 * min(scores)


def map_sum(rows) -> list[int]:
    return [sum(row) for row in rows]


def obvious_kendall(table: pd.DataFrame, axis: str, axes) -> float:
    """SciPy's τ of each group of rows alike in all other axes; τ-b is τ-a where nothing ties."""
    groups = table.groupby([other for other in axes if other != axis])
    return float(np.mean([kendalltau(group.own, group.gap).statistic for _, group in groups]))


@pytest.mark.parametrize("seed", range(4))
def test_information_is_the_loop_over_pairs(seed):
    table = scored(seed)
    assert conditional_information(table, "own", AXES) == pytest.approx(obvious_information(table, AXES))


@pytest.mark.parametrize("axis", AXES)
def test_kendall_is_scipys_in_each_group(axis):
    table = scored(1).assign(own=lambda t: np.random.default_rng(2).permutation(len(t)))
    assert granulated_kendall(table, "own", AXES)[axis] == pytest.approx(obvious_kendall(table, axis, AXES))


TWO = pd.DataFrame({"gap": [0.0, 1.0], "same": [3, 4], "constant": [1, 1], "reversed": [2.0, -1.0]})
SETTINGS = {
    "no axes": ([], [0, 0]),
    "one setting": (["lr"], [0.1, 0.1]),
    "two settings": (["lr"], [0.1, 0.3]),
    "beside an axis that stays": (["lr", "width"], [0.1, 0.3]),
    "an axis given alone": ("lr", [0.1, 0.1]),
}


@pytest.mark.parametrize("case", SETTINGS)
@pytest.mark.parametrize(("measure", "wanted"), [("same", 100), ("constant", 0), ("reversed", 15.1066)])
def test_two_models(case, measure, wanted):
    axes, lr = SETTINGS[case]
    table = TWO.assign(lr=lr, width=32)
    assert conditional_information(table, measure, axes) == pytest.approx(wanted, abs=5e-5)


def test_equal_gaps_leave_nothing_to_tell():
    assert math.isnan(conditional_information(TWO.assign(gap=1.0), "same", []))


def test_what_settings_tell_is_no_merit():
    """Gaps follow one axis, and so does the measure: in the cells of that axis it tells nothing."""
    table = scored(0).assign(gap=GRID.noise + 0.01 * np.arange(24) % 0.07, own=GRID.noise)
    assert conditional_information(table, "own", AXES) == 0
    assert conditional_information(table.assign(own=table.gap), "own", AXES) == pytest.approx(100)


def test_a_random_measure_scores_a_few_percent():
    scores = [conditional_information(scored(seed), "own", AXES) for seed in range(20)]
    assert 1 < np.mean(scores) < 8


TOY = pd.DataFrame({"lr": [1, 1, 2, 2], "width": [1, 2, 1, 2], "gap": [1, 2, 3, 4], "own": [2, 1, 4, 3]})


def test_toy_of_opposite_axes():
    assert granulated_kendall(TOY, "own", ["lr", "width"]) == {"lr": 1, "width": -1, "mean": 0}


def test_ties_count_nothing():
    """τ-a: 5 of 6 pairs agree and one ties; τ-b would say 0.913."""
    table = pd.DataFrame({"lr": [1, 2, 3, 4], "gap": [1, 2, 3, 4], "own": [1, 1, 2, 3]})
    assert granulated_kendall(table, "own", ["lr"])["lr"] == pytest.approx(5 / 6)
    assert kendalltau(table.own, table.gap).statistic == pytest.approx(0.913, abs=5e-4)


def test_seeds_of_a_setting_are_not_compared():
    """Two seeds a learning rate: of the four pairs across, three agree, whatever the seeds' own order."""
    table = pd.DataFrame({"lr": [1, 1, 2, 2], "gap": [0, 2, 1, 3], "own": [0, 1, 2, 3]})
    assert granulated_kendall(table, "own", ["lr"])["lr"] == pytest.approx((3 - 1) / 4)


def test_groups_count_alike_in_an_incomplete_grid():
    """A group of two rows (τ 1), one of three (τ −1/3), one of a single row, which says nothing."""
    table = pd.DataFrame(
        {"lr": [1, 2, 1, 2, 3, 1], "width": [1, 1, 2, 2, 2, 3]}
        | {"gap": [1, 2, 1, 2, 3, 9], "own": [1, 2, 3, 1, 2, 9]}
    )
    assert granulated_kendall(table, "own", ["lr", "width"])["lr"] == pytest.approx((1 - 1 / 3) / 2)


def test_axes_may_hold_what_cannot_be_sorted():
    table = TOY.assign(width=[[32, 16], None, [32, 16], None])
    assert granulated_kendall(table, "own", ["lr", "width"])["width"] == -1
    assert conditional_information(table, "own", ["lr", "width"]) >= 0


@pytest.mark.parametrize("axis", AXES)
def test_none_is_a_value_of_an_axis_as_any_other(axis):
    table = scored(5).assign(own=lambda t: np.random.default_rng(2).permutation(len(t)))
    other = table.assign(**{axis: [None if value == AXES[axis][0] else value for value in table[axis]]})
    for score in (granulated_kendall, conditional_information):
        assert score(other, "own", AXES) == pytest.approx(score(table, "own", AXES))


def test_of_a_sweep():
    def lesson(width=4, lr=0.1):
        task = sb.slabs((1, 3), n=64, n_test=64)
        return sb.fit(sb.mlp(task, width=width, runs=2), task, lr=lr, steps=5, batch=32)

    table = sb.sweep(lesson, width=[2, 4], lr=[0.1, 0.3])
    table = table.assign(gap=table.accuracy - table.test_accuracy)
    assert set(sb.stats.granulated_kendall(table, "loss", ["width", "lr"])) == {"width", "lr", "mean"}


BAD = [
    (TOY, "ovn", ["lr"], "No column named 'ovn'; there are lr, width, gap, own. Did you mean 'own'"),
    (TOY, "own", ["lr", "widht"], "No column named 'widht'.*Did you mean 'width'"),
    (TOY, "own", [["lr"]], r"No column named \['lr'\]"),
    (TOY, "own", None, "No column named None"),
    (TOY.rename(columns={"gap": "gaps"}), "own", ["lr"], "No column named 'gap'.*Did you mean 'gaps'"),
    (
        TOY.drop(columns="gap").assign(accuracy=1.0, test_accuracy=0.5),
        *("own", ["lr"], r"got none named 'gap'; try table = table.assign\(gap=table.accuracy - "),
    ),
    (
        TOY.assign(gap=[1, 2, math.nan, 4]),
        *("own", ["lr"], r"'own' and 'gap' are numbers in every row, got none in 1 of 4 rows; try .*dropna"),
    ),
    (TOY.assign(own=list("abcd")), "own", ["lr"], "numbers in every row, got none in 4 of 4"),
    (pd.concat([TOY, TOY[["own"]]], axis=1), "own", ["lr"], "every column once.*; try table = table.loc"),
    (TOY[:1], "own", ["lr"], "Models are two rows or more of a DataFrame, got 1 row; try the table of"),
    (TOY.to_dict(), "own", ["lr"], "Models are two rows or more of a DataFrame, got a dict"),
]


@pytest.mark.parametrize("score", [granulated_kendall, conditional_information])
@pytest.mark.parametrize(("table", "measure", "axes", "says"), BAD)
def test_refuses(score, table, measure, axes, says):
    with pytest.raises(sb.SbkitError, match=says):
        score(table, measure, axes)


@pytest.mark.parametrize(
    ("table", "axes", "got"),
    [(TOY.assign(lr=1), ["lr", "width"], "lr"), (TOY.assign(width=TOY.lr), ["lr", "width"], "lr")],
    ids=["one value", "two that move together"],
)
def test_an_axis_changes_alone(table, axes, got):
    with pytest.raises(sb.SbkitError, match=f"got no two that differ in '{got}' alone; leave it out of axes"):
        granulated_kendall(table, "own", axes)


def test_kendall_of_no_axes_is_refused():
    with pytest.raises(sb.SbkitError, match=r"one or more, got none; try \['lr'\]"):
        granulated_kendall(TOY, "own", [])
