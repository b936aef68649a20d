"""Rank by design: pictures of scans and their repair, and exercises on thresholds and what they hope for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from sbkit.core import Snapshot, generator
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise
from sbkit.lessons.rank.factors import low_rank, svt
from sbkit.lessons.rank.scans import (
    SHAPE,
    TAKES,
    back,
    decibels,
    drawn,
    measured,
    off,
    quality,
    restored,
    scans,
)
from sbkit.plots import Axis, Images, Line, Lines
from sbkit.plots.bands import finite, shown, step_line

__all__ = ["TAKES", "decibels", "low_rank", "measured", "off", "quality", "restored"]  # for the notebook
QUALITY = "PSNR of scans never seen; line = mean, band = min–max of five sets. The higher, the better."
VALUES = "Singular values of one scan. Turn the threshold up until only two are left, and see what they paid."
SCAN = "One scan, places down and moments across. Compare what's restored with what is true."


@plot("restored", rows=False)
def restored_images(history: Sequence[Snapshot]) -> Images | None:
    """The first set's scan, three ways."""
    values = history[-1].values.get("restored", torch.empty(0))
    if not values.numel():
        return None
    about: Any = {"labels": ("true", "measured alone", "restored"), "columns": 3, "caption": SCAN}
    return Images(
        "restored", "One new scan", shown(history[-1], values)[0], scale=Axis("", low=-3, high=3), **about
    )


@plot("quality", rows=False)
def quality_lines(history: Sequence[Snapshot]) -> Lines | None:
    """Quality over steps."""
    if not history[-1].values.get("quality", torch.empty(0)).numel():
        return None
    line = step_line("restored", history, lambda seen: seen.values["quality"])
    axes = Axis("step", low=0), Axis("PSNR", "dB", low=10, high=30)
    return Lines("quality", "How good is it?", *axes, [line], QUALITY, grows=True)


def scan(rank: int = 2) -> Images:
    """A scan of some rank, what's measured of its transform, and what that alone gives back."""
    x, y = (task := scans(rank=rank, sets=1)).x[0, :1], task.y[0, :1].unflatten(-1, SHAPE)
    about: Any = {"labels": ("true", "transform", "from these alone"), "columns": 3}
    about |= {
        "caption": "A scan, 40 % of its transform, what these give back, 0 for the rest. Compare the ends."
    }
    pixels = finite(torch.cat([y, measured(x)[0], back(x)]))
    return Images("scan", "What was measured?", pixels, scale=Axis("", low=-3, high=3), **about)


def thresholded(threshold: float = 3.0) -> Lines:
    """Singular values of a scan, of what was measured of it, and of that less a threshold."""
    task = scans(sets=1)
    alone, true = back(task.x[0, 0]), task.y[0, 0].view(SHAPE)
    each = {"true": true, "measured": alone, "less the threshold": svt(alone, threshold)}
    lines = [
        Line(name, torch.arange(1, 17).numpy(), finite(torch.linalg.svdvals(m)), dash=i == 0)
        for i, (name, m) in enumerate(each.items())
    ]
    axes = Axis("direction, strongest first", low=1, high=16), Axis("singular value", low=0)
    return Lines("thresholded", "What does a threshold do?", *axes, lines, VALUES)


# What a threshold of 2 leaves of singular values 5, 3 and 1.
soft = exercise(
    want=[3, 1, 0],
    expects="Three singular values are expected",
    wrong={
        "That cuts: what stays, stays as it was. The threshold is taken off from every value.": [5, 3, 0],
        "A singular value is never negative: at 0 it ends.": [3, 1, -1],
    },
    right="The small one is gone, the others have paid as well: so the rank falls by one.",
    rest="Take 2 off each, and stop at 0.",
)

# A function of a count → scans for which the other threshold should win: few pixels lit, of full rank.
other_scans = exercise(
    "count",
    tries=[(20,)],
    want=lambda count: drawn("few pixels", count, 2, generator(1)),
    many=True,
    expects="Scans of shape (20, 32, 16) are expected",
    must={
        "Most entries aren't 0. The threshold on entries has nothing to gain from such scans.": (
            lambda scans: float((scans == 0).double().mean()) >= 0.8,
            lambda count: drawn("few directions", count, 2, generator(1)),
        ),
        "These scans have a low rank, too: then both should do well. Scatter what you light.": (
            lambda scans: bool((torch.linalg.matrix_rank(scans) >= 8).all()),
            lambda count: torch.ones(count, *SHAPE) * (torch.arange(16) < 2),
        ),
    },
    right="Few entries, many directions: now the other threshold is the one that's right.",
)
