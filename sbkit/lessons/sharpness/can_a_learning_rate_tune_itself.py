"""Can a learning rate tune itself? A rule that doubles and halves it, its pictures, and three exercises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from sbkit.core import Fleet, Snapshot, Task, plot
from sbkit.course.exercise import exercise, normal
from sbkit.data import digits
from sbkit.models import mlp
from sbkit.plots import Axis, Bars, Line, Lines
from sbkit.plots.bands import finite
from sbkit.training import Run, fit

STARTS = (1e-5, 1e-3, 0.1, 10.0, 1e4, 1e6)  # a rate a run
EPOCH = 25  # steps of 40 images
RATES = "Learning rate over steps, a line a start, log scale. Watch where the lines meet."
LOSSES = "Training loss over steps, a line a start, log scale. See who begins to learn last."
EDGE = "Rate times half the sharpness; each step takes all images. See the lines come to 1 and hop around it."


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
    return (spread > 1e-6).float().mean(1)


def tuned(
    fleet: Fleet, task: Task, lr: Sequence[float] = STARTS, first: float | None = None, **options: Any
) -> Run:
    """A run whose nets begin at these rates, lr (runs,), and tune them after every epoch.

    first: the loss to beat at the start, None for that of the new net. options: grow (2), after every second
    good epoch in a row; shrink (0.5), after a bad one, which undo (True) takes back; more, measures beside
    rates and losses; others as in `fit`. grow=1, shrink=1, undo=False: the rates stay.
    """
    grow, shrink, undo = (
        options.pop(k, usual) for k, usual in (("grow", 2), ("shrink", 0.5), ("undo", True))
    )
    rates, good = torch.tensor(lr, dtype=torch.float64), torch.zeros(fleet.runs)
    best = losses(fleet, task) if first is None else torch.full_like(good, first)
    kept = [weight.detach().clone() for weight in fleet.parameters()]

    def rate(fleet: Fleet, task: Task) -> Tensor:
        return rates

    def after_step(fleet: Fleet, step: int) -> None:
        nonlocal rates, good, best
        if step % EPOCH == 0:
            loss = losses(fleet, task)
            better = loss < best  # a loss that is not a number is not better
            best, good = loss.where(better, best), (good + 1).where(better, 0)
            for old, weight in zip(kept, fleet.parameters(), strict=True):
                old.copy_(weight.where(better.view(-1, *[1] * (weight.ndim - 1)), old))
                weight.data.copy_(old if undo else weight)
            up = torch.where(good % 2 == 0, grow, 1)  # (runs,)
            rates = (rates * up.where(better, shrink)).clamp(1e-12, 1e6)
            run.settings["lr"] = tuple(rates.tolist())

    usual = {"batch": 40, "steps": 2000, "every": 100, "measure": [rate, losses, *options.pop("more", ())]}
    run = fit(fleet, task, lr=list(lr), stop=None, after_step=after_step, **usual | options)
    return run


def named(rate: float) -> str:
    """A rate without powers of ten.

    >>> named(1e-5), named(10.0), named(1e6)
    ('0.00001', '10', '1,000,000')
    """
    return f"{rate:,.5f}".rstrip("0").rstrip(".")


def _by_start(history: Sequence[Snapshot], name: str, **words: Any) -> Lines | None:
    """A line a run of values (runs,) over steps, called by where its rate began; None of other runs."""
    if name not in history[-1].values:
        return None
    lost = np.array([~seen.loss.isfinite().numpy() for seen in history])  # (steps, runs)
    table = finite(torch.stack([seen.values[name].clamp_min(1e-12) for seen in history]))  # (steps, runs)
    rows = np.where(lost, np.nan, table).T
    steps, each = np.array([seen.step for seen in history]), zip(STARTS, rows, strict=False)
    lines = [Line(f"from {named(start)}", steps, row, dash=start == STARTS[-1]) for start, row in each]
    return Lines(name, x=Axis("step", low=0), lines=lines, grows=True, **words)


@plot("rate")
def rate_lines(history: Sequence[Snapshot]) -> Lines | None:
    """The learning rate of every run over steps."""
    y = Axis("learning rate", log=True, low=1e-5, high=1e6)
    return _by_start(history, "rate", title="Learning rates", y=y, caption=RATES)


@plot("losses")
def loss_lines(history: Sequence[Snapshot]) -> Lines | None:
    """The training loss of every run over steps."""
    y = Axis("training loss", log=True)
    return _by_start(history, "losses", title="Losses", y=y, caption=LOSSES)


def by_rate(right: Tensor, lr: Sequence[float], title: str, caption: str) -> Bars:
    """Shares of right answers, a bar a rate, (rates,) or (rates, nets) with a dot a net."""
    y, means = Axis("new digits right", low=0, high=1), right.reshape(len(lr), -1).mean(1)
    dots = right.numpy() if right.ndim > 1 else None
    return Bars("by_rate", title, y, [*map(named, lr)], means.numpy(), dots, caption)


def edge_lines(shares: Mapping[int, Tensor], lr: Sequence[float]) -> Lines:
    """Rate times sharpness over two, by step: a line a start, lr (runs,), and the limit of lesson 2."""
    steps, rows = np.array(list(shares)), finite(torch.stack(list(shares.values()), 1))  # rows (runs, steps)
    lines = [Line(f"from {named(start)}", steps, row) for start, row in zip(lr, rows, strict=True)]
    limit = Line("the limit", steps, np.ones_like(rows[0]), dash=True)
    axes = Axis("step", low=0), Axis("rate × sharpness ÷ 2", low=0.01, high=100, log=True)
    return Lines("edge", "What stops the rate?", *axes, [*lines, limit], EDGE)


# Epochs from a million down to 1 by halving, from 0.00001 up to 1, and from a million down by tenths.
epochs = exercise(
    want=[20, 34, 6],
    wrong={"A doubling takes two good epochs.": [20, 17, 6]},
    right="A million costs 20 epochs, a hundred-thousandth 34: the careful start is the dear one.",
    rest="Count factors: 2 to the 20 is just over a million, 2 to the 17 just over 100,000.",
)


def _factor(better: Any = torch.lt, since: int = 1, every: int = 2) -> Any:
    """The rule with another test for good epochs, another count, or another patience."""
    ups = torch.where(torch.arange(9) % every == 0, 2.0, 1.0)  # after so many good epochs in a row
    return lambda loss, best, good: torch.where(better(loss, best), ups[good + since], 0.5)


def _not_worse(loss: Tensor, best: Tensor) -> Tensor:
    return ~(loss > best)


LOSS = normal(8, seed=1).exp().index_fill(0, torch.tensor([2]), torch.nan)
BEST = normal(8, seed=2).exp().index_copy(0, torch.tensor([5]), LOSS[5:6])  # one is equal

# A function (loss, best, good), a number a net each, (nets,) → the factor for each net's rate, (nets,).
factor = exercise(
    "loss, best and good",
    tries=[(LOSS, BEST, torch.arange(8) % 3), (LOSS, BEST * 3, torch.arange(8) // 2)],
    want=_factor(),
    wrong={
        "nan > best is false, so the lost net passes as good. Ask if it's better.": _factor(_not_worse),
        "An equal loss isn't better. Only what is lower is good.": _factor(torch.le),
        "This epoch counts, too: the second good one in a row doubles.": _factor(since=0),
        "Double at every second good epoch only.": _factor(every=1),
    },
    right="Good has to be proved: whatever isn't below the best, nan too, is a bad epoch.",
    rest="Lower than the best: 2 if good + 1 is even, else 1. All others: 0.5.",
)

# A function (fleet, task) → the loss that the first epoch has to beat, a number a net. (nets,)
first_best = exercise(
    "fleet and task",
    tries=lambda: [(mlp(task := digits(200), width=8, runs=3), task)],
    want=losses,
    wrong={
        "Nothing is below 0: every epoch would be undone.": lambda fleet, task: torch.zeros(3),
        "That's who guesses. A net may be born worse.": lambda fleet, task: torch.full((3,), 10.0).log(),
        "Each net has its own.": lambda fleet, task: losses(fleet, task).mean().expand(3),
    },
    right="A first epoch that makes things worse is now undone like any other.",
    rest="What loss does each net have before its first step?",
)
