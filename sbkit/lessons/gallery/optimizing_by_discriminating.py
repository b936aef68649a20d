"""Optimizing by discriminating: a game of two nets, three rivals without any, pictures, and an exercise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.functional import softplus

from sbkit.core import Feature, Fleet, Snapshot, Task, generator, one_of
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.models import mlp
from sbkit.plots import Axis, Field, Lines
from sbkit.plots.bands import band_line, finite, shown, step_line

LOOKS, ROUNDS, STEPS, NOISE, GRID = 60, 100, 3, 0.3, 21
CLOUD = "Chance that a place is in the better half, as one judge sees it; points = latest looks. Follow them."
BEST = "Lowest value found so far; line = mean, band = min–max over runs. 0 is drawn at a billionth."
LEAST = 1e-9  # what 0 is drawn as
FUNCTIONS = {
    "bowl": lambda x: x.square().sum(-1),
    "stairs": lambda x: (10 * x.abs()).floor().sum(-1) / 10,
    "valley": lambda x: (100 * (x[..., 1:] - x[..., :-1].square()).square() + (1 - x[..., :-1]).square()).sum(
        -1
    ),
}


class Game:
    """A proposer and a judge of its points, a pair a run; all that `sb.fit` needs of them is in `rules`.

    function: "bowl", "stairs" or "valley", of so many dims from −2 to 2. shrink: what multiplies the noise on
    the proposals after each round.

    >>> Game("bowl", dims=2, runs=3).proposer.runs
    3
    """

    def __init__(self, function: str, dims: int = 10, shrink: float = 0.97, seed: int = 0, runs: int = 5):
        self.f, self.shrink, self.seed = FUNCTIONS[one_of("function", function, FUNCTIONS)], shrink, seed
        z, y = torch.randn(256, 8, generator=generator(seed)), torch.zeros(256, dims)
        self.task = Task(z, y, z[:LOOKS], y[:LOOKS], {"drawn": Feature((*range(8),))})
        self.proposer = mlp(self.task, depth=2, width=32, runs=runs, seed=seed)
        self.rules: dict[str, Any] = {"transform": self.look, "penalty": self.doubt, "loss": self.value}
        self.rules |= {"measure": [self.cloud, self.best], "steps": STEPS * ROUNDS, "batch": LOOKS}
        self.start()

    def start(self) -> None:
        """A judge that knows nothing: two outputs, worse half and better half."""
        x, y = torch.zeros(4, self.task.y.shape[-1]), torch.tensor([0, 1, 0, 1])
        task = Task(x, y, x, y, {"point": Feature((*range(x.shape[1]),))})
        self.judge = mlp(task, depth=2, width=32, runs=self.proposer.runs, seed=self.seed + 1000)
        self.optimizer = torch.optim.Adam(self.judge.parameters(), lr=3e-3)
        self.lowest = torch.full((self.proposer.runs,), torch.inf)
        self.points = torch.zeros(self.proposer.runs, LOOKS, x.shape[1])  # of the latest round
        self.good = torch.zeros(self.points.shape[:2], dtype=torch.bool)

    def score(self, x: Tensor) -> Tensor:
        """The log odds that points (runs, n, dims) are in the better half, for each run's judge. (runs, n)"""
        worse, better = self.judge(x).unbind(-1)
        return better - worse

    def look(
        self, fleet: Fleet, x: Tensor, y: Tensor, step: int, generators: Sequence[Generator]
    ) -> tuple[Tensor, Tensor]:
        """Fresh random numbers for the proposer; before, every third step, a round of looks for the judge."""
        z, fresh = (torch.stack([torch.randn(LOOKS, 8, generator=g) for g in generators]) for _ in "12")
        if step == 0:
            self.start()
        if step % STEPS == 0:
            draws = [torch.randn(self.points.shape[1:], generator=g) for g in generators]
            noise = NOISE * self.shrink ** (step // STEPS) * torch.stack(draws)
            self.points = (2 * fleet(z).tanh() + noise).clamp(-2, 2)
            values = self.f(self.points)  # (runs, looks), the only ones that count
            self.lowest = torch.minimum(self.lowest, values.amin(1))
            self.good = values < values.median(1, keepdim=True).values
            self.learn()
        return fresh, y

    @torch.enable_grad()
    def learn(self) -> None:
        """Ten steps of the judge on the latest round."""
        for _ in range(10):
            score = self.score(self.points)
            loss = softplus(torch.where(self.good, -score, score)).mean(1).sum()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    def doubt(self, fleet: Fleet, x: Tensor, y: Tensor, logits: Tensor) -> Tensor:
        """What the proposer makes small: the judge's doubt that its points are in the better half. (runs,)"""
        return softplus(-self.score(2 * logits.tanh())).mean(1)

    def value(self, logits: Tensor, y: Tensor) -> Tensor:
        """The function at the proposals, to be watched: its gradient is 0. (runs, n)"""
        return self.f(2 * logits.detach().tanh()) + 0 * logits.sum(-1)

    @torch.no_grad()
    def cloud(self, fleet: Fleet, task: Task) -> Tensor:
        """Chances over a grid of two coordinates, the latest points, and which are good. (runs, numbers)"""
        side = torch.linspace(-2, 2, GRID)
        plane = torch.zeros(GRID * GRID, self.points.shape[-1])
        plane[:, :2] = torch.cartesian_prod(side, side).flip(1)
        parts = self.score(plane).sigmoid(), self.points[..., :2].flatten(1), self.good.float()
        return torch.cat(parts, 1)

    def best(self, fleet: Fleet, task: Task) -> Tensor:
        """The lowest value found. (runs,)"""
        return self.lowest


@plot("cloud", rows=False)
def cloud_field(history: Sequence[Snapshot]) -> Field | None:
    """One judge's plane and the latest points of its run; none where there are none."""
    values = history[-1].values.get("cloud", torch.empty(0))
    if values.ndim != 2 or values.shape[1] != GRID * GRID + 3 * LOOKS:
        return None
    chance, points, good = np.split(shown(history[-1], values)[0], [GRID * GRID, -LOOKS])
    x, y = (Axis(f"{which} coordinate", low=-2, high=2) for which in ("first", "second"))
    about: Any = {"labels": (good > 0.5).astype(int), "names": ("worse half", "better half")}
    plane, points = chance.reshape(GRID, GRID), points.reshape(LOOKS, 2)
    return Field("cloud", "Where's it low?", x, y, plane, points=points, caption=CLOUD, **about)


@plot("best", rows=False)
def best_lines(history: Sequence[Snapshot]) -> Lines | None:
    """The lowest value over steps."""
    if "best" not in history[-1].values:
        return None
    line = step_line("two nets", history, lambda s: s.values["best"].clamp_min(LEAST))
    axes = Axis("step", low=0), Axis("lowest value", low=LEAST, log=True)
    return Lines("best", "How low so far?", *axes, [line], BEST, grows=True)


def search(
    way: str, function: str = "bowl", dims: int = 10, shrink: float = 0.97, runs: int = 5, seed: int = 0
) -> Tensor:
    """Lowest value so far after every fifth round of as many looks, without nets. (runs, rounds / 5)

    way: "random", "no nets" (the best point so far, and the game's noise) or "CEM".

    >>> search("random", runs=2).shape
    torch.Size([2, 20])
    """
    one_of("way", way, ["random", "no nets", "CEM"])
    found = torch.zeros(runs, ROUNDS)
    for r in range(runs):
        rng, best, middle = generator(seed + r), torch.zeros(dims), torch.zeros(dims)
        spread, lowest = torch.eye(dims), torch.inf
        for turn in range(ROUNDS):
            noise = torch.randn(LOOKS, dims, generator=rng)
            x = {
                "random": 4 * torch.rand(LOOKS, dims, generator=rng) - 2,
                "no nets": best + NOISE * shrink**turn * noise,
                "CEM": middle + noise @ torch.linalg.cholesky(spread + 1e-10 * torch.eye(dims)).T,
            }[way].clamp(-2, 2)
            values = FUNCTIONS[function](x)
            if values.min() < lowest:
                lowest, best = values.min(), x[values.argmin()]
            middle, new = around(x, values)
            spread = (spread + new) / 2
            found[r, turn] = lowest
    return found[:, 4::5]


def around(x: Tensor, values: Tensor, count: int = 20) -> tuple[Tensor, Tensor]:
    """Mean and covariance of the best points, of x (n, dims) with values (n,). (dims,), (dims, dims)"""
    best = x[values.argsort()[:count]]
    return best.mean(0), best.T.cov()


def race(curves: Mapping[str, Tensor], title: str = "After as many looks") -> Lines:
    """Lowest values so far (runs, points) of several ways, over the number of looks."""
    looks = 5 * LOOKS * np.arange(1, 1 + ROUNDS // 5)
    lines = [band_line(name, looks, finite(each).clip(LEAST)) for name, each in curves.items()]
    axes = Axis("looks", low=0), Axis("lowest value", low=LEAST, log=True)
    return Lines(f"race {title}", title, *axes, lines, BEST)


# A function of points (60, dims) and their values → mean and covariance of the best twenty.
rival = exercise(
    "x and values",
    tries=[(normal(60, 4, seed=s), normal(60, seed=s + 1)) for s in (0, 2)],
    want=around,
    wrong={
        "Those are the highest values; we're looking for the lowest.": lambda x, v: around(x, -v),
        "Those are all sixty: keep the best twenty.": lambda x, v: around(x, v, 60),
        "The covariance is of coordinates: (dims, dims), around the mean of the best.": lambda x, v: (
            around(x, v)[0],
            x.T.cov(),
        ),
    },
    right="That's all there is to this rival, and it has no net at all.",
    rest="Sort by value, keep the first twenty, then their mean and their covariance.",
    keeps=True,
)
