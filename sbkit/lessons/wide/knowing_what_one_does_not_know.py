"""Knowing what one doesn't know: days whose exact band is known, how bands are judged, and exercises."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from sbkit.core import Feature, Fleet, Snapshot, Task, generator
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.measures import gp_posterior, infinite_kernel
from sbkit.plots import Axis, Bars, Line, Lines
from sbkit.plots.bands import band_line, finite, middle, shown, step_line

NOISE = 0.1  # degrees that a reading is off by, a standard deviation
SPANS = {"day": (6.0, 18.0), "round the clock": (0.0, 24.0)}  # hours of the readings
JUDGED = ("distance", "log distance", "turned around", "by day", "by night", "width", "error")
HOURS, DEGREES = Axis("hour", low=0, high=24), Axis("degrees", low=-4, high=6)
BANDS = "Temperature over a day; bands = mean ± two widths, strokes = readings. Watch the night. "
STEPS = "How far the nets' band is from the exact one, for all nets together. The lower, the better. "
SHARES = "Share of hours whose true temperature lies in the band; bar = mean, dots = days. Right is 0.95."
SCALES = "Distance to the exact band; line = mean of the logarithm, band = min–max over days. Find the dip."
PARTS = "One net's answer and its two parts; strokes = readings. Compare the parts by day and by night."


class Clock(nn.Module):
    """The hand of a 24-hour clock: hours (…, 1) → √2 (cos, sin), (…, 2)."""

    def forward(self, z: Tensor) -> Tensor:
        turn = z * (2 * math.pi / 24)
        return 2**0.5 * torch.cat([turn.cos(), turn.sin()], -1)


def rule(x: Tensor) -> Tensor:
    """How alike the temperatures at any two inputs are, for the rule that draws the days. (n, n), float64"""
    return infinite_kernel(x.double(), depth=2, kind="nngp")


def day(count: int = 10, when: str = "day", seed: int = 0) -> Task:
    """A random day, drawn as an infinitely wide random net would, and readings of it with some noise.

    Tested on the true temperature of every quarter of an hour.

    >>> day().y.shape, day().y_test.shape
    (torch.Size([10, 1]), torch.Size([97, 1]))
    """
    rng, (low, high) = generator(seed, 17), SPANS[when]
    read = low + (high - low) * torch.rand(count, 1, generator=rng, dtype=torch.float64)
    z = torch.cat([read, torch.linspace(0, 24, 97, dtype=torch.float64)[:, None]])  # (count + 97, 1)
    root = torch.linalg.cholesky(rule(Clock()(z)) + 1e-8 * torch.eye(len(z)))
    true = root @ torch.randn(z.shape, generator=rng, dtype=torch.float64)
    y = true[:count] + NOISE * torch.randn(read.shape, generator=rng, dtype=torch.float64)
    rows = (read, y, z[count:], true[count:])
    return Task(*[part.float() for part in rows], {"hour": Feature((0,))}, embed=Clock())


def exact(task: Task) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of all days that fit the readings, at each test hour. (hours,) each"""
    n, k = len(task.x), rule(torch.cat([task.x, task.x_test]))  # (n + hours, n + hours)
    parts = k[:n, :n], k[n:, :n], k[n:, n:]
    mean, covariance = gp_posterior(*parts, task.y[:, 0].double(), NOISE**2)
    return mean, covariance.diag().clamp_min(0).sqrt()


def distance(mean: Tensor, sd: Tensor, mean2: Tensor, sd2: Tensor) -> Tensor:
    """KL(exact ‖ other) of two bands, bell curves hour by hour, the mean over hours. ()

    1e-3 is added to both standard deviations, as in the paper.
    """
    s, s2 = sd + 1e-3, sd2 + 1e-3
    return ((s2 / s).log() + (s**2 + (mean - mean2) ** 2) / (2 * s2**2) - 0.5).mean()


def shaken(task: Task, readings: str, seed: int, nets: int = 30) -> Tensor:
    """What each net is told the readings were: "as read", or "shaken" by noise of its own. (nets, n, 1)"""
    rngs = [generator(seed + r, 5) for r in range(nets)]
    noise = torch.stack([torch.randn(task.y.shape, generator=rng) for rng in rngs])
    return task.y + NOISE * (readings == "shaken") * noise


def watch(days: Fleet, scale: float) -> list[Callable[[Fleet, Task], Tensor]]:
    """Two measures: what each net and its random day answer together, and how far off their band is."""

    def answers(fleet: Fleet, task: Task) -> Tensor:
        """(runs, hours)"""
        return (fleet.predict(task.x_test) + scale * days.predict(task.x_test))[..., 0]

    def distances(fleet: Fleet, task: Task) -> Tensor:
        """(runs,), one number for all."""
        found = answers(fleet, task).double()
        return distance(*exact(task), found.mean(0), found.std(0)).expand(fleet.runs)

    return [answers, distances]


def night(task: Task, answers: Tensor, known: bool = True) -> Lines:
    """The nets' band over the day, answers (nets, hours), beside readings and truth; known: the exact one."""
    values = finite(answers)
    mean, sd = middle(values)
    at = np.linspace(0, 24, len(mean))
    lines = [Line("nets", at, mean, mean - 2 * sd, mean + 2 * sd)]
    if isinstance(task.embed, Clock):
        m, s = exact(task)
        lines += [Line("exact", at, m, m - 2 * s, m + 2 * s)] * known
        lines += [Line("true", at, task.y_test[:, 0], dash=True), strokes(task)]
    return Lines("answers", "What was it at night?", HOURS, DEGREES, lines, BANDS)


def strokes(task: Task) -> Line:
    """The readings, each a stroke of two standard deviations of its noise up and down."""
    ends = torch.tensor([-2 * NOISE, 2 * NOISE, math.nan])
    return Line("readings", task.z.expand(-1, 3).flatten(), (task.y + ends).flatten())


@plot("answers", rows=False)
def answers_lines(history: Sequence[Snapshot]) -> Lines | None:
    """The bands as they are."""
    values = shown(history[-1], history[-1].values["answers"])
    return night(history[-1].sample, torch.from_numpy(values)) if values.size else None


@plot("distances", rows=False)
def distances_lines(history: Sequence[Snapshot]) -> Lines:
    """The distance over steps."""
    line = step_line("nets", history, lambda s: s.values["distances"].clamp_min(1e-9))
    y = Axis("distance", low=0.01, log=True)
    return Lines("distances", "How far from exact?", Axis("step", low=0), y, [line], STEPS, grows=True)


def judged(ends: Sequence[Snapshot], alone: bool = False) -> dict[str, Tensor]:
    """How good the bands of several days are, (days,) each; alone: of one net that knows its readings' noise.

    Distance to the exact band, its logarithm, and the wrong way round; share of true temperatures in the band
    by day and by night; width by night over the exact one's; root mean square error.
    """
    rows = []
    for end in ends:
        found, task = end.values["answers"].double(), end.sample
        m, s = exact(task)
        mean, sd = (found[0], torch.full_like(m, NOISE)) if alone else (found.mean(0), found.std(0))
        off, dark = (task.y_test[:, 0] - mean).abs(), (task.z_test[:, 0] - 12).abs() > 6
        inside = (off < 2 * sd).double()
        shares = inside[~dark].mean(), inside[dark].mean(), (sd / s)[dark].mean()
        far = distance(m, s, mean, sd)
        both = far, far.log(), distance(mean, sd, m, s)
        rows.append(torch.stack([*both, *shares, off.square().mean().sqrt()]))
    return dict(zip(JUDGED, torch.stack(rows, 1), strict=True))


def inside(found: Mapping[str, Sequence[Snapshot]]) -> Bars:
    """How much of the days lies in the bands of several ways, by day and by night."""
    each = [judged(ends)[part] for part in ("by day", "by night") for ends in found.values()]
    values = finite(torch.stack(each))  # (ways of both sides, days)
    about = {"caption": SHARES, "sides": ("by day", "by night")}
    y = Axis("share in the band", low=0, high=1)
    return Bars("inside", "How often is the band right?", y, [*found] * 2, values.mean(1), values, **about)


def parts(end: Snapshot, days: Fleet, net: int = 0) -> Lines:
    """What one net of scale 1 answers, and the two things that it is made of."""
    given, whole = days.predict(end.sample.x_test)[net, :, 0], end.values["answers"][net]
    each = {"random day": given, "learned": whole - given, "together": whole}
    lines = [Line(name, end.sample.z_test[:, 0], values) for name, values in each.items()]
    return Lines("parts", "One net and its random day", HOURS, DEGREES, [*lines, strokes(end.sample)], PARTS)


def over_scales(scales: Sequence[float], found: Mapping[str, Sequence[Sequence[Snapshot]]]) -> Lines:
    """Distance over the scale, a line a case; for each scale the ends of several days."""
    lines = []
    for name, ends in found.items():
        logs = torch.stack([judged(one)["log distance"] for one in ends], 1)  # (days, scales)
        line = band_line(name, scales, finite(logs))
        lines.append(Line(name, scales, *[np.exp(part) for part in (line.y, line.low, line.high)]))
    axes = Axis("scale", log=True), Axis("distance", log=True)
    return Lines("scales", "How large a random day?", *axes, lines, SCALES)


def _bands(seed: int) -> tuple[Tensor, ...]:
    """Two bands to compare, mean and width each, (20,)."""
    draws = normal(4, 20, seed=seed)
    return draws[0], draws[1].exp(), draws[2], draws[3].exp()


def _far(m: Tensor, s: Tensor, m2: Tensor, s2: Tensor) -> Tensor:
    return (s2 / s).log() + (s**2 + (m - m2) ** 2) / (2 * s2**2) - 0.5


# A function of the exact band and of the nets', mean and width each → the mean distance.
far = exercise(
    "mean, sd, mean2 and sd2",
    tries=[_bands(1), _bands(2)],
    want=lambda m, s, m2, s2: _far(m, s, m2, s2).mean(),
    wrong={
        "That's the distance the wrong way round: the exact band comes first, and the nets' width stands "
        "below the line.": lambda m, s, m2, s2: _far(m2, s2, m, s).mean(),
        "The distance of a band to itself is 0: what is missing?": lambda m, s, m2, s2: (
            _far(m, s, m2, s2).mean() + 0.5
        ),
        "The gap between the means counts by its square.": lambda m, s, m2, s2: (
            (s2 / s).log() + (s**2 + (m - m2).abs()) / (2 * s2**2) - 0.5
        ).mean(),
        "The widths under the fraction line and above it are squared.": lambda m, s, m2, s2: (
            (s2 / s).log() + (s + (m - m2) ** 2) / (2 * s2) - 0.5
        ).mean(),
        "One number is asked for: the mean over the hours, not the sum.": lambda m, s, m2, s2: _far(
            m, s, m2, s2
        ).sum(),
    },
    right="So a band is judged where it claims something, and pays most where it's too sure.",
    rest="Three parts: a logarithm, a fraction, a half. Then the mean over the hours.",
)

_HOURS = torch.linspace(0, 24, 97, dtype=torch.float64)


def _night(hours: Tensor, true: Tensor, mean: Tensor, sd: Tensor) -> Tensor:
    dark = (hours < 6) | (hours > 18)
    return ((true - mean).abs() < 2 * sd)[dark].double().mean()


# A function of hours, the true day and a band → the share of the night that lies in it.
unseen = exercise(
    "hours, true, mean and sd",
    tries=[(_HOURS, normal(97, seed=s), 0.3 * normal(97, seed=s + 1), 0.3 + _HOURS / 24) for s in (1, 5)],
    want=_night,
    wrong={
        "Those are the hours that were read: the nets have seen them. Ask about the others.": (
            lambda h, t, m, s: ((t - m).abs() < 2 * s)[(h >= 6) & (h <= 18)].double().mean()
        ),
        "All hours together: where the nets have seen readings hides where they haven't.": (
            lambda h, t, m, s: ((t - m).abs() < 2 * s).double().mean()
        ),
        "The band reaches two widths up and two down.": lambda h, t, m, s: _night(h, t, m, s / 2),
    },
    right="Now the check asks where nobody has looked.",
    rest="Pick the hours before 6 and after 18, then take the share within two widths of the mean.",
    atol=1e-3,
)

# A function of the random days at some hours (nets, hours) → one and the same day for every net.
shared = exercise(
    "days",
    tries=[(normal(30, 10, seed=1),), (normal(5, 8, seed=2),)],
    want=lambda days: days[:1].expand_as(days),
    wrong={
        "Their mean is a much smaller function than one day: two things are changed at once.": (
            lambda days: days.mean(0, keepdim=True).expand_as(days)
        ),
        "That's no random day at all: size and difference are both gone.": lambda days: 0 * days,
    },
    must={
        "The nets' days still differ: every row has to be the same.": (
            lambda *found: all(bool((one == one[:1]).all()) for one in found),
            lambda days: days.flip(0),
        ),
        "The day isn't one of those that were drawn: take one as it is.": (
            lambda *found: all(
                any(torch.equal(one[0], day) for day in normal(*one.shape, seed=seed))
                for seed, one in enumerate(found, 1)
            ),
            lambda days: days[:1].expand_as(days) * 2,
        ),
    },
    many=True,
    right="One thing differs now: all nets have the same day, and it's as large as before.",
    rest="As many rows as before, each the same day.",
)
