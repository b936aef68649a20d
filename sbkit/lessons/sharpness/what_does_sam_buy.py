"""What does SAM buy? What it learns of wrong labels, two valleys, and SAM's step, its price and its judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.ndimage import maximum_filter1d
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task, check_pair, measure, plot
from sbkit.course.exercise import exercise, normal
from sbkit.data import digits
from sbkit.plots import Axis, Bars, Images, Line, Lines
from sbkit.plots.bands import middle, shown, told
from sbkit.plots.tables import bands

if TYPE_CHECKING:
    import pandas as pd

GROUPS = ["labels kept", "labels redrawn"]
LEARNED = "Share of training images for which a network gives the label that it was told, {mean}{dots}."
VALLEYS = (
    "Line: the loss. Dashes: the worst loss within ρ. Upright: where that is least; it moves as ρ grows."
)
RACE = "Right answers on new images, a band over networks, after as many gradients. See who falls, and when."
BY_RHO = "Mean and range of ten networks. Where is the curvature (log₁₀) lowest, where the accuracy highest?"
TOLD = "Training images, each above the label that the networks are given. Some of the labels are wrong."


@measure("learned", classes=True)
def learned(fleet: Fleet, task: Task) -> Tensor:
    """Share of training rows that get the label given: of rows as they were, and of redrawn ones. (runs, 2)

    A redrawn label may be the right one by chance. NaN where there are no such rows.

    >>> from sbkit.data import digits
    >>> from sbkit.models import mlp
    >>> task = digits(50, flip=0.5)
    >>> learned(mlp(task, width=4, runs=3), task).shape
    torch.Size([3, 2])
    """
    check_pair("learned", fleet, task)
    right = (fleet.predict(task.x).argmax(-1) == task.y).float()  # (runs, n)
    redrawn = torch.zeros_like(task.y).bool() if task.corrupted is None else task.corrupted
    return torch.stack([right[:, rows].mean(1) for rows in (~redrawn, redrawn)], dim=1)


@plot("learned")
def learned_bars(history: Sequence[Snapshot]) -> Bars:
    """Share of the given labels that the nets give back: of those kept, and of those redrawn."""
    latest = history[-1]
    shares = shown(latest, latest.values["learned"])  # (runs, 2)
    axis, caption = Axis("share learned", low=0, high=1.02), LEARNED.format(**told(latest))
    return Bars("learned", "Which labels are learned", axis, GROUPS, middle(shares)[0], shares.T, caption)


def mislabelled(noise: float = 0.2) -> Images:
    """The first 24 training digits with the labels that the nets are given."""
    task = digits(400, flip=noise)
    pixels = task.x[:24].view(-1, 8, 8)
    given = [f"“{label}”" for label in task.y[:24].tolist()]
    return Images("digits", "What the networks are told", pixels, labels=given, columns=8, caption=TOLD)


def valleys(rho: float = 0.1) -> Lines:
    """A loss of a deep, narrow valley and a wide one, and the worst loss within rho of every weight."""
    w: Any = np.linspace(-2, 2.5, 451)
    loss: Any = 1 - 0.95 * np.exp(-(((w + 1) / 0.2) ** 2) / 2) - 0.85 * np.exp(-(((w - 1) / 0.6) ** 2) / 2)
    worst: Any = maximum_filter1d(loss, 1 + 2 * round(rho / (w[1] - w[0])), mode="nearest")
    upright: Any = [w[worst.argmin()]] * 2, [0.0, 1.0]
    lines = [Line("loss", w, loss), Line(f"worst within {rho:.2f}", w, worst, dash=True)]
    lines.append(Line("lowest of the worst", *upright))
    x, y = Axis("weight", low=-2, high=2.5), Axis("loss", low=0, high=1)
    return Lines("valleys", "A narrow valley and a wide one", x, y, lines, VALLEYS)


def race(table: pd.DataFrame) -> Lines:
    """Test accuracy of SGD and SAM against the gradients that each has had."""
    lines = bands(table, "gradients", ["SGD", "SAM"], "test accuracy", "At equal cost")
    return replace(lines, caption=RACE)


def by_rho(found: pd.DataFrame, value: str) -> Lines:
    """A column of a sweep against rho, on right labels and with a fifth of them redrawn."""
    wide = found.pivot(index=["net_seed", "rho"], columns="noise", values=value).reset_index()
    wide = wide.rename(columns={"rho": "ρ", 0.0: "right labels", 0.2: "a fifth redrawn"})
    label = value.replace("_", " ")
    lines = bands(wide, "ρ", ["right labels", "a fifth redrawn"], label, f"{label.capitalize()} by ρ")
    return replace(lines, caption=BY_RHO)


Slope = Callable[[Tensor], Tensor]


def _bowl(*curvatures: float) -> Slope:
    """The slope of Σ λᵢ wᵢ² / 2."""
    bends = torch.tensor(curvatures, dtype=torch.float64)
    return lambda w: bends * w


def _climb(w: Tensor, slope: Slope, rho: float) -> Tensor:
    return w + rho * slope(w) / slope(w).norm()


# A function (w, slope, rho, lr) → the weights after a step of SAM. Foret et al. 2021, equation 2, p = 2.
sam_step = exercise(
    "w, slope, rho and lr",
    tries=[(normal(2), _bowl(3, 1), 0.2, 0.1), (normal(3, seed=1), _bowl(2, 1, 0.5), 0.5, 0.05)],
    want=lambda w, slope, rho, lr: w - lr * slope(_climb(w, slope, rho)),
    keeps=True,
    wrong={
        "That is plain gradient descent: take the slope at the place above, not here.": (
            lambda w, slope, rho, lr: w - lr * slope(w)
        ),
        "The slope is right, but the step starts from above. Walk from where you stood: from w.": (
            lambda w, slope, rho, lr: _climb(w, slope, rho) - lr * slope(_climb(w, slope, rho))
        ),
        "You climb further where it is steeper. SAM always climbs rho: divide the slope by its length.": (
            lambda w, slope, rho, lr: w - lr * slope(w + rho * slope(w))
        ),
        "You looked downhill. SAM looks up: where is the loss worse?": (
            lambda w, slope, rho, lr: w - lr * slope(_climb(w, slope, -rho))
        ),
        "Each weight climbs rho by itself. Divide by the one length of the whole slope.": (
            lambda w, slope, rho, lr: w - lr * slope(w + rho * slope(w).sign())
        ),
    },
    right="Two slopes a step: one to find the worse place, one to leave it.",
    rest="Climb by rho along the slope's direction, take the slope there, walk lr times that from w.",
)

# On test labels of which a fifth is redrawn among ten: accuracies of a perfect net and of one right on 85 %,
# and points that are seen of a gain of ten.
judge = exercise(
    want=[0.82, 0.70, 8],
    expects="Three numbers are expected: two accuracies between 0 and 1, and points",
    wrong={
        "Don't forget chance: one redrawn label in ten is the right digit after all.": [0.80, 0.68, 8],
        "The redrawn labels tell nothing, so the net with 85 % loses there, too.": [0.82, 0.85, 8],
        "Two accuracies are right. A gain on the redrawn fifth can't be seen.": [0.82, 0.70, 10],
        "The accuracies are right. Give the gain in points: 8 of 100, not 0.08.": [0.82, 0.70, 0.08],
    },
    right="The spoiled judge keeps the order of nets, but hides a fifth of the gain and sets a lid on all.",
    rest="Four fifths judge as they should. Of the redrawn labels one in ten agrees, whatever the net says.",
)

# A function (sgd, sam) of accuracies after 50, 100, … steps, (runs, 2k) and (runs, k) → SAM's lead after as
# many gradients. (runs, k)
lead = exercise(
    "sgd and sam",
    tries=[(normal(3, 10), normal(3, 5, seed=1))],
    want=lambda sgd, sam: sam - sgd[:, 1::2],
    wrong={
        "That's the broken comparison: as many steps, and SAM has had twice the gradients.": (
            lambda sgd, sam: sam - sgd[:, : sam.shape[1]]
        ),
        "SAM's first column has had 100 gradients. In which column has SGD had 100?": (
            lambda sgd, sam: sam - sgd[:, ::2]
        ),
        "You took the last half of SGD. SAM after t steps meets SGD after 2t.": (
            lambda sgd, sam: sam - sgd[:, sam.shape[1] :]
        ),
    },
    right="Column by column both have paid the same: SAM after t steps, SGD after 2t.",
    rest="SAM after 50 steps has had as many gradients as SGD after 100: take every other column of SGD.",
)
