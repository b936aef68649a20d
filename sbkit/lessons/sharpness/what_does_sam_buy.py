"""What does SAM buy? Which labels are learned, and exercises on SAM's step, its price and its judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task, check_pair, measure, plot
from sbkit.course.exercise import exercise, normal
from sbkit.plots import Axis, Bars
from sbkit.plots.bands import middle, shown, told

LEARNED = "Share of training images for which a network gives the label that it was told, {mean}{dots}."


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
    shares = shown(history[-1], history[-1].values["learned"])  # (runs, 2)
    names, axis = ["labels kept", "labels redrawn"], Axis("share learned", low=0, high=1.02)
    about = names, middle(shares)[0], shares.T, LEARNED.format(**told(history[-1]))
    return Bars("learned", "Which labels are learned", axis, *about)


Slope = Callable[[Tensor], Tensor]
BENDS = torch.tensor([3.0, 1.0], dtype=torch.float64)


def _walk(climb: float = 1.0, start: float = 0.0, power: int = 1) -> Callable[..., Tensor]:
    """SAM's step, or one that climbs otherwise, starts from above, or leaves the slope's length as it is."""

    def step(w: Tensor, slope: Slope, rho: float, lr: float) -> Tensor:
        up = rho * slope(w) / slope(w).norm() ** power
        return w + start * up - lr * slope(w + climb * up)

    return step


# A function (w, slope, rho, lr) → the weights after a step of SAM. Foret et al. 2021, equation 2, p = 2.
sam_step = exercise(
    "w, slope, rho and lr",
    tries=[(normal(2, seed=seed), lambda w: BENDS * w, 0.2, 0.1) for seed in (0, 1)],
    want=_walk(),
    keeps=True,
    wrong={
        "That is plain gradient descent: take the slope at the place above, not here.": _walk(climb=0),
        "The slope is right, but walk from where you stood: from w, not from above.": _walk(start=1),
        "SAM climbs rho, however steep it is: divide the slope by its length.": _walk(power=0),
        "You looked downhill. SAM looks up: where is the loss worse?": _walk(climb=-1),
    },
    right="Two slopes a step: one to find the worse place, one to leave it.",
    rest="Climb by rho along the slope's direction, take the slope there, walk lr times that from w.",
)

# On test labels of which a fifth is redrawn among ten: accuracies of a perfect net and of one right on 85 %,
# and points that are seen of a gain of ten.
judge = exercise(
    want=[0.82, 0.70, 8],
    wrong={
        "Don't forget chance: one redrawn label in ten is the right digit after all.": [0.80, 0.68, 8],
        "The accuracies are right. A gain on the redrawn fifth can't be seen.": [0.82, 0.70, 10],
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
        "As many steps, and SAM has had twice the gradients.": lambda sgd, sam: sam - sgd[:, :5],
        "One column off: SAM's first has had 100 gradients.": lambda sgd, sam: sam - sgd[:, ::2],
        "SAM after t steps meets SGD after 2t, at every t.": lambda sgd, sam: sam - sgd[:, 5:],
    },
    right="Column by column both have paid the same: SAM after t steps, SGD after 2t.",
    rest="SAM after 50 steps has had as many gradients as SGD after 100: take every other column of SGD.",
)
