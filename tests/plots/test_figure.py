"""plotly draws what is described."""

import subprocess
import sys

import numpy as np
import pytest

from sbkit.core import SbkitError
from sbkit.plots import Axis, Bars, Field, Line, Lines, pictures
from sbkit.plots.figure import figure
from sbkit.plots.theme import BLUE


def test_six_plots_stand_in_a_grid_of_three(snapshot):
    fig = figure(pictures([snapshot(0), snapshot(50)]))
    titles = [note.text for note in fig.layout.annotations]
    assert len(titles) == 6 and "Decision boundary" in titles[0]
    assert fig.layout.xaxis4.domain == fig.layout.xaxis.domain
    assert fig.layout.yaxis4.domain[1] < fig.layout.yaxis.domain[0]


def test_where_a_line_began_is_dashed_in_its_colour_and_not_in_the_legend():
    line = Line("layer 1", [1, 2], [4, 2], start=[3, 3])
    began, drawn = figure(Lines("s", "S", "index", "value", [line, Line("b", [1], [1])])).data[:2]
    assert (began.line.dash, began.showlegend, list(began.y)) == ("dash", False, [3, 3])
    assert began.line.color.startswith("rgba(0,114,178") and drawn.line.color == BLUE and drawn.showlegend


def test_a_field_is_a_heat_map_a_contour_and_a_trace_a_class(snapshot):
    fig = figure(pictures([snapshot()])[0])
    assert [trace.type for trace in fig.data] == ["heatmap", "heatmap", "contour", "scatter", "scatter"]
    np.testing.assert_allclose(fig.data[0].z, 0.5)
    symbols = [trace.marker.symbol for trace in fig.data[3:]]
    assert len(set(symbols)) == 2 and fig.data[3].marker.color == BLUE


def test_a_field_with_a_scale_says_what_its_colours_are():
    rising = figure(Field("f", "F", "x", "y", [[1.0, 3.0]], scale=Axis("loss", unit="nats"))).data[0]
    assert rising.showscale and rising.colorbar.title.text == "loss (nats)" and rising.zmax == 3
    signed = figure(Field("f", "F", "x", "y", [[1.0]], scale=Axis("change", low=-1, high=1))).data[0]
    assert len(signed.colorscale) == 42, "21 bands: the one around 0 is neutral"


def test_cells_have_names_numbers_and_a_grey_for_none():
    ticks = Axis("depth", ticks=[1, 2]), Axis("optimizer", ticks=["sgd"])
    fig = figure(Field("f", "F", *ticks, [[0.5, np.nan]]))
    numbers, none = fig.data
    assert list(numbers.x) == ["1", "2"] and "%{z" in numbers.texttemplate
    assert none.text.tolist() == [["", "no value"]] and np.isnan(none.z[0, 0])
    assert (fig.layout.xaxis.type, fig.layout.yaxis.type) == ("category", "category")


def test_more_sides_than_colours_begin_anew():
    bars = Bars("b", "B", "y", ["p"] * 7, range(7), sides="ABCDEFG")
    colours = [bar.marker.color for bar in figure(bars).data]
    assert colours[5:] == colours[:2]


def test_bars_of_two_sides_stand_around_their_name():
    bars = Bars("b", "B", "y", ["p", "q"] * 2, [1, 2, 3, 4], dots=[[0]] * 4, sides=["A sgd", "B sam"])
    fig = figure([bars, bars])
    a, _, b, _ = fig.data[:4]
    assert (a.name, b.name) == ("A sgd", "B sam") and a.marker.color != b.marker.color
    assert all(left < at < right for left, at, right in zip(a.x, (0, 1), b.x, strict=True))
    assert fig.layout.xaxis2.ticktext == ("p", "q") and fig.layout.legend2


def test_axes_take_the_ranges_they_are_given():
    fig = figure(Bars("b", "B", "y", ["a"], [1]))
    assert fig.layout.yaxis.range is None
    axis = Lines("l", "L", "x", "y", [Line("a", [1, 10], [1, 2])], "c")
    assert figure(axis).layout.xaxis.title.text == "x"


def test_names_are_text_not_tags():
    bars = Bars("b", "<script>", "y", ["<b>a</b>"], [1], caption="5 < 6 </script>")
    fig = figure(bars)
    assert "&lt;script&gt;" in fig.layout.annotations[0].text
    assert "5 &lt; 6" in fig.layout.annotations[0].text
    assert fig.layout.xaxis.ticktext == ("&lt;b&gt;a&lt;/b&gt;",)


@pytest.mark.parametrize("wrong", [[], "loss", [1], None])
def test_anything_else_gets_its_sentence(wrong):
    with pytest.raises(SbkitError, match="A figure is of Field, Lines, Bars, Scatter, Images, got"):
        figure(wrong)


def test_shapes_load_neither_plotly_nor_pandas():
    code = "import sys, sbkit.plots; print({'plotly', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
