"""Knowing what one doesn't know: how bands are judged and drawn, and exercises on doubt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.lessons.wide.days import NOISE, Clock, day, exact, judged, shaken, watch
from sbkit.plots import Axis, Bars, Line, Lines
from sbkit.plots.bands import band_line, finite, middle, shown, step_line

__all__ = ["day", "shaken", "watch"]  # for the notebook, beside what stands here
HOURS, DEGREES = Axis("hour", low=0, high=24), Axis("degrees", low=-4, high=6)
BANDS = "Temperature over a day; bands = mean ± two widths, strokes = readings. Watch the night. "
STEPS = "How far the nets' band is from the exact one, for all nets together. The lower, the better. "
SHARES = "Share of hours whose true temperature lies in the band; bar = mean, dots = days. Right is 0.95."
SCALES = "Distance to the exact band; line = mean of the logarithm, band = min–max over days. Find the dip."
PARTS = "One net's answer and its two parts; strokes = readings. Compare the parts by day and by night."


def night(task: Task, answers: Tensor, known: bool = True) -> Lines:
    """The nets' band over the day, answers (nets, hours), beside readings and truth; known: the exact one."""
    mean, sd = middle(finite(answers))
    at: Any = np.linspace(0, 24, len(mean))
    lines = [Line("nets", at, mean, mean - 2 * sd, mean + 2 * sd)]
    if isinstance(task.embed, Clock):
        m, s = (part.numpy() for part in exact(task))
        lines += [Line("exact", at, m, m - 2 * s, m + 2 * s)] * known
        lines += [Line("true", at, finite(task.y_test[:, 0]), dash=True), strokes(task)]
    return Lines("believed", "What was it at night?", HOURS, DEGREES, lines, BANDS)


def strokes(task: Task) -> Line:
    """The readings, each a stroke of two standard deviations of its noise up and down."""
    ends = task.y + NOISE * torch.tensor([-2, 2, torch.nan])  # (n, 3)
    return Line("readings", finite(task.z.expand(-1, 3).flatten()), finite(ends.flatten()))


@plot("believed", rows=False)
def believed_lines(history: Sequence[Snapshot]) -> Lines | None:
    """The bands as they are."""
    values = (seen := history[-1]).values.get("believed", torch.empty(0))
    return night(seen.sample, torch.from_numpy(shown(seen, values))) if values.numel() else None


@plot("distances", rows=False)
def distances_lines(history: Sequence[Snapshot]) -> Lines | None:
    """The distance over steps."""
    if "distances" not in history[-1].values:
        return None
    line = step_line("nets", history, lambda s: s.values["distances"].clamp_min(1e-9))
    axes = Axis("step", low=0), Axis("distance", low=0.01, log=True)
    return Lines("distances", "How far from exact?", *axes, [line], STEPS, grows=True)


def inside(found: Mapping[str, Sequence[Snapshot]]) -> Bars:
    """How much of the days lies in the bands of several ways, by day and by night."""
    each = [judged(ends)[part] for part in ("by day", "by night") for ends in found.values()]
    values = finite(torch.stack(each))  # (ways of both sides, days)
    about = {"caption": SHARES, "sides": ("by day", "by night")}
    y = Axis("share in the band", low=0, high=1)
    return Bars("inside", "How often is the band right?", y, [*found] * 2, values.mean(1), values, **about)


def parts(end: Snapshot, days: Fleet, net: int = 0) -> Lines:
    """What one net of scale 1 answers, and the two things that it is made of."""
    given, whole = days.predict(end.sample.x_test)[net, :, 0], end.values["believed"][net]
    each = {"random day": given, "learned": whole - given, "together": whole}
    lines = [Line(name, finite(end.sample.z_test[:, 0]), finite(part)) for name, part in each.items()]
    return Lines("parts", "One net and its random day", HOURS, DEGREES, [*lines, strokes(end.sample)], PARTS)


def over_scales(scales: Sequence[float], found: Mapping[str, Sequence[Sequence[Snapshot]]]) -> Lines:
    """Distance over the scale, a line a case; for each scale the ends of several days."""
    lines = []
    for name, ends in found.items():
        logs = torch.stack([judged(one)["log distance"] for one in ends], 1)  # (days, scales)
        line: Any = band_line(name, scales, finite(logs))
        lines.append(Line(name, line.x, *np.exp([line.y, line.low, line.high])))
    axes = Axis("scale", log=True), Axis("distance", log=True)
    return Lines("scales", "How large a random day?", *axes, lines, SCALES)


def _far(m: Tensor, s: Tensor, m2: Tensor, s2: Tensor, p: int = 2, half: float = 0.5) -> Tensor:
    return ((s2 / s).log() + (s**p + (m - m2).abs() ** p) / (2 * s2**p) - half).mean()


def _bands(seed: int) -> tuple[Tensor, ...]:
    """Two bands to compare, mean and width each, (20,)."""
    m, s, m2, s2 = normal(4, 20, seed=seed)
    return m, s.exp(), m2, s2.exp()


# A function of the exact band and of the nets', mean and width each → the mean distance.
far = exercise(
    "mean, sd, mean2 and sd2",
    tries=[_bands(1), _bands(2)],
    want=_far,
    wrong={
        "That's the wrong way round: sd2 stands below the line.": lambda m, s, m2, s2: _far(m2, s2, m, s),
        "A band is at the distance 0 from itself: what is missing?": lambda *bands: _far(*bands, half=0),
        "The gap and both widths in the fraction count by their squares.": lambda *bands: _far(*bands, p=1),
    },
    right="So a band pays most where it's too sure.",
    rest="Three parts: a logarithm, a fraction, a half. Then the mean over the hours.",
)


def _share(which: Callable[[Tensor], Tensor], widths: float = 2) -> Callable[..., Tensor]:
    """The share of some hours whose true temperature is within so many widths of the mean."""
    return lambda h, true, mean, sd: ((true - mean).abs() < widths * sd)[which(h)].double().mean()


_HOURS = torch.linspace(0, 24, 97, dtype=torch.float64)

# A function of hours, the true day and a band → the share of the night that lies in it.
by_night = exercise(
    "hours, true, mean and sd",
    tries=[(_HOURS, normal(97, seed=s), 0.3 * normal(97, seed=s + 1), 0.3 + _HOURS / 24) for s in (1, 5)],
    want=_share(lambda h: (h - 12).abs() > 6),
    wrong={
        "Those hours were read. Ask about the others.": _share(lambda h: (h - 12).abs() <= 6),
        "All hours: what the nets know by day hides the night.": _share(lambda h: h > -1),
        "The band reaches two widths up and two down.": _share(lambda h: (h - 12).abs() > 6, widths=1),
    },
    right="Now the check asks where nobody has looked.",
    rest="Pick the hours before 6 and after 18, then take the share within two widths of the mean.",
)


def _drawn(*found: Tensor) -> bool:
    """Whether the first day of each is one of those given."""
    pairs = zip(found, (normal(30, 10, seed=1), normal(5, 8, seed=2)), strict=True)
    return all(bool((days == one[0]).all(1).any()) for one, days in pairs)


# A function of the random days at some hours (nets, hours) → one and the same day for every net.
shared = exercise(
    "days",
    tries=[(normal(30, 10, seed=1),), (normal(5, 8, seed=2),)],
    want=lambda days: days[:1].expand_as(days),
    wrong={"Their mean is far smaller than a day: two things differ.": lambda d: d.mean(0).expand_as(d)},
    must={
        "The nets' days still differ: let all rows be the same.": (
            lambda *found: all(bool((one == one[:1]).all()) for one in found),
            lambda days: days.flip(0),
        ),
        "That isn't one of the days that were drawn: take one as it is.": (_drawn, lambda days: 0 * days),
    },
    many=True,
    right="One thing differs now: all nets have the same day, and it's as large as before.",
    rest="As many rows as before, each the same day.",
)
