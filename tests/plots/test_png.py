"""matplotlib draws what is described: what is stored in notebooks, and shown by pages without widgets."""

import io

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from sbkit.plots import Axis, Bars, Field, Line, Lines, pictures
from sbkit.plots.figure import figure
from sbkit.plots.png import LARGEST, STYLE, draw, places, png, smaller
from sbkit.plots.shapes import Mark
from sbkit.plots.theme import BLUE, INK, WHITE

BARS = Bars("r", "Reliance", "accuracy lost", ["linear", "slab5"], [0.5, 0.0])


def drawn(shape):
    """Axes with a shape on them."""
    with rc_context(STYLE):
        axes = Figure().add_subplot()
        draw(axes, shape)
    return axes


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_pictures_are_as_wide_as_a_page_and_small(snapshot, count):
    made = png(pictures([snapshot(0), snapshot(50)])[:count])
    image = Image.open(io.BytesIO(made))
    assert image.width == (620 if count == 1 else 930) and len(made) <= LARGEST


@pytest.mark.parametrize("count", [1, 9])
def test_what_does_not_fit_has_fewer_colours_then_fewer_pixels(count):
    noise = np.random.default_rng(0).random((600, 600))
    field = Field("f", "Noise", "x", "y", noise, scale=Axis("any"))
    assert len(png([field] * count)) <= LARGEST


def test_a_single_field_is_large_and_first():
    assert places([True, *[False] * 5]) == [[0, 0, 1], [0, 0, 2], [3, 4, 5]]
    assert places([True, True, False]) == [[0, 1, 2]], "of two planes none is the main one"
    assert sorted({i for row in places([False] * 7) for i in row}) == [-1, *range(7)]


def test_names_are_text():
    axes = drawn(Lines("l", "$x$", "a $", "b $", [Line("_p", [1, 2], [1, 2]), Line("<q>", [1, 2], [2, 1])]))
    axes.figure.draw_without_rendering()
    legend = [text.get_text().strip() for text in axes.get_legend().get_texts()]
    assert legend == ["_p", "<q>"] and axes.get_title(loc="left") == "$x$"


def test_a_log_axis_has_numbers():
    axes = drawn(Lines("l", "L", "x", Axis("y", log=True), [Line("a", [1, 2, 3], [1e-3, 1, 100])]))
    axes.figure.draw_without_rendering()
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert {"0.001", "1", "100"} <= set(labels) and not any("$" in label for label in labels)


def test_cells_have_their_numbers_and_names():
    ticks = Axis("depth", ticks=[1, 2]), Axis("optimizer", ticks=["sgd"])
    axes = drawn(Field("f", "F", *ticks, [[0.5, np.nan]], spread=[[9, 9]]))
    assert {text.get_text() for text in axes.texts} == {"", "0.5", "no value"}, "and the caption's place"
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1", "2"]


def test_both_renderers_draw_the_same():
    line = Line("a", [0, 1, 2], [1, 2, np.nan], low=[0, 1, np.nan], high=[2, 3, np.nan], start=[1, 1, 1])
    lines = Lines("l", "L", "x", Axis("y", low=0, high=4), [line], marks=[Mark("said", 1, 2)])
    axes, (band, start, mean) = drawn(lines), figure(lines).data
    assert axes.patches[0].get_xy()[:4].tolist() == [[0, 2], [1, 3], [1, 1], [0, 0]], "up to where runs end"
    assert list(band.x) == [0, 1, 1, 0] and list(band.y) == [2, 3, 1, 0]
    colours = [to_hex(one.get_color()) for one in axes.get_lines()]
    assert colours == [BLUE, BLUE] == [BLUE, mean.line.color] and start.line.dash == "dash"
    assert axes.get_ylim() == (0, 4) and axes.texts[-1].get_text() == "said"


def test_a_mark_stands_over_its_bar():
    bars = Bars("b", "B", "y", ["p", "q"], [0.1, 0.3], marks=[Mark("said", 0.6, 0.9, at="q")])
    axes = drawn(bars)
    x = axes.collections[-1].get_paths()[0].vertices[:, 0]
    assert (x.min(), x.max()) == (0.55, 1.45) and axes.get_ylim()[1] >= 0.9


def test_text_can_be_read_on_every_colour():
    ticks = Axis("depth", ticks=[1, 2]), Axis("optimizer", ticks=["sgd"])
    axes = drawn(Field("f", "F", *ticks, [[0.0, 1.0]]))
    assert [to_hex(text.get_color()) for text in axes.texts[1:]] == [INK, WHITE]


def test_where_a_chance_never_crosses_one_half_no_line_is_drawn():
    for values in ([[0.1, 0.2], [0.3, 0.4]], [[0.2, 0.8]], [[np.nan] * 2] * 2):
        drawn(Field("f", "F", "x", "y", values)).figure.draw_without_rendering()


def test_images_of_a_page_stand_below_each_other_on_white():
    pages = []
    for size, colour in (((40, 20), (255, 0, 0, 255)), ((30, 10), (0, 0, 0, 0))):  # the second is clear
        page = io.BytesIO()
        Image.new("RGBA", size, colour).save(page, "png")
        pages.append(page.getvalue())
    made = Image.open(io.BytesIO(smaller(*pages))).convert("RGB")
    assert made.size == (40, 30) and len(made.getcolors()) == 2
    assert [made.getpixel(at) for at in ((5, 5), (5, 25), (35, 25))] == [(255, 0, 0), *[(255, 255, 255)] * 2]
