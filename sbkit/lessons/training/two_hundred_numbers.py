"""224 of 14,842 numbers: a convolutional net, who may train of it, two pictures, and two exercises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sbkit.core import Fleet, Snapshot, Task, generator, one_of
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.plots import Axis, Bars, Lines
from sbkit.plots.bands import band_line, finite, middle, shown, told

GAMMAS = "The γ of a net, smallest to largest; {}. Pale dashes: as born. See how many have gone to 0."
READ = "Accuracy on new digits; bar = mean, dots = nets; 0.1 is guessing. Which numbers were worth training?"
WHO = ("norm", "convolutions", "anywhere", "some of output", "output", "all")


class Block(nn.Module):
    """x + relu(norm(conv x)), x (n, channels, 8, 8)."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """What comes in and what the block makes of it, (n, channels, 8, 8)."""
        return x + self.norm(self.conv(x)).relu()


def net(blocks: int, channels: int = 16) -> nn.Module:
    """A residual net from digits (n, 64) to logits (n, 10), its averages of four quarters read at the end."""
    first = nn.Conv2d(1, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
    last = nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * channels, 10)
    return nn.Sequential(nn.Unflatten(1, (1, 8, 8)), *first, *(Block(channels) for _ in range(blocks)), *last)


def chosen(fleet: Fleet, train: str) -> list[Tensor]:
    """Which numbers may train, bool, (runs, …) for each of the net's parameters.

    "convolutions", "anywhere" and "some of output" are as many as those of all norms, drawn by a run's seed.
    """
    one_of("choice of what trains", train, WHO)
    norms = {id(p) for part in fleet.modules() if isinstance(part, nn.BatchNorm2d) for p in part.parameters()}
    weights: Sequence[Tensor] = [*fleet.parameters()]
    kinds = ["norm" if id(p) in norms else "convolutions" for p in weights[:-2]] + ["output"] * 2
    of = [kind for kind, p in zip(kinds, weights, strict=True) for _ in range(p[0].numel())]  # (P,)
    wanted = of if train in ("anywhere", "all") else [train.removeprefix("some of ")] * len(of)
    places = torch.tensor([at for at, pair in enumerate(zip(of, wanted, strict=True)) if len({*pair}) == 1])
    count = of.count("norm") if train in WHO[1:4] else len(places)
    rows = torch.zeros(fleet.runs, len(of), dtype=torch.bool)
    for r, row in enumerate(rows):
        row[places[torch.randperm(len(places), generator=generator(fleet.seed + r, 224))[:count]]] = True
    parts = rows.split([p[0].numel() for p in weights], 1)
    return [part.view(p.shape) for part, p in zip(parts, weights, strict=True)]


def count(fleet: Fleet, train: str) -> int:
    """How many numbers of a net may train."""
    return sum(int(mask[0].sum()) for mask in chosen(fleet, train))


def only(fleet: Fleet, train: str) -> Callable[[Fleet, int], None]:
    """Let the chosen numbers train; what `sb.fit` does after each step, so that all others stay as born."""
    masks, born = chosen(fleet, train), [p.detach().clone() for p in fleet.parameters()]
    for p, mask in zip(fleet.parameters(), masks, strict=True):
        p.requires_grad_(bool(mask.any()))

    @torch.no_grad()
    def keep(fleet: Fleet, step: int) -> None:
        for p, mask, before in zip(fleet.parameters(), masks, born, strict=True):
            if p.requires_grad:
                p.copy_(p.where(mask, before))

    return keep


def gammas(fleet: Fleet, task: Task) -> Tensor:
    """All γ of each net, smallest to largest. (runs, γ)"""
    found: list[Tensor] = [part.weight for part in fleet.modules() if isinstance(part, nn.BatchNorm2d)]
    return torch.cat(found, 1).detach().sort(1).values


@plot("gammas")
def gammas_lines(history: Sequence[Snapshot]) -> Lines | None:
    """γ, smallest to largest, a band over nets."""
    if "gammas" not in history[-1].values:
        return None
    values = shown(history[-1], history[-1].values["gammas"])  # (runs, γ)
    line = band_line("γ", np.arange(1, 1 + values.shape[1]), values)
    axes, line = (Axis("place", low=0), Axis("γ")), replace(line, start=np.ones_like(line.y))
    return Lines("gammas", "Scales of the norms", *axes, [line], GAMMAS.format(told(history[-1])["over"]))


def read(found: Mapping[str, Snapshot]) -> Bars:
    """Accuracy on new digits, a bar a way, a dot a net."""
    values = finite(torch.stack([s.test_accuracy for s in found.values()]))  # (ways, runs)
    y = Axis("accuracy", low=0, high=1)
    return Bars("read", "Who reads digits?", y, [*found], middle(values.T)[0], values, READ)


def _normed(x: Tensor, gamma: Any = 1, beta: Any = 0, ddof: int = 0) -> Tensor:
    return gamma * (x - x.mean(0)) / (x.var(0, correction=ddof) + 1e-5).sqrt() + beta


# A function of rows x (n, channels), gamma and beta (channels,) → what batch norm makes of the rows.
normed = exercise(
    "x, gamma and beta",
    tries=[(3 * normal(6, 4) + 2, normal(4, seed=1), normal(4, seed=2))],
    want=_normed,
    wrong={
        "torch's variance divides by one less: give correction=0.": lambda x, g, b: _normed(x, g, b, 1),
        "Each channel has its own mean: over the rows, axis 0.": lambda x, g, b: g * _normed(x.T).T + b,
        "gamma scales what is normed, and beta is added after that.": lambda x, g, b: g * (_normed(x) + b),
    },
    right="Whatever comes in, a channel leaves with mean beta and standard deviation |gamma|.",
    rest="Take each channel's mean away, divide by the root of its variance + 1e-5, then scale and shift.",
    keeps=True,
)

_POOL = torch.arange(2000) % 3 == 0


MANY = "{0:.0f} are chosen, and a fair control has just as many as it's compared with."
BESIDE = "{1:.0f} of them aren't in the pool."
ENDS = "They stand at one end of the pool: draw them from all of it."


def _drawn(mask: Tensor) -> list[Tensor]:
    """How many are chosen, how many of them beside the pool, and their mean place."""
    return [mask.sum(), mask[~_POOL].sum(), mask.nonzero()[:, 0].double().mean() / len(mask)]


# A function of a pool, bool (n,), and a count → so many of the pool, drawn, as bool (n,).
same_count = exercise(
    "pool and count",
    tries=[(_POOL, 224)],
    want=lambda pool, count: pool & ((pool.cumsum(0) * count) % pool.sum() < count),
    measured=_drawn,
    must={
        MANY: (lambda n, *_: bool(n == 224), lambda pool, count: pool),
        BESIDE: (lambda _, out, __: bool(out == 0), lambda pool, count: torch.arange(len(pool)) < count),
        ENDS: (lambda *found: bool(abs(found[2] - 0.5) < 0.1), lambda pool, k: pool & (pool.cumsum(0) <= k)),
    },
    many=True,
    right="As many numbers, of another kind: now only the kind can make the difference.",
)
