"""Is your measure any good? A judge for measures of the reader's own, its pictures, and two exercises."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task
from sbkit.core.registries import measure, plot
from sbkit.course.exercise import exercise, normal
from sbkit.lessons.prediction.forty_measures_or_one import CHEAP, TAU, levels, reading, taus, visible
from sbkit.lessons.prediction.grid import AXES, BATCHES, READINGS, WIDTHS, closed_book, nets, stored
from sbkit.plots import Axis, Bars, Mark
from sbkit.stats import conditional_information
from sbkit.training import Run, last
from sbkit.training.measured import taken

if TYPE_CHECKING:
    from pandas import DataFrame

Complexity = Callable[[Fleet, Task], Any]  # the reader's: (runs,) numbers, larger is said to be worse
SCORE = Axis("information on the gap, in % of all", low=0)
LIVE_BOARD = "What each reading tells of which net has the larger gap: all (100) or nothing (0). Compare "
LIVE_BOARD += "both bars: what is lost once the noise is known? And who beats the random one?"
BOARD = "Score of each measure with two settings given, least over pairs of them; a dot is a seed's 24 nets. "
BOARD += "See who stands above the band."
BY_TAU = "Kendall's τ with the gap, over all nets of a seed; a dot is a seed. See who comes second."
TURNED = "Scores of measures and of their negatives; a dot is a seed. See how much is lost: not all."
RANDOM, FEW = 30, 10  # random measures on the board, and in a picture that moves


def last_layer(fleet: Fleet, task: Task) -> Tensor:
    """How long the weights of the last layer are, squared. (runs,)"""
    return fleet.weights()[-1].detach().square().sum((1, 2))


@measure("scores", classes=True)
def scores(fleet: Fleet, task: Task, own: Complexity = last_layer) -> Tensor:
    """Four readings, that of the reader's measure with the book closed, and the gap. (runs, 6)"""
    found = reading(fleet, task)  # (runs, 5)
    yours = torch.as_tensor(own(fleet, closed_book(task))).detach().to(found).view(-1, 1)
    yours = yours.where(found.isfinite().all(1, keepdim=True), torch.nan)
    return torch.cat([found[:, :4], yours, found[:, 4:]], dim=1)


def lucky(table: DataFrame, axes: Sequence[str], count: int = RANDOM) -> Tensor:
    """Scores of random measures on a table: what luck alone is told. (count,)"""
    draws = (np.random.default_rng(i).random(len(table)) for i in range(count))
    return torch.tensor([conditional_information(table.assign(own=own), "own", axes) for own in draws])


def by_chance(table: DataFrame, name: str, axes: Sequence[str]) -> Tensor:
    """The chance that a random measure scores as much on the nets of a seed. (seeds,)"""
    found = []
    for _, own in table.groupby("seed"):
        random, score = lucky(own, axes), conditional_information(own, name, axes)
        found.append((1 + (random >= score).sum()) / (1 + len(random)))
    return torch.stack(found)


@plot("scores")
def live_board(history: Sequence[Snapshot]) -> Bars | None:
    """What readings tell of the gap when nothing is given, and when the share of wrong labels is."""
    import pandas as pd

    if not (values := visible(history[-1], "scores").astype(float)).size:  # (runs, 6)
        return None
    names = [*CHEAP, "yours"]
    table = pd.DataFrame(values, columns=[*names, "gap"]).assign(noise=levels(len(values)).numpy()).dropna()
    found: Any = []
    for given in ([], ["noise"]):
        known = len(table) > 1
        found += [conditional_information(table, name, given) if known else np.nan for name in names]
        found.append(float(lucky(table, given, FEW).mean()) if known else np.nan)
    sides, bars = ("nothing given", "noise given"), [*names, "random"] * 2
    return Bars("scores", "Who tells of the gap?", SCORE, bars, found, sides=sides, caption=LIVE_BOARD)


def trained(seed: int = 5, seeds: int = 5) -> list[Run]:
    """The whole grid of 24 nets a seed, trained now: a run for each width and batch."""
    runs = [nets(width, batch, seed, seeds) for width, batch in itertools.product(WIDTHS, BATCHES)]
    for run in runs:
        last(run)
    return runs


def judged(runs: Sequence[Run], **own: Complexity) -> DataFrame:
    """The stored rows of these nets, with what measures say of them, book closed, and their gap as "live"."""
    ends: Any = [last(run) for run in runs]
    table: Any = stored()
    first, count = (number * len(runs) // 24 for number in (runs[0].fleet.seed, runs[0].fleet.runs))
    table = table[table.seed.isin(range(first, first + count))].reset_index(drop=True)
    table["live"] = torch.cat([end.accuracy - end.test_accuracy for end in ends]).numpy()
    for name, of in own.items():
        closed = [lambda fleet, task, of=of: of(fleet, closed_book(task))] * len(runs)
        found: Any = [taken(name, each, run.fleet, run.task) for each, run in zip(closed, runs, strict=True)]
        table[name] = torch.cat(found).double().flatten().numpy()
    return table


def ranks(table: DataFrame, names: Sequence[str]) -> Tensor:
    """The judge's score of measures on the nets of each seed, live ones with live gaps. (names, seeds)"""
    gap = {name: "live" if "live" in table and name not in READINGS else "gap" for name in names}
    seeds = [own for _, own in table.groupby("seed")]
    return torch.tensor([[conditional_information(own, k, AXES, gap[k]) for own in seeds] for k in names])


def ordered(names: Sequence[str], found: Tensor) -> Any:
    """Names, means and scores (names, seeds) of measures, best first."""
    order = found.mean(1).argsort(descending=True)
    return [names[i] for i in order], found[order].mean(1), found[order]


def by_tau(table: DataFrame, *names: str) -> Bars:
    """Kendall's τ of measures with the gap over the nets of a seed, best first; a dot is a seed."""
    bars = ordered(names, taus(table, "all nets", names))
    return Bars("tau", "The board of the last lesson", TAU, *bars, caption=BY_TAU)


def board(table: DataFrame, *names: str) -> Bars:
    """The judge's scores, best first, with the band of random measures; a dot is a seed."""
    luck = torch.stack([lucky(own, AXES) for _, own in table.groupby("seed")]).mean(0)  # (30,)
    marks = [Mark("95 % of random measures", 0, float(luck.quantile(0.95)))]
    return Bars("board", "The board", SCORE, *ordered(names, ranks(table, names)), BOARD, marks)


def both_ways(table: DataFrame, *names: str) -> Bars:
    """Scores of measures as they are and turned upside down; a dot is a seed."""
    turned = table.assign(**{name: -table[name] for name in names})
    found: Any = torch.cat([ranks(table, names), ranks(turned, names)])  # (2 · names, seeds)
    about: Any = {"sides": ("as it is", "upside down"), "caption": TURNED}
    return Bars("turned", "Upside down", SCORE, names * 2, found.mean(1), found, **about)


YES = normal(40, seed=1) > 0, normal(40, seed=1) + normal(40, seed=2) > 0.5
TOY = torch.tensor([False, False, True, False]), torch.tensor([False, True, False, False])


def _entropy(*answers: Tensor) -> Tensor:
    """Entropy of yes/no lists taken together, in nats. (n,) each → ()"""
    counts = torch.stack(answers).unique(dim=1, return_counts=True)[1]
    share = counts.double() / counts.sum()
    return -(share * share.log()).sum()


def _shared(reading: Tensor, gap: Tensor) -> Tensor:
    return _entropy(reading) + _entropy(gap) - _entropy(reading, gap)


# A function of yes/no lists of pairs (n,): has the first a larger reading, a larger gap → share told.
told_share = exercise(
    "reading and gap",
    tries=[YES, TOY, (YES[1], ~YES[1])],
    want=lambda reading, gap: _shared(reading, gap) / _entropy(gap),
    wrong={
        "That is the information itself. Which share is it of all there is to know of the gap?": (
            _shared,
            lambda reading, gap: _shared(reading, gap) / torch.tensor(2.0).log(),
        ),
        "Divide by what there is to know of the gap, not of the reading.": (
            lambda reading, gap: _shared(reading, gap) / _entropy(reading)
        ),
        "That is how often both say the same. Who always says the opposite tells as much.": (
            lambda reading, gap: (reading == gap).double().mean()
        ),
        "That is what is left to know. What has been told?": (
            lambda reading, gap: 1 - _shared(reading, gap) / _entropy(gap)
        ),
    },
    right="0 says nothing, 1 says all; and it doesn't matter whether yes means yes.",
    rest="I = H(reading) + H(gap) − H(both); divide it by H(gap).",
)

# A function of an own score and those of random measures (n,) → the chance of such a score by luck.
by_luck = exercise(
    "own and random",
    tries=[
        (torch.tensor(4.0), torch.tensor([1.0, 2, 4, 5, 3, 9, 2, 1, 0])),
        (torch.tensor(9.0), torch.arange(5.0)),
    ],
    want=lambda own, random: (1 + (random >= own).sum()) / (1 + len(random)),
    wrong={
        "Almost: your own may be one more random measure. Add 1 to the count and to the number.": (
            lambda own, random: (random >= own).double().mean()
        ),
        "Who scores as much as you counts, too.": (
            lambda own, random: (1 + (random > own).sum()) / (1 + len(random))
        ),
        "That is how many you beat. How many beat you?": (
            lambda own, random: (random < own).double().mean(),
            lambda own, random: (1 + (random < own).sum()) / (1 + len(random)),
        ),
    },
    right="With 30 random measures it can't fall below 1 in 31: to be surer, draw more.",
    rest="Count random scores that are at least own, add 1; divide by their number plus 1.",
)
