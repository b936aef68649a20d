"""What is the Hessian made of? Its two parts over training, three pictures of them, and two exercises."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from sbkit.core import Feature, Fleet, Snapshot, Task, measure, plot
from sbkit.course.exercise import exercise, normal
from sbkit.data import digits
from sbkit.losses import Named
from sbkit.measures import hessian
from sbkit.models import mlp
from sbkit.plots import Axis, Line, Lines
from sbkit.plots.bands import band_line, finite, step_line, told

PARTS = ("gauss_newton", "nme")
SHARE = "The second part divided by the first. Watch which line stays at 0, and which one comes down to it. "
SPECTRA = "All eigenvalues of both parts, least first. Compare the ends: only the second bends downwards."
ALONG = (
    "One output while a single weight moves and all others rest. See the ReLU net: straight but for kinks."
)
GAIN = "Gain on new digits over nets without penalty; line = mean, band = min–max over nets. Who gains?"
BEAR = "New digits right, for every ρ. See who falls, and who doesn't."


def pooled(n: int, flip: float = 0.0, seed: int = 0) -> Task:
    """scikit-learn's digits, every two by two pixels as their mean: x (rows, 16), ten classes.

    n, flip, seed: as in `digits`.
    """
    task = digits(n, flip=flip, seed=seed)
    x, x_test = (avg_pool2d(z.view(-1, 1, 8, 8), 2).flatten(1) for z in (task.x, task.x_test))
    return Task(x, task.y, x_test, task.y_test, {"pixels": Feature((*range(16),))}, names=task.names)


@measure("parts", weights=1000)
def parts(fleet: Fleet, task: Task, loss: Named = None) -> Tensor:
    """Sizes of the Hessian's parts, Gauss–Newton and NME, then their traces. (runs, 4)

    Size: the root of the sum of all squared entries. loss: as in `sb.measures.hvp`. NaN for a run that
    diverged.

    >>> task = pooled(20)
    >>> parts(mlp(task, width=2, runs=3), task).shape
    torch.Size([3, 4])
    """
    each = [hessian(fleet, task, kind, loss=loss) for kind in PARTS]  # (runs, P, P) each
    sizes = [part.flatten(1).norm(dim=1) for part in each]
    return torch.stack(sizes + [part.diagonal(dim1=1, dim2=2).sum(1) for part in each], dim=1)


@plot("parts")
def parts_lines(history: Sequence[Snapshot]) -> Lines:
    """Size and trace of the second part over those of the first, over steps."""

    def share(seen: Snapshot, i: int) -> Tensor:
        return seen.values["parts"][:, i + 1] / seen.values["parts"][:, i]

    names = ("size", "trace")
    lines = [
        step_line(name, history, lambda s, i=2 * i: share(s, i), dash=i > 0) for i, name in enumerate(names)
    ]
    x, y = Axis("step", low=0), Axis("second part ÷ first part")
    return Lines("parts", "The second part", x, y, lines, SHARE + told(history[-1])["over"] + ".", grows=True)


def spectra(fleet: Fleet, task: Task) -> Lines:
    """All eigenvalues of both parts with their signs, least first, a band over runs."""
    names = ("first part", "second part")
    each = measure["hessian"](fleet, task)  # (runs, P) each
    places = np.arange(1, 1 + each[0].shape[1])
    lines = [band_line(name, places, finite(values)) for name, values in zip(names, each, strict=True)]
    axes = Axis("number, least first", low=1), Axis("eigenvalue")
    return Lines("spectra", "Eigenvalues of both parts", *axes, lines, SPECTRA)


def one_weight(reach: float = 6.0, weight: int = 5) -> Lines:
    """How an output of untrained nets of three activations answers when one weight moves by up to reach."""
    task, moves, lines = pooled(10), torch.linspace(-reach, reach, 121), []
    for name in ("relu", "gelu", "tanh"):
        fleet = mlp(task, width=12, activation=name, runs=len(moves), init=2.0)
        weights = fleet.vector().detach()[:1].repeat(len(moves), 1)  # (moves, P), of net 0
        weights[:, weight] += moves
        found = fleet.logits_at(weights, task.x[:1])[:, 0, 0].detach()  # (moves,)
        lines.append(Line(name, moves.numpy(), found.numpy(), dash=name == "relu"))
    axes = Axis("how far the weight moves", low=-reach, high=reach), Axis("output")
    return Lines("along", "One weight moves", *axes, lines, ALONG)


def bearing(right: Tensor, names: Sequence[str], rho: Sequence[float]) -> list[Lines]:
    """Shares of right answers (names, rho, runs): what each gains up to the last rho but one, and all."""

    def lines(values: Tensor) -> list[Line]:  # (names, some of rho, runs)
        each = zip(names, values, strict=True)
        return [band_line(name, rho[: len(found)], finite(found.T)) for name, found in each]

    gain = 100 * (right - right[:, :1])[:, :-1]  # in points
    x, points, share = Axis("ρ"), Axis("points gained"), Axis("new digits right", low=0, high=1)
    few = Lines("gain", "A little of it", x, points, lines(gain), GAIN)
    return [few, Lines("bear", "More of it", x, share, lines(right), BEAR)]


def _spread(p: Tensor, less: float = 1.0) -> Tensor:
    """The loss's second derivatives by the logits, diag p − p pᵀ; p (n, C). (n, C, C)"""
    return torch.diag_embed(p) - less * p.unsqueeze(-1) * p.unsqueeze(-2)


def _built(rows: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """The mean over rows of Jᵀ H J, with H (n, C, C) a function of the chances."""
    return lambda J, p: torch.einsum("ncp,ncd,ndq->pq", J, rows(p), J) / len(J)


# A function of derivatives of logits J (n, C, P) and chances p (n, C) → the Gauss–Newton part, (P, P).
first_part = exercise(
    "J and p",
    tries=[(normal(4, 3, 5, seed=s), normal(4, 3, seed=s + 9).softmax(-1)) for s in (1, 2)],
    want=_built(_spread),
    wrong={
        "The loss itself bends with the logits.": _built(lambda p: torch.eye(3).to(p).expand(4, 3, 3)),
        "The chances add up to 1: take p pᵀ away.": _built(lambda p: _spread(p, less=0)),
        "That is the sum over the rows. The loss is their mean.": lambda J, p: 4 * _built(_spread)(J, p),
    },
    right="How logits move with the weights, twice, and between them how the loss bends with the logits.",
    rest="For each row J.T @ (p.diag() − p pᵀ) @ J, then the mean over rows.",
)

SIGNS = normal(40, 6, seed=3).sign()  # (k, P)
MIXED = (normal(6, 6, seed=4) + normal(6, 6, seed=4).T).fill_diagonal_(0)  # no diagonal, but a size


# A function (product, v) of random signs v (k, P) → an estimate of a matrix's size that cannot cancel.
second_size = exercise(
    "product and v",
    tries=[(lambda v: v @ MIXED, SIGNS), (lambda v: v @ (MIXED + torch.eye(6).to(v)), SIGNS)],
    want=lambda product, v: product(v).square().sum(-1).mean().sqrt(),
    wrong={
        "That is the friend's: of both signs, and they cancel.": lambda A, v: (v * A(v)).sum(-1).mean(),
        "Square before you average: squares can't cancel.": lambda A, v: A(v).sum(-1).mean(),
        "Each vᵀAv is already a sum that cancels.": lambda A, v: (v * A(v)).sum(-1).abs().mean(),
        "Close: average squared lengths, then take the root.": lambda A, v: A(v).norm(dim=-1).mean(),
        "That is the size squared: take the root.": lambda A, v: A(v).square().sum(-1).mean(),
    },
    right="Whatever its signs: the squared length of Av is on average the sum of all squared entries of A.",
    rest="Take the squared length of each product(v), average, and take the root.",
)
