"""Exercises on remedies: votes, margins, and networks that are kept apart."""

from __future__ import annotations

from math import comb
from typing import Any

import torch

from sbkit.course.verdict import Verdict, called, exercise, numbers


@exercise
def majority(answer: Any) -> Verdict:
    """Share right of a majority of 3, 5 and 9 voters, each right on 3/4, erring on its own: three numbers.

    >>> majority([0.75, 0.75, 0.75])
    ✗ That is one voter's share. A vote errs where more than half of the voters err at once.
    """
    sizes, q = (3, 5, 9), 0.75
    given = numbers(answer, 3, "Three shares are expected, for 3, 5 and 9 voters").tolist()
    for formula, hint in (
        (
            lambda k: q,
            "That is one voter's share. A vote errs where more than half of the voters err at once.",
        ),
        (
            lambda k: 1 - (1 - q) ** k,
            "That is the chance that one or more are right: ask for more than half.",
        ),
        (lambda k: q**k, "That is the chance that all are right: more than half of them are enough."),
    ):
        if all(abs(a - formula(k)) < 0.006 for a, k in zip(given, sizes, strict=True)):
            return Verdict(False, hint)
    right = [sum(comb(k, j) * q**j * (1 - q) ** (k - j) for j in range(k // 2 + 1, k + 1)) for k in sizes]
    wrong = sum(abs(a - b) > 0.006 for a, b in zip(given, right, strict=True))
    if not wrong:
        return Verdict(
            True, "Nine points more with 3, fifteen with 5, twenty with 9, if each errs on its own."
        )
    hint = "Add up the chances of 2 or 3 right of 3, of 3, 4 or 5 right of 5, and so on."
    return Verdict(False, f"{wrong} of 3 {'is' if wrong == 1 else 'are'} off. {hint}")


@exercise
def margin(answer: Any) -> Verdict:
    """A function (z, y) → half the distance of the two nearest points of different class, z (n, k), y (n,).

    >>> margin(lambda z, y: torch.cdist(z, z).max())
    ✗ Points at (0, 0) and (-1, 0) against (3, 4) and (6, 8): 2.5 is expected, half of the least ...
    """
    first = torch.tensor([[0.0, 0.0], [-1.0, 0.0], [3.0, 4.0], [6.0, 8.0]])  # (n, k)
    second = torch.tensor([[1.0, 1.0], [1.0, 2.5], [1.0, 9.0], [1.0, 0.9]])
    cases = (first, torch.tensor([0, 0, 1, 1])), (second, torch.tensor([0, 1, 0, 0]))
    found = [called(answer, "z and y", "z and y", z.clone(), y.clone()) for z, y in cases]
    a, b = numbers(found, 2, "One number is expected for each data set").tolist()
    if abs(a - 2.5) < 1e-4 and abs(b - 0.75) < 1e-4:
        return Verdict(True, "No boundary can keep farther from every point: that is what the data allow.")
    hint = "half of the least distance between the two classes."
    if abs(a - 5) < 1e-4:
        hint = "you gave 5, the whole distance; the boundary stands halfway."
    elif abs(a - 0.5) < 1e-4 or abs(a) < 1e-4:
        hint = "and no pair within one class: choose the rows by y first."
    elif abs(a - 2) < 1e-4:
        hint = "with Euclidean distances, not the largest coordinate."
    return Verdict(False, f"Points at (0, 0) and (-1, 0) against (3, 4) and (6, 8): 2.5 is expected, {hint}")


@exercise
def alignment(answer: Any) -> Verdict:
    """A function (a, b) → mean over points of the squared cosine of two networks' gradients, (n, d) each.

    >>> alignment(lambda a, b: (a * b).sum(-1).mean())
    ✗ (3, 0) with (4, 0) and (0, 2) with (1, 1): 0.75 is expected, got 7.00. Divide by both lengths, ...
    """
    first = torch.tensor([[3.0, 0.0], [0.0, 2.0]]), torch.tensor([[4.0, 0.0], [1.0, 1.0]])  # (n, d) each
    second = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[-2.0, 0.0], [0.0, 5.0]])
    found = [called(answer, "a and b", "a and b", a.clone(), b.clone()) for a, b in (first, second)]
    a, b = numbers(found, 2, "One number is expected for each pair of networks").tolist()
    if abs(a - 0.75) < 1e-3 and abs(b - 0.5) < 1e-3:
        return Verdict(True, "0 for right angles, 1 for one line, whatever the lengths: it cannot run away.")
    hint = "Take the mean over points of one number a point."
    if abs(a - 7) < 1e-3:
        hint = "Divide by both lengths, row by row: the raw product has no lower bound."
    elif abs(a - 0.854) < 2e-3:
        hint = "That is the cosine: square it, so that opposite directions count as one line."
    elif abs(a - 1.5) < 1e-3:
        hint = "Sum over the points? Take their mean."
    return Verdict(False, f"(3, 0) with (4, 0) and (0, 2) with (1, 1): 0.75 is expected, got {a:.2f}. {hint}")
