"""Checks of exercises: whether an answer is right, what was expected, and a hint; never the solution.

Numbers may come as lists, tuples, arrays or tensors; functions get copies of what they are tried on. Each
check returns one `Verdict`, which shows as a sentence, whatever it was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, Task
from sbkit.course.verdict import Verdict, accuracy_of, called, exercise, numbers, short
from sbkit.data import slabs
from sbkit.measures import effective_rank, stable_rank
from sbkit.models import mlp


@exercise
def pieces(answer: Any) -> Verdict:
    """Least number of linear pieces that classify linear, 3-, 5- and 7-slab data: four whole numbers.

    >>> pieces([1, 1, 1, 1])
    ✗ The linear feature is right. A slab feature changes its label at every gap: count the gaps on [−1, 1].
    """
    given = numbers(answer, 4, "Four numbers are expected, for linear, 3, 5 and 7 slabs")
    right = [a == b for a, b in zip(given.tolist(), (1, 2, 4, 6), strict=True)]
    if all(right):
        return Verdict(True, "A threshold is one piece, and k slabs need one a gap: that order is the dial.")
    head = "The linear feature is right. " if right[0] else "One threshold is one piece. "
    return Verdict(False, head + "A slab feature changes its label at every gap: count the gaps on [−1, 1].")


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
def apart(answer: Any) -> Verdict:
    """A function (fleet, task, names) → test accuracy of each run, each named feature shuffled on its own.

    It is tried on nets that give four linear features one vote each. (runs,)

    >>> apart(lambda fleet, task, names: [1.0, 1.0])
    ✗ Two of four votes shuffled: 1.00 of the rows are right, as if nothing had moved. ...
    """
    task = slabs(blocks=[1] * 4, n=64)
    found = accuracy_of(answer, _reader(task, [1.0] * 4), task, list(task.features)[:2])
    head = f"Two of four votes shuffled: {found:.2f} of the rows are right, "
    if abs(found - 0.87) < 0.03:  # one vote alone is overruled, two against two are a coin
        return Verdict(True, head + "more than if both moved together: now each errs on its own rows.")
    for low, high, hint in (
        (0.999, 1.0, "as if nothing had moved. Reorder the features' columns of z, then embed."),
        (0.97, 0.999, "as if only one had moved. Go through all the names."),
        (0.72, 0.78, "which is what one permutation for both gives. Draw another for each feature."),
        (0.47, 0.53, "so no vote is left. Move the named features only, and leave the labels."),
    ):
        if low <= found <= high:
            return Verdict(False, head + hint)
    return Verdict(False, head + "which no shuffle gives. Compare the largest logit with y_test.")


@exercise
def shuffle(answer: Any) -> Verdict:
    """A function (fleet, task, name) → test accuracy of each run with that feature shuffled. (runs,)

    It is tried on nets that are known to use the linear feature and nothing else.

    >>> shuffle(lambda fleet, task, name: [1.0, 1.0])
    ✗ The nets use the linear feature alone: without its link they should be right on ...
    """
    task = slabs(blocks=(1, 5), n=64, n_test=4000)
    fleet = _reader(task, [1.0, 0.0])
    linear, slab = (accuracy_of(answer, fleet, task, name) for name in task.features)
    if abs(linear - 0.5) > 0.05:
        wanted = (
            "The nets use the linear feature alone: without its link they should be right on half the rows, "
        )
        hint = f"got {linear:.2f} for 'linear'. Permute the rows of its columns of z, then embed again."
        return Verdict(False, wanted + hint)
    if abs(slab - 1) > 1e-3:
        wanted = "The nets do not look at the slab: shuffling it should cost nothing, "
        hint = f"got {slab:.2f} for 'slab5'. Move that feature's columns only, and leave the labels."
        return Verdict(False, wanted + hint)
    return Verdict(
        True, "Half right without the linear feature, all right without the slab: one link at a time."
    )


@exercise
def falls(answer: Any) -> Verdict:
    """Radii at which a threshold on data .1 to 1 away from it begins to err, is half right, is never right.

    >>> falls([0.1, 0.5, 1.0])
    ✗ 1 of 3 is off. The points lie evenly between 0.1 and 1 from the threshold: which are passed by a push?
    """
    given = numbers(
        answer, 3, "Three radii are expected: where errors begin, where half is right, where none"
    )
    wrong = [abs(a - b) > 0.02 for a, b in zip(given.tolist(), (0.1, 0.55, 1.0), strict=True)]
    if not any(wrong):
        return Verdict(True, "A push of r passes the points nearer than r: a line from all right to none.")
    hint = "The points lie evenly between 0.1 and 1 from the threshold: which are passed by a push?"
    return Verdict(False, f"{sum(wrong)} of 3 {'is' if sum(wrong) == 1 else 'are'} off. {hint}")


@exercise
def steepest(answer: Any) -> Verdict:
    """A function (slope, norm) → the step of size 1 that climbs most, a row a point. (n, d), "l2" or "linf"

    >>> steepest(lambda slope, norm: slope / slope.norm(dim=-1, keepdim=True))
    ✗ Right for 'l2'. For 'linf' each coordinate moves by 1 on its own: which way?
    """
    slope = torch.tensor([[3.0, -4.0], [0.5, 0.0], [-8.0, -6.0]], dtype=torch.float64)  # (n, d)
    wanted = {"l2": slope / slope.norm(dim=-1, keepdim=True), "linf": slope.sign()}
    found = {norm: _steps(answer, slope, norm) for norm in wanted}  # (n · d,) each
    good = {norm: bool((found[norm] - step.flatten()).abs().max() < 1e-4) for norm, step in wanted.items()}
    if all(good.values()):
        return Verdict(
            True, "The slope over its length; the slope's signs. The rest of the attack is a loop."
        )
    if good["l2"]:
        return Verdict(False, "Right for 'l2'. For 'linf' each coordinate moves by 1 on its own: which way?")
    if (found["l2"] + wanted["l2"].flatten()).abs().max() < 1e-4:
        return Verdict(False, "That step goes downhill: the attack raises the score of the other class.")
    if (found["l2"] - (slope / slope.norm()).flatten()).abs().max() < 1e-4:
        return Verdict(
            False, "One length for all points: each row is to have length 1, by dim=-1, keepdim=True."
        )
    return Verdict(False, "For 'l2' the step points along the slope, and each row has length 1.")


def _steps(function: Any, slope: Tensor, norm: str) -> Tensor:
    """What the reader's function makes of slopes (n, d), flat."""
    answer = called(function, "slope and norm", f"slope and {norm!r}", slope.clone(), norm)
    flat = answer.flatten() if isinstance(answer, Tensor | np.ndarray) else answer
    return numbers(flat, slope.numel(), f"A tensor of shape {tuple(slope.shape)} is expected, as the slope's")


@exercise
def ceiling(answer: Any) -> Verdict:
    """Best accuracy from a linear feature that says nothing on 10, 50 and 100 % of the rows: three numbers.

    >>> ceiling([0.9, 0.5, 0.0])
    ✗ Where the feature says nothing, a guess is still right on half of two balanced classes.
    """
    given = numbers(answer, 3, "Three accuracies are expected, for p = 0.1, 0.5 and 1")
    p = torch.tensor([0.1, 0.5, 1.0], dtype=torch.float64)
    if torch.allclose(given, 1 - p / 2, atol=0.001, rtol=0):
        return Verdict(True, "Half of what is guessed is right: what is left to a better feature is p/2.")
    if torch.allclose(given, 1 - p, atol=0.001, rtol=0):
        return Verdict(
            False, "Where the feature says nothing, a guess is still right on half of two balanced classes."
        )
    return Verdict(
        False, "Count apart: the rows on which the feature speaks, and those on which one guesses."
    )


@exercise
def noisy(answer: Any) -> Verdict:
    """A function (y, p) → a linear feature of labels y (n,) that says nothing on a share p of them. (n,)

    Values lie 0.1 to 1 from 0, noisy ones within 0.1 of it (Shah et al. 2020, appendix B).

    >>> noisy(lambda y, p: 2.0 * y - 1)
    ✗ With p = 0.2 a threshold at 0 is right on 1.00 of the labels, as if no row were noisy. ...
    """
    y = torch.arange(4000) % 2
    x = numbers(
        called(answer, "y and p", "y and p = 0.2", y.clone(), 0.2),
        len(y),
        "4000 values are expected, one a label",
    )
    right, near = (x > 0) == (y == 1), x.abs() < 0.1 - 1e-6
    found = float(right.double().mean())
    head = f"With p = 0.2 a threshold at 0 is right on {found:.2f} of the labels, "
    for expected, hint in (
        (1.0, "as if no row were noisy. Choose a share p of the rows and draw those anew."),
        (0.6, "which is what 0.8 should give: is p the share that is noisy, or the share that is not?"),
        (0.8, "so the noisy rows lie. They should say nothing: draw them without looking at the label."),
    ):
        if abs(found - expected) < 0.03:
            return Verdict(False, head + hint)
    clean = bool(right[~near].all()) and x.abs().max() <= 1
    if abs(found - 0.9) >= 0.03 or abs(float(near.double().mean()) - 0.2) >= 0.03 or not clean:
        return Verdict(False, head + "0.90 is expected: clean rows 0.1 to 1 from 0, noisy ones within 0.1.")
    return Verdict(True, head + "as the authors' code has it: p is the share that says nothing.")


@exercise
def follow(answer: Any) -> Verdict:
    """A function (fleet, task, name) → share of rows on which each run follows that feature against the rest.

    It is tried on nets that follow the linear feature and nothing else. (runs,)

    >>> follow(lambda fleet, task, name: [0.0, 0.0])
    ✗ The nets follow the linear feature alone; got 0.00 for it, 0.00 for the slab. Count the answers ...
    """
    task = slabs(blocks=(1, 5), n=64, n_test=4000)
    fleet = _reader(task, [1.0, 0.0])
    linear, slab = (accuracy_of(answer, fleet, task, name) for name in task.features)
    if linear > 0.999 and slab < 0.001:
        return Verdict(True, "The linear feature wins every conflict, the slab none: a vote for every row.")
    head = f"The nets follow the linear feature alone; got {linear:.2f} for it, {slab:.2f} for the slab. "
    if abs(linear - 0.5) < 0.1:
        return Verdict(False, head + "A shuffle makes half of the conflicts: take rows of the other class.")
    if linear > 0.9:
        return Verdict(False, head + "Did anything move? Put the feature's columns of other rows into z.")
    return Verdict(False, head + "Count the answers 1 − y_test: that is what the moved feature says.")


def _reader(task: Task, votes: Sequence[float]) -> Fleet:
    """Two linear nets whose score logit₁ − logit₀ is the sum of the features, each times its vote."""
    fleet = mlp(task, depth=0, runs=2)
    for parameter in fleet.parameters():
        parameter.data.zero_()
    fleet.weights()[0].data[:, 1] = task.embed(torch.tensor([votes]))  # (runs, d)
    return fleet
