"""Can a learning rate tune itself? A rule that doubles and halves it, its pictures, and three exercises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from sbkit.core import Fleet, Snapshot, Task, plot
from sbkit.course.exercise import exercise, normal
from sbkit.data import digits
from sbkit.measures import sharpness
from sbkit.models import mlp
from sbkit.plots import Axis, Bars, Line, Lines, Scatter
from sbkit.plots.bands import finite
from sbkit.training import Run, fit

STARTS = (1e-5, 1e-3, 0.1, 10.0, 1e4, 1e6)  # a rate a run
EPOCH = 25  # steps of 40 images
SPREAD = 1e-6  # of a unit's answers, below which it says the same to all images
RATES = "Learning rate over steps, a line a start, log scale. Watch where the lines meet."
LOSSES = "Training loss over steps, a line a start, log scale. See who begins to learn last."
EDGE = (
    "Rate times half the sharpness, a line a start; each step takes all images. See the lines come to 1 from "
    "above and below, and hop around it."
)
AWAKE = (
    "Each point is one of these nets: share of its hidden units that tell images apart, and of new digits "
    "right. See how many units a net can spare."
)


def losses(fleet: Fleet, task: Task) -> Tensor:
    """The cross-entropy of each run on all training rows. (runs,)

    >>> task = digits(100)
    >>> losses(mlp(task, runs=3), task).shape
    torch.Size([3])
    """
    logits = fleet.predict(task.x)  # (runs, n, C)
    return cross_entropy(logits.mT, task.y.expand(len(logits), -1), reduction="none").mean(1)


def awake(fleet: Fleet, task: Task) -> Tensor:
    """Share of hidden units that don't say the same to all training rows. (runs,)

    >>> task = digits(100)
    >>> awake(mlp(task, width=4, activation="tanh", runs=3), task)
    tensor([1., 1., 1.])
    """
    spread = torch.cat([h.std(1) for h in fleet.features(task.x)], dim=1)  # (runs, units)
    return (spread > SPREAD).float().mean(1)


def named(rate: float) -> str:
    """A rate without powers of ten.

    >>> named(1e-5), named(10.0), named(1e6)
    ('0.00001', '10', '1,000,000')
    """
    return f"{rate:,.5f}".rstrip("0").rstrip(".")


class Driver:
    """The rule as `after_step` of a run: after every epoch it judges, keeps or undoes, and turns the rates.

    settings: the run's own, put here once there is one. rates, best, good: a learning rate, the least loss,
    and the good epochs in a row, of each run (runs,).
    """

    settings: Any = None

    def __init__(self, fleet: Fleet, task: Task, lr: Sequence[float], first: float | None, **about: Any):
        self.task, self.about = task, about
        self.rates = torch.tensor(lr, dtype=torch.float64)
        start = losses(fleet, task)
        self.best = start if first is None else torch.full_like(start, first)
        self.good = torch.zeros(fleet.runs)
        self.kept = [weight.detach().clone() for weight in fleet.parameters()]

    def __call__(self, fleet: Fleet, step: int) -> None:
        if step % EPOCH:
            return
        loss = losses(fleet, self.task)
        better = loss < self.best  # a loss that is not a number is not better
        self.best, self.good = loss.where(better, self.best), (self.good + 1).where(better, 0)
        for kept, weight in zip(self.kept, fleet.parameters(), strict=True):
            rows = better.view(-1, *[1] * (weight.ndim - 1))
            kept.copy_(weight.where(rows, kept))
            if self.about["undo"]:
                weight.data.copy_(kept)
        up = torch.where(self.good % self.about["patience"] == 0, self.about["grow"], 1.0)  # (runs,)
        self.rates = (self.rates * up.where(better, self.about["shrink"])).clamp(1e-12, 1e6)
        self.settings["lr"] = tuple(self.rates.tolist())


def tuned(
    fleet: Fleet,
    task: Task,
    grow: float = 2.0,
    shrink: float = 0.5,
    undo: bool = True,
    patience: int = 2,
    first: float | None = None,
    lr: Sequence[float] = STARTS,
    more: Sequence[Any] = (),
    **options: Any,
) -> Run:
    """A run whose nets begin at these rates, lr (runs,), and tune them after every epoch.

    grow, after every `patience` good epochs in a row; shrink, after a bad one, which `undo` takes back. Both
    1 and undo=False: the rates stay. first: the loss to beat at the start, None for that of the new net.
    more: measures beside rates and losses.
    """
    driver = Driver(fleet, task, lr, first, grow=grow, shrink=shrink, undo=undo, patience=patience)

    def rate(fleet: Fleet, task: Task) -> Tensor:
        return driver.rates

    usual = {"batch": 40, "steps": 2000, "every": 100, "measure": [rate, losses, *more]}
    run = fit(fleet, task, lr=list(lr), stop=None, after_step=driver, **usual | options)
    driver.settings = run.settings
    return run


def _by_start(history: Sequence[Snapshot], name: str) -> list[Line]:
    """A line a run of values (runs,) over steps, called by where its rate began."""
    steps: Any = [seen.step for seen in history]
    table = finite(torch.stack([seen.values[name] for seen in history], 1))  # (runs, steps)
    lost = np.array([[not loss.isfinite() for loss in seen.loss] for seen in history]).T
    table = np.where(lost, np.nan, table)
    starts = [STARTS[r % len(STARTS)] for r in range(len(table))]
    return [
        Line(f"from {named(s)}", steps, row, dash=s == STARTS[-1])
        for s, row in zip(starts, table, strict=True)
    ]


@plot("rate")
def rate_lines(history: Sequence[Snapshot]) -> Lines:
    """The learning rate of every run over steps."""
    axes = Axis("step", low=0), Axis("learning rate", log=True, low=1e-5, high=1e6)
    return Lines("rate", "Learning rates", *axes, _by_start(history, "rate"), RATES, grows=True)


@plot("losses")
def loss_lines(history: Sequence[Snapshot]) -> Lines:
    """The training loss of every run over steps."""
    axes = Axis("step", low=0), Axis("training loss", log=True)
    return Lines("losses", "Losses", *axes, _by_start(history, "losses"), LOSSES, grows=True)


def by_rate(right: Tensor, lr: Sequence[float], title: str, caption: str) -> Bars:
    """Shares of right answers, a bar a rate, (rates,) or (rates, nets) with a dot a net."""
    names, y = [named(start) for start in lr], Axis("new digits right", low=0, high=1)
    dots = right.numpy() if right.ndim > 1 else None
    return Bars("by_rate", title, y, names, right.view(len(lr), -1).mean(1).numpy(), dots, caption=caption)


def awake_points(units: Tensor, right: Tensor) -> Scatter:
    """Shares of units awake and of right answers, any shape: a point a net."""
    points = torch.stack([units.flatten(), right.flatten()], dim=1).numpy()  # (nets, 2)
    axes = Axis("hidden units awake", low=0, high=1.02), Axis("new digits right", low=0, high=1)
    return Scatter("awake", "Who is awake?", *axes, points, caption=AWAKE)


def edges(seed: int = 0, lr: Sequence[float] = (1e-3, 0.1, 1e4, 1e6)) -> tuple[list[int], Tensor]:
    """Rate times sharpness over two, of nets that see all of 200 digits at every step.

    Steps (points) and values (points, starts); 1 is the limit of "Where does sharpness stop?".
    """
    task = digits(200, seed=seed)
    fleet = mlp(task, width=20, activation="tanh", runs=len(lr), seed=seed)
    run = tuned(fleet, task, lr=lr, optimizer="gd", batch=None, steps=1000, every=50, more=[sharpness])
    history = list(run)
    found = [seen.values["sharpness"] * seen.values["rate"] / 2 for seen in history]
    return [seen.step for seen in history], torch.stack(found)


def edge_lines(steps: list[int], values: Tensor, lr: Sequence[float] = (1e-3, 0.1, 1e4, 1e6)) -> Lines:
    """The values of `edges`, a line a start, and the limit."""
    x: Any = steps
    lines = [Line(f"from {named(s)}", x, row) for s, row in zip(lr, finite(values.T), strict=True)]
    limit = Line("the limit", x, np.ones(len(steps)), dash=True)
    axes = Axis("step", low=0), Axis("rate × sharpness ÷ 2", low=0.01, high=100, log=True)
    return Lines("edge", "What stops the rate?", *axes, [*lines, limit], EDGE)


# Epochs from a million down to 1 by halving, from 0.00001 up to 1, and from a million down by tenths.
epochs = exercise(
    want=[20, 34, 6],
    expects="Three numbers are expected, of epochs",
    wrong={"A doubling takes two good epochs.": [20, 17, 6]},
    right="A million costs 20 epochs, a hundred-thousandth 34: the careful start is the dear one.",
    rest="Count factors: 2 to the 20 is just over a million, 2 to the 17 just over 100,000.",
)


def _factor(bad: Callable[[Tensor, Tensor], Tensor], since: int = 1, every: int = 2) -> Callable[..., Tensor]:
    """The rule with another test for bad epochs, another count, or another patience."""

    def rule(loss: Tensor, best: Tensor, good: Tensor) -> Tensor:
        up = torch.where((good + since) % every == 0, 2.0, 1.0)
        return up.masked_fill(bad(loss, best), 0.5)

    return rule


def _worse(loss: Tensor, best: Tensor) -> Tensor:
    return ~(loss < best)


LOSS = normal(8, seed=1).exp().index_fill(0, torch.tensor([2]), torch.nan)
BEST = normal(8, seed=2).exp().index_copy(0, torch.tensor([5]), LOSS[5:6])  # one is equal

# A function (loss, best, good), a number a net each, (nets,) → the factor for each net's rate, (nets,).
factor = exercise(
    "loss, best and good",
    tries=[(LOSS, BEST, torch.arange(8) % 3), (LOSS.nan_to_num(1), BEST * 3, torch.arange(8) // 2)],
    want=_factor(_worse),
    wrong={
        "The net that lost its loss passes as good: nan > best is false. Ask if it's better.": _factor(
            lambda loss, best: loss > best
        ),
        "An equal loss isn't better. Only what is lower is good.": _factor(
            lambda loss, best: (loss > best) | loss.isnan()
        ),
        "This epoch counts, too: the second good one in a row doubles.": _factor(_worse, since=0),
        "Double at every second good epoch only.": _factor(_worse, every=1),
    },
    right="Good has to be proved: whatever isn't below the best, nan too, is a bad epoch.",
    rest="Lower than the best: 2 if good + 1 is even, else 1. All others: 0.5.",
)

# A function (fleet, task) → the loss that the first epoch has to beat, a number a net. (nets,)
first_best = exercise(
    "fleet and task",
    tries=lambda: [(mlp(task := digits(200), width=8, runs=3), task)],
    want=losses,
    expects="Three numbers are expected, one a net",
    wrong={
        "Nothing is below 0: every epoch would be undone.": lambda fleet, task: torch.zeros(3),
        "That's who guesses. A net may be born worse.": lambda fleet, task: torch.full((3,), 10.0).log(),
        "Each net has its own.": lambda fleet, task: losses(fleet, task).mean().expand(3),
    },
    right="A first epoch that makes things worse is now undone like any other.",
    rest="What loss does each net have before its first step?",
)
