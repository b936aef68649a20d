"""Does instability help? Units cut while nets learn wrong labels, what they know by heart, and exercises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task, check_pair
from sbkit.core.registries import measure, plot
from sbkit.course.exercise import exercise, normal
from sbkit.data import digits, stack
from sbkit.measures import accuracy
from sbkit.models import prune
from sbkit.plots import Axis, Bars, Lines, Scatter
from sbkit.plots.bands import band_line, finite, step_line, told

FIRST, LAST, SHARE = 300, 700, 0.6  # steps of the first and last cut; which share of units is gone then
SHAKEN = "Gain over instability; a point = a way to cut, its events, mean of nets. See whether points climb."
HELD = (
    "Gain over wrong labels known in the end; a point = a way to train, mean of nets. See the line they make."
)
HEART = "Redrawn labels that a net answers as it was told; one in ten was right all along. "


def noisy(n: int, noise: float, seed: int = 0, runs: int = 10) -> Task:
    """For each net n digits of its own, x (runs, n, 64), a share `noise` of them with a label drawn anew."""
    return stack([digits(n, flip=noise, seed=seed + r) for r in range(runs)])


def moments(events: int) -> list[int]:
    """The steps at which something is cut; up to ten of them, each just before a look at every 25th step."""
    grid = 25 if events <= 10 else 1
    return [grid * round(t / grid) - 1 for t in np.linspace(FIRST, LAST, events)]


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
    steps, made = moments(events), {}

    def at(step: int) -> list[Tensor]:
        share = 0 if target == "none" else SHARE * sum(step >= s for s in steps) / events
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
    """The share of redrawn labels that a net answers as it was told; NaN where the task has none. (runs,)"""
    check_pair("by_heart", fleet, task)
    logits = fleet.predict(task.x)  # (runs, n, outputs)
    if task.corrupted is None or not task.corrupted.any():
        return torch.full((fleet.runs,), torch.nan).to(logits)
    told = (logits.argmax(-1) == task.y)[:, task.corrupted].to(logits).mean(1)
    return told.where(logits.isfinite().all(-1).all(-1), torch.nan)


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


def fallen(drops: Mapping[str, Tensor]) -> Bars:
    """How much accuracy an event costs at once, (runs,) a way to cut, as bars with a dot a net."""
    values = finite(torch.stack([*drops.values()]))  # (ways, runs)
    caption = "Accuracy lost at a cut, as a share of what it was; bar = mean, dots = nets. Compare the bars."
    return Bars("fallen", "It hurts", Axis("instability", low=0), [*drops], values.mean(1), values, caption)


def against(gains: Mapping[str, Tensor], x: Mapping[str, Tensor], axis: str, caption: str) -> Scatter:
    """What each way gains in accuracy over what it is laid to, (runs,) each; a point is a mean over nets."""
    points = [[float(x[name].mean()), float(gains[name].mean())] for name in gains]
    about = {"labels": range(len(points)), "names": [*gains], "caption": caption}
    return Scatter("against", "What goes with the gain?", axis, "accuracy gained", points, **about)


def over_noise(noises: Sequence[float], gained: Mapping[float, Tensor]) -> Lines:
    """What cuts gain, (runs,) for each share of redrawn labels."""
    line = band_line("large, 4", noises, finite(torch.stack([gained[noise] for noise in noises], 1)))
    caption = "Accuracy gained by cuts of large units; line = mean, band = min–max over nets. It begins at 0."
    axes = Axis("share of labels redrawn", low=0), Axis("accuracy gained")
    return Lines("over_noise", "Something to forget?", *axes, [line], caption)


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
        "All events together: take the mean, not the sum.": lambda b, a: ((b - a) / b).sum(0),
    },
    right="0 means that the net didn't notice.",
    rest="A share at each event, then the mean over events: one number a net.",
)

_OWN = normal(5, 4) / 50
_TRIES = [(0.87 + _OWN, 0.91 + _OWN + normal(5, 1, seed=1) / 90 + normal(5, 4, seed=2) / 200)]


def _mean_and_error(each: Tensor) -> Tensor:
    return torch.stack([each.mean(), each.std() / len(each) ** 0.5])


# A function of accuracies (data sets, nets) of two ways, nets of one place alike → mean gain, standard error.
paired = exercise(
    "none and cut",
    tries=_TRIES,
    want=lambda none, cut: _mean_and_error((cut - none).mean(1)),
    wrong={
        "That's the friend's: twenty nets aren't twenty data sets.": lambda n, c: _mean_and_error(
            (c - n).flatten()
        ),
        "That's how much data sets differ; divide by the root of how many there are.": lambda n, c: (
            torch.stack([(c - n).mean(), (c - n).mean(1).std()])
        ),
        "Pair first: take the difference before the spread.": lambda n, c: torch.stack(
            [(c - n).mean(), ((n.mean(1).var() + c.mean(1).var()) / len(n)).sqrt()]
        ),
    },
    right="Paired, and counted by data sets: that's an error bar to trust.",
    rest="Difference first, then the mean over each data set's nets: five numbers. Mean, and std / √5.",
    atol=1e-5,
)
