"""Which feature will it use: its pictures, how margins lie, and exercises on pieces, shuffles, controls."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task, check_pair
from sbkit.core.registries import measure, plot
from sbkit.course.exercise import exercise
from sbkit.data import slabs as slabs_of
from sbkit.lessons.voters import ACCURACIES, right_on, shuffled_apart, voters
from sbkit.measures import margins
from sbkit.plots import Axis, Field, Line, Lines
from sbkit.plots.bands import band_line, shown, told

REACH, PLACES = 10.0, 81  # a curve of margins runs from −REACH to REACH, over so many places
MARGIN = 0.1  # half a gap between slabs
SIDES = np.array([-0.5, 0.5, 0.5])  # of a slab, then a break
FLAT = np.array([0, 0, np.nan], np.float32)
POINTS = "Each mark is a point, its colour and shape the class. Cover one axis: the other still tells it."
ZIGZAG = "Bars: slabs of each class. Line: a score. Check its sign: below 0 says class 0, above 0 class 1."


@measure("margin", classes=True, glance_every=4)
def margin(fleet: Fleet, task: Task) -> Tensor:
    """Share of test rows with a margin below each of 81 places, −10 … 10. (runs, 1 or 3, 81)

    First as the rows are, then, where a task has kinds, with all simplest features (S) shuffled, then
    all others (Sᶜ). At margin 0 it is the share of errors. NaN for a run that diverged.

    >>> from sbkit.models import mlp
    >>> task = slabs_of(n=10, n_test=100)
    >>> margin(mlp(task), task).shape
    torch.Size([8, 3, 81])
    """
    check_pair("margin", fleet, task)
    places, curves = torch.linspace(-REACH, REACH, PLACES), []
    for names in ([], *task.kinds.values()):
        found = margins(fleet, task, names).sort(dim=1).values.contiguous()  # (runs, n)
        below = torch.searchsorted(found, places.to(found).repeat(fleet.runs, 1)) / found.shape[1]
        curves.append(torch.where(found.isfinite().all(1, keepdim=True), below, math.nan))
    return torch.stack(curves, dim=1)


@plot("margin")
def margin_curves(history: Sequence[Snapshot]) -> Lines:
    """Share of rows below each margin: as they are, and with the features of a kind shuffled."""
    latest = history[-1]
    curves = shown(latest, latest.values["margin"])  # (runs, kinds, places)
    names, places = ["as is", "S shuffled", "Sᶜ shuffled"], torch.linspace(-REACH, REACH, curves.shape[2])
    lines = [band_line(names[i], places, curves[:, i], dash=i == 2) for i in range(curves.shape[1])]
    x, y = Axis("margin (logits)", low=-REACH, high=REACH), Axis("share of rows below", low=0, high=1.02)
    caption = "Lead of the right class, {rows} test rows; below 0: errors. {over}.".format(**told(latest))
    return Lines("margin", "How sure of the right class", x, y, lines, caption)


def margin_shift(fleet: Fleet, task: Task, features: str | Iterable[str], seed: int = 0) -> Tensor:
    """How much shuffling the named features moves the margins: Kolmogorov–Smirnov distance. (runs,)

    Largest difference between the shares of rows below a margin, with and without the shuffle. 0 = the
    features say nothing to the nets, not even how sure to be (Shah et al. 2020, section 3, compare the
    two histograms); ½ = every other row changes sides. Range 0 … 1, NaN for a run that diverged. Raises
    `SbkitError` as `margins`.

    >>> from sbkit.data import slabs as slabs_of
    >>> from sbkit.models import mlp
    >>> task = slabs_of(n=10, n_test=100)
    >>> margin_shift(mlp(task, runs=3), task, []).tolist()
    [0.0, 0.0, 0.0]
    """
    check_pair("margin_shift", fleet, task)
    from scipy.stats import ks_2samp

    pairs = zip(margins(fleet, task), margins(fleet, task, features, seed), strict=True)  # (n,) each
    found = [ks_2samp(a, b, method="asymp")[0] if (a + b).isfinite().all() else math.nan for a, b in pairs]
    return torch.tensor(found, dtype=torch.float64)


def two_features(slabs: int = 5) -> Field:
    """Test points of a linear feature, from left to right, and of one of slabs, from bottom to top."""
    task = slabs_of([1, slabs], n=1, n_test=600)
    x, y = (Axis(name, low=-1, high=1) for name in task.features)
    points: Any = {"points": task.z_test, "labels": task.y_test}
    return Field("points", "One class, two features", x, y, np.full((2, 2), 0.5), **points, caption=POINTS)


def zigzag(slabs: int = 5) -> Lines:
    """A score of as few linear pieces as can be that tells the classes of slabs apart by its sign.

    It turns in the middle of every slab but the outer two, and so crosses 0 in the middle of every gap.
    """
    place, width = np.arange(slabs) - slabs // 2, 2 * (1 - (slabs - 1) * MARGIN) / slabs  # from the centre
    step, sign = width + 2 * MARGIN, np.where(place % 2, 1, -1)  # between middles; of the class, (slabs,)
    end = sign[1] * (1 - 2 * (1 + step * place[1]) / step)  # where the outer pieces leave [−1, 1]
    edges: Any = [
        step * place[place % 2 == c][:, None] + width * SIDES for c in (0, 1)
    ]  # (slabs of a class, 3)
    bars = [Line(f"class {c}", at.ravel(), np.tile(FLAT, len(at))) for c, at in enumerate(edges)]
    knots: Any = [-1, *step * place[1:-1], 1], [end, *sign[1:-1], end]
    score = Line("score", *knots)
    x, y = Axis("slab feature", low=-1, high=1), Axis("score", low=-2, high=2)
    return Lines("zigzag", f"A score for {slabs} slabs", x, y, [*bars, score], ZIGZAG)


# Least number of linear pieces of a score that tells linear, 3-, 5- and 7-slab data apart by its sign.
pieces = exercise(
    want=[1, 2, 4, 6],
    expects="Four numbers are expected, for linear, 3, 5 and 7 slabs",
    right="One piece a gap: a threshold has one gap, and k slabs have k − 1.",
    wrong={"Those are the slabs. A piece crosses 0 in a gap: count the gaps between them.": [2, 3, 5, 7]},
    must={"A straight line is one piece.": (lambda found: found[0] == 1, [0, 2, 4, 6])},
    rest="In the picture one piece crosses 0 in every gap: count the gaps.",
)

# The blocks of a task that differs from one linear and nine slab features in the linear feature alone.
control = exercise(
    want=[5] * 10,
    expects="Ten numbers are expected, one a feature",
    right="Nothing differs but the linear feature: still ten features, and now all have five slabs.",
    wrong={
        "That is the experiment itself: the linear feature is still there.": [1] + [5] * 9,
        "Nine features in place of ten: two things differ now. Put slabs where the linear feature was.": [5]
        * 9,
        "No slabs are left: what could these networks show about slabs?": [1] * 10,
        "The experiment had five slabs: two things differ now.": (
            [3] * 10,
            [7] * 10,
            [3] + [5] * 9,
            [7] + [5] * 9,
        ),
    },
    rest="Take the linear feature away, and leave all else as it was.",
)


def _one_vote() -> list[tuple[Fleet, Task, str]]:
    """Nets that use the linear feature and nothing else, with either feature to shuffle."""
    task = slabs_of(blocks=(1, 5), n=64, n_test=4000)
    return [(voters(task, [1.0, 0.0]), task, name) for name in task.features]


def _shuffled(fleet: Fleet, task: Task, name: str) -> Tensor:
    return right_on(fleet, task, shuffled_apart(task, name))


# A function (fleet, task, name) → test accuracy of each run with that feature shuffled. (runs,)
shuffle = exercise(
    "fleet, task and name",
    tries=_one_vote,
    want=_shuffled,
    **ACCURACIES,
    atol=0.05,
    must={
        "The nets use the linear feature alone: without its link they should be right on half the rows, got "
        "{0:.2f} for 'linear'. Permute the rows of its columns of z, then embed again.": (
            lambda linear, slab: abs(linear - 0.5) <= 0.05,
            lambda fleet, task, name: right_on(fleet, task, task.z_test),
        ),
        "The nets do not look at the slab: shuffling it should cost nothing, got {1:.2f} for 'slab5'. Move "
        "that feature's columns only, and leave the labels.": (
            lambda linear, slab: slab > 0.999,
            lambda fleet, task, name: _shuffled(fleet, task, "linear"),
        ),
    },
    right="Half right without the linear feature, all right without the slab: one link at a time.",
    rest="Permute the rows of that feature's columns of z, and embed again.",
)
