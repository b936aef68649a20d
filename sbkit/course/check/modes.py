"""Exercises on how products of matrices learn."""

from __future__ import annotations

from typing import Any

import torch

from sbkit.course.verdict import Verdict, called, exercise, numbers, short

TIMES, SIGMA, START = torch.linspace(0, 10, 11, dtype=torch.float64), 2.0, 1e-3


@exercise
def unseen(answer: Any) -> Verdict:
    """Relative errors that inputs nobody saw leave in 32 dimensions: 24 rows, 8 rows, 24 rows from init 1.

    >>> unseen([0.75, 0.25, 0.5])
    ✗ The error is in the directions that no row shows: 24 rows show 24 of 32.
    """
    found = numbers(answer, 3, "Three relative errors are expected")
    right = (found - found.new_tensor([0.25, 0.75, 0.5])).abs() < 0.005  # (3,)
    if right.all():
        return Verdict(True, "On average no learner gets below 1 − n/d. What starts there comes on top.")
    if not right[:2].all():
        return Verdict(False, "The error is in the directions that no row shows: 24 rows show 24 of 32.")
    return Verdict(False, "Weights of the target's size stay where no row shows: they add their own squares.")


@exercise
def mode(answer: Any) -> Verdict:
    """A function (t, sigma, start) → the size at times t of a mode of size sigma, learned by two factors.

    s(t) = σ e^{2σt} / (e^{2σt} − 1 + σ/s₀): Saxe et al. 2014, equation 8, with a time constant of 1.
    """
    told = f"11 times from 0 to 10, sigma = {SIGMA:g} and start = {START:g}"
    found = called(answer, "t, sigma and start", told, TIMES.clone(), SIGMA, START)
    found = numbers(found, len(TIMES), "11 sizes are expected, one a time")

    def law(speed: float) -> torch.Tensor:
        grown = (speed * TIMES).exp()
        return SIGMA * grown / (grown - 1 + SIGMA / START)

    if (found - law(2 * SIGMA)).abs().max() < 1e-6:
        return Verdict(True, "Ten times as small a start costs only ln 10 / 2σ more time: large modes first.")
    if (found[0] - START).abs() > 1e-6:
        return Verdict(False, f"At t = 0 the size is start, {START:g}; got {short(float(found[0]))}.")
    if (found[-1] - SIGMA).abs() > 0.01:
        return Verdict(False, f"After long training the size is sigma, {SIGMA:g}; got {found[-1]:.3g}.")
    slow = (found - law(SIGMA)).abs().max() < 1e-6
    hint = "Both factors grow: look at the exponent." if slow else "Compare numerator and denominator."
    return Verdict(False, f"Right at both ends, not between them. {hint}")
