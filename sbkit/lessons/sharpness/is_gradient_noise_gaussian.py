"""Is gradient noise Gaussian? What single rows and batches ask, their tails, their pictures, exercises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task, check_pair, generator, measure, plot
from sbkit.course.exercise import exercise, normal
from sbkit.measures import example_gradients
from sbkit.plots import Axis, Images, Line, Lines, Scatter
from sbkit.plots.bands import band_line, finite, middle, shown

SIZES, EVERY = (1, 16, 256), (1, 4, 16, 64, 256)  # rows of a batch, in the panel's two pictures
DIRECTIONS, DRAWS = 50, 1000
GLANCE = {"directions": 8, "draws": 250}  # while the panel moves
BELL = torch.linspace(-3, 3, 41, dtype=torch.float64)  # places of a bell curve of width 1
PART = "Kurtosis of the noise of batches; a bell curve has 3. See if the two lines part. "
ALIKE = "Where the noise lies, over where a bell curve as wide would. On the line it is one. Mean over nets."


def noise(fleet: Fleet, task: Task, directions: int = DIRECTIONS) -> Tensor:
    """How far each training row's gradient is off the mean, along random directions. (runs, n, directions)

    float64; NaN for a run that diverged.

    >>> from sbkit.data import digits
    >>> from sbkit.models import mlp
    >>> noise(mlp(task := digits(30), width=4, runs=2), task).shape
    torch.Size([2, 30, 50])
    """
    check_pair("noise", fleet, task)
    return off(example_gradients(fleet, task.x, task.y, directions).double())


def batches(each: Tensor, size: int, replace: bool = True, draws: int = DRAWS, seed: int = 0) -> Tensor:
    """Noise of batches of `size` rows, drawn with or without replacement. (…, draws, k)

    each: that of single rows, (…, n, k), which of size 1 comes back as it is.

    >>> batches(normal(5, 30, 2), 4).shape
    torch.Size([5, 1000, 2])
    """
    if size == 1:
        return each
    n, rng = each.shape[-2], generator(seed, size)
    if replace:
        picked = torch.randint(n, (draws, size), generator=rng)  # (draws, size)
    else:
        picked = torch.rand(draws, n, generator=rng).argsort(1)[:, :size]
    times = torch.zeros(draws, n, dtype=each.dtype)  # how often a row is in a batch
    return times.scatter_add_(1, picked, torch.ones_like(times[:, :1]).expand(picked.shape)) @ each / size


def off(x: Tensor) -> Tensor:
    """x (…, n, k) with mean 0 along n."""
    return x - x.mean(-2, keepdim=True)


def standard(x: Tensor) -> Tensor:
    """x (…, n, k) with mean 0 and standard deviation 1 along n."""
    return off(x) / off(x).square().mean(-2, keepdim=True).sqrt()


def kurtosis(x: Tensor) -> Tensor:
    """Mean fourth power of what is standardized along n, mean over directions; x (…, n, k). (…)

    3 for a bell curve, more where the tails are heavier.

    >>> kurtosis(normal(5, 100, 2)).shape
    torch.Size([5])
    """
    return standard(x).pow(4).mean((-2, -1))


@measure("quantiles", rows=False, glance_every=2, glance=GLANCE)
def quantiles(fleet: Fleet, task: Task, directions: int = DIRECTIONS, draws: int = DRAWS) -> Tensor:
    """Where the noise of batches of 1, 16 and 256 lies, its width 1, beside a bell curve's. (runs, 3, 41)"""
    each, chances = noise(fleet, task, directions), torch.special.ndtr(BELL)
    parts = [standard(batches(each, size, draws=draws)).flatten(1) for size in SIZES]  # (runs, …) each
    return torch.stack([torch.quantile(part, chances, dim=1).T for part in parts], dim=1)


@plot("quantiles")
def quantile_points(history: Sequence[Snapshot]) -> Scatter:
    """Quantiles of the noise over those of a bell curve, mean over runs; a class a batch size."""
    found = middle(shown(history[-1], history[-1].values["quantiles"]))[0]  # (3, 41)
    points = np.stack([np.tile(BELL.numpy(), len(SIZES)), found.flatten()], axis=1)
    labels = np.repeat(np.arange(len(SIZES)), len(BELL))
    axes = Axis("bell curve", low=-3, high=3), Axis("noise", low=-8, high=8)
    about: Any = {"labels": labels, "names": [f"batches of {n}" for n in SIZES], "diagonal": True}
    return Scatter("quantiles", "Is it a bell curve?", *axes, points, **about, caption=ALIKE)


@measure("tails", rows=False, glance_every=2, glance=GLANCE)
def tails(fleet: Fleet, task: Task, directions: int = DIRECTIONS, draws: int = DRAWS) -> Tensor:
    """Kurtosis of the noise of batches of 1, 4, 16, 64 and 256 rows. (runs, 5)"""
    each = noise(fleet, task, directions)
    return torch.stack([kurtosis(batches(each, size, draws=draws)) for size in EVERY], dim=1)


@plot("tails")
def tail_lines(history: Sequence[Snapshot]) -> Lines:
    """Kurtosis over the size of a batch, and what the law says, with a band over runs."""
    found = torch.from_numpy(shown(history[-1], history[-1].values["tails"])).clamp_min(1)  # (runs, 5)
    drawn = by_size(torch.tensor(EVERY), found, 3 + (found[:, :1] - 3) / torch.tensor(EVERY))
    return replace(drawn, name="tails", y=Axis("kurtosis", low=2, high=300, log=True))


def loudness(fleet: Fleet, task: Task) -> Tensor:
    """Share of each training row in the noise: its gradient's squared distance from the mean. (runs, n)

    >>> from sbkit.data import digits
    >>> from sbkit.models import mlp
    >>> loudness(mlp(task := digits(30), width=4, runs=2), task).sum(1)
    tensor([1.0000, 1.0000], dtype=torch.float64)
    """
    size = off(example_gradients(fleet, task.x, task.y)).norm(dim=2).double().square()  # (runs, n)
    return size / size.sum(1, keepdim=True)


def loudest(fleet: Fleet, task: Task, count: int = 10) -> Images:
    """The training images that make most of the noise of the first net, each with its label and share."""
    share, rows = loudness(fleet, task)[0].topk(count)
    labels = [f"{task.y[row]}: {part:.0%}" for row, part in zip(rows, share, strict=True)]
    caption = f"The {count} training images of {len(task.y):,} loudest in net 0: label, share of the noise."
    about: Any = {"labels": labels, "caption": caption, "scale": Axis("ink", low=0, high=1)}
    return Images("loudest", "Who is shouting?", finite(task.x[rows].view(-1, 8, 8)), **about)


def by_size(sizes: Tensor, found: Tensor, law: Tensor, log: bool = True) -> Lines:
    """Kurtosis over batch size, measured and by the law, (nets, sizes) each, with a band over nets."""
    dashes = Line("law", finite(sizes), finite(law.mean(0)), dash=True)
    axes = Axis("digits in a batch", log=log), Axis("kurtosis", low=2, log=True)
    lines = [band_line("measured", sizes, finite(found)), dashes]
    return Lines("sizes", "Batches of every size", *axes, lines, f"{PART}Band over {len(found)} nets.")


def _of(x: Tensor) -> Tensor:
    return kurtosis(x.flatten().unsqueeze(1))


MOMENTS = 2.0 ** -torch.arange(8).unsqueeze(1) * normal(8, 4000, seed=3) + torch.arange(8).unsqueeze(1)

# A function of numbers x (n,) → their kurtosis.
tail_weight = exercise(
    "x",
    tries=[(normal(8000),), (5 + 2 * normal(8000, seed=1),), (normal(8000, seed=2) * normal(8000, seed=4),)],
    want=_of,
    atol=0.02,
    wrong={
        "Take the mean off first.": lambda x: x.pow(4).mean() / x.square().mean() ** 2,
        "Divide by the standard deviation first.": lambda x: (x - x.mean()).pow(4).mean(),
        "That is how much it lies above a bell curve's: leave the 3 in.": lambda x: _of(x) - 3,
        "A square doesn't see the tails, it's always 1: take the fourth power.": lambda x: 0 * x[0] + 1,
    },
    right="Bell curves give 3, wherever they lie and however wide they are. A product of two gives 9 or so.",
    rest="Mean off, divide by the standard deviation, fourth power, mean.",
)

# The least batches of which the noise has a kurtosis of at most 3.5, for single rows of 5, 23 and 123.
large_enough = exercise(
    want=[4, 40, 240],
    wrong={
        "Only what lies above 3 is divided by B.": [10, 46, 246],
        "At most 3.5, so at most 0.5 above the bell curve.": [2 / 3.5, 20 / 3.5, 120 / 3.5],
    },
    right="No one number is enough for all: it grows with the tails of single digits.",
    rest="Solve 3 + (k − 3) / B = 3.5 for B.",
)

# A function of the noise of many moments of training, (moments, draws) → its kurtosis, moment by moment.
one_moment = exercise(
    "noise",
    tries=[(MOMENTS,), (MOMENTS.flip(1)[:4] * normal(4000, seed=5).abs(),)],
    want=lambda noise: kurtosis(noise.mT),
    atol=0.02,
    wrong={
        "That is the friend's number: wide moments and narrow ones in one heap.": _of,
        "The middles are in one place now. But the widths still differ.": lambda noise: _of(off(noise.mT)),
        "That is the first moment alone.": lambda noise: _of(noise[0]),
    },
    right="Bells of different widths, in one heap, look heavy-tailed. Moment by moment they may be bells.",
    rest="Give every moment its own mean and its own width before you take the fourth power.",
)
