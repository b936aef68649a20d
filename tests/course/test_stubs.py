"""A stub runs, keeps what the question needs, and gives nothing away."""

import pytest
from stubs import stub

from sbkit.core import SbkitError

FUNCTION = '''import torch


def accuracy(z, *, seed: int = 0) -> float:
    """Share of right answers."""
    # the trick
    answers = z.argmax(-1)
    return answers.mean()


sb.check.accuracy(accuracy)'''
FUNCTION_LEFT = '''import torch


def accuracy(z, *, seed: int=0) -> float:
    """Share of right answers."""
    ...  # your code


sb.check.accuracy(accuracy)'''

CODE = "\n    ...  # your code"


@pytest.mark.parametrize(
    ("solution", "left"),
    [
        (FUNCTION, FUNCTION_LEFT),
        ("def f(x): return x\ndef g(): pass", f"def f(x):{CODE}\n\n\ndef g():{CODE}"),
        ("@sb.measure('norm')\ndef norm(fleet): return 1", f"@sb.measure('norm')\ndef norm(fleet):{CODE}"),
        ("a, (b, *c) = 1, (2, 3)", "a = ...  # your answer\nb = ...  # your answer\nc = ...  # your answer"),
        ("a = b = 3", "a = ...  # your answer\nb = ...  # your answer"),
        ("a = 1\na += 1\na = a + 1", "a = ...  # your answer\na = ...  # your answer"),
        ("rank: int = 3", "rank = ...  # your answer"),
        ("z[0] = 1\nz.x = 2", "...  # your code"),
        ("from torch import nn  # the trick\nprint(nn)", "from torch import nn"),
        ("for i in [1]:\n    a = 1\na", "...  # your code"),
        ("sb.check.pair(first, of=second)", "sb.check.pair(first, of=second)"),
        ("", "...  # your code"),
    ],
)  # fmt: skip
def test_what_is_left(solution, left):
    assert stub(solution) == left


def test_the_stub_runs():
    names = {"sb": type("sb", (), {"check": type("check", (), {"accuracy": print})})}
    exec(stub(FUNCTION), names)
    assert names["accuracy"](None) is None


@pytest.mark.parametrize("given", ["[1, 2]", "lambda z: z", "rank=3", "f(x)", "*answers"])
def test_a_check_of_more_than_names_would_tell(given):
    with pytest.raises(SbkitError, match="a check takes names.*metadata.sbkit.stub"):
        stub(f"sb.check.pieces({given})")


@pytest.mark.parametrize("source", ["%time f()", "def f(:"])
def test_what_is_no_python_needs_a_stub_of_its_own(source):
    with pytest.raises(SbkitError, match="plain Python.*metadata.sbkit.stub"):
        stub(source)
