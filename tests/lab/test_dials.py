"""Abbreviations mean what ipywidgets means by them, start at the lesson's defaults, or say why not."""

import math
import re

import ipywidgets
import numpy as np
import pandas as pd
import pytest
import torch
from cases import told

from sbkit.core import SbkitError
from sbkit.lab.dials import dials, elsewhere, place, twins
from sbkit.lab.widgets import widget_of


def lesson(depth=2, rate=0.1, name="sgd", on=True, free=None):
    """A lesson of every kind of argument; never called."""


def widget(at_once=False, lesson=lesson, **abbreviation):
    (dial,) = dials(lesson, abbreviation).values()
    return widget_of(dial, at_once)


def test_a_list_is_a_drop_down():
    made = widget(name=["adam", "sgd"])
    assert isinstance(made, ipywidgets.Dropdown) and made.value == "sgd"


def test_whole_numbers_are_a_slider():
    made = widget(depth=(1, 8))
    assert isinstance(made, ipywidgets.IntSlider)
    assert (made.min, made.max, made.value, made.continuous_update) == (1, 8, 2, True)
    assert widget(depth=(0, 8, 2)).step == 2


def test_numbers_are_a_slider():
    made = widget(rate=(0.0, 1.0))
    assert isinstance(made, ipywidgets.FloatSlider)
    assert (made.min, made.max, made.value, made.continuous_update) == (0, 1, 0.1, True)


def test_log_is_a_log_slider():
    made = widget(rate=(1e-4, 1.0, "log"))
    assert isinstance(made, ipywidgets.FloatLogSlider)
    assert (round(made.min, 9), round(made.max, 9), made.value) == (-4, 0, 0.1)


def test_a_bool_is_a_check_box_that_starts_at_the_default():
    assert isinstance(widget(on=False), ipywidgets.Checkbox) and widget(on=False).value is True


def test_a_widget_is_itself_and_keeps_its_value():
    mine = ipywidgets.IntText(value=7, description="mine")
    assert widget(depth=mine) is mine and mine.value == 7 and mine.description == "mine"


def test_without_a_default_a_dial_starts_in_the_middle_or_at_the_first():
    def bare(whole, number, log, choice):
        """Never called."""

    made = dials(bare, {"whole": (1, 8), "number": (0.0, 1.0), "log": (1e-4, 1.0, "log"), "choice": [3, 5]})
    assert [dial.start for dial in made.values()] == [4, 0.5, pytest.approx(0.01), 3]


@pytest.mark.parametrize(("at_once", "word"), [(True, "acts at once"), (False, "restarts the run")])
def test_every_dial_says_how_it_acts(at_once, word):
    for abbreviation in ({"depth": (1, 8)}, {"name": ["sgd"]}, {"on": True}, {"free": ipywidgets.Text()}):
        made = widget(at_once, **abbreviation)
        tip = made.tooltip if made.has_trait("tooltip") else made.description_tooltip
        assert word in tip and made.description.endswith("↻") != at_once


@pytest.mark.parametrize(
    ("abbreviation", "sentence"),
    [
        ({"dept": (1, 8)}, "No argument of lesson named 'dept'; there are depth, .*Did you mean 'depth'"),
        ({"depth": (3, 8)}, "starts at the lesson's default, depth=2, and .3, 8. does not hold it"),
        ({"rate": (0, 1)}, "starts at the lesson's default, rate=0.1, and .0, 1. does not hold it"),
        ({"name": ["gd"]}, "name='sgd', and .'gd'. does not hold it"),
        ({"free": (1, 8)}, "free=None, and .1, 8. does not hold it"),
        ({"depth": True}, "depth=2, and True does not hold it"),
        ({"depth": 3}, r"A dial is a list, .* got depth=3; try depth=\[2, 3\]"),
        ({"name": "sgd"}, r"got name='sgd'; try name=\['sgd'\]"),
        ({"depth": (1, 2, 3, 4)}, r"try depth=\[1, 2, 3, 4\]"),
        ({"depth": []}, "A dial is a list"),
        ({"depth": range(1, 4)}, r"try depth=\[1, 2, 3\]"),
        ({"depth": (8, 1)}, "with low < high"),
        ({"rate": (0.0, 1.0, "log")}, "above 0 if 'log'"),
        ({"depth": (1, 8, -1)}, "A slider is"),
        ({"depth": (1, 8, "lin")}, "A slider is"),
        ({"rate": (float("nan"), 1.0)}, "A dial is a list"),
    ],
)
def test_bad_dials_get_their_sentence(abbreviation, sentence):
    with pytest.raises(SbkitError, match=sentence):
        dials(lesson, abbreviation)


@pytest.mark.parametrize(
    ("abbreviation", "value"),
    [
        ({"name": ["adam", "sgd", "sam"]}, "adam"),
        ({"name": ["sgd", "adam"]}, "adam"),
        ({"on": False}, False),
        ({"depth": (1, 8)}, 5),
        ({"depth": (1, 3)}, 1),
        ({"depth": (0, 2)}, 1),
        ({"depth": (2, 8, 2)}, 6),
        ({"rate": (0.0, 1.0)}, 0.625),
        ({"rate": (0.0, 0.1)}, 0.05),
        ({"rate": (0.0, 1.0, 0.1)}, 0.6),
        ({"rate": (0.0999, 0.1003)}, 0.10015),
        ({"rate": (1e-4, 1.0, "log")}, 0.00316),
        ({"rate": (0.1, 10.0, "log")}, 1.0),
    ],
)
def test_b_starts_elsewhere(abbreviation, value):
    (dial,) = dials(lesson, abbreviation).values()
    made = elsewhere(dial)
    assert made == pytest.approx(value, rel=1e-9) if isinstance(value, float) else made == value


def test_of_twins_both_come_first():
    made = twins(dials(lesson, {"depth": (1, 8), "name": ["sgd", "adam"]}), "name")
    assert list(made) == ["name · A", "name · B", "depth"]
    assert [dial.start for dial in made.values()] == ["sgd", "adam", 2]
    assert made["name · B"].name == "name · B"


def test_a_widget_has_no_twin():
    mine = ipywidgets.IntText(value=7)
    with pytest.raises(SbkitError, match="and no widget"):
        twins(dials(lesson, {"depth": mine}), "depth")
    mine.close()


NOTHING = object()
MEANT = [
    *[(3, 0), [], {}, (1, 1), (0.0, 0.0), (1, 8, 0), (1, 8, -1), (1, 8, "lin"), (0.0, 1.0, "log"), (8, 1)],
    *[(0, 5, "log"), (-1, 0, "log"), (math.nan, 1.0), (0, math.inf), (2, 1, 0.5), (1, 2, 3, 4), (0, True)],
    *[3, "sgd", None, "", b"a", object(), len, range(1, 5), range(0), range(1000), {1, 2}, {"a": 1, "b": 2}],
    *[np.arange(1, 5), np.arange(1000), np.zeros((2, 2)), np.float64(0.5), pd.Series([1, 2]), ("a", "b")],
    *[(3,), (5, 7), (-3, -1), torch.arange(3), iter([1, 2]), pd.DataFrame({"a": [1]}), np.array(["a", "b"])],
    *[(1, 0), (0.5, 0.25), ("log", 1), (1, "log"), (1e-3, 1.0, "logs"), frozenset({"b", "a"}), np.array(3)],
]


@pytest.mark.parametrize("given", MEANT, ids=told)
def test_what_is_advised_works(given):
    for default in (NOTHING, 2, 0.1, 0, 0.0, "sgd", True, None, -1, np.int64(1), math.nan):
        lesson = (lambda depth: None) if default is NOTHING else (lambda depth=default: None)
        try:
            dials(lesson, {"depth": given})
        except SbkitError as error:
            assert "\n" not in str(error) and len(str(error)) < 400
            [advice] = re.findall(r"; try (depth=.*)\.$", str(error))
            exec(f"dials(lesson, dict({advice}))", {"dials": dials, "lesson": lesson})


def test_a_default_that_has_no_text_is_no_advice():
    nothing = object()
    with pytest.raises(SbkitError, match="does not hold it; change one of them"):
        dials(lambda depth=nothing: None, {"depth": (1, 8)})


@pytest.mark.parametrize(
    ("given", "default", "kind", "start"),
    [
        ((0, 3), np.int64(1), "whole", 1),
        ((np.int64(0), np.int32(3)), 1, "whole", 1),
        ((np.float32(0), np.float64(1)), np.float64(0.5), "number", 0.5),
        ((0, 1.0), 0.5, "number", 0.5),
        ((0, 1.0), np.int64(1), "number", 1),
        ((np.float64(0.01), 1, "log"), 0.1, "log", 0.1),
        ([np.int64(1), 2], 1, "choice", np.int64(1)),
        ([1.0, 2.0], 1, "choice", 1.0),
        ([1, True], True, "choice", True),
        ([0, False], False, "choice", False),
        ([1, 1.0], 1.0, "choice", 1.0),
        ([1.0, math.nan], float("nan"), "choice", math.nan),
        (np.bool_(True), np.bool_(False), "switch", False),
    ],
)
def test_numbers_of_numpy_are_numbers_and_a_default_is_found(given, default, kind, start):
    (dial,) = dials(lambda depth=default: None, {"depth": given}).values()
    assert (dial.control, type(dial.start)) == (kind, type(start))
    assert dial.start == start or dial.start is start


OPTIONS = [
    [1, True, 2, 1.0],
    [0, False],
    [1, 1.0, np.float64(1.0)],
    [math.nan, 1.0, float("nan")],
    [lambda: 0, lambda: 1],
    [np.ones(2), np.zeros(2), np.ones(2)],
    [torch.ones(2), torch.ones(2)],
    [pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 2]})],
    [None, 3, "3", "None"],
    ["a", "b"],
]


@pytest.mark.parametrize("options", OPTIONS, ids=told)
def test_an_option_is_the_very_object(options):
    (dial,) = dials(lambda free: None, {"free": options}).values()
    made, got = widget_of(dial, False), []
    made.observe(lambda change: got.append(change["new"]), "value")
    for k in [*range(1, len(options)), *reversed(range(len(options)))]:
        made.set_state({"index": k})  # as the page does
        assert made.value is options[k] and made.index == k
    assert [id(one) for one in got] == [id(o) for o in [*options[1:], *options[-2::-1]]]
    for k, option in enumerate(options):
        made.value = option  # as Python does
        assert (made.index, made.label) == (k, made._options_labels[k])
        assert place(options, option) == k
    assert len(set(made._options_labels)) == len(options)
    assert elsewhere(dial) is options[1]


def test_one_widget_is_not_two_dials():
    mine = ipywidgets.IntSlider(2, 1, 8)
    with pytest.raises(SbkitError, match="A widget is one dial, got the same for depth and free; give free"):
        dials(lesson, {"depth": mine, "free": mine})
    mine.close()
