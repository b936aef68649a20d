"""Random days, readings of them, the exact band around those, and how far nets' bands are from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from sbkit.core import Feature, Fleet, Snapshot, Task, generator, one_of
from sbkit.measures import gp_posterior, infinite_kernel

NOISE = 0.1  # degrees that a reading is off by, a standard deviation
SPANS = {"day": (6.0, 18.0), "round the clock": (0.0, 24.0)}  # hours of the readings
JUDGED = ("distance", "log distance", "turned around", "by day", "by night", "width", "error")


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
    rng, (low, high) = generator(seed, 17), SPANS[one_of("time", when, SPANS)]
    read = low + (high - low) * torch.rand(count, 1, generator=rng, dtype=torch.float64)
    z = torch.cat([read, torch.linspace(0, 24, 97, dtype=torch.float64)[:, None]])  # (count + 97, 1)
    root = torch.linalg.cholesky(rule(Clock()(z)) + 1e-8 * torch.eye(len(z)))
    true = root @ torch.randn(z.shape, generator=rng, dtype=torch.float64)
    y = true[:count] + NOISE * torch.randn(read.shape, generator=rng, dtype=torch.float64)
    x, told, new, wanted = (part.float() for part in (read, y, z[count:], true[count:]))
    return Task(x, told, new, wanted, {"hour": Feature((0,))}, embed=Clock())


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
    return task.y + NOISE * (one_of("readings", readings, ["as read", "shaken"]) == "shaken") * noise


def watch(days: Fleet, scale: float) -> list[Callable[[Fleet, Task], Tensor]]:
    """Two measures: what each net and its random day answer together, and how far off their band is."""

    def believed(fleet: Fleet, task: Task) -> Tensor:
        """(runs, hours)"""
        return (fleet.predict(task.x_test) + scale * days.predict(task.x_test))[..., 0]

    def distances(fleet: Fleet, task: Task) -> Tensor:
        """(runs,), one number for all."""
        found = believed(fleet, task).double()
        return distance(*exact(task), found.mean(0), found.std(0)).expand(fleet.runs)

    return [believed, distances]


def judged(ends: Sequence[Snapshot], alone: bool = False) -> dict[str, Tensor]:
    """How good the bands of several days are, (days,) each; alone: of one net that knows its readings' noise.

    Distance to the exact band, its logarithm, and the wrong way round; share of true temperatures in the band
    by day and by night; width by night over the exact one's; root mean square error.
    """
    rows = []
    for end in ends:
        found, task = end.values["believed"].double(), end.sample
        m, s = exact(task)
        mean, sd = (found[0], torch.full_like(m, NOISE)) if alone else (found.mean(0), found.std(0))
        off, dark = (task.y_test[:, 0] - mean).abs(), (task.z_test[:, 0] - 12).abs() > 6
        inside = (off < 2 * sd).double()
        shares = inside[~dark].mean(), inside[dark].mean(), (sd / s)[dark].mean()
        far = distance(m, s, mean, sd)
        both = far, far.log(), distance(mean, sd, m, s)
        rows.append(torch.stack([*both, *shares, off.square().mean().sqrt()]))
    return dict(zip(JUDGED, torch.stack(rows, 1), strict=True))
