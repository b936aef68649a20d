"""Scans of low rank, or of few bright pixels, of which two numbers in five are measured, and their repair."""

from __future__ import annotations

import torch
from torch import Tensor

from sbkit.core import Feature, Fleet, Task, generator, one_of
from sbkit.data import stack
from sbkit.lessons.rank.factors import shrunk

SHAPE = 32, 16  # of a scan: places, moments
PLACE = torch.arange(32)
COSINES = torch.cos(torch.pi * (PLACE + 0.5) * PLACE[:, None] / 32) / 4  # orthonormal, (32, 32)
COSINES[0] /= 2**0.5


def drawn(kind: str, count: int, rank: int, rng: torch.Generator) -> Tensor:
    """Scans: products of two thin random matrices, or pictures with few pixels lit. (count, 32, 16)"""
    rows, columns = SHAPE
    if one_of("kind", kind, ("few directions", "few pixels")) == "few pixels":
        lit = torch.rand(count, *SHAPE, generator=rng) < 0.05
        return lit * torch.randn(count, *SHAPE, generator=rng) / 0.05**0.5
    left, right = (torch.randn(count, k, rank, generator=rng) for k in (rows, columns))
    return left @ right.mT / rank**0.5


def scans(kind: str = "few directions", rank: int = 2, seed: int = 0, sets: int = 5) -> Task:
    """Five sets of scans, 8 to learn from and 12 new ones each; y is the scan, x what was measured of it.

    Measured are 40 % of the numbers of its cosine transform along places, drawn at random. x (sets, n, 1024)
    holds them, 0 elsewhere, then a mask; y (sets, n, 512).
    """
    each = []
    for one in range(seed, seed + sets):
        rng = generator(one)
        y = drawn(kind, 20, rank, rng)  # (20, 32, 16)
        mask = (torch.rand(y.shape, generator=rng) < 0.4).to(y)
        x = torch.stack([mask * (COSINES @ y), mask], 1).flatten(1)  # (20, 1024)
        rows = x[:8], y[:8].flatten(1), x[8:], y[8:].flatten(1)
        each.append(Task(*rows, {"measured": Feature(tuple(range(1024)))}))
    return stack(each)


def back(measured: Tensor) -> Tensor:
    """The scan that has the measured numbers and 0 for all others. (…, 1024) → (…, 32, 16)"""
    return COSINES.mT @ measured.unflatten(-1, (2, *SHAPE)).select(-3, 0)


def measured(given: Tensor) -> Tensor:
    """What was measured and where, (…, 1024) → (2, …, 32, 16)."""
    return given.unflatten(-1, (2, *SHAPE)).movedim(-3, 0)


def off(x: Tensor, measured: Tensor) -> Tensor:
    """By how much a scan misses the numbers that were measured of it, as a scan. (…, 32, 16)"""
    numbers, mask = measured
    return COSINES.mT @ (mask * (COSINES @ x) - numbers)


def _off_values(x: Tensor, share: Tensor) -> Tensor:
    """Singular values less a share of the largest. (…, 32, 16)"""
    return shrunk(x, share * torch.linalg.matrix_norm(x.detach(), 2))


def _off_entries(x: Tensor, share: Tensor) -> Tensor:
    """Entries less a share of the largest. (…, 32, 16)"""
    return x.sign() * (x.abs() - share * x.detach().abs().amax((-2, -1), keepdim=True)).clamp_min(0)


TAKES = {"singular values": _off_values, "entries": _off_entries}


def decibels(told: Tensor, true: Tensor) -> Tensor:
    """Peak signal-to-noise ratio, mean over scans; 20: off by a tenth of the peak. (…, n, 512) → (…)"""
    error = (told - true).square().mean(-1)
    return (10 * (true.abs().amax(-1).square() / error).log10()).mean(-1)


def quality(fleet: Fleet, task: Task) -> Tensor:
    """How well new scans are restored, in dB. (runs,)"""
    return decibels(fleet.predict(task.x_test), task.y_test)


def restored(fleet: Fleet, task: Task) -> Tensor:
    """A new scan: as it is, from what was measured alone, by the net. (runs, 3, 32, 16)"""
    true, alone = task.y_test[..., :1, :].unflatten(-1, SHAPE), back(task.x_test[..., :1, :])
    each = true, alone, fleet.predict(task.x_test[..., :1, :]).unflatten(-1, SHAPE)
    return torch.cat([part.expand(fleet.runs, 1, *SHAPE) for part in each], 1)
