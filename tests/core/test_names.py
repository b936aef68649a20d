"""Registries and the checks of single arguments."""

import math

import numpy as np
import pytest

import sbkit as sb
from sbkit.core import between, one_of, whole

REFUSED = [
    (lambda: whole("runs", 0), "runs is a whole number of at least 1, got 0; try 1"),
    (lambda: whole("runs", True), "runs is a whole number.*, got True"),
    (lambda: whole("runs", 3.0), "runs is a whole number.*, got 3.0"),
    (lambda: whole("runs", "3"), "runs is a whole number.*, got '3'"),
    (lambda: between("lr", 0, 0, 1, open_low=True), "lr is a number above 0 and at most 1, got 0"),
    (lambda: between("p", 1.1, 0, 1), "p is a number at least 0 and at most 1, got 1.1"),
    (lambda: between("p", math.nan, 0, 1), "p is a number.*, got nan"),
    (lambda: between("p", math.inf, 0, math.inf), "p is a number at least 0, got inf"),
    (lambda: between("p", True, 0, 1), "p is a number.*, got True"),
    (lambda: between("p", None, 0, 1), "p is a number.*, got None"),
    (lambda: one_of("fruit", "aple", ["apple", "pear"]), "No fruit named 'aple'.*pear. Did you mean 'apple'"),
    (lambda: one_of("fruit", "xyz", ["apple", "pear"]), "No fruit named 'xyz'; there are apple, pear.$"),
    (lambda: one_of("fruit", None, ["apple"]), "No fruit named None"),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_refuses(ask, says):
    with pytest.raises(sb.SbkitError, match=says):
        ask()


def test_numbers_come_back_plain():
    assert type(whole("n", np.int64(3))) is int and type(between("p", np.float32(0.5), 0, 1)) is float


def test_errors_are_value_errors_known_as_sbkits():
    assert issubclass(sb.SbkitError, ValueError) and sb.SbkitError.__module__ == "sbkit"


def test_registry_registers_and_lists():
    fruit = sb.Registry("fruit")

    @fruit("apple", colour="red")
    def apple():
        return 1

    assert list(fruit) == ["apple"] and len(fruit) == 1 and "apple" in fruit and "pear" not in fruit
    assert fruit["apple"] is apple and fruit.about["apple"] == {"colour": "red"} and "apple" in repr(fruit)
    with pytest.raises(sb.SbkitError, match="No fruit named 'aple'.*Did you mean 'apple'"):
        fruit["aple"]
