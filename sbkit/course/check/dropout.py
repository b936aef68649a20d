"""Exercises on dropout."""

from __future__ import annotations

from typing import Any

import torch

from sbkit.core import generator
from sbkit.course.verdict import Verdict, called, exercise, numbers


@exercise
def dropped(answer: Any) -> Verdict:
    """A function (h, p) → h (units,) with each entry 0 by chance p and the others grown to keep the mean.

    Srivastava et al. 2014, in the form of torch: what stays is divided by 1 − p.

    >>> dropped(lambda h, p: h)
    ✗ With p = 0.2, 0.00 of the entries are 0, as if none were dropped. Draw a number for each.
    """
    h = 1 + torch.rand(4000, generator=generator(0))  # (units,)
    first, second = (
        numbers(
            called(answer, "h and p", "h and p = 0.2", h.clone(), 0.2),
            len(h),
            "4000 numbers are expected, one an entry of h",
        )
        for _ in range(2)
    )
    share, kept = float((first == 0).double().mean()), first != 0
    head = f"With p = 0.2, {share:.2f} of the entries are 0, "
    for expected, hint in (
        (0.0, "as if none were dropped. Draw a number for each."),
        (0.8, "as many as should stay: p is the chance to be dropped."),
    ):
        if abs(share - expected) < 0.03:
            return Verdict(False, head + hint)
    if abs(share - 0.2) > 0.03:
        return Verdict(False, head + "0.20 is expected.")
    if torch.equal(first == 0, second == 0):
        return Verdict(False, head + "but the same ones at a second call: draw anew each time.")
    grown = float((first[kept] / h[kept]).mean())
    if not torch.allclose(first[kept], h[kept].double() / 0.8, rtol=1e-4):
        hint = f"the others are {grown:.2f} times what they were. What keeps the mean of h as it was?"
        return Verdict(False, head + hint)
    return Verdict(True, head + "the others 1.25 times as large: the next layer gets the same on average.")
