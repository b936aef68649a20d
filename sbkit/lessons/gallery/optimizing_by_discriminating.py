"""Optimizing by discriminating: a game of two nets, three rivals without any, pictures, and an exercise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from sbkit.core import Feature, Fleet, Snapshot, Task, generator, one_of
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.models import mlp
from sbkit.plots import Axis, Field, Lines
from sbkit.plots.bands import band_line, finite, shown

LOOKS, ROUNDS, STEPS, NOISE, GRID = 60, 100, 3, 0.3, 21
CLOUD = "Chance that a place is in the better half, as one judge sees it; points = latest looks. Follow them."
BEST = "Lowest value found so far; line = mean, band = min–max over runs. 0 is drawn at a billionth."
LEAST = 1e-9  # what 0 is drawn as


def valley(x: Tensor) -> Tensor:
    """Rosenbrock's long, bent valley: lowest, 0, where all of x (…, dims) is 1. (…)"""
    a, b = x[..., :-1], x[..., 1:]
    return (100 * (b - a.square()).square() + (1 - a).square()).sum(-1)


FUNCTIONS = {
    "bowl": lambda x: x.square().sum(-1),
    "stairs": lambda x: (10 * x.abs()).floor().sum(-1) / 10,
    "valley": valley,
}


class Game:
    """A proposer and a judge of its points, a pair a run; all that `sb.fit` needs of them is in `rules`.

    function: "bowl", "stairs" or "valley", of so many dims from −2 to 2. shrink: what multiplies the noise on
    the proposals after each round.

    >>> Game("bowl", dims=2, runs=3).proposer.runs
    3
    """

    def __init__(self, function: str, dims: int = 10, shrink: float = 0.97, seed: int = 0, runs: int = 5):
        self.f, self.shrink = FUNCTIONS[one_of("function", function, FUNCTIONS)], shrink
        z, none, two = normal(256, 8).float(), torch.zeros(256, dims), torch.arange(256) % 2
        self.task = Task(z, none, z, none, {"drawn": Feature((*range(8),))})
        self.points = Task(none, two, none, two, {"point": Feature((*range(dims),))})  # worse or better half
        self.runs, self.seed = runs, seed
        self.proposer = mlp(self.task, depth=2, width=32, runs=runs, seed=seed)
        self.rules: dict[str, Any] = {"transform": self.look, "penalty": self.doubt, "batch": LOOKS}
        self.rules |= {"measure": [self.cloud, self.log10_lowest], "steps": STEPS * ROUNDS}
        self.rules["loss"] = lambda out, y: self.f(2 * out.detach().tanh()) + 0 * out.sum(-1)  # to be watched
        self.start()

    def start(self) -> None:
        """A judge that knows nothing, and no point looked at."""
        self.judge = mlp(self.points, depth=2, width=32, runs=self.runs, seed=self.seed + 1000)
        self.optimizer = torch.optim.Adam(self.judge.parameters(), lr=3e-3)
        self.lowest = torch.full((self.runs,), torch.inf)
        self.latest = self.points.x[:LOOKS].expand(self.runs, -1, -1)  # (runs, looks, dims)

    def score(self, x: Tensor) -> Tensor:
        """The log odds that points (runs, n, dims) are in the better half, by each run's judge. (runs, n)"""
        return self.judge(x).diff(dim=-1)[..., 0]

    @torch.enable_grad()
    def look(self, fleet: Fleet, x: Tensor, y: Tensor, step: int, generators: Any) -> tuple[Tensor, Tensor]:
        """Fresh random numbers for the proposer; before, every third step, a round of looks for the judge."""
        drawn = torch.stack([torch.randn(LOOKS, 16 + y.shape[-1], generator=g) for g in generators])
        fresh, z, noise = drawn.tensor_split([8, 16], -1)
        if step == 0:
            self.start()
        if step % STEPS == 0:
            moved = 2 * fleet(z).tanh() + NOISE * self.shrink ** (step // STEPS) * noise
            self.latest = moved.clamp(-2, 2).detach()
            values = self.f(self.latest)  # (runs, looks), the only ones that count
            self.lowest = torch.minimum(self.lowest, values.amin(1))
            sign = torch.where(values < values.median(1, keepdim=True).values, -1, 1)
            for _ in range(10):
                self.optimizer.zero_grad()
                softplus(sign * self.score(self.latest)).mean(1).sum().backward()
                self.optimizer.step()
        return fresh, y

    def doubt(self, fleet: Fleet, x: Tensor, y: Tensor, logits: Tensor) -> Tensor:
        """What the proposer makes small: the judge's doubt that its points are in the better half. (runs,)"""
        return softplus(-self.score(2 * logits.tanh())).mean(1)

    @torch.no_grad()
    def cloud(self, fleet: Fleet, task: Task) -> Tensor:
        """Chances over a grid of two coordinates, then the latest points there. (runs, numbers)"""
        side, plane = torch.linspace(-2, 2, GRID), torch.zeros(GRID * GRID, self.latest.shape[-1])
        plane[:, :2] = torch.cartesian_prod(side, side).flip(1)
        return torch.cat([self.score(plane).sigmoid(), self.latest[..., :2].flatten(1)], 1)

    def log10_lowest(self, fleet: Fleet, task: Task) -> Tensor:
        """Logarithm of the lowest value found. (runs,)"""
        return self.lowest.clamp_min(LEAST).log10()


@plot("cloud", rows=False)
def cloud_field(history: Sequence[Snapshot]) -> Field | None:
    """One judge's plane and the latest points of its run; none where there are none."""
    values = history[-1].values.get("cloud", torch.empty(0))
    if not values.numel():
        return None
    chance, points = np.split(shown(history[-1], values)[0], [GRID * GRID])
    x, y = (Axis(f"{which} coordinate", low=-2, high=2) for which in ("first", "second"))
    about: Any = {"points": points.reshape(-1, 2), "names": ("latest", "better half"), "caption": CLOUD}
    return Field("cloud", "Where's it low?", x, y, chance.reshape(GRID, GRID), **about)


def search(way: str, function: str, dims: int = 10, runs: int = 5, seed: int = 0) -> Tensor:
    """Lowest value so far after every fifth round of as many looks, without nets. (runs, rounds / 5)

    way: "random", "no nets" (the best point so far, and the game's noise) or "CEM".

    >>> search("random", "bowl", runs=2).shape
    torch.Size([2, 20])
    """
    one_of("way", way, ["random", "no nets", "CEM"])
    found = torch.full((runs, ROUNDS), torch.inf)
    for r in range(runs):
        rng, spread = generator(seed + r), torch.eye(dims)
        best = middle = torch.zeros(dims)
        for turn in range(ROUNDS):
            noise = torch.randn(LOOKS, dims, generator=rng)
            x = middle + noise @ torch.linalg.cholesky(spread + 1e-10 * torch.eye(dims)).T
            x = best + NOISE * 0.97**turn * noise if way == "no nets" else x
            x = (4 * torch.rand(x.shape, generator=rng) - 2 if way == "random" else x).clamp(-2, 2)
            values = FUNCTIONS[one_of("function", function, FUNCTIONS)](x)  # (looks,)
            best = x[values.argmin()] if values.min() < found[r].min() else best
            found[r, turn] = values.min()
            middle, new = around(x, values)
            spread = (spread + new) / 2
    return found.cummin(1).values[:, 4::5]


def around(x: Tensor, values: Tensor, count: int = 20) -> tuple[Tensor, Tensor]:
    """Mean and covariance of the best points, of x (n, dims) with values (n,). (dims,), (dims, dims)"""
    best = x[values.argsort()[:count]]
    return best.mean(0), best.T.cov()


def race(title: str, curves: Mapping[str, Tensor]) -> Lines:
    """Lowest values so far (runs, points) of several ways, over the number of looks."""
    looks = 5 * LOOKS * np.arange(1, 1 + ROUNDS // 5)
    lines = [band_line(name, looks, finite(each).clip(LEAST)) for name, each in curves.items()]
    return Lines(title, title, Axis("looks", low=0), Axis("lowest value", log=True), lines, BEST)


# A function of points (60, dims) and their values → mean and covariance of the best twenty.
rival = exercise(
    "x and values",
    tries=[(normal(60, 4, seed=s), normal(60, seed=s + 1)) for s in (0, 2)],
    want=around,
    wrong={
        "Those are the highest values; we're looking for the lowest.": lambda x, v: around(x, -v),
        "Those are all sixty: keep the best twenty.": lambda x, v: around(x, v, 60),
        "The covariance is of the best twenty, too.": lambda x, v: (around(x, v)[0], x.T.cov()),
    },
    right="That's all there is to this rival, and it has no net at all.",
    rest="Sort by value, keep the first twenty, then their mean and their covariance.",
    keeps=True,
)
