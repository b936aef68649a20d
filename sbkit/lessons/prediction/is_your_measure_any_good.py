"""Is your measure any good? A judge for measures of the reader's own, its pictures, and two exercises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task
from sbkit.core.registries import measure, plot
from sbkit.course.exercise import exercise, normal
from sbkit.lessons.prediction.grid import AXES, READINGS, Complexity, closed
from sbkit.lessons.prediction.ranking import CHEAP, TAU, levels, reading, taus, visible
from sbkit.plots import Axis, Bars, Mark
from sbkit.stats import conditional_information

if TYPE_CHECKING:
    from pandas import DataFrame

SCORE = Axis("score, in %", low=0)
LIVE_BOARD = "How much of the order of gaps a measure tells. See what is lost once the noise is given."
BOARD = "Score of each measure with two settings given, least over pairs of them; a dot is a seed's 24 nets. "
BOARD += "See who stands above the band."
BY_TAU = "Kendall's τ with the gap over all nets of a seed; a dot is a seed. See who comes second."
TURNED = "Scores of measures and of their negatives; a dot is a seed. See how much is lost: not all."
RANDOM, FEW = 30, 10  # random measures on the board, and in a picture that moves


@measure("scores", classes=True)
def scores(fleet: Fleet, task: Task, own: Complexity = lambda fleet, task: fleet.vector()[:, 0]) -> Tensor:
    """Four readings, that of the reader's measure with the book closed, and the gap. (runs, 6)"""
    found = reading(fleet, task)  # (runs, 5)
    yours = closed(own, fleet, task).to(found).unsqueeze(1)
    yours = yours.where(found.isfinite().all(1, keepdim=True), torch.nan)
    return torch.cat([found[:, :4], yours, found[:, 4:]], dim=1)


def lucky(table: DataFrame, axes: Sequence[str], count: int = RANDOM) -> Tensor:
    """Scores of random measures on a table: what luck alone is told. (count,)"""
    draws = (np.random.default_rng(i).random(len(table)) for i in range(count))
    return torch.tensor([conditional_information(table.assign(own=own), "own", axes) for own in draws])


def by_chance(nets: DataFrame, name: str, axes: Sequence[str]) -> Tensor:
    """The chance that a random measure scores as much on the nets of one seed. ()"""
    return by_luck.want(conditional_information(nets, name, axes), lucky(nets, axes))


@plot("scores")
def live_board(history: Sequence[Snapshot]) -> Bars | None:
    """What readings tell of the gap when nothing is given, and when the share of wrong labels is."""
    import pandas as pd

    if not (values := visible(history[-1], "scores").astype(float)).size:  # (runs, 6)
        return None
    names = [*CHEAP, "yours"]
    table = pd.DataFrame(values, columns=[*names, "gap"]).assign(noise=levels(len(values)).numpy()).dropna()
    found: Any = []
    for given in ([], ["noise"]) if len(table) > 1 else ():
        found += [conditional_information(table, name, given) for name in names]
        found.append(float(lucky(table, given, FEW).mean()))
    found = found or [np.nan] * 12  # where all have diverged
    about: Any = {"sides": ("nothing given", "noise given"), "caption": LIVE_BOARD}
    y = Axis("score, in %", low=0, high=80)
    return Bars("scores", "Who tells of the gap?", y, [*names, "random"] * 2, found, **about)


def ranks(table: DataFrame, names: Sequence[str]) -> Tensor:
    """The judge's score of measures on the nets of each seed, live ones with live gaps. (names, seeds)"""
    gap = {name: "live" if "live" in table and name not in READINGS else "gap" for name in names}
    seeds = [own for _, own in table.groupby("seed")]
    return torch.tensor([[conditional_information(own, k, AXES, gap[k]) for own in seeds] for k in names])


def ordered(name: str, names: Sequence[str], found: Any, y: Axis, caption: str, marks: Any = ()) -> Bars:
    """A board of measures by their scores (names, seeds), best first; a dot is a seed."""
    order = found.mean(1).argsort(descending=True)
    names = [names[int(i)].replace("_", " ") for i in order]
    return Bars(name, "The board", y, names, found[order].mean(1), found[order], caption, marks)


def by_tau(table: DataFrame, *names: str) -> Bars:
    """The board of the last lesson: Kendall's τ with the gap, over all nets of a seed."""
    return ordered("tau", names, taus(table, "all nets", names), TAU, BY_TAU)


def board(table: DataFrame, *names: str) -> Bars:
    """The judge's board, with the band of random measures."""
    luck = torch.stack([lucky(own, AXES) for _, own in table.groupby("seed")]).mean(0)  # (30,)
    marks = [Mark("95 % of random measures", 0, float(luck.quantile(0.95)))]
    return ordered("board", names, ranks(table, names), SCORE, BOARD, marks)


def both_ways(table: DataFrame, *names: str) -> Bars:
    """Scores of measures as they are and turned upside down; a dot is a seed."""
    turned = table.assign(**{name: -table[name] for name in names})
    found: Any = torch.cat([ranks(table, names), ranks(turned, names)])  # (2 · names, seeds)
    about: Any = {"sides": ("as it is", "upside down"), "caption": TURNED}
    return Bars("turned", "Upside down", SCORE, names * 2, found.mean(1), found, **about)


YES = normal(40, seed=1) > 0, normal(40, seed=1) + normal(40, seed=2) > 0.5
TOY = torch.tensor([False, False, True, False]), torch.tensor([False, True, False, False])


def _shared(a: Tensor, b: Tensor) -> Tensor:
    """What two yes/no lists (n,) tell of each other, in nats; of a list and itself, its entropy. ()"""
    from sklearn.metrics import mutual_info_score

    return torch.tensor(mutual_info_score(a, b))


# A function of yes/no lists of pairs (n,): has the first a larger reading, a larger gap → share told.
told_share = exercise(
    "reading and gap",
    tries=[YES, TOY, (YES[1], ~YES[1])],
    want=lambda a, b: _shared(a, b) / _shared(b, b),
    wrong={
        "That is the information itself. Which share is it of all there is to know of the gap?": _shared,
        "Divide by what there is to know of the gap.": lambda a, b: _shared(a, b) / _shared(a, a),
        "That is how often both agree. Who always says the opposite tells as much.": (
            lambda a, b: (a == b).double().mean()
        ),
        "That is what is left to know. What was told?": lambda a, b: 1 - _shared(a, b) / _shared(b, b),
    },
    right="0 says nothing, 1 says all; and it doesn't matter whether yes means yes.",
    rest="I = H(reading) + H(gap) − H(both); divide it by H(gap).",
)

SMALL = torch.arange(5.0)  # scores that all lie below

# A function of an own score and those of random measures (n,) → the chance of such a score by luck.
by_luck = exercise(
    "own and random",
    tries=[(torch.tensor(4.0), torch.tensor([1.0, 2, 4, 5, 3, 9, 2, 1, 0])), (torch.tensor(9.0), SMALL)],
    want=lambda own, random: (1 + (random >= own).sum()) / (1 + len(random)),
    wrong={
        "Your own may be one more random measure: add 1 to both.": lambda a, b: (b >= a).double().mean(),
        "Who scores as much as you counts, too.": lambda a, b: (1 + (b > a).sum()) / (1 + len(b)),
        "That is how many you beat. How many beat you?": (
            lambda a, b: (b < a).double().mean(),
            lambda a, b: (1 + (b < a).sum()) / (1 + len(b)),
        ),
    },
    right="With 30 random measures it can't fall below 1 in 31: to be surer, draw more.",
    rest="Count random scores that are at least own, add 1; divide by their number plus 1.",
)
