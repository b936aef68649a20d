"""Does instability help? Units cut while nets learn wrong labels, what they know by heart, and exercises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task, check_pair, one_of
from sbkit.core.registries import measure, plot
from sbkit.course.exercise import exercise, normal
from sbkit.data import digits, stack
from sbkit.measures import accuracy
from sbkit.models import prune
from sbkit.plots import Axis, Bars, Lines, Scatter
from sbkit.plots.bands import finite, step_line, told

FIRST, LAST, SHARE = 300, 700, 0.6  # steps of the first and last cut; which share of units is gone then
HURTS = "It hurts", "instability", "Share of its accuracy that a net loses at a cut; dots = nets. Compare."
LURED = "Something to forget?", "accuracy gained", "What large cuts gain, over labels redrawn; dots = nets."
SHAKEN = "instability", "Gain over instability; point = net, colour = way to cut. Do the points climb?"
HELD = "wrong labels learned by heart", "Gain over wrong labels known in the end; point = net. See the line."
HEART = "Redrawn labels that a net answers as it was told; one in ten was right all along. "


def noisy(n: int, noise: float, seed: int = 0, runs: int = 10) -> Task:
    """For each net n digits of its own, x (runs, n, 64), a share `noise` of them with a label drawn anew."""
    return stack([digits(n, flip=noise, seed=seed + r) for r in range(runs)])


def units_left(fleet: Fleet, share: float, target: str) -> list[Tensor]:
    """Masks with a share of the last hidden layer's units gone, what comes into them and what leaves them.

    target: "small", "random" or "large", by the sum of |w| into a unit. A unit that's gone stays gone.
    """
    scores = [w.detach().abs() for w in fleet.weights()]
    into = scores[-2]  # (runs, units, in)
    if target == "large":
        scores[-2] = into.where(into.sum(2, keepdim=True) > 0, torch.inf)
    by = "random" if target == "random" else scores
    *rest, mask, last = prune(fleet, share, "layer", by, dim=0, largest=target == "large")
    alive = mask[:, :, 0].unsqueeze(1)  # (runs, 1, units)
    return [*map(torch.ones_like, rest), mask, alive.expand_as(last)]


def cuts(
    fleet: Fleet, task: Task, target: str, events: int, drops: list[Tensor] | None = None
) -> Callable[[int], list[Tensor]]:
    """For `sb.fit(mask=)`: step → masks, with more units gone after each of several events.

    target: as for `units_left`, or "none". drops: is told how much of the test accuracy is lost at each, as
    a share of what it was before, (runs,).
    """
    grid, made = 25 if events <= 10 else 1, {}  # a cut comes just before a look at every 25th step
    steps = [grid * round(t / grid) - 1 for t in np.linspace(FIRST, LAST, events)]

    def at(step: int) -> list[Tensor]:
        none = one_of("target", target, ["none", "small", "random", "large"]) == "none"
        share = 0 if none else SHARE * sum(step >= s for s in steps) / events
        if share not in made:
            made[share] = units_left(fleet, share, target)
            if drops is not None and share:
                before = accuracy(fleet.predict(task.x_test), task.y_test)
                with torch.no_grad():
                    for weight, mask in zip(fleet.weights(), made[share], strict=True):
                        weight.mul_(mask)
                drops.append((before - accuracy(fleet.predict(task.x_test), task.y_test)) / before)
        return made[share]

    return at


@measure("by_heart", classes=True)
def by_heart(fleet: Fleet, task: Task) -> Tensor:
    """The share of redrawn labels that a net answers as it was told; 0 where the task has none. (runs,)"""
    check_pair("by_heart", fleet, task)
    logits = fleet.predict(task.x)  # (runs, n, outputs)
    marked = torch.zeros_like(task.y, dtype=torch.bool) if task.corrupted is None else task.corrupted
    share = (logits.argmax(-1) == task.y)[:, marked].sum(1).to(logits) / marked.sum().clamp_min(1)
    return share.where(logits.isfinite().all(-1).all(-1), torch.nan)


@plot("by_heart")
def by_heart_lines(history: Sequence[Snapshot]) -> Lines:
    """That share over steps."""
    line = step_line("learned by heart", history, lambda s: s.values["by_heart"])
    axes = Axis("step", low=0), Axis("share of wrong labels", low=0, high=1)
    caption = HEART + told(history[-1])["over"] + "."
    return Lines("by_heart", "Learned by heart", *axes, [line], caption, grows=True)


def over_steps(runs: Mapping[str, Sequence[Snapshot]]) -> Lines:
    """Test accuracy over steps, a line a way to train."""
    lines = [step_line(name, history, lambda s: s.test_accuracy) for name, history in runs.items()]
    caption = "Accuracy on new digits while nets train; line = mean, band = min–max. Compare where lines end."
    axes = Axis("step", low=0), Axis("accuracy", low=0.7, high=1)
    return Lines("over_steps", "Better and worse", *axes, lines, caption)


def bars(found: Mapping[str, Tensor], title: str, axis: str, caption: str) -> Bars:
    """One number a net of several fleets, (runs,) each, as bars with a dot a net: HURTS, LURED."""
    values = finite(torch.stack([*found.values()]))  # (fleets, runs)
    return Bars("bars", title, Axis(axis), [*found], values.mean(1), values, caption)


def against(gains: Mapping[str, Tensor], x: Mapping[str, Tensor], axis: Any, caption: str) -> Scatter:
    """What nets gain in accuracy over another number of theirs, (runs,) each a way to train: SHAKEN, HELD."""
    points = torch.cat([torch.stack([x[name], gains[name]], 1) for name in x])  # (ways · runs, 2)
    labels = [at for at, name in enumerate(x) for _ in x[name]]
    about: Any = {"y": "accuracy gained", "labels": labels, "names": [*x], "caption": caption}
    return Scatter("against", "What goes with the gain?", axis, points=finite(points), **about)


def together(gains: Mapping[str, Tensor], x: Mapping[str, Tensor]) -> Tensor:
    """How closely a net's gain goes with another number of its own over ways to train, −1 to 1. (runs,)"""
    a, b = (torch.stack([each[name] for name in x]) for each in (gains, x))  # (ways, runs)
    return torch.cosine_similarity(a - a.mean(0), b - b.mean(0), dim=0)


# A function (before, after) of accuracies (events, nets) → each net's mean instability.
unstable = exercise(
    "before and after",
    tries=[(normal(4, 5).sigmoid(), normal(4, 5, seed=1).sigmoid() / 2)],
    want=lambda before, after: ((before - after) / before).mean(0),
    wrong={
        "That's points of accuracy. Divide by what there was before.": lambda b, a: (b - a).mean(0),
        "You divide by what is left. Divide by what there was before.": lambda b, a: ((b - a) / a).mean(0),
        "That's one number an event. Take the mean over events.": lambda b, a: ((b - a) / b).mean(1),
        "That's the stability: 1 − this is what's asked for.": lambda b, a: (a / b).mean(0),
    },
    right="0 means that the net didn't notice.",
    rest="A share at each event, then the mean over events: one number a net.",
)

_NONE = 87 + 2 * normal(5, 1) + normal(5, 4, seed=3) / 2  # in percent
_CUT = _NONE + 4 + normal(5, 1, seed=1) + normal(5, 4, seed=2) / 2


def _error(each: Tensor) -> Tensor:
    return each.std() / each.numel() ** 0.5


# A function of two tables of accuracies, (data sets, nets) each → standard error of the gain over data sets.
paired = exercise(
    "none and cut",
    tries=[(_NONE, _CUT)],
    want=lambda none, cut: _error((cut - none).mean(1)),
    wrong={
        "That's the friend's: twenty nets aren't twenty data sets.": lambda none, cut: _error(cut - none),
        "That's how much data sets differ; divide by √5.": lambda none, cut: (cut - none).mean(1).std(),
        "Take the differences first, then their spread.": lambda n, c: _error(n.mean(1)).hypot(
            _error(c.mean(1))
        ),
    },
    right="Paired, and counted by data sets: that's an error bar to trust.",
    rest="Differences first, then the mean over each data set's nets: five numbers. Their std / √5.",
)
