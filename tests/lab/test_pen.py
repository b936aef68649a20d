"""What *Show code* writes is Python that leads back, or says in a comment why it cannot."""

import ast
import dataclasses
import functools
import math
import pathlib
from collections import namedtuple
from enum import Enum, Flag, IntEnum

import numpy as np
import pytest
import torch
from cases import told

from sbkit.lab.desk import Desk
from sbkit.lab.dials import dials
from sbkit.lab.pen import Pen
from sbkit.lab.session import Session
from sbkit.plots import Bars

Point = namedtuple("Point", "x y")


class Colour(Enum):
    RED = 1


class Level(IntEnum):
    LOW = 1


class Sides(Flag):
    A = 1
    B = 2


@dataclasses.dataclass
class Record:
    name: str
    values: list


def act(x):
    return x


def factory():
    return lambda x: x


class Model:
    def lesson(self, free=None):
        return drawn(free)


MODEL = Model()
NAMED = factory()
TASK = torch.zeros(1000, 50)


def nested(deep):
    made = 1
    for _ in range(deep):
        made = [made]
    return made


def hoop():
    made = [1]
    made.append([made])
    return made


def drawn(free=None):
    return Bars("b", "Bars", "y", ["a"], [1])


WRITTEN = [
    *[None, True, 5, -0.0, 0.1, math.nan, math.inf, -math.inf, 1j, "q'\"\n\u2028", b"a", range(3), ...],
    *[[1, [2]], (1,), (), set(), {1}, frozenset({2}), {}, {"a": act}, Point(1, act), Record("a", [act])],
    *[
        Colour.RED,
        Level.LOW,
        Sides.A | Sides.B,
        Colour,
        act,
        NAMED,
        TASK,
        MODEL.lesson,
        len,
        math.sin,
        np.tanh,
    ],
    *[
        torch.relu,
        torch.nn.functional.gelu,
        torch.nn.ReLU,
        torch.float32,
        np.dtype("f4"),
        torch.device("cpu"),
    ],
    *[np.float32(0.1), np.array([1.0, math.nan]), torch.tensor([1, 2]), pathlib.Path("a'b"), math],
    *[functools.partial(act, 2), functools.partial(torch.sum, dim=1)],
]
UNWRITTEN = [
    (lambda: 0, "a lambda has no name; give it one with def"),
    (factory(), "a lambda has no name"),
    (functools.partial(factory()), "a lambda has no name"),
    ([factory()], "a lambda has no name"),
    (torch.zeros(1000), "a Tensor of shape (1000,) is too much; give it a name"),
    (list(range(3000)), "too long"),
    (nested(300), "nested too deeply"),
    (hoop(), "nested too deeply"),
    (object(), "an object has no text in Python; give it a name"),
    (torch.nn.ReLU(), "a ReLU has no text in Python"),
]


def alike(one, other) -> bool:
    if one is other or repr(one) == repr(other):
        return True
    return bool(np.all(np.asarray(one == other)))


@pytest.mark.parametrize("value", WRITTEN, ids=told)
def test_what_is_written_leads_back(value):
    code = Session(drawn, {"free": value}).code()
    assert "#" not in code and len(code) < 300
    *imports, call = code.splitlines()
    names = dict(globals())
    exec("\n".join(imports), names)
    got = eval(call.replace("drawn(free=", "(", 1), names)
    assert type(got) is type(value) and alike(got, value)


@pytest.mark.parametrize(("value", "why"), UNWRITTEN, ids=told)
def test_what_cannot_be_written_is_told_in_a_comment(value, why):
    meant = dials(drawn, {"free": [None, value]})
    pair = Session(drawn, {"free · A": None, "free · B": value}, "free")
    for code in (Session(drawn, {"free": value}).code(), pair.code()):
        assert code.startswith("# free cannot be written: ") and why in code.splitlines()[0]
    for text in Desk(Session(drawn, {"free": value}), meant).answer({"type": "code"})[0]["texts"].values():
        ast.parse(text)
        assert len(text) < 500 and why in text
    ast.parse(pair.code())
    ast.parse(Session(drawn, {"free": value}).call())


def test_the_lessons_own_default_is_left_out():
    value = object()

    def lesson(free=value, depth=1):
        return drawn(free)

    assert Session(lesson, {"free": value, "depth": 2}).code() == "lesson(depth=2)"


@pytest.mark.parametrize(
    ("lesson", "called"),
    [
        (drawn, "drawn(free=1)"),
        (MODEL.lesson, "MODEL.lesson(free=1)"),
        (functools.partial(drawn), "functools.partial(drawn)(free=1)"),
        (NAMED, "NAMED(free=1)"),
    ],
)
def test_lessons_of_every_kind_are_called_by_what_leads_to_them(lesson, called):
    assert Pen(lesson).call({"free": 1}) == called


def test_a_lesson_without_a_name_says_so():
    code = Session(lambda free=1: drawn(free), {"free": 1}).code()
    assert code.startswith("# lesson stands for the lesson: a lambda has no name") and ast.parse(code)
