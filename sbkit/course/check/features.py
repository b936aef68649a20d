"""Exercises on what the features of a network span."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.core import generator
from sbkit.course.verdict import Verdict, called, exercise, numbers


@exercise
def deeper(answer: Any) -> Verdict:
    """A function from the cosines of two inputs (n,) to those of what a wide ReLU layer makes of them. (n,)

    >>> deeper(lambda c: c)
    ✗ At a right angle (c = 0) the formula gives 1/π = 0.318, yours 0.000.
    """
    c = torch.linspace(-1, 1, 9, dtype=torch.float64)  # (n,)
    sine, angle = (1 - c**2).sqrt(), torch.arccos(c)
    expected = (sine + (math.pi - angle) * c) / math.pi
    given = _numbers(answer, "c", "c (9,)", c)
    if torch.allclose(given, expected, atol=1e-4):
        return Verdict(True, "Every angle but 0 shrinks from layer to layer: all inputs end up alike.")
    if torch.allclose(given, expected * math.pi, atol=1e-4):
        return Verdict(False, "Two equal inputs get a cosine of π instead of 1: divide by π.")
    if torch.allclose(given, (sine + angle * c) / math.pi, atol=1e-4):
        return Verdict(False, "Equal inputs get 0 instead of 1: what stands before c is π minus the angle.")
    return Verdict(False, f"At a right angle (c = 0) the formula gives 1/π = 0.318, yours {given[4]:.3f}.")


@exercise
def alike(answer: Any) -> Verdict:
    """A function from features h (n, width) to the centred cosine kernel of their n rows. (n, n)

    >>> alike(lambda h: h @ h.T)
    ✗ Its diagonal is not 1: after centring, divide every row by its own length.
    """
    h = torch.randn(6, 4, dtype=torch.float64, generator=generator(0)) + 2  # (n, width)
    rows = h - h.mean(0)
    expected = _cosines(rows)
    given = _numbers(answer, "h", "h (6, 4)", h, size=36).view(6, 6)
    if torch.allclose(given, expected, atol=1e-4):
        return Verdict(True, "The mean goes before the lengths are taken: what is left tells inputs apart.")
    if torch.allclose(given, _cosines(h), atol=1e-4):
        return Verdict(False, "That is the uncentred kernel: subtract the mean over inputs first.")
    if torch.allclose(given, _cosines(h - h.mean(1, keepdim=True)), atol=1e-4):
        return Verdict(False, "You took each row's own mean away; it is the mean row that goes.")
    if not torch.allclose(given.diagonal(), torch.ones(6).double(), atol=1e-4):
        return Verdict(False, "Its diagonal is not 1: after centring, divide every row by its own length.")
    return Verdict(False, "Its diagonal is right, the rest is not: centre, then dot products of rows.")


def _cosines(h: Tensor) -> Tensor:
    """Cosines between rows (n, width). (n, n)"""
    return F.normalize(h, dim=-1) @ F.normalize(h, dim=-1).mT


def _numbers(function: Any, names: str, shapes: str, given: Tensor, size: int = 9) -> Tensor:
    """What the reader's function makes of a copy of `given`, flat. (size,)"""
    answer = called(function, names, shapes, given.clone())
    flat = answer.flatten() if isinstance(answer, Tensor | np.ndarray) else answer
    return numbers(flat, size, f"{size} numbers are expected").flatten()


@exercise
def copies(answer: Any) -> Verdict:
    """A function (w, eps) → weights (units, inputs), each unit the first one plus eps of its difference.

    >>> copies(lambda w, eps: w)
    ✗ With eps = 0 every row is the first one; yours still differ.
    """
    w = torch.randn(5, 4, dtype=torch.float64, generator=generator(0))  # (units, inputs)
    given = w.clone()
    found = [_table(answer, given, eps) for eps in (0.0, 0.25, 1.0)]
    if not torch.equal(given, w):
        return Verdict(False, "The function changes the weights that it was given: make new ones.")
    if not torch.allclose(found[0], w[:1].expand(5, 4), atol=1e-4):
        same = torch.allclose(found[0], found[0][:1].expand(5, 4), atol=1e-4)
        what = "are equal, but to another row" if same else "still differ"
        return Verdict(False, f"With eps = 0 every row is the first one; yours {what}.")
    if not torch.allclose(found[2], w, atol=1e-4):
        return Verdict(False, "With eps = 1 the weights are as they were: eps times the difference to w[0].")
    if not torch.allclose(found[1], 0.75 * w[:1] + 0.25 * w, atol=1e-4):
        return Verdict(False, "eps = 0 and 1 are right; between them differences grow in proportion to eps.")
    return Verdict(True, "Rank one plus eps times the rest: full rank for every eps above 0.")


def _table(function: Any, w: Tensor, eps: float) -> Tensor:
    """What the reader's function makes of weights (units, inputs). (units, inputs)"""
    answer = called(function, "w and eps", f"w (5, 4) and eps {eps:g}", w, eps)
    flat = answer.flatten() if isinstance(answer, Tensor | np.ndarray) else answer
    return numbers(flat, w.numel(), "A tensor of shape (5, 4) is expected, as that of w").view_as(w)
