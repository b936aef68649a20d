"""Exercises on rank."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sbkit.core import generator
from sbkit.course.verdict import Verdict, called, exercise, numbers, short
from sbkit.measures import effective_rank, entropy_rank, stable_rank


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


@exercise
def gram(answer: Any) -> Verdict:
    """Effective rank over width of WWᵀ for wide products W of 1, 2 and 3 normal matrices: three shares.

    >>> gram([1 / 2, 5 / 6, 13 / 12])
    ✗ Those are the sums. What is left is exp of minus the sum.
    """
    given = numbers(answer, 3, "Three shares are expected, for 1, 2 and 3 factors")
    sums = torch.tensor([1 / 2, 5 / 6, 13 / 12], dtype=torch.float64)
    hints = {
        "Those are the sums. What is left is exp of minus the sum.": sums,
        "A share is below 1: is there a minus before the sum?": sums.exp(),
        "Less than is left: does the sum begin at j = 2?": (-1 - sums).exp(),
        "More than is left: the sum for L factors ends at j = L + 1.": (0.5 - sums).exp(),
    }
    if torch.allclose(given, (-sums).exp(), atol=0.006, rtol=0):
        return Verdict(True, "Each further factor takes 1/(L + 1) nats: ever less, and it never stops.")
    return _hinted(given, hints, "A sum of fractions 1/j, a minus, an exp: which step differs?")


@exercise
def squeezed(answer: Any) -> Verdict:
    """A function of factors (depth, draws, n, n) → the effective rank of each draw's product. (draws,)

    >>> squeezed(lambda factors: effective_rank(factors[-1]))
    ✗ Those are not the ranks of W_L⋯W_1: multiply all the factors of a draw, then take the rank.
    """
    factors = torch.randn(3, 4, 6, 6, dtype=torch.float64, generator=generator(0))
    first, second, third = factors
    found = called(answer, "factors", "factors (3, 4, 6, 6)", factors.clone())
    given = numbers(found, 4, "Four effective ranks are expected, one a draw")
    product = third @ second @ first  # (draws, n, n)
    hints = {
        "The first factor acts first: later ones stand to its left.": effective_rank(first @ second @ third),
        "That is the entropy, in nats: the effective rank is its exp.": entropy_rank(product),
        "Those are ranks of WWᵀ: take the singular values of W.": effective_rank(product @ product.mT),
        "Those are the factors' own ranks, averaged: multiply first.": effective_rank(factors).mean(0),
        "Entry times entry is another product: matrices multiply by @.": effective_rank(factors.prod(0)),
    }
    if torch.allclose(given, effective_rank(product), atol=1e-3):
        return Verdict(True, "One number a draw. Each factor alone has a larger one, on average.")
    rest = "Those are not the ranks of W_L⋯W_1: multiply all the factors of a draw, then take the rank."
    return _hinted(given, hints, rest)


@exercise
def entropy(answer: Any) -> Verdict:
    """A function of singular values (k,) → the entropy of their shares, in nats, with zeros among them.

    >>> entropy(lambda values: -(values / values.sum() * (values / values.sum()).log()).sum())
    ✗ Not a number, where a value is 0: what is 0 · ln 0, and what should it be?
    """
    values = torch.tensor([[3.0, 1.0, 0.0], [2.0, 2.0, 0.0]], dtype=torch.float64)
    found = [called(answer, "values", f"the values {each.tolist()}", each.clone()) for each in values]
    if all(isinstance(one, Tensor | float) and torch.as_tensor(one).isnan().all() for one in found):
        return Verdict(False, "Not a number, where a value is 0: what is 0 · ln 0, and what should it be?")
    given = numbers(found, 2, "One number is expected, the entropy of the shares")
    right, squares = (entropy_rank(part.diag_embed()) for part in (values, values.square()))
    hints = {
        "That is the effective rank: its logarithm is asked for.": right.exp(),
        "Those are shares of the squares: of the values themselves is asked.": squares,
        "In bits: nats are asked for, with the natural logarithm.": right / torch.tensor(2.0).log(),
        "An entropy is not negative: is there a minus before the sum?": -right,
    }
    if torch.allclose(given, right, atol=1e-4):
        return Verdict(True, "A share of 0 adds nothing. Dead units and exact low rank do occur.")
    return _hinted(given, hints, "Shares first: each value over the sum of all; then −Σ p ln p.")


@exercise
def opposite(answer: Any) -> Verdict:
    """Five singular values of a lower effective and a higher stable rank than 4, 1, 1, 1, 1.

    >>> opposite([4.0, 1.0, 1.0, 1.0, 1.0])
    ✗ Effective rank 4.00, stable rank 1.25: the first is not below 4. Use fewer directions.
    """
    values = numbers(answer, 5, "Five singular values are expected")
    if values.min() < 0 or values.max() > 1e6:
        return Verdict(False, f"Singular values lie here between 0 and a million; got {short(answer)}.")
    stable, effective = (float(rank(values.diag())) for rank in (stable_rank, effective_rank))
    found = f"Effective rank {effective:.2f}, stable rank {stable:.2f}"
    if effective >= 4 - 1e-9:
        return Verdict(False, f"{found}: the first is not below 4. Use fewer directions.")
    if stable <= 1.25 + 1e-9:
        return Verdict(
            False, f"{found}: the second is not above 1.25. Let none stand out among those in use."
        )
    return Verdict(True, f"{found}: of which of the two matrices is the rank lower?")


def _hinted(given: Tensor, hints: dict[str, Tensor], rest: str) -> Verdict:
    """The hint whose numbers were given, or else the rest."""
    for hint, numbers_ in hints.items():
        if torch.allclose(given, numbers_, atol=1e-3):
            return Verdict(False, hint)
    return Verdict(False, rest)


@exercise
def energy(answer: Any) -> Verdict:
    """Least ranks that hold 50, 80 and 95 % of the energy of singular values 3, 2, 1, 1, 1.

    >>> energy([2, 4, 5])
    ✗ These are shares of the sum; energy is the sum of the squares.
    """
    given = numbers(answer, 3, "Three ranks are expected, for 50, 80 and 95 %")
    if given.tolist() == [1, 2, 5]:
        return Verdict(
            True, "Squares let the first direction hold half; the last per cents take the most rank."
        )
    if given.tolist() == [2, 4, 5]:
        return Verdict(False, "These are shares of the sum; energy is the sum of the squares.")
    return Verdict(
        False, "The energies are 9, 4, 1, 1 and 1 of 16: add from the largest until the share is reached."
    )
