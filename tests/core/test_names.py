"""The checks of single arguments."""

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
    (lambda: whole("runs", 1e3), "runs is a whole number.*, got 1000.0; try 1000"),
    (lambda: whole("runs", "8"), "got '8'; try 8"),
    (lambda: whole("runs", math.inf), "got inf; try 1"),
    (lambda: between("lr", "0.1", 0, 1), "got '0.1'; try 0.1"),
    (lambda: between("p", 1 + 0j, 0, 1), "p is a number.*, got .*; try 0"),
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
