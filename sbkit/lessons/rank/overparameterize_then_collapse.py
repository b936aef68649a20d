"""Overparameterize, then collapse: the networks of two tasks, and exercises on fair comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sbkit.core import Fleet
from sbkit.course.exercise import exercise
from sbkit.measures import effective_rank
from sbkit.plots import Axis, Bars, Lines, bands

LAYERS = ["convolution 1", "convolution 2", "linear 1", "linear 2"]
TOP = "Right on new digits; line = mean, band = min–max over five networks. Find each curve's highest place."
FULL = "Line = mean, band = min–max. The answer 0 has error 1: products help below it, and harm above."
WRONG = "Wrong on 9,000 new digits, after 1,000; bar = mean, dots = networks. Compare the two small starts."
RANKS = "Effective rank of each trained layer, over its most; bar = mean. Two factors leave fewer directions."


def one_by_one(net: Any, x: Tensor) -> Tensor:
    """What a trained network of products answers, every factor applied in turn. (n, inputs) → (n, outputs)"""
    for layer in net:
        if isinstance(layer, nn.Linear):
            factors: Any = layer.parametrizations
            for factor in factors.weight.parameters():
                x = x @ factor.mT
            x = x + layer.bias
        else:
            x = layer(x)
    return x


def mlp() -> nn.Module:
    """Two hidden layers for 8 × 8 pixels."""
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def convnet() -> nn.Module:
    """Two convolutions and two linear layers for 28 × 28 pixels."""
    look = nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2, padding=1)
    last = nn.ReLU(), nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)
    return nn.Sequential(nn.Unflatten(1, (1, 28, 28)), *look, *last)


def ranks(fleet: Fleet) -> Tensor:
    """The effective rank of each layer, over the most that `LAYERS` have. (runs, 4)"""
    nets: Any = [fleet.run(r) for r in range(fleet.runs)]
    weights = [[part.weight.detach().flatten(1) for part in net if hasattr(part, "weight")] for net in nets]
    return torch.tensor([[effective_rank(w) / min(w.shape) for w in each] for each in weights])


def over(wide: Any, x: Axis, label: str, title: str) -> Lines:
    """The columns of a table of shares or errors over x, a line each."""
    names = [name for name in wide if name not in ("run", "seed", x.label)]
    caption, top = (TOP, 1) if label == "share right" else (FULL, None)
    drawn = bands(wide, x, names, label, title)
    return replace(drawn, y=Axis(label, low=0, high=top), caption=caption)


def layers(found: Mapping[str, tuple[Tensor, Tensor]]) -> list[Bars]:
    """What kinds of networks got right (runs,), and the rank of their layers over the most (runs, 4)."""
    right, ranks = (torch.stack(part) for part in zip(*found.values(), strict=True))
    share, rank = Axis("share wrong", low=0), Axis("effective rank / most", low=0, high=1)
    wrong, every = np.asarray(1 - right), np.asarray(ranks.mean(1).flatten())  # (kinds, runs), (bars,)
    sides = tuple(found)
    return [
        Bars("wrong", "New photographs", share, [*found], wrong.mean(1), wrong, WRONG),
        Bars("layers", "Rank, layer by layer", rank, LAYERS * len(found), every, caption=RANKS, sides=sides),
    ]


class Table(nn.Module):
    """One linear layer, asked for one entry of its weight: column and row, one-hot (n, 2 size) → (n, 1)"""

    def __init__(self, size: int = 20):
        super().__init__()
        self.layer = nn.Linear(size, size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """The entries' values."""
        column, row = x.chunk(2, dim=-1)
        return (self.layer(column) * row).sum(-1, keepdim=True)


VALID = torch.tensor([[0.92, 0.94, 0.93, 0.90], [0.93, 0.91, 0.85, 0.6], [0.89, 0.88, 0.31, 0.1]]).double()
JUDGED = torch.tensor([[0.91, 0.93, 0.94, 0.91], [0.92, 0.93, 0.84, 0.6], [0.90, 0.91, 0.35, 0.1]]).double()


# A function of two tables, (factors, rates) → each row's number on `right` at its best rate on `valid`.
own_rates = exercise(
    "valid and right",
    tries=[(VALID, JUDGED)],
    want=lambda valid, right: right.gather(1, valid.argmax(1, keepdim=True))[:, 0],
    expects="Three numbers are expected, one for each kind of network",
    wrong={
        "One rate for all isn't fair: each row chooses its own.": (
            lambda valid, right: right[:, valid[0].argmax()],
            lambda valid, right: right[:, valid.mean(0).argmax()],
        ),
        "The digits that judge chose the rate: choose by valid.": lambda valid, right: right.amax(1),
        "Those are the digits for choosing: judge by right.": lambda valid, right: valid.amax(1),
        "Means over rates: nobody would train at the bad ones.": lambda valid, right: right.mean(1),
    },
    right="Each kind at its own rate, and judged by digits that nobody has looked at.",
    rest="For each row: which column has the most in valid? Then look up that column in right.",
)

# Factors and size of the missing network.
one_thing = exercise(
    want=[1, 0.3],
    atol=1e-6,
    expects="Two numbers are expected, the factors and the size",
    wrong={
        "That's the plain network: the friend has it.": [1, 1],
        "That's the friend's own network.": [2, 0.3],
        "It tells what the start does to products. With it alone, could the start have done it?": [2, 1],
    },
    right="It differs from the friend's network in the factors alone.",
    rest="Keep the friend's start, and leave the factors out.",
)
