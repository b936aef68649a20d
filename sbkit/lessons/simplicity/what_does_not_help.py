"""What does not help: how networks err together, votes of errors shuffled apart, and exercises on both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sbkit.core import Task, generator
from sbkit.core.names import one_of
from sbkit.course.exercise import exercise
from sbkit.data import lms, slabs
from sbkit.plots import Axis, Bars, Field

BALLOT = "Dark: a mistake. Rows: ten networks, and their vote at the bottom. Read by columns."


def ten_features(features: str, seed: int = 0) -> Task:
    """Ten features that tell the class: "ten alike", five slabs each, or "one simplest", a line beside slabs.

    The line says nothing on half of the points, and the nine features of seven slabs are never wrong.
    Raises `SbkitError` on another word.

    >>> list(ten_features("one simplest").features)[:2]
    ['linear', 'slab7_1']
    """
    alike = one_of("kind of features", features, ("ten alike", "one simplest")) == "ten alike"
    rows = {"n": 4000, "n_test": 2000, "seed": seed}
    return slabs([5] * 10, **rows) if alike else lms(7, 10, 0.5, **rows)


def together(wrong: Tensor) -> Tensor:
    """How alike networks err: the mean correlation of a run's errors with those of the others. (runs,)

    wrong (runs, n): 1 where a run errs. 0 = on points of its own; 1 = on the same points as all. A run that
    never errs, or always, counts as one that errs on its own.

    >>> together(torch.tensor([[1.0, 0, 0, 1], [1, 0, 0, 1]]))
    tensor([1., 1.])
    """
    each = torch.corrcoef(wrong).nan_to_num()  # (runs, runs)
    return (each.sum(1) - each.diagonal()) / (len(wrong) - 1)


def right(logits: Tensor, task: Task) -> Tensor:
    """Share of test points that get their own class. (…, n, classes) → (…)"""
    return (logits.argmax(-1) == task.y_test).float().mean(-1)


def votes(logits: Tensor, task: Task) -> Tensor:
    """What votes of 1 to 13 networks get right, each run beginning one. (runs, n, classes) → (13, runs)

    A vote is the class of the larger sum of logits. Votes that begin at neighbours share networks.

    >>> votes(torch.zeros(5, 2000, 2), ten_features("ten alike")).shape
    torch.Size([13, 5])
    """
    return right(torch.stack([logits.roll(-i, 0) for i in range(13)]).cumsum(0), task)


def lead(logits: Tensor, task: Task) -> Tensor:
    """By how many logits the point's own class is ahead; below 0 the network errs. (…, n, 2) → (…, n)"""
    return (logits[..., 1] - logits[..., 0]) * (2 * task.y_test - 1)


def apart(leads: Tensor, seed: int = 0) -> Tensor:
    """Share of points a vote gets right after every run's leads are shuffled among points. One number

    leads (runs, n), as `lead` gives them. Each run keeps its leads, and with them how often it errs and how
    sure it is; only *where* it errs is new, in an order of its own.

    >>> apart(torch.ones(3, 5))
    tensor(1.)
    """
    orders = (torch.randperm(leads.shape[1], generator=generator(seed + i)) for i in range(len(leads)))
    shuffled = torch.stack([row[order] for row, order in zip(leads, orders, strict=True)])  # (runs, n)
    return (shuffled.mean(0) > 0).float().mean()


def control(logits: Tensor, task: Task) -> Tensor:
    """Shares right: of one network, a vote of ten, and that vote with errors apart. (runs, n, 2) → (3, 1)"""
    shares = right(logits, task).mean(), right(logits[:10].mean(0), task), apart(lead(logits, task)[:10])
    return torch.stack(shares).unsqueeze(1)


def ballot(logits: Tensor, task: Task, title: str) -> Field:
    """Who of ten networks errs on which of the first 40 test points, the vote below them. (runs, n, 2)"""
    leads = lead(logits[:10], task)[:, :40]
    gap = torch.full((1, 40), math.nan)
    wrong: Any = torch.cat([(leads.mean(0, keepdim=True) < 0).float(), gap, (leads < 0).float()])  # (12, 40)
    x, y = Axis("test point", low=0.5, high=40.5), Axis("network (lowest row: the vote)", low=-1.5, high=10.5)
    return Field("ballot", title, x, y, wrong, caption=BALLOT, scale=Axis("mistake", low=0, high=1))


def bars(name: str, title: str, names: Sequence[str], sides: Mapping[str, Tensor], caption: str) -> Bars:
    """Shares right, a bar each of `names`, for every side (names, runs); a dot a run."""
    dots: Any = torch.cat(list(sides.values()))  # (bars, runs)
    y = Axis("share right", low=0, high=1)
    return Bars(name, title, y, list(names) * len(sides), dots.mean(1), dots, caption, sides=list(sides))


MIXED = torch.rand(6, 400, generator=generator(1)) < torch.linspace(0.1, 0.6, 6).unsqueeze(1)  # (runs, n)


def _pairs(square: Tensor) -> Tensor:
    """Mean of what does not stand on the diagonal. (runs, runs) → one number"""
    return square[~torch.eye(len(square), dtype=torch.bool)].mean()


# A function of errors (runs, n), 0 or 1 → their mean correlation over pairs of runs, one number.
err_together = exercise(
    "wrong",
    tries=[(MIXED.double(),)],
    want=lambda wrong: together(wrong).mean(),
    wrong={
        "That is the friend's share again: it falls as networks get better, whatever else they do.": (
            lambda wrong: _pairs(wrong @ wrong.mT / wrong.shape[1])
        ),
        "A network's correlation with itself is in your mean: leave the diagonal out.": (
            lambda wrong: torch.corrcoef(wrong).mean()
        ),
    },
    right="Errors of their own give 0 however rare they are, and equal ones give 1.",
    rest="torch.corrcoef gives the correlation of any two rows: take its mean without the diagonal.",
)

LEADS = 1 - 4 * (torch.arange(20_000) < 5000).expand(9, -1).float()  # −3 on a quarter, (runs, n)

# A function of leads (runs, n) → share right of their vote once each run's errors are shuffled apart.
errors_apart = exercise(
    "lead",
    tries=[(LEADS,)],
    want=apart,
    atol=0.02,
    wrong={
        "Still they err on the same points: every row needs an order of its own.": (
            lambda lead: (lead.mean(0) > 0).double().mean()
        ),
        "That counts heads. Here a vote is the sign of the mean lead.": lambda lead: apart(lead.sign()),
    },
    right="Every network is as often right as before. Only where it errs has changed.",
    rest="Nine networks that err on the same quarter reach {0:.2f} with yours; apart they reach 0.60.",
)
