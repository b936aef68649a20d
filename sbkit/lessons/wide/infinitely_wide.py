"""Infinitely wide: what such a net will answer, foretold before it's trained, and two exercises."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sbkit.core import Feature, Fleet, Snapshot, Task
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.data import digits
from sbkit.measures import gp_posterior, infinite_kernel, kernel
from sbkit.plots import Axis, Line, Lines
from sbkit.plots.bands import band_line, finite, shown, step_line, told

DRAWN, PLACES = 3, 61  # nets, angles
CURVES = "Answer over the angle; dashed: what was foretold at birth for that very net. See how far they part."
APART = "How far nets are from the infinitely wide one; {}. See what stands still."
FALL = "Error over {}, on log axes; line = mean, band = min–max over nets. Compare with the dashed line."


class Circle(nn.Module):
    """An angle (…, 1) as a place on a circle of radius √2, where |x|² is the number of inputs. (…, 2)"""

    def forward(self, z: Tensor) -> Tensor:
        """The place at each angle."""
        return math.sqrt(2) * torch.cat([z.cos(), z.sin()], -1)


def circle() -> Task:
    """Four angles and their values; to test on, 61 angles all around."""
    z, y = torch.tensor([[-2.2, -0.9, 0.5, 2.1], [1.0, -1.0, 0.5, -0.5]]).unsqueeze(2)  # (4, 1) each
    around = torch.linspace(-math.pi, math.pi, PLACES).unsqueeze(1)
    return Task(z, y, around, torch.zeros(PLACES, 1), {"angle": Feature((0,))}, embed=Circle())


def threes(seed: int = 0, n: int = 24, n_test: int = 60) -> Task:
    """Digits 3 and 8 as values −1 and 1, each image scaled so that |x|² is its number of pixels."""
    task = digits(n, labels=(3, 8), seed=seed)
    x, x_test = (8 * rows / rows.norm(dim=1, keepdim=True) for rows in (task.x, task.x_test[:n_test]))
    y, y_test = (2.0 * labels.unsqueeze(1) - 1 for labels in (task.y, task.y_test[:n_test]))
    return Task(x, y, x_test, y_test, {"pixels": Feature((*range(64),))})


def foretell(fleet: Fleet, task: Task, lr: float) -> Callable[[int], Tensor]:
    """What the nets, as they are now, will answer to new rows after so many steps: steps → (runs, n_test).

    f_t = f₀ + Θ(x, X) Θ⁻¹ (1 − (1 − 2ηΘ/n)^t) (y − f₀(X)), with the kernel Θ of infinite width, for gradient
    descent on squares (Jacot et al. 2018; Lee et al. 2019, in discrete time).
    """
    x, new_x, depth = task.x.double(), task.x_test.double(), len(fleet.weights()) - 1
    own, cross = (infinite_kernel(rows, x, depth=depth) for rows in (x, new_x))  # (n, n), (n_test, n)
    born, new = (fleet.predict(rows)[..., 0].double() for rows in (task.x, task.x_test))  # (runs, …)
    size, ways = torch.linalg.eigh(own)
    left = (task.y[:, 0] - born) @ ways  # (runs, n), along each way

    def after(steps: int) -> Tensor:
        learned = (1 - (1 - 2 * lr * size / len(size)) ** steps) / size
        return new + (left * learned) @ (cross @ ways).T

    return after


def from_zero(task: Task, depth: int) -> Tensor:
    """Where infinitely wide nets end that answer 0 at birth, which is their mean: at the new rows. (n_test,)"""
    both = torch.cat([task.x, task.x_test]).double()
    whole, n = infinite_kernel(both, depth=depth), len(task.x)
    return gp_posterior(whole[:n, :n], whole[n:, :n], whole[n:, n:], task.y[:, 0].double(), 0.0)[0]


def off(fleet: Fleet, task: Task, rows: int = 12) -> Tensor:
    """How far each net's own kernel is from that of infinite width, as a share of it. (runs,)"""
    x = torch.cat([task.x, task.x_test[:: max(1, len(task.x_test) // rows)]]).double()
    limit = infinite_kernel(x, depth=len(fleet.weights()) - 1)  # (n, n)
    return (kernel(fleet, x) - limit).norm(dim=(1, 2)) / limit.norm()


def apart(answers: Tensor, foretold: Tensor) -> Tensor:
    """Root mean square over places of the difference, (runs, places) each. (runs,)"""
    return (answers - foretold).square().mean(1).sqrt()


def watch(fleet: Fleet, task: Task, lr: float) -> dict[str, Any]:
    """Options of `sb.fit` that follow these nets, not yet trained, beside the infinitely wide one."""
    after, clock = foretell(fleet, task, lr), [0]

    def tick(_: Fleet, step: int) -> None:
        clock[0] = step

    def answers(fleet: Fleet, _: Task) -> Tensor:
        return torch.stack([fleet.predict(task.x_test)[..., 0], after(clock[0])], 1)  # (runs, 2, places)

    def distance(fleet: Fleet, _: Task) -> Tensor:
        return torch.stack([apart(*answers(fleet, task).unbind(1)), off(fleet, task)], 1)  # (runs, 2)

    return {"optimizer": "gd", "lr": lr, "stop": None, "after_step": tick, "measure": [answers, distance]}


def curves(values: Any) -> Lines:
    """Answers and what was foretold over the circle, (runs, 2, places), of the first nets, and of all."""
    task, around = circle(), circle().z_test[:, 0]
    at, height = (part.expand(-1, 3).clone() for part in (task.z, task.y))
    at += torch.tensor([-0.1, 0.1, 0.11])  # a short bar for each row, then a gap
    height[:, 2] = math.nan
    pairs = [*enumerate(values[:DRAWN])]
    lines = [Line(f"net {r}", around, net[0]) for r, net in pairs]
    lines += [band_line("all nets", around, values[:, 0]), Line("data", at.flatten(), height.flatten())]
    lines += [Line(f"net {r}, foretold", around, net[1], dash=True) for r, net in pairs]
    axes = Axis("angle", low=-math.pi, high=math.pi), Axis("answer", low=-3, high=5)
    return Lines("answers", "Foretold, and true", *axes, lines, CURVES)


@plot("answers")
def answers_lines(history: Sequence[Snapshot]) -> Lines | None:
    """The latest answers beside what was foretold; none of another task than the circle."""
    values = history[-1].values.get("answers", torch.empty(0))
    return curves(shown(history[-1], values)) if values.shape[1:] == (2, PLACES) else None


@plot("distance")
def distance_lines(history: Sequence[Snapshot]) -> Lines | None:
    """How far answers and kernels are from those of infinite width, over steps, on a log axis."""
    if history[-1].values.get("distance", torch.empty(0)).ndim != 2:
        return None
    names = ("answers, rms", "kernel, share")
    each = {name: lambda s, i=i: s.values["distance"][:, i].clamp_min(1e-6) for i, name in enumerate(names)}
    lines = [step_line(name, history, of) for name, of in each.items()]
    x, y = Axis("step", low=0), Axis("how far off", low=1e-3, log=True)
    return Lines("distance", "How far off?", x, y, lines, APART.format(told(history[-1])["over"]), grows=True)


def over(places: Sequence[float], each: Mapping[str, Sequence[Tensor]], label: str = "width") -> Lines:
    """Errors (runs,) at each place, a line with its band for each name, and one that falls as 1/√place."""
    lines = [band_line(name, places, finite(torch.stack([*found], 1))) for name, found in each.items()]
    if label == "width":
        lines.append(Line("1/√width", places, [2 / math.sqrt(place) for place in places], dash=True))
    axes = Axis(label, log=True), Axis("how far off", log=True)
    return Lines("over", f"How far off, by {label}", *axes, lines, FALL.format(label))


def _layer(sigma: Tensor, theta: Tensor, with_sigma: float = 1, scale: float = math.pi) -> Tensor:
    """Σ and Θ one layer on, stacked, for |x|² = d and weights of variance 2 / inputs."""
    angle = (sigma / 2).acos()
    turned = math.pi - angle
    new = 2 * (angle.sin() + turned * angle.cos()) / math.pi
    return torch.stack([new, with_sigma * new + theta * turned / scale])


# A function of Σ and Θ of pairs of inputs, (pairs,) each → both one layer on.
layer = exercise(
    "sigma and theta",
    tries=[(normal(6, seed=s).tanh() * 2, normal(6, seed=s).tanh() * 2) for s in (0, 1)],
    want=_layer,
    wrong={
        "Θ gets the new Σ, too: the last weights learn.": lambda s, t: _layer(s, t, 0),
        "Divide Θ's share by π: the 2 is in it.": lambda s, t: _layer(s, t, 1, 2 * math.pi),
    },
    right="Call it once a hidden layer, and you have the kernel of a net that nobody can build.",
    rest="The angle is acos(Σ/2). Give the new Σ, then the new Θ.",
    expects="Two rows are expected, the new Σ and the new Θ",
    keeps=True,
)

_A = normal(9, 5, seed=4)
_K = _A @ _A.T + torch.eye(9, dtype=torch.float64)  # of five rows to learn from and four new ones
_GIVEN = _K[5:, :5], _K[:5, :5], normal(5, seed=5), normal(5, seed=6), normal(4, seed=7)


def _settled(cross: Tensor, own: Tensor, y: Tensor, born: Any, new: Any) -> Tensor:
    """Where answers end: those at birth, and what the kernel carries over of what was wrong with them."""
    return new + cross @ torch.linalg.solve(own, y - born)


# A function of Θ(x, X) (m, n), Θ(X, X) (n, n), y (n,), answers at birth (n,), (m,) → those at the end (m,).
settled = exercise(
    "cross, own, y, born and born_new",
    tries=[_GIVEN],
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
