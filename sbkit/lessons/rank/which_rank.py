"""Which rank: exercises on entropy and on spectra that two ranks order differently."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sbkit.course.exercise import exercise
from sbkit.measures import effective_rank, stable_rank


def _entropy(values: Tensor) -> Tensor:
    """Of the values' shares, in nats."""
    return torch.special.entr(values / values.sum()).sum()


def _with_nan(values: Tensor) -> Tensor:
    shares = values / values.sum()
    return -(shares * shares.log()).sum()


# A function of singular values (k,) → the entropy of their shares, in nats, with zeros among them.
entropy = exercise(
    "values",
    tries=[(torch.tensor([3.0, 1, 0]).double(),), (torch.tensor([2.0, 2, 0]).double(),)],
    want=_entropy,
    expects="One number is expected, the entropy of the shares",
    wrong={
        "Not a number, where a value is 0: what is 0 · ln 0, and what should it be?": _with_nan,
        "That is the effective rank: its logarithm is asked for.": lambda values: _entropy(values).exp(),
        "Those are shares of the squares: of the values themselves is asked.": (
            lambda values: _entropy(values**2)
        ),
        "In bits: nats are asked for, with the natural logarithm.": (
            lambda values: _entropy(values) / math.log(2)
        ),
        "An entropy is not negative: is there a minus before the sum?": lambda values: -_entropy(values),
    },
    right="A share of 0 adds nothing. Dead units and exact low rank do occur.",
    rest="Shares first: each value over the sum of all; then −Σ p ln p.",
)

# Five singular values of a lower effective and a higher stable rank than 4, 1, 1, 1, 1.
opposite = exercise(
    want=[1.0, 1.0, 0.0, 0.0, 0.0],
    many=True,
    expects="Five singular values are expected",
    within=(0, 1e6),
    measured=lambda values: (effective_rank(values.diag()), stable_rank(values.diag())),
    must={
        "Effective rank {0:.2f}, stable rank {1:.2f}: the first is not below 4. Use fewer directions.": (
            lambda effective, stable: effective < 4 - 1e-9,
            [4.0, 1.0, 1.0, 1.0, 1.0],
        ),
        "Effective rank {0:.2f}, stable rank {1:.2f}: the second is not above 1.25. Let none stand out among "
        "those in use.": (lambda effective, stable: stable > 1.25 + 1e-9, [9.0, 1.0, 0.0, 0.0, 0.0]),
    },
    right="Effective rank {0:.2f}, stable rank {1:.2f}: of which of the two matrices is the rank lower?",
)
