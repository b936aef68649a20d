"""Exercises on sharpness-aware minimization and the units that it leaves."""

from __future__ import annotations

from typing import Any

import torch

from sbkit.core import generator
from sbkit.course.verdict import Unfit, Verdict, called, exercise, numbers, short

SHAPES = ((4, 3), (4,))  # of the slopes of two layers
FEATURES = torch.tensor(  # (runs, rows, units)
    [[[0.0, 2, 0, 0.5], [0, 0, 0, 0.5], [0, 1e-3, 0, 0.5]], [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]]
)


@exercise
def climb(answer: Any) -> Verdict:
    """A function (slopes, rho) → how far SAM climbs: a list of tensors, one a layer, of length ρ together.

    Foret et al. 2021, equation 2, without the power of the components: ρ g / ‖g‖, over all parameters.

    >>> climb(lambda slopes, rho: [rho * g for g in slopes])
    ✗ Together the steps have length rho = 0.5; got 1.2.
    """
    slopes = [torch.randn(shape, generator=generator(0), dtype=torch.float64) for shape in SHAPES]
    found = called(answer, "slopes and rho", "two slopes and rho = 0.5", [g.clone() for g in slopes], 0.5)
    if not isinstance(found, list | tuple) or len(found) != len(slopes):
        raise Unfit(f"A list of two tensors is expected, one a layer; got {short(found)}.")
    flat = [
        numbers(torch.as_tensor(part).flatten(), g.numel(), f"A tensor of shape {tuple(g.shape)} is expected")
        for part, g in zip(found, slopes, strict=True)
    ]
    step, slope = torch.cat(flat), torch.cat([g.flatten() for g in slopes])
    if torch.allclose(step, 0.5 * slope / slope.norm(), atol=1e-4):
        return Verdict(True, "One length for all layers: those with steep slopes climb most.")
    if all(abs(float(part.norm()) - 0.5) < 1e-4 for part in flat):
        return Verdict(False, "Each layer has length rho. Let all layers share one length.")
    if abs(float(step.norm()) - 0.5) > 1e-4:
        return Verdict(False, f"Together the steps have length rho = 0.5; got {float(step.norm()):.3g}.")
    return Verdict(False, "The length is right, the direction is not: SAM goes up, along the slope.")


@exercise
def active(answer: Any) -> Verdict:
    """A function features (runs, rows, units) → units above 0 on at least one row, a number a run.

    >>> active(lambda h: (h > 0).all(1).sum(1))
    ✗ That counts units that answer to every row. One row is enough.
    """
    told = "features of 2 nets, 3 rows and 4 units"
    found = called(answer, "features", told, FEATURES.clone())
    counts = numbers(found, 2, "Two numbers are expected, one a net").tolist()
    if counts == [2, 1]:
        return Verdict(True, "A unit that answers to no row is dead: no gradient of these rows moves it.")
    hints = {
        (1, 0): "That counts units that answer to every row. One row is enough.",
        (5, 1): "That counts pairs of unit and row. Count each unit once.",
        (3, 1): "That counts rows. Rows stand before units.",
    }
    return Verdict(
        False, hints.get(tuple(counts), "Compare each feature with 0, then look along the rows of each net.")
    )
