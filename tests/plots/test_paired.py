"""The pictures of two runs in one list: together, beside each other, and their difference."""

import numpy as np
import pytest

from sbkit.plots import Axis, Bars, Field, Line, Lines, paired

LABELS = ["A sgd", "B sam"]
RNG = np.random.default_rng(0)


def field(values, **about):
    x, y = Axis("x", low=-1, high=1), Axis("y", low=-1, high=1)
    return Field("boundary", "Boundary", x, y, values, **about)


def lines(*kinds, **about):
    return Lines(
        "loss", "Loss", "step", Axis("loss", low=0), [Line(k, [0, 1], [1, 0]) for k in kinds], **about
    )


def test_a_line_each_is_one_plot_solid_and_dashed():
    [both] = paired([lines("train", caption="c", grows=True)], [lines("train", caption="c")], LABELS)
    assert [(line.name, line.dash) for line in both.lines] == [("A sgd", False), ("B sam", True)]
    assert (both.name, both.title, both.caption, both.grows) == ("loss", "Loss", "c", True)


def test_two_kinds_of_line_are_a_plot_each():
    train, test = paired([lines("train", "test")], [lines("train", "test")], LABELS)
    assert (train.name, train.title, test.name) == ("loss train", "Loss · train", "loss test")
    assert [line.name for line in test.lines] == LABELS


@pytest.mark.parametrize("other", [("l1", "l2", "l3"), ("l1", "l2")])
def test_many_or_different_lines_stay_with_their_side_on_equal_axes(other):
    b = Lines("loss", "Loss", "step", Axis("loss", low=-1), [Line(k, [0], [0]) for k in other])
    made = paired([lines("l1", "l2", "l3")], [b], LABELS)
    assert [(one.name, one.title) for one in made] == [("loss A", "Loss · A sgd"), ("loss B", "Loss · B sam")]
    assert [one.y.low for one in made] == [-1, -1]


def test_captions_that_differ_are_both_told():
    [both] = paired([lines("train", caption="c")], [lines("train", caption="d")], LABELS)
    assert both.caption == "A: c B: d"


def test_fields_are_followed_by_their_difference():
    a, b = RNG.random((2, 4, 5))
    points = {"points": RNG.random((3, 2)), "labels": [0, 1, 0]}
    made = paired([field(a, **points)], [field(b)], LABELS)
    assert [one.name for one in made] == ["boundary A", "boundary B", "boundary B − A"]
    np.testing.assert_allclose(made[2].values, b - a, atol=1e-6)
    assert (made[2].scale.low, made[2].scale.high, len(made[2].points)) == (-1, 1, 3)
    assert "Orange: more in B" in made[2].caption and "P(class 1) in B minus" in made[2].caption


def test_equal_fields_differ_by_exactly_zero():
    values = RNG.random((4, 5))
    assert not paired([field(values)], [field(values)], LABELS)[2].values.any()


def test_a_coarser_look_is_compared_corner_on_corner():
    plane = np.add.outer(np.linspace(0, 0.5, 9), np.linspace(0, 0.5, 7))
    np.testing.assert_allclose(
        paired([field(plane[::4, ::3])], [field(plane)], LABELS)[2].values, 0, atol=1e-6
    )
    np.testing.assert_allclose(
        paired([field(plane)], [field(plane[::4, ::3])], LABELS)[2].values, 0, atol=1e-6
    )


def test_other_planes_have_no_difference_and_say_so():
    other = Field("boundary", "Boundary", Axis("x", low=-2, high=2), "y", np.zeros((4, 5)))
    made = paired([field(np.zeros((4, 5)))], [other], LABELS)
    assert len(made) == 2 and "different planes" in made[1].caption


def test_the_difference_of_any_other_quantity_reaches_as_far_as_it_does():
    kelvin = Axis("warmth", unit="K")
    a, b = ([field(v, scale=kelvin)] for v in ([[1.0, 2.0]], [[1.0, 5.0]]))
    difference = paired(a, b, LABELS)[2]
    assert (difference.scale.low, difference.scale.high, difference.scale.unit) == (-3, 3, "K")
    assert "warmth in B" in difference.caption
    nothing = paired([field([[np.nan]], scale=kelvin)], [field([[np.nan]], scale=kelvin)], LABELS)[2]
    assert nothing.scale.high > 0


def test_bars_stand_beside_each_other_under_the_names_of_both():
    a = Bars("r", "R", Axis("lost", low=0, high=1), ["p", "q"], [1, 2], dots=[[0, 2], [1, 3]])
    b = Bars("r", "R", Axis("lost", low=-1, high=2), ["q", "s"], [3, 4], dots=[[3], [4]])
    [both] = paired([a], [b], LABELS)
    assert both.names == ("p", "q", "s") * 2 and both.sides == tuple(LABELS)
    np.testing.assert_allclose(both.values, [1, 2, np.nan, np.nan, 3, 4])
    np.testing.assert_allclose(both.dots[4], [3, np.nan])
    assert (both.y.low, both.y.high) == (-1, 2) and both.caption.endswith("Left bar: A; right bar: B.")
    assert both.table()["side"].tolist() == ["A sgd"] * 3 + ["B sam"] * 3


def test_bars_that_have_sides_already_stay_with_their_side():
    bars = Bars("r", "R", "y", ["p", "p"], [1, 2], sides=("1", "2"))
    assert [one.name for one in paired([bars], [bars], LABELS)] == ["r A", "r B"]


def test_what_one_side_shows_alone_stands_alone():
    bars = Bars("r", "R", "y", ["p"], [1])
    assert [one.name for one in paired([bars], [lines("train")], LABELS)] == ["r A", "loss B"]
    named = Lines("r", "R", "x", "y", [Line("l", [0], [0])])
    assert [one.title for one in paired([bars], [named], LABELS)] == ["R · A sgd", "R · B sam"]
