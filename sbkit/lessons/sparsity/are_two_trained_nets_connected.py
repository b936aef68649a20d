"""Are two trained nets connected? Pairs of nets, what lies between them, masks in rounds, two exercises."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task, one_of
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.measures import barrier, path
from sbkit.models import mlp
from sbkit.plots import Axis, Lines, Scatter
from sbkit.plots.bands import alive, band_line, finite

SHARES = [i / 10 for i in range(11)]  # of the second net in a mixture
WAY = "Error of mixtures on new digits; line = mean, band = min–max over pairs. See how high it rises."
CORNERS = "Accuracy over barrier; a point is a pair. “Accurate when connected” fills two corners only."


def doubled(values: Tensor) -> Tensor:
    """The first half of the runs (runs, …), and the same once more in place of the second."""
    half = values[: len(values) // 2]
    return torch.cat([half, half])


def couples(task: Task, born: str = "apart", pairs: int = 6, seed: int = 0) -> Fleet:
    """Twice as many nets as pairs, net r and net r + pairs a pair; born "alike", both have one birth.

    >>> from sbkit.data import digits
    >>> w = couples(digits(20), "alike", pairs=2).weights()[0]
    >>> w.shape, bool((w[0] == w[2]).all())
    (torch.Size([4, 100, 64]), True)
    """
    fleet = mlp(task, runs=2 * pairs, seed=seed)
    if one_of("birth", born, ["apart", "alike"]) == "alike":
        fleet.load_state_dict({name: doubled(values) for name, values in fleet.state_dict().items()})
    return fleet


def side_by_side(shared: int) -> Callable[..., tuple[Tensor, Tensor]]:
    """A transform of `sb.fit`: before step `shared` both nets of a pair see the same images."""

    def same(fleet: Fleet, x: Tensor, y: Tensor, step: int) -> tuple[Tensor, Tensor]:
        return (doubled(x), doubled(y)) if step < shared else (x, y)

    return same


def halfway(fleet: Fleet) -> Fleet:
    """A copy of the fleet in which each net is the mean of itself and its partner."""
    middle = copy.deepcopy(fleet)
    state = fleet.state_dict()
    middle.load_state_dict({name: (w + w.roll(fleet.runs // 2, 0)) / 2 for name, w in state.items()})
    return middle


def between(fleet: Fleet, task: Task) -> Tensor:
    """Error on new rows of mixtures of each net and its partner, shares 0, 0.1, …, 1 of it. (runs, 11)"""
    there = path(fleet, halfway(fleet), task, points=6)  # (6, runs)
    back = there.roll(fleet.runs // 2, 1).flip(0)[1:]  # its partner's way to the middle, walked back
    return torch.cat([there, back]).T


def disagreement(fleet: Fleet, task: Task) -> Tensor:
    """Share of new rows to which a net and its partner give different answers. (runs,)"""
    logits = fleet.predict(task.x_test)  # (runs, n, C)
    said = logits.argmax(-1)
    differ = (said != said.roll(fleet.runs // 2, 0)).float().mean(1)
    return differ + 0 * logits.sum((1, 2))  # NaN of a run that diverged


@plot("between")
def way(history: Sequence[Snapshot]) -> Lines | None:
    """The errors between partners now, a band over pairs."""
    return ways({"all pairs": history[-1]}) if "between" in history[-1].values else None


def ways(ends: Mapping[str, Snapshot]) -> Lines:
    """The errors between partners at the ends of several runs, a line with a band a name."""
    lines = []
    for name, end in ends.items():
        errors = np.where(alive(end)[:, None], finite(end.values["between"]), np.nan)  # (runs, 11)
        lines.append(band_line(name, SHARES, _pairs(errors)))
    x, y = Axis("share of the partner", low=0, high=1), Axis("error", low=0, high=1)
    return Lines("between", "From one net to its partner", x, y, lines, WAY)


def barriers(end: Snapshot) -> Tensor:
    """The barrier of each pair at the end of a run. (pairs,)"""
    return barrier(_pairs(end.values["between"]).T)


def corners(ends: Mapping[str, Sequence[Snapshot]]) -> Scatter:
    """Accuracy over barrier of the pairs at the ends of several runs, a class a name."""
    each = [(label, end) for label, several in enumerate(ends.values()) for end in several]
    points = [torch.stack([barriers(end), _pairs(end.test_accuracy)], 1) for _, end in each]  # (pairs, 2)
    labels = [label for (label, _), pairs in zip(each, points, strict=True) for _ in pairs]
    about: Any = {"labels": labels, "names": tuple(ends), "caption": CORNERS}
    axes = Axis("barrier", low=0), Axis("accuracy", low=0, high=1)
    return Scatter("corners", "Accurate and connected?", *axes, finite(torch.cat(points)), **about)


def _pairs(values: Any) -> Any:
    """Values of the first net of each pair; the second's path is the same, walked back."""
    return values[: (len(values) + 1) // 2]


# A function of the errors along a path (11,) → the barrier, Frankle et al. 2020.
height = exercise(
    "errors",
    tries=[(normal(11, seed=seed).abs().sort()[0].roll(3),) for seed in (1, 2)],
    want=barrier,
    wrong={
        "That is the highest error. How high do the ends lie already?": lambda e: e.max(),
        "The lowest point needn't be an end: a way can dip, too.": lambda e: e.max() - e.min(),
        "The way may be highest elsewhere than halfway.": lambda e: e[5] - (e[0] + e[-1]) / 2,
        "Two ends, and both count: take their mean.": (
            lambda e: e.max() - e[0],
            lambda e: e.max() - e[-1],
            lambda e: e.max() - torch.maximum(e[0], e[-1]),
        ),
        "Only the ends' mean goes off, not the mean of the whole way.": lambda e: e.max() - e.mean(),
    },
    right="What the mixtures cost, over what the nets cost anyway.",
    rest="From the highest error take the mean of the first and the last.",
)

_BIRTHS = [(normal(12, 3, 2, seed=1),), (normal(12, 4, seed=2),)]


def _fit(*found: Tensor) -> bool:
    """Whether rows 6 to 11 are rows 0 to 5, and these are six different rows of what was given."""
    drawn = [
        (f[:6, None] == w).flatten(2).all(2).any(0).sum() for f, (w,) in zip(found, _BIRTHS, strict=True)
    ]
    return all(int(n) == 6 for n in drawn) and all(torch.equal(f[:6], f[6:]) for f in found)


# A function of weights (12, …) → weights of pairs r and r + 6 that begin alike.
born_alike = exercise(
    "w",
    tries=_BIRTHS,
    want=doubled,
    wrong={
        "Now all twelve are one net: six pairs would tell no more than one.": lambda w: w[:1].expand_as(w),
        "The partner of net 0 is net 6, not its neighbour.": lambda w: w[:6].repeat_interleave(2, 0),
        "The pairs are the same, but partners still begin apart.": lambda w: w.roll(6, 0),
        "All twelve must be there: the six, and the same six again.": lambda w: w[:6],
        "These are means of both. Take one of them, as it was drawn.": lambda w: (w + w.roll(6, 0)) / 2,
    },
    must={"Rows 6 to 11 are to be the same six, drawn weights, as rows 0 to 5.": (_fit, lambda w: w)},
    many=True,
    right="Partners differ in one thing now: the order in which they see the images.",
    keeps=True,
)
