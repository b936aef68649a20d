"""A fingerprint follows what a function does: it changes with what may change a result, with nothing else."""

import importlib
import subprocess
import sys
import threading

import pytest

from sbkit.cache import fingerprint
from sbkit.core import SbkitError

CELLS = """
import functools
from dataclasses import dataclass
import numpy as np
import torch
import sbkit as sb

WIDTH, UNUSED, units = 8, 1, 3
SIZES = {"small": [1, 2], "large": {4, 5}}
POINTS, ARRAY = torch.tensor([1.0, 2.0]), np.array([1.0, 2.0])

def deepest(x):
    return x + 10

def helper(x):
    return deepest(x) if x in {"a", "b", "c"} else [deepest(one) for one in x]

@functools.lru_cache
def data(n=100):
    return n

def times(factor):
    def scaled(x):
        return factor * x
    return scaled

double = times(2)
partial = functools.partial(helper, x=30)

@dataclass
class Options:
    rate: float = 0.1

class Made(type):
    def __call__(cls):
        return 35

class Net(torch.nn.Module):
    layers, made = 40, Made("One", (), {})

    def forward(self, x):
        return x.relu()

    @staticmethod
    def start():
        return 50

    @property
    def size(self):
        return 60

net = Options()

def lesson(depth=1, *, lr=0.5):
    # a comment
    '''What it says.'''
    def inner():
        return helper(WIDTH), SIZES, POINTS, ARRAY, data(), double(3), partial
    fleet = sb.models.fleet_of(Net, runs=2).units
    return sb.fit(fleet, inner(), net, steps=70, measure=[lambda fleet, task: fleet + 80])
"""
EDITS = {  # what is edited, by what
    "a constant": ("steps=70", "steps=71"),
    "a default": ("depth=1", "depth=2"),
    "a keyword's default": ("lr=0.5", "lr=0.6"),
    "a global": ("WIDTH, UNUSED, units = 8", "WIDTH, UNUSED, units = 9"),
    "a global list": ("[1, 2]", "[1, 3]"),
    "a global set": ("{4, 5}", "{4, 6}"),
    "the order of a dict": (
        '"small": [1, 2], "large": {4, 5}',
        '"large": {4, 5}, "small": [1, 2]',
    ),
    "a tensor": ("torch.tensor([1.0, 2.0])", "torch.tensor([1.0, 2.5])"),
    "an array": ("np.array([1.0, 2.0])", "np.array([1.0, 2.5])"),
    "a type": ("WIDTH, UNUSED, units = 8", "WIDTH, UNUSED, units = 8.0"),
    "a helper": ('{"a", "b", "c"}', '{"a", "b", "d"}'),
    "a helper's helper": ("x + 10", "x + 11"),
    "a cached function": ("n=100", "n=101"),
    "a closure's value": ("times(2)", "times(3)"),
    "a closure's code": ("factor * x", "factor + x"),
    "a partial's value": ("x=30", "x=31"),
    "an object's value": ("net = Options()", "net = Options(0.2)"),
    "an object's class": ("rate: float = 0.1", "rate: float = 0.3"),
    "a class's value": ("made = 40", "made = 41"),
    "a class's class": ("return 35", "return 36"),
    "a method": ("x.relu()", "x.tanh()"),
    "a static method": ("return 50", "return 51"),
    "a property": ("return 60", "return 61"),
    "a measure": ("fleet + 80", "fleet + 81"),
}
SPARED = {
    "a comment": ("# a comment", "# another"),
    "the place": ("import functools\n", "import functools\n\n\nx = 1\n"),
    "a global that is not used": ("UNUSED, units = 8, 1, 3", "UNUSED, units = 8, 2, 4"),
}


def of(cells: str = CELLS) -> str:
    """The fingerprint of the lesson in these cells of a notebook."""
    kernel = {"__name__": "__main__"}
    exec(compile(cells, "cell", "exec"), kernel)
    return fingerprint(kernel["lesson"])


def edited(old: str, new: str) -> str:
    assert CELLS.count(old) == 1
    return of(CELLS.replace(old, new))


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_that_may_change_a_result_changes_it(edit):
    assert edited(*EDITS[edit]) != of()


@pytest.mark.parametrize("edit", SPARED)
def test_any_other_edit_does_not(edit):
    assert edited(*SPARED[edit]) == of()


@pytest.mark.slow
def test_it_is_the_same_in_every_process():
    code = "import sys\nfrom test_fingerprint import of\nprint(of())"
    for seed in "01":
        env = {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join([*sys.path, __file__.rpartition("/")[0]])}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
        assert done.stdout.strip() == of(), done.stderr


@pytest.mark.parametrize("how", ["at the top", "in the lesson"])
def test_a_file_of_ones_own_counts_by_what_it_holds(how, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_numbers.py").write_text("WIDTH = 8\n")
    (tmp_path / "my_helpers.py").write_text(
        "from my_numbers import WIDTH\n\ndef helper():\n    return WIDTH\n"
    )
    cells = {
        "at the top": "import my_helpers\n\ndef lesson():\n    return my_helpers.helper()\n",
        "in the lesson": "def lesson():\n    from my_helpers import helper\n    return helper()\n",
    }[how]
    seen = []
    for number in (8, 8, 9):
        (tmp_path / "my_numbers.py").write_text(f"WIDTH = {number}  # so far\n" + "\n" * len(seen))
        for name in ("my_helpers", "my_numbers"):  # a fresh kernel has not imported them
            monkeypatch.delitem(sys.modules, name, raising=False)
        importlib.invalidate_caches()
        seen.append(of(cells))
    assert seen[0] == seen[1] != seen[2]


def test_functions_may_call_themselves_and_each_other():
    cells = (
        "def odd(n):\n    return n and lesson(n - 1)\n\ndef lesson(n=3):\n    return odd(n) or lesson(0)\n"
    )
    assert of(cells) == of(cells) != of(cells.replace("n and", "n or"))


def test_what_has_no_content_gets_its_sentence():
    lock = threading.Lock()
    with pytest.raises(
        SbkitError, match=r"could not: .*lock.*; make that inside the lesson, or sweep without"
    ):
        fingerprint(lambda: lock)
