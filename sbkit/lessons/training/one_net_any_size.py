"""One net, any size? Pictures made larger and smaller, what nets make of them, and two exercises."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from sbkit.core import Fleet, Snapshot, Task
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.measures import accuracy
from sbkit.models import calibrate
from sbkit.plots import Axis, Bars, Images, Lines
from sbkit.plots.bands import band_line, finite, middle, shown

SIZES = [4, 6, 8, 12, 16]  # at which the panel asks
SIDE, RIGHT = Axis("side of the test pictures", "pixels"), Axis("accuracy", low=0, high=1)
BY_SIZE = "Accuracy over the size of new pictures; line = mean, band = min–max of nets. Compare the two ends."
SHIFTS = "How far the last layer's inputs have moved, in standard deviations between pictures. Compare sizes."
SAME = "The same picture at several sizes, drawn equally large. Which of them can't you read?"
CHANGED = "Accuracy on changed pictures; bar = mean, dots = nets. Find what new averages mend."
TWICE = ("as trained", "recalibrated")


class Square(nn.Module):
    """Rows of numbers (n, side²) as pictures (n, 1, side, side), whatever their side."""

    def forward(self, x: Tensor) -> Tensor:
        side = round(x.shape[-1] ** 0.5)
        return x.unflatten(-1, (1, side, side))


def resized(x: Tensor, side: int) -> Tensor:
    """The same square pictures, smooth, with another side. (…, side²)

    >>> resized(torch.ones(3, 64), 16).shape
    torch.Size([3, 256])
    """
    pictures = Square()(x.reshape(-1, x.shape[-1]))  # (n, 1, old, old)
    made = interpolate(pictures, (side, side), mode="bilinear", antialias=True)
    return made.reshape(*x.shape[:-1], side * side)


def reads(fleet: Fleet, task: Task, sizes: Sequence[int], anew: int = 0) -> Tensor:
    """Accuracy on the new pictures at each size; anew: on how many old ones it is calibrated first, 0 = not.

    (runs, sizes)
    """
    found = []
    for side in sizes:
        net = calibrate(copy.copy(fleet), resized(task.x[..., :anew, :], side)) if anew else fleet
        found.append(accuracy(net.predict(resized(task.x_test, side)), task.y_test))
    return torch.stack(found, 1)


def by_size(fleet: Fleet, task: Task) -> Tensor:
    """For the panel: accuracy on 96 new pictures as trained, and calibrated anew. (runs, 2, sizes)"""
    few = task.sample(96)
    return torch.stack([reads(fleet, few, SIZES, anew) for anew in (0, 96)], 1)


def over_sizes(
    sizes: Sequence[int],
    found: Mapping[str, Tensor],
    y: Axis = RIGHT,
    about: tuple[str, str, str] = ("by_size", "Which sizes can it read?", BY_SIZE),
) -> Lines:
    """Numbers of each net at each size, (runs, sizes), a line a way; about: name, title, caption."""
    lines = [band_line(name, sizes, finite(each)) for name, each in found.items()]
    return Lines(*about[:2], SIDE, y, lines, about[2])


@plot("by_size")
def by_size_lines(history: Sequence[Snapshot]) -> Lines | None:
    """The latest accuracies; none where there are none."""
    values = history[-1].values.get("by_size", torch.empty(0))
    if not values.numel():
        return None
    known = torch.from_numpy(shown(history[-1], values))  # (runs shown, 2, sizes)
    return over_sizes(SIZES, dict(zip(TWICE, known.unbind(1), strict=True)))


@torch.no_grad()
def moves(nets: Mapping[int, Fleet], home: Fleet, task: Task) -> Tensor:
    """How far the inputs of the last layer are from those of size 8 at home, per size. (runs, sizes)"""

    def given(net: Fleet, side: int) -> Tensor:  # (runs, n, channels)
        return net.features(resized(task.x_test, side))[-1].mean((-2, -1))

    pairs = [zip(given(net, side), given(home, 8), strict=True) for side, net in nets.items()]
    return torch.stack([torch.stack([_shift(here, there) for here, there in each]) for each in pairs], 1)


def shifted(sizes: Sequence[int], found: Mapping[str, Tensor]) -> Lines:
    """The same for shifts."""
    y = Axis("shift", "standard deviations", low=0)
    return over_sizes(sizes, found, y, ("shifted", "What the last layer is given", SHIFTS))


def sized(task: Task, sizes: Sequence[int], digit: int = 3) -> Images:
    """The first new picture of a digit at each size, drawn equally large."""
    x = task.x_test[task.y_test == digit][:1]  # (1, 64)
    large = [interpolate(Square()(resized(x, side)), (48, 48))[0, 0] for side in sizes]
    about: Any = {"labels": [f"{side} × {side}" for side in sizes], "columns": len(sizes), "caption": SAME}
    return Images("sized", "One digit", torch.stack(large).numpy(), **about)


def changed(found: Mapping[str, tuple[Tensor, Tensor]]) -> Bars:
    """Accuracy (runs,) as trained and recalibrated, for each change, side by side."""
    values = finite(torch.stack([pair[at] for at in (0, 1) for pair in found.values()]))
    about: Any = {"dots": values, "sides": TWICE, "caption": CHANGED}
    return Bars("changed", "What can be mended?", RIGHT, [*found] * 2, middle(values.T)[0], **about)


def _gaps(here: Tensor, home: Tensor) -> Tensor:
    """How far each channel has moved, in home's standard deviations; a silent channel hasn't. (channels,)"""
    return (here.mean(0) - home.mean(0)) / home.std(0).clamp_min(1e-6)


def _shift(here: Tensor, home: Tensor) -> Tensor:
    return _gaps(here, home).square().mean().sqrt()


# A function of what the last layer is given, (pictures, channels), at two sizes → how far it moved.
shift = exercise(
    "here and home",
    tries=[(2 * normal(40, 6) + normal(6, seed=1), 1 + normal(50, 6, seed=2) * normal(6, seed=3).exp())],
    want=_shift,
    wrong={
        "Divide by home's spread.": lambda a, b: _gaps(a, b).mul(b.std(0)).norm() / 6**0.5,
        "The spread is home's, which the last layer knows.": lambda a, b: _shift(b, a),
        "Gaps up and down cancel: square them before you take the mean.": lambda a, b: _gaps(a, b).mean(),
        "Take the square root at the end.": lambda a, b: _shift(a, b) ** 2,
        "That's the mean size of the gaps; the measure squares them.": lambda a, b: _gaps(a, b).abs().mean(),
    },
    right="With this number you can tell, without any label, that something has moved.",
    rest="One number: gap of the means over home's spread, squared, mean over channels, root.",
    atol=0.02,
    keeps=True,
)

_FOLDER = torch.arange(400.0)[:, None] + torch.arange(5.0) / 10  # (pictures, pixels), as they lie


def _fair(*found: Tensor) -> bool:
    """Whether a hundred are from all tenths of the folder, at least three from each."""
    return bool((torch.histc(found[0][:, 0], 10, 0, 400) >= 3).all())


def _once(*found: Tensor) -> bool:
    """Whether all are of the folder, and none is there twice."""
    return bool(torch.isin(found[0], _FOLDER.double()).all()) and len(found[0].unique(dim=0)) == 100


# A function of a sorted folder of pictures and a count → as many for recalibrating.
pick = exercise(
    "pictures and count",
    tries=[(_FOLDER, 100)],
    want=lambda pictures, count: pictures[:: len(pictures) // count][:count],
    wrong={
        "These are the first ones, which your friend had.": lambda rows, count: rows[:count],
        "The last ones are as bad as the first: they're all alike.": lambda rows, count: rows[-count:],
    },
    must={
        "Pictures of the folder, please, and none twice.": (_once, lambda rows, _: rows[::8].repeat(2, 1)),
        "Some parts of the folder have too small a share.": (_fair, lambda rows, count: rows[::2][:count]),
    },
    many=True,
    right="Now every digit has its say in the averages.",
)
