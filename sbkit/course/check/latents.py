"""Exercises on features that differ in how well they predict and in how large they stand in the input."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sbkit.course.verdict import Verdict, called, exercise, numbers


@exercise
def weigh(answer: Any) -> Verdict:
    """A function (core, shortcut) of two predictivities → the weights of the best classifier. (2,)

    Only their direction is asked for: latents with means √2·erf⁻¹(2ρ − 1), variance 1, correlation .6.

    >>> weigh(lambda core, shortcut: [core, shortcut])
    ✗ For predictivities 0.9 and 0.6 the best weights have different signs: what does a weak, ...
    """
    asked = [(0.9, 0.6), (0.9, 0.85), (0.9, 0.9)]
    found = [_direction(answer, *pair) for pair in asked]  # (2,) each
    means = [torch.special.ndtri(torch.tensor(pair, dtype=torch.float64)) for pair in asked]
    inverse = torch.tensor([[1, -0.6], [-0.6, 1]], dtype=torch.float64)  # of the covariance, up to a factor
    wanted = [torch.nn.functional.normalize(inverse @ mean, dim=0) for mean in means]
    if all(torch.allclose(a, b, atol=0.002) for a, b in zip(found, wanted, strict=True)):
        return Verdict(
            True, "A weak shortcut gets a negative weight: it tells how much of the core is noise."
        )
    if all(torch.allclose(a, -b, atol=0.002) for a, b in zip(found, wanted, strict=True)):
        return Verdict(False, "The direction is right, the sign is not: the weights point to class 1.")
    if found[0][1] > 0:
        return Verdict(
            False,
            "For predictivities 0.9 and 0.6 the best weights have different signs: what does a weak, "
            "correlated latent say about the other one's noise?",
        )
    return Verdict(False, "The weights solve Σ w = μ, with 1 and 0.6 in Σ and μ from √2·erf⁻¹(2ρ − 1).")


def _direction(function: Any, core: float, shortcut: float) -> Tensor:
    """The reader's weights for two predictivities, scaled to length 1. (2,)"""
    told = f"{core} and {shortcut}"
    weights = numbers(
        called(function, "two predictivities", told, core, shortcut), 2, "Two weights are expected"
    )
    return torch.nn.functional.normalize(weights, dim=0)
