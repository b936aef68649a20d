"""Data have structure: the students, a drawing of their births, a control, a check to repair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sbkit.core import generator
from sbkit.course.exercise import exercise, normal
from sbkit.plots import Axis, Bars, Line, Lines

SHARE = "A dot is a pair of students; 0.5 is chance."
BIRTHS = "Two weights, from birth (left) to the end. Each runs beside the line, as far off as it was born."


class Student(nn.Module):
    """φ(x) = Σ v_k erf(w_k·x / √(2N)), both layers normal at birth; alike: every v_k is 1. (n, N) → (n, 1)"""

    def __init__(self, units: int = 8, scale: float = 1.0, inputs: int = 64, alike: bool = False):
        super().__init__()
        self.w = nn.Parameter(scale * torch.randn(units, inputs))
        self.v = torch.ones(1, units) if alike else nn.Parameter(torch.randn(1, units))

    def forward(self, x: Tensor) -> Tensor:
        """What the student says of each row."""
        return torch.erf(x @ self.w.T / (2 * x.shape[-1]) ** 0.5) @ self.v.T


def same(outputs: Tensor) -> Tensor:
    """How often each two students give the same answer. (students, n) → (pairs,)"""
    one, other = torch.combinations(torch.arange(len(outputs))).T
    return (outputs[one].sign() == outputs[other].sign()).double().mean(1)


def shares(found: Mapping[str, Tensor]) -> Bars:
    """How often two students agree, a bar a kind of inputs; found: (pairs,) each."""
    dots: Any = torch.stack([*found.values()])  # (kinds, pairs)
    y = Axis("share of inputs", low=0, high=1)
    return Bars("shares", "How often two students agree", y, [*found], dots.mean(1), dots, SHARE)


def births() -> Lines:
    """Two students of two weights whose examples lie on a line: where they begin, and where they end."""
    along, goal = torch.tensor([0.8, 0.6]), torch.tensor([1.2, 0.9])
    paths: dict[str, Any] = {"the examples' line": ([-1.6, 1.6], [-1.2, 1.2])}
    for name, born in {"student 1": [-1.4, 0.2], "student 2": [-0.2, -1.0]}.items():
        w = torch.tensor(born)
        end = w + (goal - w) @ along * along  # (2,), gradient descent's end: it moves along the line alone
        paths[name] = torch.stack([w, end], 1)
    lines = [Line(name, *path, dash="line" in name) for name, path in paths.items()]
    axes = Axis("first weight", low=-2, high=2), Axis("second weight", low=-1.5, high=2)
    return Lines("births", "Born apart, and still apart", *axes, lines, BIRTHS)


def scramble(x: Tensor, seed: int = 1) -> Tensor:
    """The inputs with every column in an order of its own. (n, d)"""
    return x.gather(0, torch.rand(x.shape, generator=generator(seed)).argsort(0))


_X = normal(300, 1, seed=3) + torch.arange(5.0)  # five columns that go together entirely

# A function of inputs (n, d) → inputs with the same numbers in each column, and nothing else in common.
scrambled = exercise(
    "x",
    tries=[(_X,)],
    want=scramble,
    wrong={"Those are the pictures as they were.": lambda x: x},
    must={
        "A pixel has other numbers than before: only their order may change, within a column.": (
            lambda found: torch.allclose(found.sort(0).values, _X.sort(0).values),
            torch.randn_like,
        ),
        "The pixels of a picture still go together. Give each column an order of its own.": (
            lambda found: torch.corrcoef(found.T).abs().sum() < 7,
            lambda x: x[torch.randperm(len(x))],
        ),
    },
    many=True,
    right="Each pixel alone is as it was. What's gone is how the pixels go together.",
)


def rested(loss: Tensor, arrived: float = 2.0) -> Tensor:
    """The largest loss(2t) / loss(t) after which the loss still falls by `arrived`; (runs, looks) → (runs,)

    0 where there's no such t. loss: at steps t = 1, 2, 3, … in some unit.
    """
    early, late = loss[:, : loss.shape[1] // 2], loss[:, 1::2]  # (runs, looks // 2) at t and at 2t
    return torch.where(early > arrived * loss[:, -1:], late / early, 0).amax(1)


def _curves() -> Tensor:
    """A loss that falls, and one that rests before it falls. (2, 60)"""
    t = 1 + torch.arange(60, dtype=torch.float64)
    return torch.stack([0.8**t + 0.01, 0.3 * 0.7**t + 0.1 * torch.sigmoid(20 - t) + 1e-3])


# A function of losses (runs, looks) → the largest loss(2t) / loss(t) that's followed by a halving.
rest = exercise(
    "loss",
    tries=[(_curves(),)],
    want=rested,
    wrong={"A loss that has arrived still counts as a rest.": lambda loss: rested(loss, 0)},
    right="The loss that simply falls has no rest any more, and the other still has.",
)
