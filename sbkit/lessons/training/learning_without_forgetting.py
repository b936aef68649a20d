"""Can a net learn without forgetting? Three tasks in a row, their pictures, and two exercises."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task, generator
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.data import digits
from sbkit.measures import accuracy
from sbkit.plots import Axis, Bars, Images, Lines
from sbkit.plots.bands import band_line, finite, middle, step_line, told

NAMES = ("A", "B", "C")
SAME = "The same digits in three tasks: a row a task. B and C shuffle the pixels, each in one way of its own."
RECALLED = "Accuracy on new images of each task; {}. Watch what a new task does to the old ones. "
PIXELS = "Importance of the weights at each pixel, root of the sum; white = most. See which pixels are free."
ENDS = "Accuracy on each task after all three; bar = mean, dots = nets. Look for three high bars."
STRENGTH = "Mean accuracy on all tasks at the end; band = min–max over nets. Compare the two tops."
ACCURACY = Axis("accuracy", low=0, high=1)


def three(seed: int = 0, n: int = 1000) -> list[Task]:
    """Digits as they are, and twice with their pixels shuffled, all images in the same way."""
    task = digits(n, seed=seed)
    orders = [torch.arange(64), *(torch.randperm(64, generator=generator(seed, k)) for k in (1, 2))]
    return [dataclasses.replace(task, z=task.z[:, o], z_test=task.z_test[:, o]) for o in orders]


def watch(tasks: Sequence[Task]) -> Callable[[Fleet, Task], Tensor]:
    """A measure of `sb.fit`: accuracy on new images of every task, whichever is learned."""

    def recalled(fleet: Fleet, task: Task) -> Tensor:
        each = [accuracy(fleet.predict(one.x_test), one.y_test) for one in tasks]
        return torch.stack(each, 1)  # (runs, tasks)

    return recalled


def alike(importance: Sequence[Tensor]) -> list[Tensor]:
    """The same importance in all, shared equally by the weights of each run. (runs, …) each

    >>> alike([torch.tensor([[1.0, 2.0]]), torch.tensor([[6.0]])])
    [tensor([[3., 3.]]), tensor([[3.]])]
    """
    mean = torch.cat([part.flatten(1) for part in importance], 1).mean(1)  # (runs,)
    return [mean.view(-1, *[1] * (part.ndim - 1)).expand_as(part) for part in importance]


@plot("recalled")
def recalled_lines(history: Sequence[Snapshot]) -> Lines | None:
    """Accuracy on every task over the steps of all of them."""
    values = history[-1].values.get("recalled", torch.empty(0))
    if not values.numel():
        return None
    each = {f"task {name}": lambda s, k=k: s.values["recalled"][:, k] for k, name in enumerate(NAMES)}
    lines = [step_line(name, history, of) for name, of in each.items()]
    about: Any = {"caption": RECALLED.format(told(history[-1])["over"]), "grows": True}
    return Lines("recalled", "What is still known?", Axis("step", low=0), ACCURACY, lines, **about)


def same(tasks: Sequence[Task], count: int = 5) -> Images:
    """The first digits as each task shows them, a row a task."""
    pixels = torch.cat([task.x[:count].view(-1, 8, 8) for task in tasks])
    labels = [f"{name}: {int(y)}" for name, task in zip(NAMES, tasks, strict=True) for y in task.y[:count]]
    return Images("same", "Three tasks", finite(pixels), labels=labels, columns=count, caption=SAME)


def at_pixels(importances: Mapping[str, Sequence[Tensor]]) -> Images:
    """How important the first layer's weights are at each pixel, mean over nets; an image a task."""
    maps = [found[0].sum(1).mean(0).sqrt().view(8, 8) for found in importances.values()]
    about: Any = {"labels": [*importances], "columns": 3, "caption": PIXELS}
    return Images("pixels", "What matters?", finite(torch.stack(maps)), **about)


def ends(found: Mapping[str, Snapshot]) -> Bars:
    """Accuracy on each task at the end of several ways, with a dot a net."""
    values = finite(torch.cat([end.values["recalled"].T for end in found.values()]))  # (ways · tasks, runs)
    about: Any = {"sides": tuple(found), "dots": values, "caption": ENDS}
    return Bars("ends", "Who knows all three?", ACCURACY, [*NAMES] * len(found), middle(values.T)[0], **about)


def over_strength(strengths: Sequence[float], found: Mapping[str, Sequence[Snapshot]]) -> Lines:
    """Mean accuracy on all tasks at the end over the strength, a line a way."""
    lines = []
    for name, ends in found.items():
        values = torch.stack([end.values["recalled"].mean(1) for end in ends], 1)  # (runs, strengths)
        lines.append(band_line(name, strengths, finite(values)))
    axes = Axis("strength", log=True), Axis("accuracy")
    return Lines("strength", "How strong a band?", *axes, lines, STRENGTH)


# A function of the gradients of each row's log chance (n, weights) → the importance of every weight.
important = exercise(
    "gradients",
    tries=[(normal(50, 7, seed=1),), (normal(20, 4, seed=2) + 1,)],
    want=lambda g: g.square().mean(0),
    wrong={
        "Square first, then average: pulls to both sides must not cancel.": lambda g: g.mean(0).square(),
        "That's the sum over rows: take the mean.": lambda g: g.square().sum(0),
        "Average over the rows, so that a number a weight is left.": lambda g: g.square().mean(1),
    },
    right="That's what `sb.measures.fisher` gives, for every weight of every net.",
    rest="A number a weight: the mean over rows of the squared gradient.",
)


# A function of accuracies (strengths, seeds) on seeds to tune and on seeds to judge → a fair mean.
tuned = exercise(
    "tuning and judging",
    tries=[(normal(6, 5, seed=s) / 9 + 0.7, normal(6, 5, seed=s + 50) / 9 + 0.7) for s in range(6)],
    want=lambda tuning, judging: judging[tuning.mean(1).argmax()].mean(),
    wrong={
        "The seeds that judge mustn't choose.": lambda tuning, judging: judging.mean(1).max(),
        "Those are the numbers that you tuned on.": lambda tuning, judging: tuning.mean(1).max(),
        "That averages over all strengths: choose one.": lambda tuning, judging: judging.mean(),
    },
    right="Tune each way for itself, on seeds that don't judge: that's a fair race.",
    rest="Choose the row that is best on average in tuning, and average that row of judging.",
)
