"""Does anything break it: an exercise on dropout."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sbkit.core import generator
from sbkit.course.exercise import exercise

H = 1 + torch.rand(4000, generator=generator(0))  # (units,), none is 0


def _dropping(chance: float, times: float = 1.25) -> Tensor:
    """H with each entry 0 by this chance, and the others so many times what they were. (units,)"""
    return times * H * (torch.rand(len(H)) >= chance)


def _seen(first: Tensor, second: Tensor) -> Sequence[Tensor]:
    """Share of zeros, how many times what they were the others are at least and at most, zeros that stay."""
    grown = (first / H.double())[first != 0] if first.any() else first
    return (
        (first == 0).double().mean(),
        grown.min(),
        grown.max(),
        ((first == 0) == (second == 0)).double().mean(),
    )


HEAD = "With p = 0.2, {0:.2f} of the entries are 0, "

# A function (h, p) → h with each entry 0 by chance p and the others grown to keep the mean. (units,)
# Srivastava et al. 2014, in the form of torch: what stays is divided by 1 − p.
dropped = exercise(
    "h and p",
    tries=[(H, 0.2), (H, 0.2)],
    want=torch.nn.functional.dropout,
    many=True,
    measured=_seen,
    expects="4000 numbers are expected, one an entry of h",
    must={
        HEAD + "as if none were dropped. Draw a number for each.": (
            lambda share, *_: share > 0.03,
            lambda h, p: h,
        ),
        HEAD + "as many as should stay: p is the chance to be dropped.": (
            lambda share, *_: abs(share - 0.8) > 0.03,
            lambda h, p: _dropping(0.8),
        ),
        HEAD + "0.20 is expected.": (lambda share, *_: abs(share - 0.2) < 0.03, lambda h, p: _dropping(0.5)),
        HEAD + "but the same ones at a second call: draw anew each time.": (
            lambda *seen: seen[3] < 1,
            lambda h, p: torch.where(torch.arange(4000) % 5 == 0, 0, 1.25 * h),
        ),
        HEAD + "the others are {1:.2f} times what they were. What keeps the mean of h as it was?": (
            lambda share, least, most, same: abs(least - 1.25) < 1e-4 and abs(most - 1.25) < 1e-4,
            lambda h, p: _dropping(0.2, times=1.0),
        ),
    },
    right=HEAD + "the others 1.25 times as large: the next layer gets the same on average.",
)
