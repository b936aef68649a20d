"""Forty measures or one? Pictures of measures beside the gap, and exercises on τ and on τ within a level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import generator
from sbkit.course.exercise import exercise, normal
from sbkit.lessons.prediction.grid import AXES, READINGS
from sbkit.lessons.prediction.ranking import TAU, WHO, alike, kendall, taus, within
from sbkit.measures.scores import accuracy
from sbkit.plots import Axis, Bars, Lines, Scatter
from sbkit.plots.bands import band_line
from sbkit.stats import granulated_kendall
from sbkit.training import Run

if TYPE_CHECKING:
    from pandas import DataFrame

NAMED = {"length": "length of the weights"}
RISES = "Most steps to the right are steps up."
SLOPES = "Each colour has a slope of its own. Compare it with that of all."
MORE = "Watch for bars that change sides."
ONE_AXIS = "Kendall's τ with the gap where one setting alone changes; a dot is a seed. See who goes wrong."
SHAKEN = "Accuracy over the size of the noise; band = min–max of 10 draws. See where a line has lost 0.1."


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
        lost = torch.cat(right).view(len(sigma), -1).T.numpy()  # (draws, σ)
        lines.append(band_line(name.replace("_", " "), sigma, lost))
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
            lambda a, b: alike(a, b).gt(0).sum() / (len(a) * (len(a) - 1)),
        ),
        "A net is no pair with itself: divide by n(n − 1).": lambda a, b: alike(a, b).double().mean(),
        "That adds up. Divide by the number of pairs.": lambda a, b: alike(a, b).sum(),
        "That is Pearson's correlation: of each difference only the sign counts here.": (
            lambda a, b: torch.corrcoef(torch.stack([a, b]))[0, 1]
        ),
    },
    right="Only the order counts: no stretching of either axis can change it.",
    rest="For every pair multiply the signs of both differences, then take the mean over pairs.",
)

LEVEL = torch.tensor([0, 0, 0, 0, 1, 1, 1, 2, 2])
NINE = normal(9), normal(9, seed=1)


def _means(a: Tensor, level: Tensor) -> Tensor:
    return torch.stack([a[level == one].mean() for one in level.unique()])


# A function of a reading, the gap and the level of noise, (n,) each, and of τ → its mean over levels.
one_level = exercise(
    "reading, gap, level and tau",
    tries=[(NINE[0] + 3 * LEVEL, NINE[1] + 3 * LEVEL, LEVEL, kendall), (*NINE, LEVEL, kendall)],
    want=lambda a, b, level, tau: within(a, b, level),
    wrong={
        "That is the friend's τ, of all nets.": lambda a, b, level, tau: tau(a, b),
        "That compares levels with each other. Compare the nets within each.": (
            lambda a, b, level, tau: tau(_means(a, level), _means(b, level))
        ),
        "That adds up. Take the mean over levels.": lambda a, b, level, tau: 3 * within(a, b, level),
        "Each level counts alike, however many pairs it has.": (
            lambda a, b, level, tau: alike(a, b)[level.unsqueeze(1) == level].sum() / (12 + 6 + 2)
        ),
    },
    right="Nets that differ in their noise are never compared: it can't speak through the reading.",
    rest="For each value in level.unique() take the nets that have it, then their τ; then the mean.",
)
