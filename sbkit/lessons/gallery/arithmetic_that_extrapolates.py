"""Can a net learn to multiply? Two sums, layers for arithmetic, when a net counts as right, an exercise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from scipy.stats import binomtest
from torch import Tensor, nn

from sbkit.core import Fleet, Snapshot, Task, generator, one_of
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise
from sbkit.models.modules import seeded
from sbkit.plots import Axis, Bars, Line, Lines, Mark, Scatter
from sbkit.plots.bands import finite, shown

SOLVED = "Share of nets that have solved it; band = 95 % interval (Wilson). See when it rises, and how fast."
APART = "A point is a net, by its errors within and beyond the numbers it learns from. Solved: below 1."
RATES = "Share of nets that have solved it; whisker = 95 % interval (Wilson). See who never gets there."
BEYOND = "A point is four numbers. On the line the net is right. See what happens to numbers from 2 to 6."
SUMS = torch.tensor([[1.0, 1, 1, 1], [1, 1, 0, 0]])  # what the two hidden units of a perfect net add up


def answer(z: Tensor, operation: str, weights: Tensor = SUMS) -> Tensor:
    """The sum of all four numbers and that of the first two, multiplied or added. (n, 4) → (n, 1)"""
    first, second = (z @ weights.T).T  # (n,) each
    known = one_of("operation", operation, ["multiply", "add"])
    return (first * second if known == "multiply" else first + second)[:, None]


def sums(operation: str = "multiply", seed: int = 0, n: int = 2000) -> Task:
    """Four numbers from 1 to 2 to learn from, and from 2 to 6 to be tested on."""
    rng = generator(seed)
    z, z_test = 1 + torch.rand(n, 4, generator=rng), 2 + 4 * torch.rand(n, 4, generator=rng)
    return Task(z, answer(z, operation), z_test, answer(z_test, operation), {})


def threshold(operation: str, epsilon: float = 1e-3) -> float:
    """Mean squared error from 2 to 6 of a perfect net whose first weights are epsilon too small."""
    z = sums(operation, seed=1, n=100_000).z_test
    off = answer(z, operation, SUMS - epsilon) - answer(z, operation)  # (n, 1)
    return float(off.square().mean())


class Layer(nn.Module):
    """A layer for arithmetic, x (n, inputs) → (n, outputs), by its kind: see the lesson's formulas."""

    def __init__(
        self, inputs: int, outputs: int, kind: str, low: float = -torch.inf, high: float = torch.inf
    ):
        super().__init__()
        self.kind, self.ends = kind, (low, high)
        start = {"NMU": (0.25, 0.75), "linear": (-0.5, 0.5)}.get(kind, (-1.0, 1.0))
        self.weight = nn.Parameter(torch.empty(outputs, inputs).uniform_(*start))
        self.gate = nn.Parameter(torch.empty(outputs, inputs).uniform_(-1, 1)) if "NAC" in kind else None

    def forward(self, x: Tensor) -> Tensor:
        w = self.weight.clamp(*self.ends) if self.gate is None else self.weight.tanh() * self.gate.sigmoid()
        if self.kind == "NMU":
            return (w[..., None, :, :] * x[..., None, :] + 1 - w[..., None, :, :]).prod(-1)
        return ((x.abs() + 1e-7).log() @ w.mT).exp() if self.kind == "log NAC" else x @ w.mT


class SideBySide(Fleet):
    """A fleet of such layers, whose weights take a leading axis of runs as they are."""

    def __init__(self, nets: Sequence[nn.Module], seed: int):
        super().__init__(nets, seed)
        self.own = ()

    def forward(self, x: Tensor) -> Tensor:
        """Answers (runs, n, 1) of x (n, 4), shared by the runs, or (runs, n, 4)."""
        return self.net(x if x.ndim == 3 else x.expand(self.runs, *x.shape))


def fleet(layer: str, operation: str, clamp: str = "never", seed: int = 0, runs: int = 30) -> Fleet:
    """Nets of two units that add up, and a last layer; "in the net" they clamp weights themselves."""
    last = "log NAC" if (layer, operation) == ("NAC", "multiply") else layer
    one_of("clamping", clamp, ["after each step", "in the net", "never"])
    ends = ((-1, 1), (0, 1)) if (layer, clamp) == ("NMU", "in the net") else ((), ())

    def net() -> nn.Module:
        first = "linear" if one_of("layer", layer, ["NMU", "NAC", "linear"]) == "NMU" else layer
        return nn.Sequential(Layer(4, 2, first, *ends[0]), Layer(2, 1, last, *ends[1]))

    return SideBySide([seeded(net, seed + r) for r in range(runs)], seed)


def watch(operation: str) -> list[Callable[[Fleet, Task], Tensor]]:
    """Measures of `sb.fit`: which nets have solved it, and how far each is off, within and beyond."""
    limit = threshold(operation)

    def apart(fleet: Fleet, task: Task) -> Tensor:
        ends = ((task.x, task.y, 1.0), (task.x_test, task.y_test, limit))
        return torch.stack([(fleet.predict(x) - y).square().mean((1, 2)) / u for x, y, u in ends], 1)

    def solved(fleet: Fleet, task: Task) -> Tensor:
        return (apart(fleet, task)[:, 1] < 1).float()

    return [solved, apart]


def rate(solved: Any) -> tuple[float, float, float]:
    """The share of nets (runs,) that have solved it, NaN where nothing is known, and its Wilson interval.

    >>> [round(end, 2) for end in rate([1.0] * 23 + [0.0] * 7)]
    [0.77, 0.59, 0.88]
    """
    if not np.isfinite(solved).any():
        return np.nan, np.nan, np.nan
    found = binomtest(int(np.sum(np.asarray(solved) > 0.5)), len(solved))
    low, high = found.proportion_ci(method="wilson")
    return found.statistic, float(low), float(high)


@plot("solved")
def solved_lines(history: Sequence[Snapshot]) -> Lines | None:
    """The share of nets that have solved it, over steps."""
    if "solved" not in history[-1].values:
        return None
    share, low, high = np.array([rate(shown(one, one.values["solved"])) for one in history]).T
    line = Line("solved", [one.step for one in history], share, low, high)  # pyright: ignore
    x, y = Axis("step", low=0), Axis("share of nets", low=0, high=1)
    return Lines("solved", "How many have solved it?", x, y, [line], SOLVED, grows=True)


@plot("apart")
def apart_scatter(history: Sequence[Snapshot]) -> Scatter | None:
    """Each net by its two errors; none without nets that have both."""
    values = history[-1].values.get("apart", torch.empty(0))
    if values.ndim != 2 or values.shape[1] != 2:
        return None
    x, y = (Axis(f"error from {ends}", low=1e-12, high=1e6, log=True) for ends in ("1 to 2", "2 to 6"))
    about: Any = {"caption": APART, "marks": [Mark("solved", 1e-12, 1)]}
    return Scatter("apart", "Within and beyond", x, y, shown(history[-1], values), **about)


def rates(each: Mapping[str, Any]) -> Bars:
    """The share that has solved it, of several fleets' `solved` (runs,), with its interval."""
    share, low, high = np.array([rate(solved) for solved in each.values()]).T
    about: Any = {"caption": RATES, "low": low, "high": high}
    return Bars("rates", "Who can do it?", Axis("share of nets", low=0, high=1), [*each], share, **about)


def beyond(fleet: Fleet, near: Tensor, far: Tensor, net: int = 0) -> Scatter:
    """What a net answers to rows from 1 to 2 and from 2 to 6, over what is right."""
    parts = [(answer(z, "multiply"), fleet.predict(z)[net]) for z in (near, far)]
    points = finite(torch.cat([torch.cat(part, 1) for part in parts]))  # (n, 2)
    about: Any = {"labels": np.repeat([0, 1], [len(near), len(far)]), "names": ("from 1 to 2", "from 2 to 6")}
    x, y = Axis("what is right"), Axis("what the net says")
    return Scatter("beyond", "New numbers", x, y, points, diagonal=True, caption=BEYOND, **about)


def _interval(p: float, n: int, z: float = 1.96, wide: bool = True) -> list[float]:
    """Wilson's interval of a share p of n, or the plain p ± z √(p (1 − p) / n)."""
    extra = z**2 / n if wide else 0
    half = z * (p * (1 - p) / n + extra / n / 4) ** 0.5
    return [(p + extra / 2 + side * half) / (1 + extra) for side in (-1, 1)]


# A function of the share p of n nets → both ends of Wilson's interval.
wilson = exercise(
    "p and n",
    tries=[(0.7, 30), (0.0, 20)],
    want=_interval,
    wrong={
        "That's p ± z √(p (1 − p) / n): with 0 of 20 it says 0.": lambda p, n: _interval(p, n, wide=False),
        "z is 1.96 for 95 in a hundred.": lambda p, n: _interval(p, n, 1.0),
    },
    right="So 0 of 20 is no proof of never: up to 16 in a hundred may still do it.",
    rest="Two numbers: the low end and the high end, by the formula above.",
)
