"""Exercises on products of layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sbkit.course.verdict import Unfit, Verdict, called, exercise


@exercise
def product(answer: Any) -> Verdict:
    """A function of the factors (first to last, each (out, in)) → the one weight they amount to.

    >>> product(lambda factors: factors[0])
    ✗ A weight of shape (3, 4) is expected, from 4 inputs to 3 outputs; got (6, 4).
    """
    rng = torch.Generator().manual_seed(0)
    sizes = (4, 6, 5, 3)
    factors = [
        torch.randn(b, a, generator=rng, dtype=torch.float64) for a, b in zip(sizes, sizes[1:], strict=False)
    ]
    wanted = factors[2] @ factors[1] @ factors[0]  # (3, 4)
    found = called(answer, "a list of factors", "three factors", [factor.clone() for factor in factors])
    if not isinstance(found, Tensor) or found.dtype != torch.float64:
        raise Unfit("A tensor of the factors' own type, float64, is expected.")
    if found.shape == wanted.mT.shape:
        return Verdict(
            False, "This is the transpose: a weight is (outputs, inputs) and acts as x @ weight.mT."
        )
    if found.shape != wanted.shape:
        return Verdict(
            False,
            f"A weight of shape (3, 4) is expected, from 4 inputs to 3 outputs; got {tuple(found.shape)}.",
        )
    error = float((found - wanted).abs().max())
    if not error <= 1e-10:
        return Verdict(
            False, f"The shape is right, the numbers are off by {error:.2g}: is every factor in once?"
        )
    one = called(answer, "a list of factors", "a single factor", [wanted.clone()])
    if not isinstance(one, Tensor) or one.shape != wanted.shape or not torch.allclose(one.to(wanted), wanted):
        return Verdict(False, "Right for three factors; a single factor should come back as it is.")
    return Verdict(
        True, "One matrix does what three did, in any order of multiplying but only one of factors."
    )
