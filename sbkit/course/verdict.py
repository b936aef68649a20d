"""Verdicts: what is said of an answer, whatever it is; the machinery behind the checks."""

from __future__ import annotations

import copy
import functools
import reprlib
import textwrap
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, Task


@dataclass(frozen=True)
class Verdict:
    """right: whether the answer is; sentence: what to say of it."""

    right: bool
    sentence: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{'✓' if self.right else '✗'} {self.sentence}"


class Unfit(Exception):
    """An answer that cannot be judged, and the sentence that says why."""


def exercise(check: Callable[[Any], Verdict]) -> Callable[[Any], Verdict]:
    """The same check with a verdict for answers that cannot be judged: the student's dots, and `Unfit`."""

    @functools.wraps(check)
    def judged(answer: Any) -> Verdict:
        if answer is ...:
            return Verdict(False, "No answer yet: put yours in place of the dots.")
        try:
            return check(answer)
        except Unfit as why:
            return Verdict(False, str(why))

    return judged


def numbers(answer: Any, count: int, expected: str) -> Tensor:
    """The answer as `count` finite float64 numbers; `Unfit` says what was expected instead."""
    try:
        with warnings.catch_warnings(action="error"):  # a complex number is no number here
            array = answer.detach().cpu() if isinstance(answer, Tensor) else np.array(answer, np.float64)
            found = torch.as_tensor(array, dtype=torch.float64).squeeze()
    except Exception as error:  # whatever an object does that is asked for its numbers
        raise Unfit(f"{expected}; got {short(answer)}.") from error
    if found.shape != (count,) or not found.isfinite().all():
        raise Unfit(f"{expected}; got {short(answer)}.")
    return found


def called(function: Any, takes: str, told: str, *given: Any) -> Any:
    """What the reader's function gives; `Unfit` if it is none, stops, or gives nothing."""
    if not callable(function):
        raise Unfit(f"A function of {takes} is expected; got {short(function)}.")
    try:
        answer = function(*given)
    except Exception as error:  # the reader's own, whatever it is
        reason = textwrap.shorten(f"{type(error).__name__}: {error}", 150).rstrip(".")
        raise Unfit(f"Called with {told}, the function stopped: {reason}.") from error
    if answer is None or answer is ...:
        raise Unfit("The function gave nothing back: does it end with `return`?")
    return answer


def short(answer: Any) -> str:
    """The answer in a few words; unlike `repr`, for any object."""
    return reprlib.repr(answer)


def accuracy_of(function: Any, fleet: Fleet, task: Task, given: Any) -> float:
    """Mean test accuracy over runs that the reader's function gives, called with copies of its arguments."""
    own_fleet, own_task, own = copy.deepcopy((fleet, task, given))
    names, told = "fleet, task and name", f"fleet, task and {given!r}"
    answer = called(function, names, told, own_fleet, own_task, own)
    if not torch.equal(own_task.z_test, task.z_test) or not torch.equal(own_task.y_test, task.y_test):
        raise Unfit("The function changes the task that it was given: work on a copy of z_test.")
    shares = numbers(answer, fleet.runs, f"{fleet.runs} accuracies are expected, one a run")
    if shares.min() < 0 or shares.max() > 1:
        raise Unfit(f"An accuracy is a share of the rows, from 0 to 1; got {short(answer)}.")
    return float(shares.mean())
