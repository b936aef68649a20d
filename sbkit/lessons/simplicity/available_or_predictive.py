"""Available or predictive: an exercise on the best classifier of two latents."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.course.exercise import exercise


def _best(core: float, shortcut: float, correlation: float = 0.6) -> Tensor:
    """Σ⁻¹μ of latents with means √2·erf⁻¹(2ρ − 1), variance 1 and this correlation. (2,)"""
    means = torch.special.ndtri(torch.tensor([core, shortcut], dtype=torch.float64))
    return torch.linalg.solve(torch.tensor([[1, correlation], [correlation, 1]]).double(), means)


# A function (core, shortcut) of two predictivities → the weights of the best classifier, up to length. (2,)
weigh = exercise(
    "core and shortcut",
    tries=[(0.9, 0.6), (0.9, 0.85), (0.9, 0.9)],
    want=_best,
    atol=0.002,
    expects="Two weights are expected",
    measured=lambda *weights: [F.normalize(each, dim=0) for each in weights],
    wrong={
        "The direction is right, the sign is not: the weights point to class 1.": lambda *given: (
            -_best(*given)
        )
    },
    must={
        "For predictivities 0.9 and 0.6 the best weights have different signs: what does a weak, correlated "
        "latent say about the other one's noise?": (
            lambda first, *_: first[1] <= 0,
            lambda *given: _best(*given, correlation=0.0),
        )
    },
    right="A weak shortcut gets a negative weight: it tells how much of the core is noise.",
    rest="The weights solve Σ w = μ, with 1 and 0.6 in Σ and μ from √2·erf⁻¹(2ρ − 1).",
)
