"""Whether measures order nets as the gap does: Kendall's τ over all nets, within a level, and granulated.

Both lessons on measures of generalization use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task
from sbkit.core.registries import measure, plot
from sbkit.lessons.prediction.grid import AXES, READINGS, norms
from sbkit.measures.scores import accuracy
from sbkit.plots import Axis, Bars, Scatter
from sbkit.plots.bands import alive, finite
from sbkit.stats import granulated_kendall

if TYPE_CHECKING:
    from pandas import DataFrame

LIVE, LEVELS = (0.01, 0.02, 0.05), 3  # learning rates and shares of wrong labels in the panel
CHEAP = {"length": 1, "distance": 2, "paths": 4, "1/margin": 5}  # read while nets train: places in `norms`
TAU = Axis("Kendall's τ with the gap", low=-1, high=1)
CLOUDS = "A point is a net, coloured by its share of wrong labels. Compare the slope of one colour with all."
LIVE_BARS = "over all nets, and over pairs of one level. Watch for bars that change sides."
WHO = "Kendall's τ of each measure with the gap: above 0, more of it goes with a larger gap; "


def alike(a: Tensor, b: Tensor) -> Tensor:
    """1 where two lists (n,) order a pair alike, −1 where not, 0 for a tie. (n, n)"""
    return (a.unsqueeze(1) - a).sign() * (b.unsqueeze(1) - b).sign()


def kendall(a: Tensor, b: Tensor) -> Tensor:
    """Whether two lists (n,) order things alike: τ-a, from −1 to 1. A tie counts 0. ()

    >>> kendall(torch.tensor([1, 2, 3, 4]), torch.tensor([0.1, 0.3, 0.2, 0.4]))
    tensor(0.6667)
    """
    return alike(a, b).sum() / (len(a) * (len(a) - 1))


def within(a: Tensor, b: Tensor, level: Tensor) -> Tensor:
    """Mean of τ over the levels, (n,) each, with only nets of one level compared. ()"""
    groups = [level == one for one in level.unique()]
    return torch.tensor([kendall(a[group], b[group]) for group in groups]).mean()


@measure("reading", classes=True)
def reading(fleet: Fleet, task: Task) -> Tensor:
    """Length, distance, paths and 1/margin of the weights, and the gap. (runs, 5)"""
    train, test = (accuracy(fleet.predict(x), y) for x, y in ((task.x, task.y), (task.x_test, task.y_test)))
    found = norms(fleet, task)[:, [*CHEAP.values()]]
    return torch.cat([found, (train - test).to(found).unsqueeze(1)], dim=1)


def levels(runs: int) -> Tensor:
    """The level of noise of each run in the panel, 0 the least. (runs,)"""
    return torch.arange(runs) // len(LIVE) % LEVELS


def visible(snapshot: Snapshot, name: str) -> Any:
    """What a measure gave, NaN in all of a run that cannot be shown. (runs, …)"""
    values = finite(snapshot.values[name])
    usable = alive(snapshot) & np.isfinite(values).all(1)
    return np.where(usable[:, None], values, np.nan)


@measure("order", classes=True)
def order(fleet: Fleet, task: Task) -> Tensor:
    """The same as `reading`, for another picture. (runs, 5)"""
    return reading(fleet, task)


@plot("reading")
def length_and_gap(history: Sequence[Snapshot]) -> Scatter | None:
    """Length and gap of every net, coloured by its level of noise."""
    if not (values := visible(history[-1], "reading")).size:  # (runs, 5)
        return None
    names = ("fewest wrong labels", "between", "most wrong labels")
    about: Any = {"labels": levels(len(values)), "names": names, "caption": CLOUDS}
    x, y = Axis("length of the weights", low=20, high=3000, log=True), Axis("gap", low=0, high=0.5)
    return Scatter("reading", "Length and gap", x, y, values[:, [0, -1]], **about)


@plot("order")
def order_bars(history: Sequence[Snapshot]) -> Bars | None:
    """τ of four readings with the gap, over all nets and within a level."""
    if not (values := torch.as_tensor(visible(history[-1], "order"))).numel():  # (runs, 5)
        return None
    level, usable = levels(len(values)), values.isfinite().all(1)
    *each, gap = values[usable].T  # (nets,) each
    found: Any = [float(kendall(one, gap)) for one in each]
    found += [float(within(one, gap, level[usable])) for one in each]
    about: Any = {"sides": ("all nets", "one level"), "caption": WHO + LIVE_BARS}
    return Bars("order", "Who orders the nets?", TAU, [*CHEAP] * 2, found, **about)


def score(nets: DataFrame, name: str, kind: str) -> float:
    """τ of a reading with the gap over "all nets", within "one level" of noise, or with "clean labels" alone;
    "one setting": granulated, the mean over axes."""
    if kind == "one setting":
        return granulated_kendall(nets, name, AXES)["mean"]
    kept: Any = nets[nets.noise == 0] if kind == "clean labels" else nets
    values, gap, level = torch.tensor(kept[[name, "gap", "noise"]].to_numpy()).T  # (n,) each
    return float(within(values, gap, level) if kind == "one level" else kendall(values, gap))


def taus(table: DataFrame, kind: str, names: Sequence[str] = tuple(READINGS)) -> Tensor:
    """`score` of readings on the nets of each seed. (names, seeds)"""
    return torch.tensor([[score(own, name, kind) for _, own in table.groupby("seed")] for name in names])
