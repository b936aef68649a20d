"""A signal through twenty layers: the penalty, what travels forward, pictures of both, and three exercises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task, one_of
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.data import digits
from sbkit.data.own import Standardized
from sbkit.plots import Axis, Bars, Line, Lines
from sbkit.plots.bands import band_line, finite, middle, shown, told

SIGNAL = "How far apart images are in each layer, 0 = pixels, log scale; {}. Does the signal reach the end?"
TRAVEL = "{} by layer, log scale; line = mean, band = min–max of nets. Compare the ends of each line."
READ = "Accuracy on new digits; bar = mean, dots = nets; 0.1 is guessing. Who has learned?"


def images(seed: int = 0) -> Task:
    """A thousand digits to learn, their pixels standardized. x (1000, 64)"""
    task = digits(1000, seed=seed)
    return replace(task, embed=Standardized(task.z))


def undone(h: Tensor, weight: Tensor) -> Tensor:
    """What is lost of h (…, n, in) by WᵀW, as squared lengths, mean over rows; W (…, out, in). (…)

    >>> undone(torch.ones(1, 2), torch.tensor([[2.0, 0.0], [0.0, 0.5]]))
    tensor(9.5625)
    """
    return (h - h @ weight.mT @ weight).square().sum(-1).mean(-1)


def lost(fleet: Fleet, x: Tensor, free: bool = True) -> Tensor:
    """What all layers lose of what they are given, the output's layer too. (runs,)

    free: whether the layers below may change what a layer is given, and so lessen the sum.
    """
    with torch.set_grad_enabled(free and torch.is_grad_enabled()):
        h = [x, *fleet.hidden(x)]  # (runs, n, width) each
    w = fleet.weights()
    ends = undone(h[0], w[0]) + undone(h[-1], w[-1])  # alike layers at once
    return ends + undone(torch.stack(h[1:-1]), torch.stack(w[1:-1])).sum(0) if len(w) > 2 else ends


def restoring(way: str, strength: float) -> Any:
    """The penalty of `sb.fit`: none; of layers whose inputs are free to change; or of fixed inputs."""
    if one_of("penalty", way, ("none", "free", "fixed")) == "none":
        return None
    return lambda fleet, x, y, logits: strength * lost(fleet, x, way == "free")


def signal(fleet: Fleet, task: Task) -> Tensor:
    """How far images are from their mean, root mean square, in the pixels and each layer. (runs, 1 + layers)"""
    x = task.x_test[:256].float()
    h = [x.expand(fleet.runs, *x.shape), *fleet.features(x)]
    return torch.stack([part.std(1).norm(dim=-1) for part in h], 1)


def sum_lost(fleet: Fleet, task: Task) -> Tensor:
    """The penalty, of weight 1, on the first 256 images. (runs,)"""
    return lost(fleet, task.x[:256], free=False)


def share_lost(fleet: Fleet, task: Task) -> Tensor:
    """The share of what it's given that a layer loses, mean over layers, on the first 256 images. (runs,)"""
    h = [task.x[:256], *fleet.features(task.x[:256])]
    shares = [undone(a, w) / a.square().sum(-1).mean(-1) for a, w in zip(h, fleet.weights(), strict=True)]
    return torch.stack(shares).mean(0)


WATCH = ["gradient_norms", signal, share_lost, sum_lost]


def _line(name: str, values: Any, first: int) -> Line:
    """A line over layers, counted from `first`, for a log axis. values (runs, layers)"""
    return band_line(name, range(first, first + values.shape[1]), values.clip(1e-12))


@plot("signal")
def signal_lines(history: Sequence[Snapshot]) -> Lines | None:
    """How far apart images are, layer by layer."""
    end = history[-1]
    if "signal" not in end.values:
        return None
    line = _line("signal", shown(end, end.values["signal"]), 0)
    axes = Axis("layer", low=0), Axis("distance of images", log=True)
    return Lines("signal", "Signal by layer", *axes, [line], SIGNAL.format(told(end)["over"]))


def travel(what: str, found: Mapping[str, Snapshot]) -> Lines:
    """What = "signal" or "gradient_norms", by layer, a line a way."""
    title = {"signal": "Distance of images", "gradient_norms": "Length of the gradient"}[what]
    lines = [_line(name, shown(s, s.values[what]), int(what != "signal")) for name, s in found.items()]
    axes = Axis("layer", low=0), Axis(title.lower(), log=True)
    return Lines(what, title, *axes, lines, TRAVEL.format(title))


def read(found: Mapping[str, Snapshot]) -> Bars:
    """Accuracy on new digits, a bar a way."""
    values = finite(torch.stack([s.test_accuracy for s in found.values()]))  # (ways, runs)
    y = Axis("accuracy", low=0, high=1)
    return Bars("read", "Who reads digits?", y, [*found], middle(values.T)[0], values, READ)


def births(scales: Any, found: Mapping[str, Sequence[Snapshot]]) -> Lines:
    """Accuracy over the scale at birth, a line a way; a net that diverged reads nothing."""
    lines = [
        band_line(name, scales, finite(torch.stack([s.test_accuracy for s in ends], 1).nan_to_num(0)))
        for name, ends in found.items()
    ]
    axes = Axis("scale of the weights at birth", log=True), Axis("accuracy", low=0, high=1)
    return Lines("births", "How were they born?", *axes, lines, BIRTHS)


BIRTHS = "Accuracy over the scale at birth; line = mean, band = min–max; 0 = diverged. Where does each fail?"
_W = [normal(6, 6, seed=s) / 3 for s in (1, 2)]
_H = normal(50, 6)

# A function of rows h (n, in) and a weight (out, in) → what the layer loses of them.
restored = exercise(
    "h and W",
    tries=[(_H, _W[0]), (3 * normal(20, 6, seed=4), _W[1][:4])],
    want=undone,
    wrong={
        "Square what is lost before you add it up.": lambda h, w: (h - h @ w.T @ w).sum(-1).mean(),
        "Add up over the units, and take the mean over rows only.": lambda h, w: undone(h, w) / h.shape[1],
        "That's the sum over rows: take their mean.": lambda h, w: undone(h, w) * len(h),
        "A squared length is asked for: no root.": lambda h, w: (h - h @ w.T @ w).norm(dim=-1).mean(),
    },
    right="It's 0 if the layer's transpose brings back what it was given.",
    rest="h @ W.T goes through the layer, @ W goes back. Then the squared length of the difference, mean over rows.",
)

# A function of rows h (n, in) and a weight (out, in) → the share that the layer loses of them.
share = exercise(
    "h and W",
    tries=[(_H, _W[0]), (0.01 * _H, _W[0]), (3 * normal(20, 6, seed=4), _W[1][:4])],
    want=lambda h, w: undone(h, w) / h.square().sum(-1).mean(),
    wrong={
        "That's the friend's own check: smaller rows still look better.": undone,
        "Divide by the squared length of the rows, not by the length.": (
            lambda h, w: undone(h, w) / h.norm(dim=-1).mean()
        ),
        "Divide by what went in, not by what came back.": (
            lambda h, w: undone(h, w) / (h @ w.T @ w).square().sum(-1).mean()
        ),
    },
    right="Now rows a hundred times as small get the same share.",
    rest="What is lost, over the mean squared length of the rows.",
)

_DRAWN = (2 * torch.special.ndtr(normal(32, 32, seed=5)) - 1) / 32**0.5  # uniform, as torch draws a weight


def _length_and_likeness(weight: Tensor) -> list[Tensor]:
    """What a weight (32, 32) makes of squared lengths, on average, and its cosine with the drawn one."""
    like = torch.cosine_similarity(weight.flatten(), _DRAWN.flatten(), dim=0)
    return [weight.square().sum() / 32, like]


# A function of a weight as torch draws it → one that keeps lengths from birth, for nets without a penalty.
born = exercise(
    "W",
    tries=[(_DRAWN,)],
    want=lambda w: w * 3**0.5,
    measured=_length_and_likeness,
    right="Squared lengths stay as they are, {0:.2f} times, from birth on and without a penalty.",
    must={
        "Squared lengths become {0:.2f} times what they were: aim at 1.": (
            lambda size, _: bool(0.85 < size < 1.15),
            lambda w: w,
        ),
        "That isn't the weight that was drawn any more: keep its signs and proportions.": (
            lambda _, like: bool(like > 0.5),
            lambda w: torch.eye(32),
        ),
    },
    many=True,
)
