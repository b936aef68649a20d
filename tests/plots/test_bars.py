"""Intervals of bars, and histograms: bars that touch."""

import numpy as np
import pytest

from sbkit.core import SbkitError
from sbkit.lab.frame import encode
from sbkit.plots import Axis, Bars, Mark, paired
from sbkit.plots.figure import figure
from sbkit.plots.traces import span

NAN = float("nan")


def bars(**about):
    return Bars("b", "B", "y", ["p", "q"], [0.2, 0.7], **about)


def histogram(values, x="x", **about):
    return Bars.histogram("h", "H", x, values, **about)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: bars(low=[0, 0]), "an interval has both ends, got one"),
        (lambda: bars(high=[0, 0]), "an interval has both ends, got one"),
        (lambda: bars(low=[0, 0.8], high=[1, 0.6]), "runs from low up to high, got 0.8 to 0.6 at 'q'; swap"),
        (lambda: bars(low=[0], high=[1]), r"low has shape \(2,\), one a name, got \(1,\)"),
        (lambda: histogram([1], bins=0), "A histogram has 1 to 200 bins, got 0; try bins=20"),
        (lambda: histogram([1], bins=2.5), "A histogram has 1 to 200 bins, got 2.5"),
        (lambda: histogram([1], bins=[0, 1]), r"A histogram has 1 to 200 bins, got \[0, 1\]"),
        (lambda: histogram(np.ones((1, 1, 1))), r"values has shape \(n,\) or \(runs, n\), got \(1, 1, 1\)"),
        (lambda: histogram("abc"), "values is an array of numbers, got"),
        (lambda: histogram(3.0), r"values has shape \(n,\) or \(runs, n\), got \(\)"),
    ],
)
def test_bad_input_gets_its_sentence(make, sentence):
    with pytest.raises(SbkitError, match=sentence):
        make()


def test_an_interval_is_a_whisker_with_ends_in_both_renderers(axes_with):
    made = bars(low=[0.1, NAN], high=[0.4, NAN])
    bar, whiskers = figure(made).data
    assert list(bar.hovertext) == ["p (0.1 … 0.4)", "q"]
    x, y = np.array(whiskers.x)[:9], np.array(whiskers.y)[:9]
    np.testing.assert_allclose(y[np.isfinite(y)], [0.1, 0.1, 0.1, 0.4, 0.4, 0.4], atol=1e-6)
    assert np.nanmean(x) == pytest.approx(0) and np.isnan(np.array(whiskers.x)[9:]).all(), "q has none"
    np.testing.assert_array_equal(axes_with(made).get_lines()[0].get_ydata(), whiskers.y)
    assert list(made.table().columns) == ["name", "value", "low", "high"]


def test_intervals_of_two_runs_stand_side_by_side_also_where_one_has_none():
    [both] = paired([bars(low=[0, 0], high=[1, 1], dots=[[1], [2]])], [bars()], ["A", "B"])
    np.testing.assert_allclose(both.low, [0, 0, NAN, NAN])
    np.testing.assert_allclose(both.dots[:, 0], [1, 2, NAN, NAN])
    [none] = paired([bars()], [bars()], ["A", "B"])
    assert none.low is None and none.high is None


def test_a_histogram_counts_as_numpy_does():
    values = np.random.default_rng(0).normal(size=500).astype(np.float32)
    made = histogram(values, bins=12)
    counts, edges = np.histogram(values, 12)
    assert made.values.tolist() == counts.tolist() and made.caption == ""
    np.testing.assert_allclose(made.edges, edges, atol=1e-6)
    assert (made.x.low, made.x.high, made.y.text, made.y.low) == (values.min(), values.max(), "count", 0)


def test_a_log_axis_has_bins_of_equal_ratio_and_leaves_out_what_it_cannot_hold():
    made = histogram([-1, 0, 1, 10, 100, 1000], Axis("x", log=True), bins=3, caption="c")
    np.testing.assert_allclose(made.edges, [1, 10, 100, 1000])
    assert made.values.tolist() == [1, 1, 2] and made.names[0] == "1 to 10"
    assert made.caption == "c Left out: 2 of 6 values, not finite or beyond the axis."


def test_runs_are_counted_each_and_shown_as_dots():
    made = histogram([[0, 0, 1], [1, 1, 1]], bins=2)
    assert made.values.tolist() == [1, 2] and made.dots.tolist() == [[2, 0], [1, 3]]


def test_what_lies_beyond_the_ends_that_are_given_is_left_out_and_told():
    made = histogram([-5, 0.5, 0.6, NAN, np.inf], Axis("x", low=0, high=1), bins=2)
    assert made.values.tolist() == [0, 2] and "Left out: 3 of 5 values" in made.caption


@pytest.mark.parametrize(
    ("values", "axis"),
    [
        ([], {}),
        ([NAN, np.inf], {}),
        ([NAN], {"log": True}),
        ([-1.0], {"log": True}),
        ([3.0, 3.0], {}),
        ([3.0], {"log": True}),
        ([0.0], {}),
        ([3e38, -3e38], {}),
        ([1e-45, 0.0], {}),
        ([1.0, 1.0000001], {}),
        ([1.0], {"low": 5}),
        ([9.0], {"high": 5}),
        ([9.0], {"high": 5, "log": True}),
        ([1e300], {}),
    ],
)
def test_every_number_is_drawn(values, axis, axes_with):
    made = histogram(values, Axis("x", **axis), bins=7)
    assert (np.diff(made.edges) > 0).all() and made.values.sum() <= len(values)
    assert encode([made]) and figure(made).to_json()
    axes_with(made).figure.draw_without_rendering()


def test_bins_have_names_that_differ():
    for ends in ([1000, 1001], [-1, 1], [0, 1e-6], [1, 1e9]):
        assert len(set(histogram(ends, bins=50).names)) == 50, ends
    assert histogram([-1, 1], bins=2).names == ("−1 to 0", "0 to 1")


def test_bars_that_touch_stand_on_an_axis_of_numbers(axes_with):
    made = histogram([0, 0.2, 1], bins=4)
    fig = figure(made)
    assert fig.layout.xaxis.title.text == "x" and fig.layout.xaxis.ticktext is None
    np.testing.assert_allclose(fig.data[0].x, [0.125, 0.375, 0.625, 0.875])
    np.testing.assert_allclose(fig.data[0].width, 0.25)
    drawn = axes_with(made).patches
    ends = [bar.get_x() + bar.get_width() for bar in drawn[:-1]]
    assert [bar.get_x() for bar in drawn[1:]] == pytest.approx(ends)


def test_a_mark_stands_over_its_bar_of_a_histogram_too():
    made = histogram([0, 1], bins=4)
    left, right = span(made, Mark("m", 0, 1, at=made.names[1]))
    assert 0.25 < left < right < 0.5


def test_histograms_on_one_axis_are_compared_bin_by_bin_others_apart():
    axis = Axis("x", low=0, high=1)
    [both] = paired([histogram([0.1], axis)], [histogram([0.9], axis)], ["A", "B"])
    assert both.sides == ("A", "B") and both.values.sum() == 2 and both.x == axis
    bar, other = (trace for trace in figure(both).data if trace.type == "bar")
    assert other.x[0] - bar.x[0] == pytest.approx(0.025)
    for b in (histogram([0.5, 2]), histogram([0.1], axis, bins=7), bars()):
        apart = paired([histogram([0.1], axis)], [Bars(**{**vars(b), "name": "h"})], ["A", "B"])
        assert [one.title for one in apart] == ["H · A", f"{b.title} · B"]


def test_of_many_bars_not_every_name_is_written(axes_with):
    many = Bars("m", "M", "y", [f"feature {k}" for k in range(40)], range(40))
    assert len(figure(many).layout.xaxis.ticktext) == len(axes_with(many).get_xticks()) == 20
    few = Bars("m", "M", "y", [f"feature {k}" for k in range(24)], range(24))
    assert len(figure(few).layout.xaxis.ticktext) == 24


def test_a_frame_holds_intervals_and_the_axis():
    [plot] = encode([bars(low=[0, 0], high=[1, 1])])[0]["plots"]
    assert plot["low"]["shape"] == [2] and plot["x"] is None
    [plot] = encode([histogram([0, 1])])[0]["plots"]
    assert (plot["x"]["low"], plot["x"]["high"], plot["low"]) == (0, 1, None)
