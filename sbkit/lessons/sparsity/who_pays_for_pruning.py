"""Who pays for pruning? How the errors of each class change, their pictures, and two exercises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.measures import cev, class_rates, sde
from sbkit.plots import Axis, Bars, Lines, Scatter
from sbkit.plots.bands import finite, middle, shown, step_line, told

CLOUD = "Change of both error rates, in percent: a point is one digit in one net. See how wide they spread."
SPREAD = "How uneven (CEV) and one-sided (SDE) the changes are; {}. Low: all digits fare alike."
PAID = "Change of the share missed, a bar a digit; dots: nets. See whether the nets agree on who pays."
COMPARED = "SDE of the changes; bar = mean, dots = nets. See which bars the cut explains."
BESIDE = "{} by the share cut; bar = mean, dots = nets. Compare those who had a teacher with the others."
BOTH = ("CEV", "SDE")
SEEN, MISSED = "change of false alarms", "change of misses"


def rates(fleet: Fleet, task: Task) -> Tensor:
    """False positive and false negative rate of each class on new rows. (runs, 2, classes)"""
    return torch.stack(class_rates(fleet.predict(task.x_test), task.y_test), 1)


def change(before: Tensor, after: Tensor) -> Tensor:
    """From rates before to rates after, in percent of those before; NaN where they were 0.

    >>> change(torch.tensor([0.5, 0.0]), torch.tensor([0.75, 0.1]))
    tensor([50., nan])
    """
    return (100 * (after - before) / before).where(before > 0, torch.nan)


def uneven(changes: Tensor) -> Tensor:
    """CEV and SDE of changes (…, 2, classes). (…, 2)"""
    return torch.stack([measure(changes[..., 0, :], changes[..., 1, :]) for measure in (cev, sde)], -1)


def strangers(fleet: Fleet, task: Task) -> Tensor:
    """From each net to the next, which differs from it by its seed alone. (runs, 2, classes)"""
    found = rates(fleet, task)
    return change(found, found.roll(1, 0))


def since(dense: Fleet, task: Task) -> list[Callable[[Fleet, Task], Tensor]]:
    """Measures of `sb.fit` that compare a fleet with the one it was cut from, on all new rows of the task."""
    before = rates(dense, task)

    def changes(fleet: Fleet, task: Task, of: Task = task) -> Tensor:
        return change(before, rates(fleet, of))  # (runs, 2, classes)

    def spread(fleet: Fleet, task: Task) -> Tensor:
        return uneven(changes(fleet, task))  # (runs, 2)

    return [changes, spread]


def cloud(changes: Any, title: str = "Who pays?") -> Scatter:
    """Changes (nets, 2, classes) as points, those of the first net and the centre of all marked."""
    points = np.moveaxis(np.asarray(changes), 1, -1)[::-1].reshape(-1, 2)  # net 0 last, over the others
    labels = np.repeat([0, 1, 2], [len(points) - changes.shape[-1], changes.shape[-1], 1])
    points = np.concatenate([points, middle(points)[0][None]])
    about: Any = {"labels": labels, "names": ("other nets", "net 0", "centre"), "diagonal": True}
    axes = (Axis(label, "%", low=-100, high=200) for label in (SEEN, MISSED))
    return Scatter("changes", title, *axes, points, caption=CLOUD, **about)  # pyright: ignore


@plot("changes")
def changes_scatter(history: Sequence[Snapshot]) -> Scatter | None:
    """The cloud of the latest changes; none where there are no classes."""
    values = history[-1].values.get("changes", torch.empty(0))
    return cloud(shown(history[-1], values)) if values.numel() else None


@plot("spread")
def spread_lines(history: Sequence[Snapshot]) -> Lines | None:
    """CEV and SDE over steps, on one log axis."""
    if "spread" not in history[-1].values:
        return None
    each = {name: lambda s, i=i: s.values["spread"][:, i].clamp_min(1e-3) for i, name in enumerate(BOTH)}
    lines = [step_line(name, history, of) for name, of in each.items()]
    x, y = Axis("step", low=0), Axis("CEV in %², SDE in %", low=1, log=True)
    return Lines("spread", "How unevenly?", x, y, lines, SPREAD.format(told(history[-1])["over"]), grows=True)


def paid(changes: Tensor) -> Bars:
    """How the share missed has changed (nets, 2, classes), as a bar a class with a dot a net."""
    missed = finite(changes[:, 1])  # (nets, classes)
    names, y = [str(digit) for digit in range(missed.shape[1])], Axis(MISSED, "%", low=-100, high=200)
    return Bars("missed", "Which digit pays?", y, names, middle(missed)[0], missed.T, PAID)


def compared(each: Mapping[str, Tensor]) -> Bars:
    """SDE of several kinds of changes, (nets, 2, classes) each, as bars with a dot a net."""
    values = finite(torch.stack([uneven(changes)[:, 1] for changes in each.values()]))  # (kinds, nets)
    return Bars(
        "compared", "How one-sided?", Axis("SDE", "%", low=0), [*each], middle(values.T)[0], values, COMPARED
    )


def beside(amounts: Sequence[float], each: Mapping[str, Sequence[Tensor]], y: str) -> Bars:
    """Values (nets,) for each amount, the two ways side by side, with a dot a net."""
    values = finite(torch.stack([one for found in each.values() for one in found]))  # (ways · amounts, nets)
    names = [f"{100 * amount:.0f} % cut" for amount in amounts] * len(each)
    about: Any = {"sides": tuple(each), "dots": values, "caption": BESIDE.format(y)}
    return Bars(y, f"Labels or teacher: {y}", Axis(y, low=0), names, middle(values.T)[0], **about)


def _pair(fpr: Tensor, fnr: Tensor, ddof: int = 0, times: float = 1, root: float = 2**0.5) -> Tensor:
    """CEV, times a number, and SDE of changes (classes,) each. (2,)"""
    spread = times * (fpr.var(correction=ddof) + fnr.var(correction=ddof)) / 2
    return torch.stack([spread, (fpr - fnr).abs().mean() / root])


# A function of the changes of both rates, (classes,) each → their CEV and SDE.
unevenness = exercise(
    "fpr and fnr",
    tries=[(20 * normal(10, seed=s), 50 * normal(10, seed=s + 5)) for s in (0, 1)],
    want=_pair,
    wrong={
        "Halve your CEV: it's the mean over both coordinates.": lambda a, b: _pair(a, b, times=2),
        "torch's own var divides by one less: give it correction=0.": lambda a, b: _pair(a, b, 1),
        "The distance to the diagonal is the difference over √2.": lambda a, b: _pair(a, b, root=1),
    },
    right="These two numbers stand behind every bar of this lesson.",
    rest="Two numbers: the mean squared distance to the centre, halved, and the mean of |fpr − fnr| / √2.",
    keeps=True,
)

PAIRED = "Row r should be the change from net r to another one, in percent of the rates of net r."
_RATES = normal(6, 10, seed=3).exp() / 10  # (nets, classes)


def _of_others(*found: Tensor) -> bool:
    """Whether each row is the change from one net to another, and no net is its own other."""
    pairs = 100 * (_RATES / _RATES[:, None] - 1)  # (from, to, classes)
    near = (found[0][:, None] - pairs).abs().amax(-1) < 1e-4  # (rows, to), row r from net r
    return bool((near.sum(1) == 1).all()) and not bool(near.diagonal().any())


# A function of rates (nets, classes) of nets that differ by seed alone → changes to expect without a cause.
no_cause = exercise(
    "rates",
    tries=[(_RATES,)],
    want=lambda rates: 100 * (rates.roll(1, 0) - rates) / rates,
    wrong={
        "Each net is compared with itself: of course nothing changes.": lambda rates: 0 * rates,
        "In percent of the rate before, please.": lambda rates: rates.roll(1, 0) - rates,
        "That compares digits: compare nets.": lambda rates: 100 * (rates.roll(1, 1) - rates) / rates,
        "A mean of nets wavers less than a net.": lambda rates: 100 * (rates.mean(0) - rates) / rates,
    },
    must={PAIRED: (_of_others, lambda rates: rates)},
    many=True,
    right="Whatever your measure says of these, nothing but the seed has caused it.",
)
