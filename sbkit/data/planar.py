"""Two-dimensional toys, for looking at decision boundaries."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from sbkit.core import Feature, Task, between, check_memory, dataset, generator, one_of, whole

Draw = Callable[[Tensor, Generator], Tensor]  # labels (n,) → points (n, 2) in [−1, 1]²
TOYS: dict[str, Draw] = {}


def toy(draw: Draw) -> Draw:
    """Register a function from labels to points as a two-class task in the plane, under its own name."""

    def make(n: int = 1000, noise: float = 0.05, n_test: int = 1000, seed: int = 0) -> Task:
        return planar(draw.__name__, n, noise, n_test, seed)

    make.__name__, make.__doc__ = draw.__name__, draw.__doc__
    TOYS[draw.__name__] = draw
    dataset(draw.__name__)(make)
    return draw


def planar(name: str, n: int = 1000, noise: float = 0.05, n_test: int = 1000, seed: int = 0) -> Task:
    """A two-class task in the plane: circles, moons, spirals, xor or sinusoid.

    n, n_test: rows. noise: standard deviation added to both coordinates.
    Raises `SbkitError` on another name, with the nearest.

    >>> planar("moons", n=100).x.shape
    torch.Size([100, 2])
    """
    draw, rows = TOYS[one_of("planar task", name, TOYS)], whole("n", n) + whole("n_test", n_test)
    between("noise", noise, 0, 10)
    check_memory(rows * 2 * 4 * 3, f"{rows:,} rows × 2 coordinates × 4 bytes × 3 copies")
    rng = generator(seed)
    y = torch.arange(rows) % 2  # (rows,), balanced on both sides of the split
    z = draw(y, rng) + noise * torch.randn(rows, 2, generator=rng)
    features = {"x1": Feature((0,), noise=0.0), "x2": Feature((1,), noise=0.0)}
    return Task(z[:n], y[:n], z[n:], y[n:], features)


def _ring(radius: Tensor, angle: Tensor) -> Tensor:
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)  # (n, 2)


@toy
def circles(y: Tensor, rng: Generator) -> Tensor:
    """A disc's rim inside another's: no line separates them. (n, 2)"""
    return _ring(1 - 0.5 * y, 2 * math.pi * torch.rand(len(y), generator=rng))


@toy
def moons(y: Tensor, rng: Generator) -> Tensor:
    """Two interleaved half circles. (n, 2)"""
    arc = _ring(torch.full((len(y),), 0.65), math.pi * torch.rand(len(y), generator=rng))
    side = 1 - 2 * y[:, None]  # (n, 1)
    return side * (arc + torch.tensor([-0.325, -0.16]))


@toy
def spirals(y: Tensor, rng: Generator) -> Tensor:
    """Two arms that wind one and a half times around each other. (n, 2)"""
    turn = torch.rand(len(y), generator=rng).sqrt()
    return _ring(turn, 3 * math.pi * turn + math.pi * y)


@toy
def xor(y: Tensor, rng: Generator) -> Tensor:
    """Four squares, the class is whether the signs agree: useless one by one, perfect together. (n, 2)"""
    points = 0.1 + 0.9 * torch.rand(len(y), 2, generator=rng)
    sign = 2 * torch.randint(2, (len(y),), generator=rng) - 1
    return points * torch.stack([sign, sign * (2 * y - 1)], dim=1)


@toy
def sinusoid(y: Tensor, rng: Generator) -> Tensor:
    """Above or below a sine wave: a line gets most of it right (after Nakkiran et al. 2019). (n, 2)"""
    across = 2 * torch.rand(len(y), generator=rng) - 1
    gap = 0.05 + 0.5 * torch.rand(len(y), generator=rng)
    return torch.stack([across, 0.35 * (2.5 * math.pi * across).sin() + (2 * y - 1) * gap], dim=1)
