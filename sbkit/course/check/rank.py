"""Exercises on rank."""

from __future__ import annotations

from typing import Any

from sbkit.course.verdict import Verdict, exercise, numbers, short
from sbkit.measures import effective_rank, stable_rank


@exercise
def spectrum(answer: Any) -> Verdict:
    """Ten singular values of a matrix with a stable rank below 2 and an effective rank above 5.

    >>> spectrum([1.0] * 10)
    ✗ Stable rank 10.00, effective rank 10.00. The stable rank looks at squares: let one value ...
    """
    values = numbers(answer, 10, "Ten singular values are expected")
    if values.min() < 0 or values.max() > 1e6:
        return Verdict(False, f"Singular values lie here between 0 and a million; got {short(answer)}.")
    stable, effective = (float(rank(values.diag())) for rank in (stable_rank, effective_rank))
    found = f"Stable rank {stable:.2f}, effective rank {effective:.2f}. "
    if stable >= 2:
        return Verdict(False, found + "The stable rank looks at squares: let one value stand out.")
    if effective <= 5:
        return Verdict(False, found + "The effective rank does not: give the other values more weight.")
    return Verdict(True, found + "One matrix, two answers: an axis that says “rank” must say which.")
