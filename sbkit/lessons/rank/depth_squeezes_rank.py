"""Depth squeezes rank: what theory says of wide random products, and exercises on the rank of products."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from sbkit.course.exercise import exercise, normal
from sbkit.measures import effective_rank, spectrum, stable_rank
from sbkit.plots import Axis, Line, Lines


def limit(depth: int) -> float:
    """Effective rank over width of very wide products of normal matrices (Penson and Życzkowski 2011).

    >>> round(limit(1), 3), round(limit(16), 3)
    (0.805, 0.194)
    """
    t = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    log_m = ((depth + 1) * t / 2 + 1).lgamma() - (t / 2 + 1).lgamma() - (depth * t / 2 + 2).lgamma()
    return (log_m - torch.autograd.grad(log_m, t)[0]).exp().item()


def relu_theory(depth: int) -> float:
    """Effective rank of the cosines between 32 perpendicular inputs after ReLU layers (Cho and Saul 2009).

    >>> round(relu_theory(1), 2)
    18.33
    """
    c = torch.eye(32, dtype=torch.float64)  # (inputs, inputs)
    for _ in range(depth):
        c = ((1 - c**2).clamp(min=0).sqrt() + (torch.pi - c.clamp(-1, 1).arccos()) * c) / torch.pi
    return effective_rank(c).item()


def _band(name: str, x: Sequence[float] | Tensor, values: Tensor, dash: bool = False) -> Line:
    """The mean of values (places, draws) over draws, and their range."""
    return Line(name, x, values.mean(1), values.amin(1), values.amax(1), dash)  # pyright: ignore


def oval(W: Tensor) -> Lines:
    """What W (2, 2) makes of a circle, its longest half-axis scaled to 1; the half-axes are drawn."""
    turn = torch.linspace(0, 2 * torch.pi, 100)
    circle = torch.stack([turn.cos(), turn.sin()])  # (2, points)
    U, values, _ = torch.linalg.svd(W)
    image, halves = W @ circle / values[0], U * values / values[0]
    lines = [Line("circle", *circle, dash=True), Line("its image", *image)]  # pyright: ignore
    lines += [Line(f"σ{k + 1}", *torch.stack([0 * a, a]).mT) for k, a in enumerate(halves.mT)]  # pyright: ignore
    x, y = Axis("first entry", low=-1.6, high=1.6), Axis("second entry", low=-1.2, high=1.2)
    caption = "All arrows of length 1, and what the matrix makes of them, scaled to the same longest arrow."
    return Lines("oval", "What a matrix does to a circle", x, y, lines, caption)


def rulers(W: Tensor) -> Lines:
    """The spectrum of W (n, n), and what two rulers count in it."""
    values = spectrum(W) / spectrum(W)[0]  # (n,)
    lines = [Line("singular values", torch.arange(len(W)) + 1, values)]  # pyright: ignore
    for name, rank in {"effective rank": effective_rank(W), "stable rank": stable_rank(W)}.items():
        lines.append(Line(f"{name} {rank:.1f}", [rank, rank], [0, 1], dash=True))  # pyright: ignore
    x, y = Axis("singular value, by size", low=0), Axis("share of the largest", low=0, high=1)
    caption = "Singular values of one factor, largest first; dashed: how many directions each ruler counts."
    return Lines("rulers", "One spectrum, two rulers", x, y, lines, caption)


def spectra(made: Tensor) -> Lines:
    """Spectra of the shortest and the longest products, made (depths, draws, n, n), each scaled to 1."""
    values = spectrum(made[[-1, 0]])  # (2, draws, n)
    values, place = (values / values[..., :1]).mT, torch.linspace(0, 1, made.shape[-1])
    x, y = Axis("place: 0 largest, 1 smallest", low=0, high=1), Axis("share", low=1e-4, high=2, log=True)
    lines = [_band(f"depth {len(made)}", place, values[0]), _band("depth 1", place, values[1], dash=True)]
    return Lines("spectra", "Singular values", x, y, lines, "Mean and range over the products.")


def directions_left(ranks: Tensor, depth: int) -> Lines:
    """How many products have which rank, (draws,) as shares of the width, beside theory."""
    counts, edges = torch.histogram(ranks.clamp(max=1), 50, range=(0, 1))
    found = Line("products", edges[:-1] + 0.01, counts / len(ranks))  # pyright: ignore
    theory = Line("theory, Gaussian", [limit(depth)] * 2, [0, 1], dash=True)  # pyright: ignore
    x, y = (Axis(name, low=0, high=1) for name in ("effective rank / width", "share of products"))
    caption = "How many products have which rank; dashed: a very wide Gaussian product."
    return Lines("ranks", "Directions left", x, y, [found, theory], caption)


def by_depth(ranks: Mapping[str, Tensor], low: Mapping[int, Tensor]) -> list[Lines]:
    """Ranks (depths, draws) of each kind over depth, and shares (depths,) of low rank by width."""
    depths = range(1, 1 + len(next(iter(ranks.values()))))
    x, y = Axis("depth", low=1), Axis("directions left of 32", low=0, high=44)
    lines = [_band(kind, depths, each) for kind, each in ranks.items()]
    lines.append(Line("theory", depths, [32 * limit(L) for L in depths], dash=True))  # pyright: ignore
    rare = [Line(f"width {n}", depths, of) for n, of in low.items()]  # pyright: ignore
    told, share = "Mean and range of 100 products.", Axis("share of products", low=0, high=1)
    room = Lines("room", "Low rank", x, share, rare, "Share of products that use a quarter or less.")
    return [Lines("left", "What depth leaves", x, y, lines, told), room]


def challenge(depths: Sequence[int], found: Mapping[str, Tensor]) -> Lines:
    """Ranks (depths, draws) of other layers over depth, beside the theory of ReLUs."""
    lines = [_band(name, depths, each) for name, each in found.items()]
    lines.append(Line("ReLU, theory", depths, [*map(relu_theory, depths)], dash=True))  # pyright: ignore
    x, y = Axis("depth", low=1, high=8), Axis("directions left of 32", low=0, high=32)
    return Lines("challenge", "Skips and ReLUs", x, y, lines, "Mean and range of eight draws at width 32.")


# Effective ranks of ovals 3 : 1, 9 : 1 and 1 : 1.
ovals = exercise(
    want=[4 / 27**0.25, 10 / 9**0.9, 2.0],
    atol=0.012,
    expects="Three effective ranks are expected, of one factor and of the two products",
    wrong={
        "Those are the entropies. The effective rank is their exp.": [0.562, 0.325, math.log(2)],
        "Those are stable ranks: these count by shares of the sum.": [10 / 9, 82 / 81, 2.0],
        "The last two are in the other order: aligned stretches add up.": [4 / 27**0.25, 2.0, 10 / 9**0.9],
    },
    right="The same two factors leave 1.38 directions or both: it depends on how they meet.",
    rest="Find the two lengths first, then each one's share of their sum.",
)


def _product(factors: Tensor) -> Tensor:
    """W₃W₂W₁ of each draw. (3, draws, n, n) → (draws, n, n)"""
    return factors[2] @ factors[1] @ factors[0]


# A function of factors (depth, draws, n, n) → the effective rank of each draw's product. (draws,)
squeezed = exercise(
    "factors",
    tries=[(normal(3, 4, 6, 6),)],
    want=lambda factors: effective_rank(_product(factors)),
    atol=1e-3,
    expects="Four effective ranks are expected, one a draw",
    wrong={
        "That is still the friend's rank, of a mean of matrices.": (
            lambda factors: effective_rank(_product(factors).mean(0))
        ),
        "The first factor acts first: later ones stand to its left.": (
            lambda factors: effective_rank(_product(factors.flip(0)))
        ),
        "Those are the factors' own ranks, averaged: multiply first.": (
            lambda factors: effective_rank(factors).mean(0)
        ),
    },
    right="One number a draw. Now the average is one of ranks.",
    rest="Those are not the ranks of W_L⋯W_1: multiply all the factors of a draw, then take the rank.",
)
