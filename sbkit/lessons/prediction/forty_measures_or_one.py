"""Forty measures or one? Kendall's τ over all nets and within a level, its pictures, and two exercises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task, generator
from sbkit.core.registries import measure, plot
from sbkit.course.exercise import exercise, normal
from sbkit.lessons.prediction.grid import AXES, READINGS, norms
from sbkit.measures.scores import accuracy
from sbkit.plots import Axis, Bars, Lines, Scatter
from sbkit.plots.bands import alive, band_line, finite
from sbkit.stats import granulated_kendall
from sbkit.training import Run

if TYPE_CHECKING:
    from pandas import DataFrame

LIVE, LEVELS = (0.01, 0.02, 0.05), 3  # learning rates and shares of wrong labels in the panel
CHEAP = {"length": 1, "distance": 2, "paths": 4, "1/margin": 5}  # read while nets train: places in `norms`
NAMED = {"length": "length of the weights"}
CLOUDS = "A point is a net, coloured by its share of wrong labels. Compare the slope of one colour with all."
WHO = "Kendall's τ of each measure with the gap: above 0, more of it goes with a larger gap; "
RISES = "Most steps to the right are steps up."
SLOPES = "Each colour has a slope of its own. Compare it with that of all."
MORE = "Watch for bars that change sides."
LIVE_BARS = "over all nets, and over pairs of one level. Watch for bars that change sides."
ONE_AXIS = (
    "Kendall's τ with the gap among nets that differ in one setting alone; a dot is a seed. See where a "
)
ONE_AXIS += "reading goes the wrong way."
SHAKEN = (
    "Accuracy while noise shakes all weights; line = mean, band = min–max over 10 draws. See at which σ a "
)
SHAKEN += "line has lost 0.1."
TAU = Axis("Kendall's τ with the gap", low=-1, high=1)


def kendall(a: Tensor, b: Tensor) -> Tensor:
    """Whether two lists (n,) order things alike: τ-a, from −1 to 1. A tie counts 0. ()"""
    alike = (a.unsqueeze(1) - a).sign() * (b.unsqueeze(1) - b).sign()  # (n, n)
    return alike.sum() / (len(a) * (len(a) - 1))


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


@measure("order", classes=True)
def order(fleet: Fleet, task: Task) -> Tensor:
    """The same as `reading`, for another picture. (runs, 5)"""
    return reading(fleet, task)


def levels(runs: int) -> Tensor:
    """The level of noise of each run in the panel, 0 the least. (runs,)"""
    return torch.arange(runs) // len(LIVE) % LEVELS


def visible(snapshot: Snapshot, name: str) -> Any:
    """What a measure gave, NaN in all of a run that cannot be shown. (runs, …)"""
    values = finite(snapshot.values[name])
    usable = alive(snapshot) & np.isfinite(values).all(1)
    return np.where(usable[:, None], values, np.nan)


@plot("reading")
def length_and_gap(history: Sequence[Snapshot]) -> Scatter | None:
    """Length and gap of every net, coloured by its level of noise."""
    if not (values := visible(history[-1], "reading")).size:  # (runs, 5)
        return None
    names = ("fewest wrong labels", "between", "most wrong labels")
    about: Any = {"labels": levels(len(values)), "names": names, "caption": CLOUDS}
    x, y = Axis("length of the weights", log=True), Axis("gap", low=0, high=0.5)
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


def scatter(table: DataFrame, name: str = "length", by: str = "") -> Scatter:
    """A reading and the gap of every net of a table, coloured by one of its settings."""
    level, values = np.unique(table[by or "seed"], return_inverse=True)
    more: Any = {"labels": values, "names": [f"{by} {one:g}" for one in level]} if by else {}
    about: Any = more | {"caption": f"Gap over {name}; a point is a net. {SLOPES if by else RISES}"}
    x, y = Axis(NAMED.get(name, name), log=True), Axis("gap", low=0)
    points: Any = table[[name, "gap"]].to_numpy()
    return Scatter("nets", f"{name.capitalize()} and gap", x, y, points, **about)


def board(table: DataFrame, *kinds: str) -> Bars:
    """Scores of all readings, of each kind that `score` knows; a dot is a seed."""
    found: Any = torch.cat([taus(table, kind) for kind in kinds])  # (kinds · names, seeds)
    about: Any = {"sides": kinds, "caption": WHO + "a dot is a seed. " + MORE}
    return Bars("board", "Who orders the nets?", TAU, READINGS * len(kinds), found.mean(1), found, **about)


def axis_by_axis(table: DataFrame, *names: str) -> Bars:
    """Granulated τ of readings where one setting alone changes; a dot is a seed."""
    seeds = [own for _, own in table.groupby("seed")]
    each = [[granulated_kendall(own, name, AXES) for own in seeds] for name in names]
    found: Any = np.array([[psi[axis] for psi in one] for one in each for axis in AXES])  # (bars, seeds)
    about: Any = {"sides": names, "caption": ONE_AXIS}
    return Bars("axes", "One setting changes", TAU, AXES * len(names), found.mean(1), found, **about)


def shaken(run: Run, **nets: int) -> Lines:
    """Training accuracy of some nets of a run, by name, while noise of more and more σ shakes them."""
    sigma, lines = torch.linspace(0, 0.2, 17), []
    for name, r in nets.items():
        fleet, task = run.fleet.only(r), run.task.parts[r]  # pyright: ignore
        draws = torch.randn(10, fleet.vector().shape[1], generator=generator(r))  # (draws, P)
        moved = fleet.vector().detach() + sigma.view(-1, 1, 1) * draws  # (σ, draws, P)
        right = [accuracy(fleet.logits_at(one, task.x), task.y) for one in moved.view(-1, 1, moved.shape[2])]
        lines.append(
            band_line(name.replace("_", " "), sigma, torch.cat(right).view(len(sigma), -1).T.numpy())
        )
    x, y = Axis("σ of the noise on every weight", low=0), Axis("training accuracy", low=0, high=1.02)
    return Lines("shaken", "Shake the weights", x, y, lines, SHAKEN)


# A function of a reading and the gap, (n,) each → Kendall's τ-a.
rank_order = exercise(
    "reading and gap",
    tries=[(normal(7), normal(7, seed=1)), (normal(9, seed=2).round(), normal(9, seed=3))],
    want=kendall,
    wrong={
        "That is the share of pairs in the same order. Take away the share in opposite order.": (
            lambda a, b: kendall(a, b) / 2 + 0.5,
            lambda a, b: _alike(a, b).gt(0).sum() / (len(a) * (len(a) - 1)),
        ),
        "A net is no pair with itself: divide by n(n − 1).": lambda a, b: _alike(a, b).double().mean(),
        "That adds up. Divide by the number of pairs.": lambda a, b: _alike(a, b).sum(),
        "That is Pearson's correlation: of each difference only the sign counts here.": (
            lambda a, b: torch.corrcoef(torch.stack([a, b]))[0, 1]
        ),
    },
    right="Only the order counts: no stretching of either axis can change it.",
    rest="For every pair multiply the signs of both differences, then take the mean over pairs.",
)

LEVEL = torch.tensor([0, 0, 0, 0, 1, 1, 1, 2, 2])
NINE = normal(9), normal(9, seed=1)


def _alike(a: Tensor, b: Tensor) -> Tensor:
    return (a.unsqueeze(1) - a).sign() * (b.unsqueeze(1) - b).sign()


def _means(a: Tensor, level: Tensor) -> Tensor:
    return torch.stack([a[level == one].mean() for one in level.unique()])


# A function of a reading, the gap and the level of noise, (n,) each → mean over levels of τ within them.
one_level = exercise(
    "reading, gap and level",
    tries=[(NINE[0] + 3 * LEVEL, NINE[1] + 3 * LEVEL, LEVEL), (*NINE, LEVEL)],
    want=within,
    wrong={
        "That is the friend's τ, of all nets.": lambda a, b, level: kendall(a, b),
        "That compares levels with each other. Compare the nets within each.": (
            lambda a, b, level: kendall(_means(a, level), _means(b, level))
        ),
        "That adds up. Take the mean over levels.": lambda a, b, level: 3 * within(a, b, level),
        "Each level counts alike, however many pairs it has.": (
            lambda a, b, level: _alike(a, b)[(level.unsqueeze(1) == level)].sum() / (12 + 6 + 2)
        ),
    },
    right="Nets that differ in their noise are never compared: it can't speak through the reading.",
    rest="For each value in level.unique() take the nets that have it, then their τ; then the mean.",
)
