"""Abbreviations mean what ipywidgets means by them, start at the lesson's defaults, or say why not."""

import ipywidgets
import pytest

from sbkit.core import SbkitError
from sbkit.lab.dials import dials, elsewhere, twins, widget_of


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


@pytest.mark.parametrize(("at_once", "word"), [(True, "at once"), (False, "restarts")])
def test_every_dial_says_how_it_acts(at_once, word):
    for abbreviation in ({"depth": (1, 8)}, {"name": ["sgd"]}, {"on": True}, {"free": ipywidgets.Text()}):
        made = widget(at_once, **abbreviation)
        tip = made.tooltip if made.has_trait("tooltip") else made.description_tooltip
        assert word in made.description and word in tip


@pytest.mark.parametrize(
    ("abbreviation", "sentence"),
    [
        ({"dept": (1, 8)}, "No argument of lesson named 'dept'; there are depth, .*Did you mean 'depth'"),
        ({"depth": (3, 8)}, "starts at the lesson's default, depth=2, and .3, 8. does not hold it"),
        ({"rate": (0, 1)}, "starts at the lesson's default, rate=0.1, and .0, 1. does not hold it"),
        ({"name": ["gd"]}, "name='sgd', and .'gd'. does not hold it"),
        ({"free": (1, 8)}, "free=None, and .1, 8. does not hold it"),
        ({"depth": True}, "depth=2, and True does not hold it"),
        ({"depth": 3}, r"A dial is a list, .* got depth=3; try depth=\[3\]"),
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
        ({"depth": (2, 3, 4)}, 3),
        ({"rate": (0.0, 1.0)}, 0.55),
        ({"rate": (0.0, 0.1)}, 0.05),
        ({"rate": (1e-4, 1.0, "log")}, 0.0032),
        ({"rate": (0.1, 10.0, "log")}, 1.0),
    ],
)
def test_b_starts_elsewhere(abbreviation, value):
    (dial,) = dials(lesson, abbreviation).values()
    made = elsewhere(dial)
    assert made == pytest.approx(value) if isinstance(value, float) else made == value


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
