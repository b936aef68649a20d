"""A fingerprint hangs on content alone: neither use nor being one object or equal ones changes it."""

import abc
import enum
import functools
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import sbkit as sb
from sbkit.core import SbkitError
from sbkit.sweeps.fingerprint import fingerprint


class Lazy:
    """One that keeps what it worked out."""

    def __init__(self, size: int = 3):
        self.size = size

    @functools.cached_property
    def table(self) -> list[int]:
        return list(range(self.size))


class Copying(Lazy):
    """One that pickles all its attributes by itself."""

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__.copy()


class Slotted(Lazy):
    """One with slots and a dict."""

    __slots__ = ("scale",)


class Shade(enum.Flag):
    LIGHT, DARK = 1, 2


class Shape(abc.ABC):
    """A class that remembers what it was asked of its kinds."""

    @abc.abstractmethod
    def area(self) -> float: ...


@dataclass(frozen=True)
class Options:
    rate: float = 0.1


@functools.lru_cache(maxsize=4)
def squares(n: int) -> int:
    return n * n


@functools.singledispatch
def area(one: Any) -> int:
    return 1


@area.register
def _(one: int) -> int:
    return one


def _net(seed: int = 0) -> torch.nn.Module:
    torch.nn.Linear(2, 2)  # torch's own generator moves on, and does not matter
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU())
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.fill_(seed)
    return net


def _learn(net: torch.nn.Module) -> None:
    net(torch.ones(4, 3)).sum().backward()


def _look(task: sb.Task) -> None:
    assert task.x.shape and task.x_test.shape and task.outputs and task.kinds is not None


def _fit(task: sb.Task) -> None:
    sb.last(sb.fit(sb.mlp(task, width=4, runs=2), task, steps=2, batch=10, measure=["reliance"]))


def _frame(last: float = 3.0) -> pd.DataFrame:
    table = pd.DataFrame({"a": [1.0, 2.0], "b": [1, 2], "c": ["x", "y"]})
    table["d"] = [2.0, last]  # a block of its own, until they are put together
    return table


def _consolidate(table: pd.DataFrame) -> None:
    assert table._mgr.nblocks >= 3 and table.copy() is not None
    table._consolidate_inplace()
    assert (
        "a" in table.columns and table["a"].sum() and table.index.is_unique and table.describe() is not None
    )


USED = {  # thing, another content, use
    "a task": (lambda: sb.lms(5, dim=3, n=40, n_test=40), lambda: sb.lms(5, dim=3, n=41, n_test=40), _look),
    "a task that was trained on": (lambda: sb.slabs(n=40), lambda: sb.slabs(n=40, seed=1), _fit),
    "a sample": (lambda: sb.slabs(n=40).sample(9), lambda: sb.slabs(n=40).sample(8), _look),
    "a cached property": (Lazy, lambda: Lazy(4), lambda one: one.table),
    "one that pickles all": (Copying, lambda: Copying(4), lambda one: one.table),
    "one with slots": (Slotted, lambda: Slotted(4), lambda one: one.table),
    "a bound method": (lambda: Lazy().__init__, lambda: Lazy(4).__init__, lambda one: one.__self__.table),
    "a cached function": (lambda: squares, lambda: squares.__wrapped__, lambda one: one(3)),
    "a function by type": (lambda: area, lambda: area.dispatch(int), lambda one: one(3)),
    "a pattern": (lambda: re.compile("a+"), lambda: re.compile("a"), lambda one: one.match("aa")),
    "flags": (lambda: Shade, lambda: enum.Flag("Shade", "LIGHT"), lambda one: one.LIGHT | one.DARK),
    "an abstract class": (lambda: Shape, lambda: Lazy, lambda one: isinstance(3, one)),
    "weights": (
        lambda: torch.ones(3, requires_grad=True),
        lambda: torch.zeros(3),
        lambda w: w.sum().backward(),
    ),
    "a module": (_net, lambda: _net(1), _learn),
    "a table": (_frame, lambda: _frame(4.0), _consolidate),
    "a column": (lambda: _frame().c, lambda: _frame().d, lambda one: (one.index.is_unique, one.nunique())),
    "an index": (lambda: pd.Index([3, 1]), lambda: pd.Index([1, 3]), lambda one: (one.is_unique, 3 in one)),
}


def _named(thing: Any) -> str:
    """As a value, and as one that a lesson uses."""
    return fingerprint(thing, lambda: thing)


@pytest.mark.parametrize("name", USED)
def test_use_changes_nothing(name):
    make, other, use = USED[name]
    thing = make()
    fresh = _named(thing)
    use(thing)
    assert _named(thing) == fresh == _named(make())
    assert fingerprint(thing) != fingerprint(other())


def _twice(one: Any, other: Any) -> bool:
    return fingerprint([one, one]) == fingerprint([one, other])


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.float64(0.1),
        lambda: float("0.25") + 1,
        lambda: [1, 2],
        lambda: {"a": [1, 2]},
        lambda: {"b", "a"},
        lambda: (1, [2]),
        lambda: 10**30,
        lambda: b"ab" * int("3"),
        lambda: "".join("ab"),
        lambda: np.arange(3.0),
        lambda: np.array([1, "a"], dtype=object),
        lambda: torch.ones(3),
        lambda: np.dtype("f4"),
        lambda: Options(0.5),
        lambda: Lazy(4),
        lambda: functools.partial(squares, n=2),
        lambda: functools.partial(_net, seed=2),
        lambda: Path("rows"),
        lambda: slice(1, 2),
        lambda: sb.slabs(n=40),
        _net,
        _frame,
    ],
)
def test_a_value_used_twice_is_two_equal_values(make):
    assert _twice(make(), make())
    assert fingerprint({"a": make(), "b": make()}) == fingerprint(dict.fromkeys("ab", make()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.ones((2, 3)), np.asfortranarray(np.ones((2, 3)))),
        (np.arange(6.0)[::2], np.array([0.0, 2.0, 4.0])),
        (np.broadcast_to(1.0, (3,)), np.ones(3)),
        (torch.arange(6.0)[::2], torch.tensor([0.0, 2.0, 4.0])),
        (torch.ones(3, 2).T, torch.ones(2, 3)),
        (torch.ones(1).expand(3), torch.ones(3)),
        (torch.tensor([1 - 1j]).conj(), torch.tensor([1 + 1j])),
        (torch.ones(2, 2).to_sparse(), torch.ones(2, 2)),
        (pd.Series([1.0, 2.0, 3.0], list("abc"))[::2], pd.Series([1.0, 3.0], list("ac"))),
    ],
)
def test_where_numbers_lie_does_not_count(one, other):
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        ("1", 1),
        (b"1", "1"),
        ([1], (1,)),
        ([[1], 2], [1, [2]]),
        (["ab"], ["a", "b"]),
        (None, "None"),
        (np.ones(2), torch.ones(2)),
        (np.ones(2), np.ones(2, np.float32)),
        (np.ones((2, 1)), np.ones((1, 2))),
        (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0])),
        (np.zeros(1, [("a", "f4")]), np.zeros(1, [("b", "f4")])),
        (pd.Series([1, 2], name="a"), pd.Series([1, 2], name="b")),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
        (pd.Categorical(["a"], ["a", "b"]), pd.Categorical(["a"], ["a", "c"])),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (torch.float32, torch.float64),
        (torch.relu, torch.tanh),
        (np.sin, np.cos),
        (Options(0.1), Options(0.2)),
        (sb.mlp, sb.fit),
        (len, max),
        (list, tuple),
        ([squares, area], [area, squares]),
        (torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)),
        (np.random.default_rng(1), np.random.default_rng(2)),
    ],
)
def test_other_content_has_another_name(one, other):
    assert fingerprint(one) != fingerprint(other) and fingerprint([one]) != fingerprint([other])


def test_what_holds_itself_is_named_by_what_it_holds():
    def ring(value: int) -> list[Any]:
        made: list[Any] = [value]
        made.append({"again": made})
        return made

    net = _net()
    net.__dict__["parent"] = net
    assert fingerprint(ring(1)) == fingerprint(ring(1)) != fingerprint(ring(2)) and fingerprint(net)


def test_many_that_name_each_other_take_no_longer_than_one_by_one():
    """Thirty layers of two that name both of the next: a billion ways down."""
    values: Any = [1]
    for _ in range(30):
        values = [values, values]
    cells = "def f0(): return 1\ndef g0(): return 2\n" + "".join(
        f"def f{n}(): return f{n - 1}() + g{n - 1}()\ndef g{n}(): return f{n - 1}() + g{n - 1}() + lesson()\n"
        for n in range(1, 30)
    )
    kernel: dict[str, Any] = {"__name__": "__main__"}
    exec(f"{cells}def lesson(): return f29() + g29()", kernel)
    assert fingerprint(values) and fingerprint(kernel["lesson"])


@pytest.mark.slow
def test_it_is_the_same_in_every_process():
    code = "import test_content as t\nfor m, *_ in t.USED.values(): print(t.fingerprint(m()))"
    told = []
    for seed in "01":
        env = {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join([*sys.path, __file__.rpartition("/")[0]])}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        told.append(done.stdout.split())
    assert told[0] == told[1] and len(set(told[0])) == len(USED)


def test_a_refusal_is_one_sentence():
    with pytest.raises(SbkitError, match="sweep without cache") as told:
        fingerprint({open})  # a set
        fingerprint({"a": (one for one in range(3))})
    assert str(told.value).count("could not") == 1
