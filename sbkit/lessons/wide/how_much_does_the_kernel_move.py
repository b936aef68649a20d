"""How much does the kernel move? Two tasks, what moves in a net, its pictures, and two exercises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from sbkit.core import Fleet, Task, generator
from sbkit.course.exercise import exercise, normal
from sbkit.data import digits
from sbkit.measures import kernel
from sbkit.plots import Axis, Images, Line, Lines
from sbkit.plots.bands import band_line

MAPS = "Kernel of 20 rows and its change. Whose has moved?"
FALLS = "over width, log-log; line = mean, band = min–max of nets. Compare the slopes."
ERRORS = "Error on new rows over the size of the labels; line = mean, band = min–max. Who gains?"


def ridge(rows: int = 150, seed: int = 0, dim: int = 10) -> Task:
    """A value that hangs on one direction in ten: |u·x|, standardized, x on a sphere with |x|² = dim."""
    rng = generator(seed)
    x = normalize(torch.randn(rows + 256, dim, generator=rng), dim=1) * dim**0.5
    along = (x @ normalize(torch.randn(dim, 1, generator=rng), dim=0)).abs()  # (rows + 256, 1)
    y = (along - along.mean()) / along.std()
    return Task(x[:rows], y[:rows], x[rows:], y[rows:], {})


def odd(rows: int = 100, seed: int = 0) -> Task:
    """Handwritten digits, 1 for an even one and −1 for an odd one; |x|² = 64."""
    task = digits(rows, seed=seed)
    x, x_test = (8 * normalize(part, dim=1) for part in (task.x, task.x_test[:256]))
    y, y_test = (1.0 - 2 * (part % 2).unsqueeze(1) for part in (task.y, task.y_test[:256]))
    return Task(x, y, x_test, y_test, {})


def moved(before: Tensor, after: Tensor) -> Tensor:
    """How far kernels (runs, n, n) have moved, as a share of their own size before. (runs,)

    >>> moved(torch.eye(2).expand(3, 2, 2), torch.eye(2).expand(3, 2, 2))
    tensor([0., 0., 0.])
    """
    return (after - before).norm(dim=(1, 2)) / before.norm(dim=(1, 2))


def slope(x: Any, y: Tensor) -> Tensor:
    """The power of x with which y (x, …) goes: the slope of the straight line in a log-log plot. (…)

    >>> slope([1, 2, 4], torch.tensor([1.0, 4.0, 16.0]))
    tensor(2.)
    """
    at = torch.as_tensor(x, dtype=y.dtype).log()
    at = at - at.mean()
    return torch.tensordot(at, y.log(), dims=1) / (at @ at)


@torch.no_grad()
def active(fleet: Fleet, x: Tensor) -> Tensor:
    """Which units of the first layer get something above 0. (runs, n, width)"""
    return fleet.net[0](x.expand(fleet.runs, *x.shape)) > 0  # pyright: ignore


def watch(fleet: Fleet, task: Task, size: float) -> list[Callable[[Fleet, Task], Tensor]]:
    """Measures, (runs,) each, of what has changed since now: kernel and signs; and the error on new rows."""
    x, first = task.x[:30], fleet.predict(task.x_test)
    before, signs = kernel(fleet, x), active(fleet, x)

    def share_moved(fleet: Fleet, task: Task) -> Tensor:
        return moved(before, kernel(fleet, x))

    def error_on_new_rows(fleet: Fleet, task: Task) -> Tensor:
        answers = (fleet.predict(task.x_test) - first) / size
        return (answers - task.y_test).square().mean((1, 2)).sqrt()

    def share_switched(fleet: Fleet, task: Task) -> Tensor:
        return (active(fleet, x) != signs).float().mean((1, 2))

    return [share_moved, error_on_new_rows, share_switched]


def maps(found: Mapping[str, Mapping[str, Tensor]]) -> Images:
    """Kernels "before" and "after" training, (runs, n, n) each: that of net 0 and its change, by name."""
    shown = [part[0] for end in found.values() for part in (end["before"], end["after"] - end["before"])]
    labels = [f"{name}: {what}" for name in found for what in ("at birth", "its change")]
    pixels: Any = torch.stack(shown).detach().numpy()
    most = float(abs(pixels).max()) / 3  # more is shown as this
    about: Any = {"labels": labels, "columns": 2, "scale": Axis("kernel", low=-most, high=most)}
    return Images("maps", "Two kernels, and how they change", pixels, **about, caption=MAPS)


def falls(what: str, widths: Any, found: Mapping[str, Tensor], guides: Mapping[str, float]) -> Lines:
    """Values (runs, widths) over widths, log-log, with guide lines of given slopes."""
    lines = [band_line(name, widths, values.numpy()) for name, values in found.items()]
    start = max(float(values[:, 0].mean()) for values in found.values())
    for name, power in guides.items():
        guide: Any = start * (torch.tensor(widths) / widths[0]) ** power
        lines.append(Line(name, widths, guide, dash=True))
    axes = Axis("width", log=True), Axis(what, log=True)
    return Lines("falls", what.capitalize(), *axes, lines, f"{what.capitalize()} {FALLS}")


def errors(sizes: Any, found: Mapping[str, Tensor], limits: Mapping[str, float]) -> Lines:
    """Errors on new rows (runs, sizes) over the size of the labels, a line a task, and limits as dashes."""
    lines = [band_line(name, sizes, values.numpy()) for name, values in found.items()]
    level: Any = torch.ones(len(sizes))
    lines += [
        Line(f"{name}, infinitely wide", sizes, limit * level, dash=True) for name, limit in limits.items()
    ]
    axes = Axis("size of the labels", log=True), Axis("error on new rows", low=0)
    return Lines("errors", "From lazy to rich", *axes, lines, ERRORS)


# A function of widths (k,) and values (k,) → the slope of log values over log widths.
power = exercise(
    "widths and values",
    tries=[
        (torch.tensor([1.0, 2, 4, 8]).double(), torch.tensor([8.0, 4, 2, 1]).double()),
        (torch.tensor([32.0, 128, 512]).double(), normal(3).exp()),
    ],
    want=slope,
    wrong={
        "That is the slope of the values themselves: logarithms first.": lambda w, v: slope(w.exp(), v.exp()),
        "Take the logarithm of the values, too.": lambda w, v: slope(w, v.exp()),
        "Take the logarithm of the widths, too.": lambda w, v: slope(w.exp(), v),
    },
    right="In a log-log plot a power is a slope.",
    rest="Fit a straight line to log values over log widths, and return how much it rises a step.",
)

BEFORE = torch.eye(5).double() + 0.3 * normal(6, 5, 5)
AFTER = BEFORE + 0.05 * normal(6, 5, 5, seed=1)

# A function of kernels before and after training, (nets, n, n) each → how far each has moved, (nets,).
own_control = exercise(
    "before and after",
    tries=[(BEFORE, AFTER), (3 * AFTER, BEFORE)],
    want=moved,
    wrong={
        "That is the friend's: it compares a net with other nets' kernels, too.": (
            lambda b, a: (a - b.mean(0)).norm(dim=(1, 2)) / b.mean(0).norm()
        ),
        "As a share of the kernel it had: divide by its norm.": lambda b, a: (a - b).norm(dim=(1, 2)),
        "Divide by the size before, not after.": lambda b, a: (a - b).norm(dim=(1, 2)) / a.norm(dim=(1, 2)),
        "A difference of sizes misses what turns without growing.": (
            lambda b, a: (a.norm(dim=(1, 2)) - b.norm(dim=(1, 2))) / b.norm(dim=(1, 2))
        ),
    },
    right="Each net is its own control: what differs between nets from birth is gone.",
    rest="The norm of each net's own change, over the norm of its kernel before.",
)
