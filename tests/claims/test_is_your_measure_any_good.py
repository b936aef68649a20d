"""The science of the lesson "Is your measure any good?", at other seeds than its own.

The judge of the PGDL contest (Jiang et al. 2020), what settings alone and luck score, and shaken inputs. Not
asserted: the order of the board but for its first and last.
"""

import json
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import sbkit as sb
from sbkit.lessons.prediction import grid
from sbkit.lessons.prediction import is_your_measure_any_good as extra

NOTEBOOK = Path(__file__).parents[2] / "notebooks/4-prediction/02-is-your-measure-any-good.ipynb"
SEED = 60  # the stored table has 0 to 14


def named(cell: str) -> dict[str, Any]:
    """What a cell of the notebook defines."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {"sb": sb, "torch": torch, "whole_grid": lambda: None}
    exec("".join(next(one["source"] for one in cells if one["id"] == cell)), names)  # noqa: S102
    return names


def bits(*shares: float) -> float:
    return -sum(share * np.log2(share) for share in shares if share)


def test_the_wrong_order_of_two_scores_15():
    """By hand: one answer in four is a yes, and a no of the wrong measure leaves the entropy of a third."""
    two = pd.DataFrame({"gap": [0, 1], "wrong": [1, 0]})
    left = 3 / 4 * bits(1 / 3, 2 / 3)
    by_hand = 100 * (1 - left / bits(1 / 4, 3 / 4))
    assert sb.stats.conditional_information(two, "wrong", []) == pytest.approx(by_hand, abs=1e-9)
    assert by_hand == pytest.approx(15.1066, abs=1e-4)


def test_without_pairs_of_one_net_the_wrong_order_tells_all():
    gap = torch.tensor([False, True])
    assert float(extra.told_share.want(~gap, gap)) == pytest.approx(1)


def test_the_chance_counts_the_measure_itself():
    assert float(extra.by_luck.want(torch.tensor(9.0), torch.arange(9))) == pytest.approx(1 / 10)
    assert float(extra.by_luck.want(torch.tensor(0.0), torch.zeros(30))) == 1


def test_the_book_is_closed():
    """A measure that looks at test rows sees the training rows."""
    task = sb.data.digits(100, seed=SEED)
    fleet = sb.mlp(task, width=4, depth=2, runs=3, seed=SEED)
    seen: list[sb.Task] = []

    def spy(fleet: sb.Fleet, task: sb.Task) -> torch.Tensor:
        seen.append(task)
        return torch.arange(3.0)

    found = extra.scores(fleet, task, own=spy)
    assert torch.equal(seen[0].x_test, task.x) and torch.equal(found[:, 4], torch.arange(3.0))


def test_own_measures_stand_in_the_rows_of_their_nets():
    """Untrained nets: their size and seed are known, whatever they have learned."""
    runs = [grid.nets(width, batch, 7, 2, steps=1) for width in grid.WIDTHS for batch in grid.BATCHES]
    table = grid.judged(
        runs,
        size_again=lambda fleet, task: torch.full((fleet.runs,), fleet.vector().shape[1]),
        redrawn=lambda fleet, task: task.corrupted.float().mean().expand(fleet.runs),
    )
    assert sorted(table.seed.unique()) == [7, 8] and (table.size_again == table["size"]).all()
    for (seed, share), own in table.groupby(["seed", "noise"]):
        wanted = sb.data.digits(300, flip=float(share), seed=int(seed)).corrupted  # pyright: ignore
        assert own.redrawn.to_numpy() == pytest.approx(float(torch.as_tensor(wanted).float().mean()))


def test_settings_alone_score_nothing():
    table = grid.stored().assign(stranger=lambda t: t.noise)
    assert extra.ranks(table, ["stranger", "size"]).abs().max() < 1e-9


def test_the_board_stands_best_first():
    table = grid.stored()
    drawn = extra.board(table[table.seed < 2], "size", "length", "bound from start")
    assert list(drawn.values) == sorted(drawn.values, reverse=True) and drawn.names[-1] == "size"


def norm(i: int, fleet: sb.Fleet, task: sb.Task) -> torch.Tensor:
    """One of the readings that cost little."""
    return grid.norms(fleet, task)[:, i]


@cache
def fresh() -> list[Any]:
    """The grid at seeds of its own, trained."""
    runs = grid.whole_grid(SEED, 2)
    for run in runs:
        sb.last(run)
    return runs


def scored(**own: Any) -> pd.DataFrame:
    """The settings of the fresh grid, with the nets' gaps and with what measures say of them."""
    gaps = torch.cat([sb.last(run).accuracy - sb.last(run).test_accuracy for run in fresh()])
    stored = grid.stored()
    table = stored.loc[stored.seed < 2, ["seed", *grid.AXES]].reset_index(drop=True)
    for name, of in own.items():
        found = [torch.as_tensor(grid.taken(name, of, run.fleet, run.task)) for run in fresh()]
        table[name] = torch.cat(found).double().numpy()
    return table.assign(gap=gaps.numpy())


@pytest.mark.slow
def test_shaken_inputs_tell_more_than_luck_and_than_the_largest_weight():
    table = scored(shaken=named("trained")["shaken_inputs"], largest=named("own")["complexity"])
    shaken, largest = extra.ranks(table, ["shaken", "largest"]).mean(1)
    assert shaken > 15 and shaken > largest + 5
    luck = torch.stack([extra.lucky(one, grid.AXES) for _, one in table.groupby("seed")])
    assert 1.5 < luck.mean() < 5


@pytest.mark.slow
def test_upside_down_measures_keep_much_of_their_score():
    """The judge is nearly blind to the sign: seven norms and their negatives, and the length alone."""
    own = {name: partial(norm, i) for i, name in enumerate(grid.READINGS[:8])}
    table = scored(**own)
    names = list(grid.READINGS[1:8])
    turned = extra.ranks(table.assign(**{name: -table[name] for name in names}), names).mean(1)
    assert turned.mean() > 0.5 * extra.ranks(table, names).mean()
    assert turned[0] > 8


@pytest.mark.parametrize(
    "own",
    [lambda fleet, task: torch.tensor(1.0), lambda fleet, task: fleet.vector(), lambda fleet, task: None],
)
def test_a_complexity_of_another_shape_is_answered_by_a_sentence(own):
    task = sb.data.digits(100, seed=500)
    with pytest.raises(sb.SbkitError, match="complexity"):
        extra.scores(sb.mlp(task, width=4, runs=3), task, own=own)
