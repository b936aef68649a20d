"""Where does sharpness stop? Steps on a parabola and in nets, and exercises on limit and measure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task
from sbkit.course.exercise import exercise, normal
from sbkit.data import digits
from sbkit.losses import loss_for
from sbkit.measures import sharpness
from sbkit.measures.landscape import landscape
from sbkit.models import mlp
from sbkit.plots import Axis, Line, Lines
from sbkit.plots.bands import band_line, finite
from sbkit.training import Run

START, STEPS, REACH = 0.5, 6, 1.0  # of the descent on a parabola, which is drawn from −1 to 1


def parabola(curvature: float = 4.0, lr: float = 0.4) -> Lines:
    """Six steps of gradient descent on L(x) = curvature · x² / 2, from x = 0.5, while they are in sight."""
    x: Any = np.linspace(-REACH, REACH, 81)
    at: Any = START * (1 - lr * curvature) ** np.arange(STEPS + 1)
    at = at[np.abs(at) <= REACH]
    valley, path = (Line(name, t, curvature * t**2 / 2) for name, t in (("loss", x), ("steps", at)))
    factor = f"1 − {lr:g} · {curvature:g} = {1 - lr * curvature:.2g}".replace("-", "−")
    caption = (
        f"A loss of curvature {curvature:g} and {len(at) - 1} steps from 0.5 at a rate of {lr:g}. See if the "
        f"zigzag shrinks or grows: each step multiplies x by {factor}."
    )
    axes = Axis("x", low=-REACH, high=REACH), Axis("loss", low=0)
    return Lines("parabola", "Steps on a parabola", *axes, [valley, path], caption)


def sharpness_over_steps(history: Sequence[Snapshot], lr: Sequence[float], limits: bool = True) -> Lines:
    """Sharpness of runs grouped by their rate, lr (runs,), over steps; with limits, 2 / lr as dashes."""
    found = finite(torch.stack([seen.values["sharpness"] for seen in history], 1))  # (runs, points)
    steps: Any = [seen.step for seen in history]
    rates = np.array(lr)  # (runs,)
    lines = [band_line(f"lr {rate:g}", steps, found[rates == rate]) for rate in np.unique(rates)]
    edges = [
        Line(f"2/{rate:g}", steps, np.full(len(steps), 2 / rate), dash=True) for rate in np.unique(rates)
    ]
    stops = "Dashes: 2 / lr. See where each line stops: there it stays."
    look = stops if limits else "See it double: the valley narrows while the nets learn."
    caption = f"Sharpness over steps; line = mean, band = min–max over nets. {look}"
    axes = Axis("step", low=0), Axis("sharpness", low=0)
    return Lines("stops", "Sharpness", *axes, [*lines, *(edges if limits else [])], caption)


def each_step(run: Run, steps: int) -> Tensor:
    """The square loss on all training rows after each of the next steps of a run. (runs, steps)"""
    task, found = run.task, []
    targets = loss_for(task, "square").encode(task.y, task.outputs)  # (n, outputs)
    for _ in range(steps):
        run.train(steps=1)
        found.append((run.fleet.predict(task.x) - targets).square().mean((1, 2)))
    return torch.stack(found, 1)


def bounces(early: Tensor, late: Tensor) -> Lines:
    """The losses (runs, steps) of the first net in two stretches of training, each over its first."""
    parts = ("from step 100", early[0]), ("from step 460", late[0])
    lines = [band_line(name, np.arange(len(loss)), finite(loss / loss[0])[None]) for name, loss in parts]
    caption = (
        "Loss of net 0 at every step of two stretches, each divided by its first. See where it rises: before "
        "the edge never, at the edge again and again. And yet it falls in the long run."
    )
    axes = Axis("step of the stretch", low=0), Axis("loss / first loss")
    return Lines("bounces", "One step at a time", *axes, lines, caption)


def slope(fleet: Fleet, task: Task) -> Tensor:
    """Length of the gradient of the square loss over all training rows. (runs,)"""
    weights = fleet.vector().detach().requires_grad_()  # (runs, P)
    with torch.enable_grad():
        parts = [losses.sum() for _, losses in landscape("slope", fleet, task, "square").at(weights)]
        (gradient,) = torch.autograd.grad(torch.stack(parts).sum(), weights)
    return gradient.norm(dim=1)


# The largest curvature at which gradient descent with rates of 0.1, 0.4, 0.5 and 2 does not run away.
stable_limit = exercise(
    want=[20, 5, 4, 1],
    expects="Four numbers are expected, one a rate",
    right="At 2/η a step lands just as high on the other side. Any sharper, and it lands higher.",
    wrong={
        "At 1/η one step lands at the bottom. x may change its sign and still shrink.": [10, 2.5, 2, 0.5],
        "The larger the rate, the sooner it runs away: divide by the rate.": [0.2, 0.8, 1, 4],
    },
    rest="The factor 1 − ηλ must not leave −1 … 1. At which λ is it −1?",
)

CURVATURES = torch.tensor([0.3, 5, 2, 1, 0.1, 0], dtype=torch.float64)


def _power(product: Callable[[Tensor], Tensor], v: Tensor, turns: int = 200) -> Tensor:
    for _ in range(turns):
        v = product(v) / product(v).norm()
    return v @ product(v)


# A function (product, v) → the largest eigenvalue of the matrix that product multiplies with, from v on.
power_iteration = exercise(
    "product and v",
    tries=[(lambda v: v * CURVATURES, normal(6)), (lambda v: v * CURVATURES / 9, 3 * normal(6, seed=1))],
    want=_power,
    expects="One number is expected, the eigenvalue",
    wrong={
        "That is vᵀHv of the v that you were given. Turn it first, many times.": lambda hv, v: v @ hv(v),
        "That is the direction. How much does the loss curve along it?": lambda hv, v: hv(v) / hv(v).norm(),
        "You stop too early, while v still turns.": lambda hv, v: _power(hv, v, 1),
    },
    right="After many turns v is the steepest direction, and vᵀHv how sharply the loss curves along it.",
    rest="Repeat v ← Hv / ‖Hv‖ a hundred times, then return vᵀHv.",
)


def _of(loss: str, rows: int) -> Callable[[Fleet, Task], Tensor]:
    return lambda fleet, task: sharpness(fleet, task.sample(rows), loss=loss)


# A function (fleet, task) → the sharpness that gradient descent on the square loss meets. (runs,)
own_loss = exercise(
    "fleet and task",
    tries=lambda: [(mlp(task := digits(200), width=20, activation="tanh", runs=3), task)],
    want=_of("square", 200),
    expects="Three numbers are expected, one a net",
    atol=0.005,
    wrong={
        "That is the friend's number.": _of("cross_entropy", 20),
        "All rows now. But which loss do these nets go down?": _of("cross_entropy", 200),
        "The right loss. But which rows does a step of gradient descent see?": _of("square", 20),
    },
    right="The loss that is trained, on the rows that each step sees: of this 2/η is the limit.",
    rest="Use sb.measures.sharpness with the loss that is trained, on all rows.",
)
