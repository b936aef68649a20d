"""How non-Gaussian is a random network? What random nets answer, their tails, pictures and exercises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task, check_pair, generator, measure, plot
from sbkit.course.exercise import exercise, normal
from sbkit.models.plain import ACTIVATIONS
from sbkit.plots import Axis, Line, Lines
from sbkit.plots.bands import band_line, shown

EDGES: Any = np.arange(-8, 8.25, 0.5)  # of the bars of a histogram
LEAST = 1e-5  # share of answers that is still drawn
BELL: Any = np.diff(torch.special.ndtr(torch.from_numpy(EDGES)).numpy())  # shares of a bell curve
TAILS = "How often nets answer so far from their mean; dashes = a bell curve. See how far out they occur."
FOURTH = "Kurtosis of the answers of all nets; a bell curve has 3. Mean over new places."
WIDTHS = "How large a variance a net gives to its answer; 20,000 nets. See how far narrow nets differ."
DRAWS = "Kurtosis of 20,000 nets' answers; band = min–max of 5 draws, dashes = law. See who leaves 3 behind."


def places(seed: int = 0) -> Task:
    """Random places on a sphere with |x|² = d = 4, a value each: eight to learn, eight new ones."""
    rng = generator(seed)
    z, y = torch.randn(16, 4, generator=rng), torch.randn(16, 1, generator=rng)
    x = 2 * z / z.norm(dim=1, keepdim=True)
    return Task(x[:8], y[:8], x[8:], y[8:], {})


def lengths(width: int, depth: int, nets: int = 20_000, activation: str = "relu", seed: int = 0) -> Tensor:
    """The variance that each hidden layer of random nets gives to what follows. (nets, depth)

    For one input with |x|² = d and weights from N(0, 2 / inputs), without weights: given the layer before,
    the units of a layer are independent draws from one bell curve. float64.

    >>> lengths(16, 3, nets=5).shape
    torch.Size([5, 3])
    """
    v, rng = [torch.full((nets,), 2.0, dtype=torch.float64)], generator(seed, width)
    for _ in range(depth):
        z = v[-1].sqrt().unsqueeze(1) * torch.randn(nets, width, dtype=torch.float64, generator=rng)
        v.append(2 * ACTIVATIONS[activation]()(z).square().mean(1))
    return torch.stack(v[1:], dim=1)


def kurtosis(v: Tensor) -> Tensor:
    """Kurtosis of a mixture of bell curves around 0 with these variances, v (nets, …). (…)

    >>> kurtosis(torch.ones(5))
    tensor(3.)
    """
    return 3 * v.square().mean(0) / v.mean(0).square()


def standard(x: Tensor) -> Tensor:
    """Numbers, x (nets, …), with mean 0 and width 1 over nets. (nets, …)"""
    off = x - x.mean(0)
    return off / off.square().mean(0).sqrt()


def raw(x: Tensor) -> Tensor:
    """Kurtosis of numbers, x (nets, …). (…)"""
    return standard(x).pow(4).mean(0)


def beyond(v: Tensor, times: float = 4) -> Tensor:
    """How often such a mixture is further than so many of its standard deviations from 0, v (nets, …). (…)"""
    return torch.special.erfc(times * (v.mean(0) / v / 2).sqrt()).mean(0)


@measure("answers")
def answers(fleet: Fleet, task: Task) -> Tensor:
    """What each net says of the first eight test rows, its first output. (runs, 8)"""
    check_pair("answers", fleet, task)
    found = fleet.predict(task.x_test[..., :8, :])[..., 0]
    return found.where(found.isfinite().all(1, keepdim=True), torch.nan)


@measure("heaviness")
def heaviness(fleet: Fleet, task: Task) -> Tensor:
    """The same answers, for the picture of their kurtosis. (runs, 8)"""
    return answers(fleet, task)


def _known(seen: Snapshot, name: str) -> Tensor:
    """The answers of the nets that can be shown. (nets, rows)"""
    return torch.from_numpy(shown(seen, seen.values[name])).double()


@plot("answers")
def tails(history: Sequence[Snapshot]) -> Lines:
    """How often answers of all nets lie so far from their mean, on a log axis, beside a bell curve."""
    return histogram({"nets": _known(history[-1], "answers")}, log=True)


@plot("heaviness")
def heaviness_line(history: Sequence[Snapshot]) -> Lines:
    """Kurtosis over all nets of the answers to a test row, mean over rows, over steps."""
    found: Any = [raw(_known(seen, "heaviness")).mean().item() for seen in history]
    axes = Axis("step", low=0), Axis("kurtosis", low=0)
    line = Line("nets", np.array([seen.step for seen in history]), found)
    return Lines("heaviness", "How heavy are the tails?", *axes, [line], FOURTH, grows=True)


def histogram(found: Mapping[str, Tensor], log: bool = False) -> Lines:
    """How often answers (nets, rows) lie so far from their mean over nets, beside a bell curve."""
    shares: dict[str, Any] = {"bell curve": BELL}
    for name, each in found.items():
        z = standard(each).numpy()
        shares[name] = np.histogram(z[np.isfinite(z)], EDGES)[0] / max(1, z.size)
    seen = {name: np.where(share < LEAST, np.nan, share) if log else share for name, share in shares.items()}
    lines = [Line(name, EDGES[1:] - 0.25, share, dash=name == "bell curve") for name, share in seen.items()]
    axes = Axis("standard deviations", low=-8, high=8), Axis("share of answers", low=LEAST * log, log=log)
    return Lines("answers", "Is it a bell curve?", *axes, lines, TAILS)


def spreads(found: Mapping[str, Tensor]) -> Lines:
    """How often nets give their answers such a variance, (nets,) each, on a log axis."""
    edges: Any = np.geomspace(0.05, 40, 34)
    lines = [Line(k, edges[:-1] * 1.1, np.histogram(v, edges)[0] / len(v)) for k, v in found.items()]  # pyright: ignore
    axes = Axis("variance of a net's answer", log=True), Axis("share of nets", low=0)
    return Lines("spreads", "A bell for every net", *axes, lines, WIDTHS)


def curves(x: str, at: Any, found: Mapping[str, Sequence[Tensor]], law: Mapping[str, Any]) -> Lines:
    """Kurtosis over width or depth: variances (nets, at) of several draws a line, and what laws say."""
    lines = [band_line(k, at, torch.stack([*map(kurtosis, v)]).numpy()) for k, v in found.items()]
    lines += [Line(name, at, values, dash=True) for name, values in law.items()]
    axes = Axis(x, log=x == "width"), Axis("kurtosis", low=2.9, log=True)
    return Lines("curves", f"Kurtosis over {x}", *axes, lines, DRAWS)


def _moments(*found: Tensor) -> list[Tensor]:
    return [torch.stack([v.mean(), v.square().mean() / v.mean() ** 2]) for v in found]


def _units(v: Tensor, n: int) -> Tensor:
    return v.sqrt().unsqueeze(1) * torch.randn(len(v), n, generator=generator(1))


def _power(v: Tensor, n: int) -> Tensor:
    return _units(v, n).relu().square().mean(1)


# A function of variances v (nets,) and a width n → the variances after a ReLU layer, drawn anew.
one_layer = exercise(
    "v and n",
    tries=[(torch.full((20_000,), 2.0).double(), 16), (lengths(32, 1)[:, -1], 8)],
    want=lambda v, n: 2 * _power(v, n),
    measured=_moments,
    atol=0.12,
    wrong={
        "Half of the units are silent: the 2 makes up for it.": _power,
        "Where is the ReLU?": lambda v, n: 2 * _units(v, n).square().mean(1),
        "Every net draws its own units: n for each.": lambda v, n: 2 * v * _power(1 + 0 * v[:1], n),
        "v is a variance: multiply by its root.": lambda v, n: 2 * v * _power(v, n),
        "That adds up over the units. Take the mean.": lambda v, n: 2 * n * _power(v, n),
    },
    right="A layer of a random net, and not one weight was drawn. Of the input it knows one number.",
    rest="Draw n numbers a net from a bell curve of variance v; ReLU; square; twice the mean.",
)

# A function of the last hidden layer of many nets h (nets, width) → kurtosis of their answers.
steady = exercise(
    "h",
    tries=[(normal(500, 4).relu(),), (3 * normal(500, 9, seed=1).relu(),)],
    want=lambda h: kurtosis(h.square().mean(1)),
    wrong={
        "A bell curve's own kurtosis is 3: where is it?": lambda h: kurtosis(h.square().mean(1)) / 3,
        "The variance goes with the squares of the units.": lambda h: kurtosis(h.mean(1)),
        "That is of all units in one heap. Each net's v first.": lambda h: kurtosis(h.square().flatten()),
    },
    right="Nothing is left to the last layer's chance, and no rare answer can be missed.",
    rest="v of each net is 2 · the mean of its h². Then 3 · mean of v², over (mean of v)².",
)
