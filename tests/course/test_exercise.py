"""Every exercise tells what is right, each listed mistake and nonsense; the engine tells what is turned."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import sbkit as sb
from sbkit.course.check import WRITTEN
from sbkit.course.exercise import TURNED, exercise

NAMES = dir(sb.check)
MISTAKES = [(name, hint, answer) for name in NAMES for hint, answer in getattr(sb.check, name).mistakes()]


class Broken:
    """Raises at whatever it is asked."""

    def __getattr__(self, name):
        raise ZeroDivisionError

    __len__ = __repr__ = __array__ = __getattr__  # pyright: ignore[reportAssignmentType]


NONSENSE = [
    *(..., None, "six", "", math.nan, 7, True, int, sb, [], {}, {1, 2, 4, 6}, {"a": 1}, [[1, 2], [3]]),
    *([math.nan] * 4, [1, 2, 4, None], [math.inf] * 10, [1j] * 10, torch.tensor([1j] * 4), [10**400] * 4),
    *(Broken(), [Broken()] * 4, lambda: 1, lambda *given: None, lambda *given: ..., lambda *given: "half"),
    *(lambda *given: math.nan, lambda *given: [math.nan] * 2, lambda *given: [0.5] * 3),
    *(lambda *given: [50.0, 50.0], lambda *given: Broken(), lambda *given: 1 / 0),
    *(lambda *given: given[1].no_such_name, lambda *given: [torch.ones(2), torch.ones(3)], [torch.ones(2)]),
]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_right_is_right(name):
    check = getattr(sb.check, name)
    assert check(check.want), check(check.want)


@pytest.mark.parametrize(("name", "hint", "answer"), MISTAKES, ids=[f"{m[0]}: {m[1]}" for m in MISTAKES])
def test_every_mistake_gets_its_hint(name, hint, answer):
    verdict = getattr(sb.check, name)(answer)
    assert not verdict
    for part in hint.replace("}", "{").split("{")[::2]:  # what stands around the numbers told
        assert part in verdict.sentence


@pytest.mark.parametrize("name", NAMES)
def test_nonsense_gets_a_sentence(name):
    for answer in NONSENSE:
        verdict = getattr(sb.check, name)(answer)
        assert not verdict and verdict.sentence[-1] in ".?" and len(repr(verdict)) < 300
    assert "No answer yet" in getattr(sb.check, name)(...).sentence


def test_exercises_do_not_show_their_solution():
    assert repr(sb.check.pieces) == "An exercise: call it with your numbers."
    assert repr(sb.check.climb) == "An exercise: call it with a function of slopes and rho."
    with pytest.raises(AttributeError, match="Did you mean 'pieces'"):
        sb.check.piece  # noqa: B018


def read_only(numbers):
    array = np.array(numbers)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "as_type", [list, tuple, np.array, torch.tensor, pd.Series, lambda n: [n], read_only]
)
def test_equal_numbers_are_right(as_type):
    for name in ("pieces", "ceiling", "unseen", "energy"):
        check = getattr(sb.check, name)
        assert check(as_type([float(number) for number in check.want]))


@pytest.mark.parametrize(
    "as_type", [lambda t: t.tolist(), lambda t: t.numpy(), lambda t: t.float(), lambda t: t[None]]
)
def test_functions_may_give_any_kind_of_numbers(as_type):
    for name in ("squeezed", "both_ways", "noisy", "shuffle", "alike", "err_together"):
        check = getattr(sb.check, name)
        assert check(lambda *given, want=check.want: as_type(torch.as_tensor(want(*given))))
    assert sb.check.climb(lambda *given: tuple(part.numpy() for part in sb.check.climb.want(*given)))


NUMBERS = torch.tensor([0.25, 0.5, 2.0], dtype=torch.float64)
NINE = exercise("x", tries=[(NUMBERS,)], want=lambda x: x + 1, right="Yes.", rest="Add 1.", keeps=True)


@pytest.mark.parametrize("hint", TURNED)
def test_what_is_turned_around_is_told(hint):
    assert NINE(lambda x: TURNED[hint](x + 1)).sentence == hint


def test_a_factor_is_told():
    assert "yours is 100 times" in NINE(lambda x: 100 * (x + 1)).sentence
    assert "yours is -0.5 times" in NINE(lambda x: -(x + 1) / 2).sentence
    assert NINE(lambda x: x).sentence == "Add 1."
    one = exercise("x", tries=[(NUMBERS,)], want=lambda x: x.sum(), right="Yes.", rest="Add up.")
    assert one(lambda x: 3 * x.sum()).sentence == "Add up."  # every number is a multiple of every other


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ([1.0], "A function of x is expected; got [1.0]."),
        (lambda x: x[:2], "3 numbers are expected; got a shape of (2,)."),
        (lambda x: "six", "3 numbers are expected; got 'six'."),
        (lambda x: x * math.nan, "3 numbers are expected; got numbers that are not finite."),
        (lambda: 1, "Called with x (a shape of (3,)), the function stopped: TypeError"),
        (lambda x: None, "does it end with `return`?"),
        (lambda x: x.add_(1), "The function changes what it was given"),
    ],
)
def test_what_cannot_be_judged(answer, says):
    assert says in NINE(answer).sentence and NINE(lambda x: x + 1)  # whatever others did to theirs


def test_other_solutions_are_right():
    assert sb.check.follow(
        lambda fleet, task, name: sb.measures.conflict(fleet, task)[:, task.columns(name)[0]]
    )
    assert sb.check.shuffle(lambda fleet, task, name: sb.randomized(fleet, task, name, "accuracy"))
    assert sb.check.aligned(lambda K, y: sb.measures.alignment(K, y).item())
    assert sb.check.slower([0.1, 0.001])


def test_a_function_cannot_change_what_it_is_tried_on():
    seen = []

    def vandal(fleet, task, name):
        seen.append(sum(float(weight.detach().abs().sum()) for weight in fleet.weights()))
        for parameter in fleet.parameters():
            parameter.data.zero_()
        task.z_test.zero_()
        return [0.5, 0.5]

    assert "work on a copy" in sb.check.shuffle(vandal).sentence and sb.check.shuffle(sb.check.shuffle.want)
    assert len(seen) == 1 and seen[0] > 0


def test_no_two_exercises_share_a_name():
    lessons = Path(sb.__file__).parent / "lessons"
    written = [name for path in lessons.rglob("*.py") for name in WRITTEN.findall(path.read_text("utf-8"))]
    assert sorted(written) == NAMES
