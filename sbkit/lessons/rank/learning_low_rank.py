"""Learning low rank: exercises on what stays unseen, and on how a mode grows."""

from __future__ import annotations

import torch
from torch import Tensor

from sbkit.course.exercise import exercise

UNSEEN = "The error is in the directions that no row shows: 24 rows show 24 of 32."

# Relative errors that inputs nobody saw leave in 32 dimensions: 24 rows, 8 rows, 24 rows from init 1.
unseen = exercise(
    want=[0.25, 0.75, 0.5],
    atol=0.005,
    expects="Three relative errors are expected",
    wrong={UNSEEN: [0.75, 0.25, 0.5]},
    must={
        UNSEEN: (lambda found: abs(found[0] - 0.25) < 0.005 and abs(found[1] - 0.75) < 0.005, [0.5, 0.5, 0.5])
    },
    right="On average no learner gets below 1 − n/d. What starts there comes on top.",
    rest="Weights of the target's size stay where no row shows: they add their own squares.",
)

SIGMA, START = 2.0, 1e-3


def _mode(t: Tensor, sigma: float, start: float, speed: float = 2.0) -> Tensor:
    """s(t) = σ e^{2σt} / (e^{2σt} − 1 + σ/s₀): Saxe et al. 2014, equation 8, with a time constant of 1."""
    grown = (speed * sigma * t).exp()
    return sigma * grown / (grown - 1 + sigma / start)


# A function (t, sigma, start) → the size at times t of a mode of size sigma, learned by two factors. (times,)
mode = exercise(
    "t, sigma and start",
    tries=[(torch.linspace(0, 10, 11, dtype=torch.float64), SIGMA, START)],
    want=_mode,
    atol=1e-6,
    expects="11 sizes are expected, one a time",
    must={
        "At t = 0 the size is start, 0.001; got {0[0]:.3g}.": (
            lambda found: abs(found[0] - START) <= 1e-6,
            lambda t, sigma, start: _mode(t, sigma, 0.1),
        ),
        "After long training the size is sigma, 2; got {0[10]:.3g}.": (
            lambda found: abs(found[-1] - SIGMA) <= 0.01,
            lambda t, sigma, start: _mode(t, 1.0, start),
        ),
        "Right at both ends, not between them. Both factors grow: look at the exponent.": (
            lambda found: (found - _mode(torch.arange(11).double(), SIGMA, START, 1.0)).abs().max() > 1e-6,
            lambda t, sigma, start: _mode(t, sigma, start, speed=1.0),
        ),
    },
    right="Ten times as small a start costs only ln 10 / 2σ more time: large modes first.",
    rest="Right at both ends, not between them. Compare numerator and denominator.",
)
