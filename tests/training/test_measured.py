"""What a measure may give, the same in a run, a panel and a sweep."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from cases import FLEETS, slab_task
from torch.testing import assert_close

import sbkit as sb
from sbkit.core import registries
from sbkit.training.measured import value_of

TASK = slab_task()
NUMBERS = torch.tensor([0.5, 0.25])
GIVEN = {  # what is given → what is kept
    "tensor": (NUMBERS, NUMBERS),
    "double": (NUMBERS.double(), NUMBERS.double()),
    "bool": (torch.tensor([True, False]), torch.tensor([True, False])),
    "whole numbers": (torch.tensor([1, 2]), torch.tensor([1, 2])),
    "half": (NUMBERS.half(), NUMBERS),
    "bfloat16": (NUMBERS.bfloat16(), NUMBERS),
    "needs gradients": (NUMBERS.clone().requires_grad_(), NUMBERS),
    "sparse": (NUMBERS.to_sparse(), NUMBERS),
    "array": (NUMBERS.numpy(), NUMBERS),
    "array, backwards": (np.array([0.25, 0, 0.5])[::-2], NUMBERS.double()),
    "array, read only": (np.broadcast_to(np.float32(0.5), (2, 3)), torch.full((2, 3), 0.5)),
    "array, other bytes": (np.array([0.5, 0.25], ">f8"), NUMBERS.double()),
    "series": (pd.Series([0.5, 0.25]), NUMBERS.double()),
    "list": ([0.5, 0.25], NUMBERS.double()),
    "list of tensors without axes": ([torch.tensor(0.5), torch.tensor(0.25)], NUMBERS.double()),
    "rows": ([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], torch.arange(1.0, 7).double().view(2, 3)),
    "parts": ([torch.ones(2, 3), np.ones((2, 4))], [torch.ones(2, 3), torch.ones(2, 4).double()]),
    "a tuple of parts": ((NUMBERS, NUMBERS), [NUMBERS, NUMBERS]),
    "nothing a run": (torch.empty(2, 0), torch.empty(2, 0)),
}


def measure_of(given):
    def own(fleet, task):
        return given

    return own


def fit(given, **options) -> sb.training.Run:
    fleet = FLEETS["linear"](TASK, runs=2)
    return sb.fit(fleet, TASK, batch=32, steps=2, measure=measure_of(given), **options)


@pytest.mark.parametrize("kind", GIVEN)
def test_one_value_a_run_is_kept_as_tensors_on_their_own(kind, monkeypatch):
    monkeypatch.setenv("SBKIT_HEADLESS", "1")
    given, kept = GIVEN[kind]
    for glance in (False, True):
        found = fit(given).snapshot(glance).values["own"]
        assert_close(found, kept, rtol=0, atol=0)
        for part in found if isinstance(found, list) else [found]:
            assert not part.requires_grad and part.device.type == "cpu"
    columns = sb.sweep(lambda: fit(given))
    assert (columns["state"] == "finished").all()
    panel = sb.lab(lambda: fit(given))
    assert panel.figure().data and "own" in panel.figure().to_json()


REFUSED = {  # what is given → what the message says of it
    "a float": (0.5, "a float"),
    "no axis": (torch.tensor(0.5), r"\(\), torch.float32"),
    "a NumPy number": (np.float64(0.5), "a float64"),
    "three for two": (torch.tensor([0.9, 0.4, 0.7]), r"\(3,\), torch.float32"),
    "runs last": (torch.ones(3, 2), r"\(3, 2\), torch.float32"),
    "a list of three": ([0.9, 0.4, 0.7], r"\(3,\), torch.float64"),
    "one part wrong": ([torch.ones(2, 3), torch.ones(3, 2)], r"\(3, 2\), torch.float32"),
    "nothing": (None, "None"),
    "text": ("0.5", "a str"),
    "empty": ([], r"\(0,\), torch.float64"),
    "ragged": ([[1.0], [1.0, 2.0]], "a list and a list"),
    "objects": (np.array([None, 1.0]), r"\(2,\), object"),
    "names": (np.array(["a", "b"]), r"\(2,\), <U1"),
    "a set": ({0.5, 0.25}, "a set"),
    "a dict": ({"a": NUMBERS, "b": NUMBERS}, "a dict; .*torch.stack.list.values.values"),
    "complex": (NUMBERS.to(torch.complex64), r"\(2,\), torch.complex64"),
    "a complex array": (np.array([1j, 2]), r"\(2,\), torch.complex128"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_everything_else_is_refused_before_training_by_its_name(kind, monkeypatch):
    monkeypatch.setenv("SBKIT_HEADLESS", "1")
    given, says = REFUSED[kind]
    says = rf"The measure 'own' returns one value a run or more, a tensor or array \(2, …\), got {says}"
    for ask in (lambda: fit(given), lambda: sb.lab(lambda: fit(given))):
        with pytest.raises(sb.SbkitError, match=says):
            ask()
    with pytest.warns(UserWarning, match="1 of 1 settings failed"):
        table = sb.sweep(lambda: fit(given))
    assert table["state"].tolist() == ["failed"] and "The measure 'own' returns" in table["error"][0]


def test_the_advice_on_a_dict_works():
    values = {"a": NUMBERS, "b": NUMBERS}
    assert fit(torch.stack(list(values.values()), dim=1)).snapshot().values["own"].shape == (2, 2)


def test_live_weights_are_measured_as_they_were():
    """A measure that returns the weights themselves gives those of that step."""

    def own(fleet, task):
        return fleet.weights()[0]

    run = sb.fit(FLEETS["linear"](TASK, runs=2), TASK, batch=32, steps=20, every=10, measure=own)
    first, second = (snapshot.values["own"] for snapshot in run)
    assert not torch.equal(first, second) and not first.requires_grad


def test_what_a_measure_raises_rises_as_it_is():
    def own(fleet, task):
        return fleet.no_such_thing

    for error, measure in [(AttributeError, own), (ZeroDivisionError, lambda fleet, task: 1 / 0)]:
        with pytest.raises(error):
            sb.fit(FLEETS["linear"](TASK, runs=2), TASK, batch=32, measure=measure)


def test_a_measure_of_all_rows_is_asked_of_them():
    """Not refused because the sample of a glance has fewer."""
    task = slab_task(n_test=1000)
    right = lambda fleet, _: (fleet.predict(task.x_test).argmax(-1) == task.y_test).float().mean(1)  # noqa: E731

    def own(fleet, seen):
        return (fleet.predict(seen.x_test).argmax(-1) == task.y_test).float().mean(1)

    for measure in (right, own):
        run = sb.fit(FLEETS["linear"](task, runs=2), task, batch=32, steps=2, measure=measure)
        assert torch.equal(*(next(iter(s.values.values())) for s in [run.snapshot()] * 2))


@pytest.mark.parametrize("name", registries.measure)
def test_sbkits_own_measures_give_what_is_asked_of_others(name):
    fleet = FLEETS["relu"](TASK, runs=2)
    found = value_of(name, registries.measure[name](fleet, TASK), 2)
    assert all(math.isfinite(float(part.sum())) for part in (found if isinstance(found, list) else [found]))


def test_a_measure_of_small_nets_is_refused_before_training():
    task = slab_task()
    with pytest.raises(
        sb.SbkitError, match=r"'hessian' takes nets of up to 1,000 weights, got 10,702; leave"
    ):
        sb.fit(sb.mlp(task, runs=2), task, measure=["hessian"])
