"""Which rank: arrows that share a mean, rulers on one spectrum, and exercises on means and rulers."""

# pyright: reportArgumentType=false
# Descriptions take lists and tensors for arrays.
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.core import Fleet, SbkitError, Snapshot, Task
from sbkit.core.registries import measure, plot
from sbkit.course.exercise import exercise, normal
from sbkit.measures import effective_rank, kernel, spectrum, stable_rank
from sbkit.plots import Axis, Bars, Field, Line, Lines
from sbkit.plots.bands import band_line, shown

ROWS = 100  # test images whose kernel is looked at
TILES = "Mean cosine of the features of two digits, over images and nets. All orange: no digit stands out."
ARROWS = "Sixteen zeros, sixteen ones and the mean image, as arrows from the origin. Look at their angles."
PULLED = "A hundred digits in wide random networks, by the formula. At 1 all digits look the same."
CHECK = "Directions that the last hidden layer uses, by depth. Lines: mean of the networks; bands: range."
TURNS = "What was subtracted, and what eight layers keep of one layer's ρ. Bars: mean; dots: networks."
RULED = "Curve: singular values, largest = 1. Upright: what each ruler reads off, in directions (ρ: log)."


@measure("alike", classes=True, hidden=True)
def alike(fleet: Fleet, task: Task) -> Tensor:
    """Mean cosine between features of the last layer, class by class. (runs, classes, classes)

    1 = the nets see no difference. Of the first hundred test rows; NaN for a run that diverged.
    Raises `SbkitError` without a hidden layer.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=100)
    >>> alike(mlp(task, runs=3), task).shape
    torch.Size([3, 2, 2])
    """
    if len(fleet.weights()) < 2:
        raise SbkitError("alike needs a hidden layer, got none; try sb.mlp(task, depth=1).")
    mean = F.normalize(F.one_hot(task.y_test[:ROWS], task.outputs).to(task.x_test), p=1, dim=0)
    return mean.mT @ kernel(fleet, task.x_test[:ROWS], "cosine") @ mean


@plot("alike")
def alike_tiles(history: Sequence[Snapshot], when: str = "") -> Field | None:
    """How alike the nets find two digits; none where nothing was measured."""
    values = history[-1].values.get("alike", torch.empty(0))
    if not values.numel():
        return None
    x, title = Axis("digit", low=-0.5, high=values.shape[-1] - 0.5), f"How alike two digits look{when}"
    about: Any = {"scale": Axis("cosine", low=-1, high=1), "caption": TILES}
    return Field("alike", title, x, x, shown(history[-1], values).mean(0, dtype=float), **about)


def arrows(images: Tensor, digit: Tensor, subtract: float = 0.0) -> Lines:
    """Zeros and ones among images (n, d) as arrows, on the mean image and what differs most beside it.

    subtract: how much of the mean image is taken away first.
    """
    mean = images.mean(0)
    along, rest = F.normalize(mean, dim=0), (images - mean)[digit < 2]
    beside = torch.linalg.svd(rest - (rest @ along)[:, None] * along)[2][0]
    at, there = ((each @ torch.stack([along, beside]).mT) for each in (images - subtract * mean, mean))
    tips = {"zeros": at[digit == 0][:16], "ones": at[digit == 1][:16], "mean image": there[None]}
    blank = torch.tensor([0, 1, torch.nan], dtype=at.dtype)[:, None]  # from the origin to a tip, then a break
    fans = {name: (blank * tip[:, None]).flatten(0, 1).mT for name, tip in tips.items()}  # (2, points)
    lines = [Line(name, *fan, dash=name == "mean image") for name, fan in fans.items()]
    x, y = Axis("along the mean image", low=-4, high=6), Axis("beside it", low=-3, high=4)
    return Lines("arrows", "Digits as arrows", x, y, lines, ARROWS)


def drawings(images: Tensor, digit: Tensor, subtract: float = 0.0) -> list[Lines]:
    """The arrows, and the mean cosine of a hundred images after each wide ReLU layer, by Cho and Saul."""
    rows, means = F.normalize((images - subtract * images.mean(0))[:ROWS], dim=1), []
    cosines = rows @ rows.mT  # (images, images)
    for _ in range(9):
        means.append(cosines.mean())
        angle = cosines.clamp(-1, 1).arccos()
        cosines = (angle.sin() + (torch.pi - angle) * angle.cos()) / torch.pi
    axes = Axis("ReLU layers"), Axis("mean cosine of two digits", low=0, high=1)
    about = "pulled", "Every layer pulls them together", *axes
    return [arrows(images, digit, subtract), Lines(*about, [Line("cosine", range(9), means)], PULLED)]


def by_depth(runs: Mapping[int, Sequence[Any]]) -> Lines:
    """ρ at birth and trained, of depths with a run, its first and its last snapshot each."""
    found = [torch.stack([each[i].values["rho"] for each in runs.values()], 1).numpy() for i in (1, 2)]
    lines = [band_line(name, list(runs), found[i]) for i, name in enumerate(["at birth", "trained"])]
    return Lines("check", "The friend's check", Axis("hidden layers"), Axis("ρ of the kernel"), lines, CHECK)


def turns(found: Mapping[str, Tensor]) -> Bars:
    """What eight layers keep of one layer's ρ, (runs,), by what was subtracted."""
    every, y = torch.stack([*found.values()]), Axis("depth 8 ÷ depth 1", low=0, high=1.2)
    return Bars("turns", "What turns the answer?", y, list(found), every.mean(1), every, TURNS)


def features(fleet: Fleet, x: Tensor) -> Tensor:
    """What the last hidden layer makes of x (images, d), each of length 1. (runs, images, units)"""
    return F.normalize(fleet.features(x, len(fleet.weights()) - 2), dim=-1).detach()


def ruled(features: Tensor, read: Mapping[str, Tensor]) -> Lines:
    """The spectrum of features (images, units), and what each ruler reads off it, upright lines."""
    values = spectrum(features)
    curve = Line("the spectrum", range(1, len(values) + 1), values / values[0])
    upright = [Line(f"{name}: {at:.1f}", [at, at], [0, 1]) for name, at in read.items()]
    axes = Axis("directions", low=0.5, high=64, log=True), Axis("singular value", low=0, high=1.4)
    return Lines("ruled", "One spectrum, five rulers", *axes, [curve, *upright], RULED)


# Five singular values of a lower effective and a higher stable rank than 4, 1, 1, 1, 1.
opposite = exercise(
    want=[1.0, 1.0, 0.0, 0.0, 0.0],
    many=True,
    within=(0, 1e6),
    measured=lambda values: (effective_rank(values.diag()), stable_rank(values.diag())),
    must={
        "Effective rank {0:.2f}, stable rank {1:.2f}: the first is not below 4. Use fewer directions.": (
            lambda effective, stable: effective < 4 - 1e-9,
            [4.0, 1.0, 1.0, 1.0, 1.0],
        ),
        "Effective rank {0:.2f}, stable rank {1:.2f}: the second is not above 1.25. Let none stand out.": (
            lambda effective, stable: stable > 1.25 + 1e-9,
            [9.0, 1.0, 0.0, 0.0, 0.0],
        ),
    },
    right="Effective rank {0:.2f}, stable rank {1:.2f}: of which of the two matrices is the rank lower?",
)

IMAGES, MEAN = normal(6, 4) + 2, normal(4, seed=2)  # (images, pixels), (pixels,)

# A function from images (n, pixels) to the same without the direction that they share.
mended = exercise(
    "images",
    tries=[(IMAGES,)],
    want=lambda images: images - images.mean(0),
    wrong={
        "The friend's line: each image lost its own grey, and they still share a picture.": (
            lambda images: images - images.mean(1, keepdim=True)
        ),
    },
    right="Pixel by pixel, the images now add up to nothing: no picture is left that all share.",
)

# A function (images, mean) → the images with another direction to share, as long as the mean.
stranger = exercise(
    "images and mean",
    tries=[(IMAGES, MEAN)],
    want=lambda images, mean: images + mean.roll(1),
    many=True,
    measured=lambda found: (found - IMAGES,),
    must={
        "Each image got something else: let all of them share one.": (
            lambda added: (added - added[0]).abs().max() <= 1e-4,
            lambda images, mean: images + images.flip(0),
        ),
        "What you added isn't as long as the mean image: two things differ now.": (
            lambda added: abs(added[0].norm() / MEAN.norm() - 1) <= 1e-3,
            lambda images, mean: images,
        ),
        "It lies on the line of the mean image, as in the friend's check: take another direction.": (
            lambda added: F.cosine_similarity(added[0], MEAN, dim=0).abs() <= 0.98,
            lambda images, mean: images + mean,
        ),
    },
    right="One picture that all share, as long as the mean image and not it: one thing differs.",
)
