"""A signal through twenty layers: the penalty, what travels forward, their pictures, three exercises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    """A thousand digits to learn, pixels standardized; one that hardly varies stays small. x (1000, 64)"""
    task = digits(1000, seed=seed)
    embed = Standardized(task.z)
    embed.deviation.clamp_(min=0.05)  # pyright: ignore
    return replace(task, embed=embed)


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
    return torch.stack([undone(*pair) for pair in zip(h, fleet.weights(), strict=True)]).sum(0)


def restoring(way: str, strength: float) -> Any:
    """The penalty of `sb.fit`: none; of layers whose inputs are free to change; or of fixed inputs."""
    if one_of("penalty", way, ("none", "free", "fixed")) == "none":
        return None
    return lambda fleet, x, y, logits: strength * lost(fleet, x, way == "free")


def signal(fleet: Fleet, task: Task) -> Tensor:
    """How far images are from their mean (rms), in the pixels and each layer. (runs, 1 + layers)"""
    x = task.x_test[:256]
    h = [x.expand(fleet.runs, *x.shape), *fleet.features(x)]
    return torch.stack([part.std(1).norm(dim=-1) for part in h], 1)


def share(h: Tensor, weight: Tensor) -> Tensor:
    """The share of h (…, n, in) that is lost, of squared lengths. (…)"""
    return undone(h, weight) / h.square().sum(-1).mean(-1)


def differing(h: Tensor, weight: Tensor) -> Tensor:
    """The share that is lost of what differs between the rows of h (…, n, in). (…)"""
    return share(h - h.mean(-2, keepdim=True), weight)


@torch.no_grad()
def share_lost(fleet: Fleet, task: Task, of: Callable[[Tensor, Tensor], Tensor] = share) -> Tensor:
    """The share that a layer loses of what it is given, mean over layers. (runs,)"""
    h = [task.x[:256], *fleet.features(task.x[:256])]
    return torch.stack([of(*pair) for pair in zip(h, fleet.weights(), strict=True)]).mean(0)


def signal_lost(fleet: Fleet, task: Task) -> Tensor:
    """The share that a layer loses of what differs between images, mean over layers. (runs,)"""
    return share_lost(fleet, task, differing)


WATCH = ["gradient_norms", signal, share_lost, signal_lost]


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


def read(found: Mapping[str, Snapshot], sides: Sequence[str] = ()) -> Bars:
    """Accuracy on new digits, a bar a way, 0 where a net diverged. sides: compared, the ways "side: name"."""
    values = finite(torch.stack([s.test_accuracy for s in found.values()]).nan_to_num(0))  # (ways, runs)
    names, y = [name.split(": ")[-1] for name in found], Axis("accuracy", low=0, high=1)
    return Bars("read", "Who reads digits?", y, names, middle(values.T)[0], values, READ, sides=tuple(sides))


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
    },
    right="It's 0 if the layer's transpose brings back what it was given.",
    rest="h @ W.T goes forward, @ W back. Then the squared length of the difference, mean over rows.",
)

# A function of rows h (n, in) and a weight (out, in) → the share lost of what differs between rows.
differs = exercise(
    "h and W",
    tries=[(_H + 5, _W[0]), (0.01 * _H - 1, _W[0]), (3 * normal(20, 6, seed=4) + 1, _W[1][:4])],
    want=differing,
    wrong={
        "That's the friend's own check: what all images have in common counts, too.": share,
        "Now compare it with how much the images differ.": lambda h, w: undone(h - h.mean(0), w),
        "Take the mean over images: h.mean(0).": lambda h, w: share(h - h.mean(1, keepdim=True), w),
        "Divide by how much the images differ, not by all that's given.": (
            lambda h, w: undone(h - h.mean(0), w) / h.square().sum(-1).mean()
        ),
    },
    right="Whatever the layer says of all images alike no longer counts.",
    rest="Take the mean image away from h, and then the share that's lost of the rest.",
)

LENGTH = "Squared lengths become {0:.2f} times what they were: aim at 1."
OTHER = "That isn't the weight that was drawn any more: keep its signs and proportions."
_DRAWN = (2 * torch.special.ndtr(normal(32, 32, seed=5)) - 1) / 32**0.5  # uniform, as torch draws a weight

# A function of a weight as torch draws it → one that keeps lengths from birth, for nets without a penalty.
born = exercise(
    "W",
    tries=[(_DRAWN,)],
    want=lambda w: w * 3**0.5,
    measured=lambda w: [w.square().sum() / 32, torch.corrcoef(torch.stack([w, _DRAWN]).flatten(1))[0, 1]],
    right="Squared lengths stay as they are, {0:.2f} times, from birth on and without a penalty.",
    must={
        LENGTH: (lambda size, _: bool(0.85 < size < 1.15), lambda w: w),
        OTHER: (lambda _, like: bool(like > 0.5), lambda w: torch.eye(32)),
    },
    many=True,
)
