"""Infinitely wide: what such a net will answer, foretold before it's trained, and two exercises."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Feature, Fleet, Snapshot, Task
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.measures import infinite_kernel, kernel
from sbkit.plots import Axis, Line, Lines
from sbkit.plots.bands import band_line, finite, shown, step_line, told

ANGLES, VALUES = torch.tensor([-2.2, -0.9, 0.5, 2.1]), torch.tensor([[1.0], [-1.0], [0.5], [-0.5]])
AROUND: Any = torch.linspace(-math.pi, math.pi, 61)
CURVES = "Answer over the angle; dashed: what was foretold at birth for that very net. See how far they part."
APART = "How far answers and kernel are off, and how far the kernel moved; {}. Which start at 0?"
FALL = "Error over the width, on log axes; band = min–max over nets. Compare with the dashed line."
RISE = "Error of the kernel at birth over the depth; band = min–max over nets. See how it rises."


def circle() -> Task:
    """Places on a circle of radius √2: four with their values, and 61 all around to test on."""
    z, around = (math.sqrt(2) * torch.stack([of.cos(), of.sin()], 1) for of in (ANGLES, AROUND))
    return Task(z, VALUES, around, torch.zeros(len(around), 1), {"place": Feature((0, 1))})


def foretell(fleet: Fleet, task: Task, lr: float) -> Callable[[int], Tensor]:
    """What the nets, as they are now, will answer to new rows after so many steps: steps → (runs, n_test).

    f_t = f₀ + Θ(x, X) Θ⁻¹ (1 − (1 − 2ηΘ/n)^t) (y − f₀(X)), with the kernel Θ of infinite width, for gradient
    descent on squares (Jacot et al. 2018; Lee et al. 2019, in discrete time).
    """
    x, new_x, depth = task.x.double(), task.x_test.double(), len(fleet.weights()) - 1
    # (n, n), (n_test, n)
    own, cross = infinite_kernel(x, depth=depth), infinite_kernel(new_x, x, depth=depth)
    born, new = (fleet.predict(rows)[..., 0].double() for rows in (task.x, task.x_test))  # (runs, …)
    size, ways = torch.linalg.eigh(own)
    left = (task.y[:, 0] - born) @ ways  # (runs, n), along each way

    def after(steps: int) -> Tensor:
        learned = (1 - (1 - 2 * lr * size / len(size)) ** steps) / size
        return new + (left * learned) @ (cross @ ways).T

    return after


def few(task: Task, rows: int = 12) -> Tensor:
    """All rows to learn from and some new ones, for kernels. (n, d)"""
    return torch.cat([task.x, task.x_test[:: max(1, len(task.x_test) // rows)]])


def share(own: Tensor, other: Tensor) -> Tensor:
    """How far kernels (runs, n, n) are from others, as a share of these. (runs,)"""
    return (own - other).norm(dim=(-2, -1)) / other.norm(dim=(-2, -1))


def off(fleet: Fleet, task: Task) -> Tensor:
    """How far each net's kernel is from that of infinite width, as a share of it. (runs,)"""
    return share(kernel(fleet, few(task)), infinite_kernel(few(task), depth=len(fleet.weights()) - 1))


def apart(answers: Tensor, foretold: Tensor) -> Tensor:
    """Root mean square over places of the difference, (runs, places) each. (runs,)"""
    return (answers - foretold).square().mean(1).sqrt()


def watch(fleet: Fleet, task: Task, lr: float) -> dict[str, Any]:
    """Options of `sb.fit` that follow these nets, not yet trained, beside the infinitely wide one."""
    after, clock = foretell(fleet, task, lr), [0]
    start, limit = kernel(fleet, few(task)), infinite_kernel(few(task), depth=len(fleet.weights()) - 1)

    def forecast(fleet: Fleet, _: Task) -> Tensor:
        return torch.stack([fleet.predict(task.x_test)[..., 0], after(clock[-1])], 1)  # (runs, 2, places)

    def far_off(fleet: Fleet, _: Task) -> Tensor:
        now, gap = kernel(fleet, few(task)), apart(*forecast(fleet, task).unbind(1))
        return torch.stack([gap, share(now, limit), share(now, start)], 1)  # (runs, 3)

    about: Any = {"after_step": lambda _, step: clock.append(step), "measure": [forecast, far_off]}
    return about | {"optimizer": "gd", "lr": lr, "stop": None}


def curves(values: Any) -> Lines:
    """Answers and what was foretold over the circle, (runs, 2, places), of the first nets, and of all."""
    at: Any = ANGLES[:, None] + torch.tensor([0, 0, 0.01])  # an upright each, then a gap
    height: Any = VALUES + torch.tensor([-0.3, 0.3, math.nan])
    lines = [Line(f"net {r}", AROUND, net[0]) for r, net in enumerate(values[:3])]
    lines += [band_line("all nets", AROUND, values[:, 0]), Line("data", at.flatten(), height.flatten())]
    lines += [Line(f"net {r}, foretold", AROUND, net[1], dash=True) for r, net in enumerate(values[:3])]
    axes = Axis("angle", low=-math.pi, high=math.pi), Axis("answer", low=-2, high=4)
    return Lines("forecast", "Foretold, and true", *axes, lines, CURVES)


@plot("forecast")
def forecast_lines(history: Sequence[Snapshot]) -> Lines | None:
    """The latest answers beside what was foretold; none of another task than the circle."""
    values = history[-1].values.get("forecast", torch.empty(0))
    return curves(shown(history[-1], values)) if values.shape[1:] == (2, len(AROUND)) else None


@plot("far_off")
def far_off_lines(history: Sequence[Snapshot]) -> Lines | None:
    """How far answers and kernels are from those of infinite width, over steps, on a log axis."""
    if history[-1].values.get("far_off", torch.empty(0)).ndim != 2:
        return None
    each = [lambda s, i=i: s.values["far_off"][:, i].clamp_min(1e-6) for i in range(3)]
    lines = [*map(step_line, ("answers", "kernel", "kernel moved"), [history] * 3, each)]
    x, y = Axis("step", low=0), Axis("how far off", low=1e-3, log=True)
    return Lines("far_off", "How far off?", x, y, lines, APART.format(told(history[-1])["over"]), grows=True)


def over(places: Any, each: Mapping[str, Sequence[Tensor]], label: str = "width") -> Lines:
    """Errors (runs,) at each place, a line with its band for each name, and one that falls as 1/√place."""
    lines = [band_line(name, places, finite(torch.stack([*found], 1))) for name, found in each.items()]
    lines += [Line("1/√width", places, 2 / np.sqrt(places), dash=True)] * (label == "width")
    axes = Axis(label, log=True), Axis("how far off", log=True)
    return Lines("over", f"How far off, by {label}", *axes, lines, FALL if label == "width" else RISE)


def _layer(sigma: Tensor, theta: Tensor, with_sigma: float = 1, scale: float = math.pi) -> Tensor:
    """Σ and Θ one layer on, stacked, for |x|² = d and weights of variance 2 / inputs."""
    angle = (sigma / 2).acos()
    new = 2 * (angle.sin() + (math.pi - angle) * angle.cos()) / math.pi
    return torch.stack([new, with_sigma * new + theta * (math.pi - angle) / scale])


# A function of Σ and Θ of pairs of inputs, (pairs,) each → both one layer on.
layer = exercise(
    "sigma and theta",
    tries=[(2 * normal(6, seed=s).tanh(), normal(6, seed=s + 2)) for s in (0, 1)],
    want=_layer,
    wrong={
        "Θ gets the new Σ, too: the last weights learn.": lambda s, t: _layer(s, t, 0),
        "Divide Θ's share by π: the 2 is in it.": lambda s, t: _layer(s, t, 1, 2 * math.pi),
    },
    right="Call it once a hidden layer, and you have the kernel of a net that nobody can build.",
    rest="The angle is acos(Σ/2). Give the new Σ, then the new Θ.",
    keeps=True,
)


def _settled(cross: Tensor, own: Tensor, y: Tensor, born: Any, new: Any) -> Tensor:
    """Where answers end: those at birth, and what the kernel carries over of what was wrong with them."""
    return new + cross @ torch.linalg.solve(own, y - born)


# A function of Θ(x, X) (m, n), Θ(X, X) (n, n), y (n,), answers at birth (n,), (m,) → those at the end (m,).
settled = exercise(
    "cross, own, y, born and born_new",
    tries=[
        (normal(4, 5), torch.eye(5).double() + 0.3, *(normal(n, seed=n + i) for i, n in enumerate((5, 5, 4))))
    ],
    want=_settled,
    wrong={
        "That's the friend's: a net that answers 0 at birth.": lambda c, o, y, b, n: _settled(c, o, y, 0, 0),
        "At birth it also answers something at new places.": lambda c, o, y, b, n: _settled(c, o, y, b, 0),
        "It has to learn what its birth got wrong: y − born.": lambda c, o, y, b, n: _settled(c, o, y, 0, n),
    },
    right="Each net keeps its birth where the data say nothing. Now the formula is about that very net.",
    rest="Answers at birth, plus what the kernel carries over of y − born.",
    keeps=True,
)
