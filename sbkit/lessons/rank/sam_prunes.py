"""SAM prunes: exercises on the climb of sharpness-aware minimization and the units that it leaves."""

from __future__ import annotations

import torch
from torch import Tensor

from sbkit.course.exercise import exercise, normal

SLOPES = [normal(4, 3), normal(4)]  # of two layers


def _climb(slopes: list[Tensor], rho: float) -> list[Tensor]:
    length = torch.stack([g.norm() for g in slopes]).norm()
    return [rho * g / length for g in slopes]


def _length(parts: Tensor) -> float:
    return float(parts.norm())


# A function (slopes, rho) → how far SAM climbs: a list of tensors, one a layer, of length ρ together.
# Foret et al. 2021, equation 2, without the power of the components: ρ g / ‖g‖, over all parameters.
climb = exercise(
    "slopes and rho",
    tries=[(SLOPES, 0.5)],
    want=_climb,
    expects="A list of two tensors is expected, one a layer, of shape (4, 3) and (4,)",
    wrong={
        "Each layer has length rho. Let all layers share one length.": (
            lambda slopes, rho: [rho * g / g.norm() for g in slopes]
        ),
        "The length is right, the direction is not: SAM goes up, along the slope.": (
            lambda slopes, rho: [-g for g in _climb(slopes, rho)]
        ),
        "Together the steps have length rho; yours have not: divide by the length of all slopes.": (
            lambda slopes, rho: slopes,
            lambda slopes, rho: [rho * g for g in slopes],
        ),
    },
    must={
        "Together the steps have length rho = 0.5; yours have not.": (
            lambda steps: abs(_length(steps) - 0.5) <= 1e-4,
            lambda slopes, rho: [g + 1 for g in slopes],
        )
    },
    right="One length for all layers: those with steep slopes climb most.",
    rest="The length is right, the direction is not: SAM goes up, along the slope.",
)

FEATURES = torch.tensor(  # (runs, rows, units)
    [[[0.0, 2, 0, 0.5], [0, 0, 0, 0.5], [0, 1e-3, 0, 0.5]], [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]]
)

# A function of features (runs, rows, units) → units above 0 on at least one row, a number a run.
active = exercise(
    "features",
    tries=[(FEATURES,)],
    want=lambda features: (features > 0).any(1).sum(1),
    expects="Two numbers are expected, one a net",
    wrong={
        "That counts units that answer to every row. One row is enough.": (
            lambda features: (features > 0).all(1).sum(1)
        ),
        "That counts pairs of unit and row. Count each unit once.": lambda features: (features > 0).sum(
            (1, 2)
        ),
        "That counts rows. Rows stand before units.": lambda features: (features > 0).any(2).sum(1),
    },
    right="A unit that answers to no row is dead: no gradient of these rows moves it.",
    rest="Compare each feature with 0, then look along the rows of each net.",
)
