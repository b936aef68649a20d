"""The registries: what they take, list and refuse."""

from dataclasses import dataclass

import pytest

import sbkit as sb
from sbkit.core import Registry
from sbkit.core.registries import REGISTRIES, Entry


def own(fleet, task):
    return 0


REGISTERED = [
    (lambda: sb.measure("m", glance_evry=4), "a registered measure named 'glance_evry'.*'glance_every'"),
    (lambda: sb.measure("m", glance_every=0), "glance_every of a measure is int of at least 1, got 0"),
    (lambda: sb.measure("m", beside="kinds"), "beside of a measure is tuple . list, got 'kinds'"),
    (lambda: sb.measure("m", glance={"reslution": 9})(sb.boundary), "'reslution'.*'resolution'"),
    (lambda: sb.optimizer("m", fullbatch=True), "named 'fullbatch'.*Did you mean 'full_batch'"),
    (lambda: sb.plot("m", row=False), "named 'row'.*Did you mean 'rows'"),
    (lambda: sb.dataset("m", rows=1), "No setting of a registered dataset named 'rows'; there are none"),
    (lambda: sb.measure("reliance")(own), "a measure of sbkit itself; try another name: 'own reliance'"),
    (lambda: sb.optimizer("sgd")(lambda fleet, lr=1.0, weight_decay=0.0: 0), "optimizer of sbkit itself"),
    (lambda: sb.dataset("slabs")(lambda: 0), "'slabs' is a dataset of sbkit itself"),
    (lambda: sb.plot("loss")(lambda history: 0), "'loss' is a plot of sbkit itself"),
    (lambda: sb.measure(own), "The name of a measure is letters, .*, got <function own.*; try 'own'"),
    (lambda: sb.measure(3), "The name of a measure is letters, .*, got 3; try 'own'"),
    (lambda: sb.measure(""), "The name of a measure is letters, .*, got ''"),
    (lambda: sb.measure("a[b]"), "The name of a measure is letters"),
    (lambda: sb.measure("m")(3), r"measure is a function \(fleet, task\), got 3; try def own.fleet, task"),
    (lambda: sb.measure("m")(lambda fleet: 0), r"is a function \(fleet, task\), got one of \(fleet\)"),
    (lambda: sb.plot("m")(lambda: 0), r"A registered plot is a function \(history\), got one of \(\)"),
    (lambda: sb.optimizer("m")(lambda fleet, **o: 0), r"\(fleet, lr=0.1, weight_decay=0.0\), got one of"),
    (lambda: sb.dataset("m")(None), "A registered dataset is a function .*, got None"),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "says"), REGISTERED, ids=[says for _, says in REGISTERED])
def test_what_does_not_fit_is_not_registered(ask, says):
    before = [list(registry) for registry in REGISTRIES]
    with pytest.raises(sb.SbkitError, match=says):
        ask()
    assert before == [list(registry) for registry in REGISTRIES]


def test_a_cell_that_registers_runs_again():
    kinds = Registry("measure", given=["fleet", "task"])
    for function in (own, lambda fleet, task: 1):
        assert kinds("mine")(function) is function and kinds["mine"] is function
    assert [] not in kinds and 3 not in kinds
    kinds.close()
    with pytest.raises(sb.SbkitError, match="of sbkit itself"):
        kinds("mine")(own)


@dataclass(frozen=True)
class Colour(Entry):
    colour: str = "green"


def test_registry_registers_and_lists():
    fruit = Registry("fruit", Colour)

    @fruit("apple", colour="red")
    def apple():
        return 1

    assert list(fruit) == ["apple"] and len(fruit) == 1 and "apple" in fruit and "pear" not in fruit
    assert fruit["apple"] is apple and fruit.about["apple"] == Colour("red") and "apple" in repr(fruit)
    assert fruit.about["pear"] == Colour() and "pear" not in fruit.about
    with pytest.raises(sb.SbkitError, match="No fruit named 'aple'.*Did you mean 'apple'"):
        fruit["aple"]
