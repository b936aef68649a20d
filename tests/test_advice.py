"""Every advice of every message is followed, and the call then succeeds.

One argument of every public function is given what a hurried reader gives, and what it then says is executed.
Nothing but `SbkitError` may be raised on the way.
"""

import functools
import math

import pytest
import torch
from advice import advice, followed
from torch import nn

import sbkit as sb
from sbkit.lessons.rank.learning_low_rank import low_rank_task
from sbkit.lessons.rank.rank_by_design import low_rank, svt
from sbkit.lessons.simplicity.available_or_predictive import core_and_shortcut
from sbkit.lessons.simplicity.small_shifts_big_falls import budget
from sbkit.lessons.simplicity.which_feature_will_it_use import margin_shift

MATRIX = torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 3.0]])


@functools.cache
def task() -> sb.Task:
    return sb.slabs((1, 3), n=64, n_test=64)


@functools.cache
def fleet() -> sb.Fleet:
    return sb.mlp(task(), depth=2, width=4, runs=2)


@functools.cache
def smooth() -> sb.Fleet:
    return sb.models.deep_linear(task(), factors=2, runs=2)


def lesson(depth=1, seed=0):
    return sb.fit(sb.mlp(task(), depth=depth, width=4, runs=1, seed=seed), task(), batch=32, steps=1)


def begun(run):
    """A run of which a step is trained and looked at: some are told to take 10¹²."""
    return run.advance(steps=1)


def frame():
    import pandas as pd

    rows = torch.rand(40, 3, generator=torch.Generator().manual_seed(0)).numpy()
    return pd.DataFrame(rows, columns=["a", "b", "c"]).assign(y=["no", "yes"] * 20)


# name → function, arguments that are good; every argument is spoilt in turn
CALLS = {
    "Axis": (sb.Axis, lambda: {"label": "time", "unit": "s", "low": 1.0, "high": 2.0, "log": True}),
    "Bars": (sb.Bars, lambda: {"name": "b", "title": "B", "y": "height", "names": ["a"], "values": [1.0]}),
    "Field": (
        sb.Field,
        lambda: (
            {"name": "f", "title": "F", "x": sb.Axis("x", low=0, high=1), "y": sb.Axis("y", low=0, high=1)}
            | {"values": [[0.0, 1.0], [0.5, 0.2]]}
        ),
    ),
    "Line": (sb.Line, lambda: {"name": "l", "x": [0, 1], "y": [0, 1], "low": [0, 0], "high": [1, 1]}),
    "Lines": (
        sb.Lines,
        lambda: {"name": "l", "title": "L", "x": "x", "y": "y", "lines": [sb.Line("l", [0, 1], [0, 1])]},
    ),
    "Mark": (sb.plots.Mark, lambda: {"label": "m", "low": 0.0, "high": 1.0}),
    "alignment": (
        sb.measures.alignment,
        lambda: {"kernel": torch.eye(4).repeat(2, 1, 1), "y": torch.tensor([0, 1, 0, 1])},
    ),
    "attack": (
        sb.measures.attack,
        lambda: {
            "fleet": fleet(),
            "task": task(),
            "norm": "l2",
            "radius": 0.5,
            "steps": 2,
            "rows": 5,
            "seed": 0,
        },
    ),
    "boundary": (
        sb.boundary,
        lambda: {"fleet": fleet(), "task": task(), "axes": (0, 1), "at": 0, "resolution": 4},
    ),
    "budget": (
        budget,
        lambda: {"task": task(), "change": torch.ones(2), "features": "linear"},
    ),
    "claim": (sb.claim, lambda: {"sentence": "s", "measured": [1.0, 2.0], "within": (0, 3), "published": 1}),
    "core_and_shortcut": (
        core_and_shortcut,
        lambda: (
            {"predictivity": (0.9, 0.85), "amplification": (1.0, 16.0), "nesting": (0, 0), "dim": 8}
            | {"n": 32, "n_test": 16, "seed": 0}
        ),
    ),
    "corrupt": (sb.data.corrupt, lambda: {"task": task(), "labels": 0.1, "inputs": 0.1, "seed": 0}),
    "digits": (
        sb.data.digits,
        lambda: (
            {"n": 50, "labels": (3, 8), "flip": 0.1, "noise": 0.1, "copies": 2, "shape": (8, 8), "seed": 0}
        ),
    ),
    "deep_linear": (
        sb.models.deep_linear,
        lambda: {"task": task(), "factors": 2, "width": 3, "init": 1.0, "runs": 2, "seed": 0},
    ),
    "fit": (
        lambda **given: begun(sb.fit(**given)),
        lambda: (
            {"fleet": sb.mlp(task(), width=4, runs=2), "task": task(), "optimizer": "sgd", "lr": 0.1}
            | {
                "weight_decay": 0.0,
                "batch": 32,
                "steps": 2,
                "every": 1,
                "measure": "reliance",
                "loss": "logistic",
            }
            | {"stop": 0.01, "seed": 0, "momentum": 0.5}
        ),
    ),
    "fit, adam": (
        lambda **given: begun(sb.fit(sb.mlp(task(), width=4, runs=2), task(), optimizer="adam", **given)),
        lambda: {"betas": (0.9, 0.99), "lr": 0.1, "batch": 32, "steps": 2},
    ),
    "fleet_of": (sb.models.fleet_of, lambda: {"factory": lambda: nn.Linear(2, 2), "runs": 2, "seed": 0}),
    "kernel": (sb.measures.kernel, lambda: {"fleet": fleet(), "x": task().x[:3], "kind": "gram", "layer": 0}),
    "low_rank": (low_rank, lambda: {"matrix": MATRIX, "rank": 1, "p": 2.0}),
    "low_rank_task": (
        low_rank_task,
        lambda: {"rank": 2, "dim": 4, "outputs": 3, "n": 8, "n_test": 8, "noise": 0.0, "seed": 0},
    ),
    "lms": (sb.lms, lambda: {"k": 5, "dim": 3, "noise": 0.1, "n": 16, "n_test": 16, "seed": 0}),
    "margin_shift": (
        margin_shift,
        lambda: {"fleet": fleet(), "task": task(), "features": "linear", "seed": 0},
    ),
    "margins": (
        sb.measures.margins,
        lambda: {"fleet": fleet(), "task": task(), "features": "linear", "seed": 0},
    ),
    "mlp": (
        sb.mlp,
        lambda: (
            {"task": task(), "depth": 2, "width": 4, "activation": "relu", "runs": 2, "init": 1.0}
            | {"seed": 0, "dropout": 0.1}
        ),
    ),
    "ms": (sb.ms, lambda: {"k_first": 5, "k_rest": 7, "dim": 3, "noise": 0.1, "n": 16, "n_test": 16}),
    "overparameterize": (
        sb.models.overparameterize,
        lambda: {"module": nn.Linear(3, 2), "factors": 2, "width": 3},
    ),
    "path": (
        sb.measures.path,
        lambda: {"a": sb.mlp(task()), "b": sb.mlp(task(), seed=9), "task": task(), "points": 3},
    ),
    "perturbation_radius": (
        sb.measures.perturbation_radius,
        lambda: {"fleet": fleet(), "task": task(), "drop": 0.1, "seed": 0},
    ),
    "pca_rank": (sb.measures.pca_rank, lambda: {"features": MATRIX, "share": 0.99}),
    "planar": (sb.planar, lambda: {"name": "moons", "n": 16, "noise": 0.1, "n_test": 16, "seed": 0}),
    "predict": (
        sb.predict,
        lambda: {"question": "Which?", "choices": ["a", "b"], "confidence": 50},
    ),
    "randomized": (
        sb.randomized,
        lambda: {"fleet": fleet(), "task": task(), "features": "linear", "metric": "auc", "seed": 0},
    ),
    "reliance": (sb.reliance, lambda: {"fleet": fleet(), "task": task()}),
    "slabs": (
        sb.slabs,
        lambda: {"blocks": (1, 5), "noise": 0.0, "margin": 0.1, "n": 16, "n_test": 16, "seed": 0},
    ),
    "svt": (svt, lambda: {"matrix": MATRIX, "tau": 0.1}),
    "sweep": (sb.sweep, lambda: {"lesson": lesson, "depth": [0, 1], "seed": [0, 1]}),
    "data.table": (
        sb.data.table,
        lambda: {"x": frame(), "y": "y", "features": {"ab": ["a", "b"]}, "test": 0.25, "seed": 0},
    ),
    "universal_perturbation": (
        sb.measures.universal_perturbation,
        lambda: {"fleet": fleet(), "task": task(), "radius": 0.5, "rows": 8, "steps": 2},
    ),
    "worst_group": (
        sb.measures.worst_group,
        lambda: {"fleet": fleet(), "task": task(), "groups": task().y_test},
    ),
    **{
        name: (getattr(sb.measures, name), lambda: {"matrix": MATRIX})
        for name in ("spectrum", "entropy_rank", "effective_rank", "stable_rank")
    },
}
HUGE = 10**12
WRONG = [
    -1,
    0,
    1,
    2.5,
    3,
    HUGE,
    math.nan,
    math.inf,
    "",
    "text",
    "sdg",
    None,
    True,
    [],
    (),
    {},
    [4],
    [0.5, -1.0, 3],
]
OTHERS = [nn.Linear(2, 2), torch.zeros(3, 9)]  # where a fleet, a task or a tensor belongs
ARGUMENTS = [(name, argument) for name, (_, good) in CALLS.items() for argument in good()]
LONG = [
    ("attack", "steps"),
    ("universal_perturbation", "steps"),
    ("path", "points"),
]  # takes what it is told, however long
KNOWN = {"torch": torch, "nn": nn, "sb": sb}


def test_what_is_good_is_taken():
    for function, good in CALLS.values():
        function(**good())


@pytest.mark.filterwarnings("ignore:.*settings failed")  # which is a row of a sweep
@pytest.mark.parametrize(("name", "argument"), ARGUMENTS, ids=lambda part: part)
def test_advice_works_when_followed(name, argument):
    function, good = CALLS[name]
    others = (
        OTHERS
        if argument in ("fleet", "task", "x", "matrix", "change", "kernel", "factory", "a", "b", "groups")
        else []
    )
    for wrong in [*WRONG, *others]:
        if wrong is HUGE and (name, argument) in LONG:
            continue
        try:
            function(**good() | {argument: wrong})
        except sb.SbkitError as error:
            for given in followed(str(error), argument, KNOWN):
                function(**good() | given)


def swapped(name):
    function, good = CALLS[name]
    given = good()
    return lambda: function(**given | {"fleet": given["task"], "task": given["fleet"]})


@pytest.mark.parametrize("name", [n for n, (_, good) in CALLS.items() if {"fleet", "task"} <= good().keys()])
def test_a_task_before_the_fleet_is_told(name):
    with pytest.raises(sb.SbkitError, match="takes the fleet first") as told:
        swapped(name)()
    call = advice(str(told.value)).partition("(")[0]
    assert name in call and callable(eval(call, KNOWN | {name: CALLS[name][0]}))
