"""What does SAM buy? Which labels are learned, and exercises on SAM's step, its price and its judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task, check_pair, measure, plot
from sbkit.course.exercise import exercise, normal
from sbkit.measures import accuracy
from sbkit.plots import Axis, Bars
from sbkit.plots.bands import middle, shown


@measure("learned", classes=True)
def learned(fleet: Fleet, task: Task) -> Tensor:
    """Share of training rows that get the label given: of those as they were, and redrawn. (runs, 1 or 2)

    One column where no row is marked as redrawn. A redrawn label may be the right one by chance. NaN for a
    run that diverged.

    >>> from sbkit.data import digits
    >>> from sbkit.models import mlp
    >>> task = digits(50, flip=0.5)
    >>> learned(mlp(task, width=4, runs=3), task).shape
    torch.Size([3, 2])
    """
    check_pair("learned", fleet, task)
    marked = torch.zeros(len(task.y), dtype=torch.bool) if task.corrupted is None else task.corrupted
    logits, groups = fleet.predict(task.x), [rows for rows in (~marked, marked) if rows.any()]
    shares = torch.stack([accuracy(logits[:, rows], task.y[rows]) for rows in groups], dim=1)
    return shares + 0 * logits.sum((1, 2)).unsqueeze(1)  # NaN of what is not finite


@plot("learned")
def learned_bars(history: Sequence[Snapshot]) -> Bars:
    """Share of the given labels that the nets give back: of those kept, and of those redrawn."""
    shares = shown(history[-1], history[-1].values["learned"])  # (runs, 1 or 2)
    names, y = ["labels kept", "labels redrawn"][: shares.shape[1]], Axis("share learned", low=0, high=1.02)
    caption = "Share of training images for which a network gives the label that it was told; dots: networks."
    return Bars("learned", "Which labels are learned", y, names, middle(shares)[0], shares.T, caption)


def _walk(climb: float = 1.0, start: float = 0.0, power: int = 1) -> Callable[..., Tensor]:
    """SAM's step, or one that climbs otherwise, starts from above, or leaves the slope's length as it is."""

    def step(w: Tensor, slope: Callable[[Tensor], Tensor], rho: float, lr: float) -> Tensor:
        up = rho * slope(w) / slope(w).norm() ** power
        return w + start * up - lr * slope(w + climb * up)

    return step


# A function (w, slope, rho, lr) → the weights after a step of SAM. Foret et al. 2021, equation 2, p = 2.
sam_step = exercise(
    "w, slope, rho and lr",
    tries=[(normal(2, seed=seed), lambda w: w * w.new_tensor([3, 1]), 0.2, 0.1) for seed in (0, 1)],
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
    wrong={"Don't forget chance: one redrawn label in ten is the right digit.": [0.80, 0.68, 8]},
    right="The spoiled judge keeps the order of nets, but hides a fifth of the gain and sets a lid on all.",
    rest="Four fifths judge as they should. Of the redrawn labels one in ten agrees, whatever the net says.",
)

# A function (sgd, sam) of accuracies after 50, 100, … steps, (runs, 2k) and (runs, k) → SAM's lead after as
# many gradients. (runs, k)
lead = exercise(
    "sgd and sam",
    tries=[(normal(3, 10), normal(3, 5, seed=1))],
    want=lambda sgd, sam: sam - sgd[:, 1::2],
    wrong={"As many steps, and SAM has had twice the gradients.": lambda sgd, sam: sam - sgd[:, :5]},
    right="Column by column both have paid the same: SAM after t steps, SGD after 2t.",
    rest="SAM after 50 steps has had as many gradients as SGD after 100: take every other column of SGD.",
)
