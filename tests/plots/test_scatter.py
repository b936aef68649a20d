"""Points on two axes: what is refused, what is left out, and how each renderer and two runs show them."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from sbkit.core import SbkitError
from sbkit.lab.frame import encode
from sbkit.plots import Axis, Mark, Scatter, paired
from sbkit.plots.figure import figure
from sbkit.plots.png import png
from sbkit.plots.shapes import captioned

POINTS = np.array([[0.1, 1.0], [0.2, 10.0], [0.4, 5.0]])
NAMED = Scatter("s", "S", "x", "y", POINTS, labels=[0, 2, 0], names=["sgd", "adam", "sam"])


def scatter(points=POINTS, x="x", y="y", **about):
    return Scatter("s", "S", x, y, points, **about)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: scatter(None), r"Scatter 's': points has 2 axes, got shape \(\)"),
        (lambda: scatter(5), "points has 2 axes"),
        (lambda: scatter([1, 2]), r"points has 2 axes, got shape \(2,\)"),
        (lambda: scatter([[1, 2, 3]]), r"points has shape \(1, 2\), two coordinates a point, got \(1, 3\)"),
        (lambda: scatter([["a", "b"]]), "points is an array of numbers, got"),
        (lambda: scatter(np.ones((20_001, 2))), r"at most 10,000 points, got 20,001; try points\[::3\]"),
        (lambda: scatter(labels=[0, 1]), r"labels has shape \(3,\), one a point"),
        (lambda: scatter(labels=[0, 0.5, 1]), "labels are whole numbers from 0 to 255, got 0.5"),
        (lambda: scatter(labels=[0, -1, 1]), "labels are whole numbers from 0 to 255, got -1"),
        (lambda: scatter(labels=[0, np.nan, 1]), "labels are whole numbers from 0 to 255, got nan"),
        (lambda: scatter(labels=["sgd", "sam", "sgd"]), "labels is an array of numbers"),
    ],
)
def test_bad_points_get_their_sentence(make, sentence):
    with pytest.raises(SbkitError, match=sentence):
        make()


def test_the_table_has_a_row_a_point_and_its_class_where_there_are_labels():
    assert list(scatter().table().columns) == ["x", "y"]
    assert NAMED.table()["class"].tolist() == ["sgd", "sam", "sgd"]
    assert scatter(labels=[0, 1, 7]).table()["class"].tolist() == ["class 0", "class 1", "class 7"]


def test_tensors_on_their_way_to_a_gradient_are_points_too():
    points = torch.ones(2, 2, requires_grad=True)
    assert scatter(points, labels=torch.tensor([0, 1])).points.dtype == np.float32


@pytest.mark.parametrize(
    ("points", "axes", "out"),
    [
        ([[np.nan, 1], [1, np.inf], [1, 1]], {}, 2),
        ([[0, 1], [1, -1], [1, 1]], {"x": Axis("x", log=True)}, 1),
        ([[0, 1], [1, -1], [1, 1]], {"x": Axis("x", log=True), "y": Axis("y", log=True)}, 2),
        ([[np.nan, np.nan]], {"y": Axis("y", log=True)}, 1),
        (np.empty((0, 2)), {}, 0),
    ],
)
@pytest.mark.parametrize("diagonal", [False, True])
def test_points_without_a_place_are_left_out_and_told(points, axes, out, diagonal, axes_with):
    made = scatter(points, **axes, diagonal=diagonal, caption="What it is.")
    told = f" Left out: {out} of {len(points)} points, not finite or not above 0 on a log axis."
    assert captioned(made) == "What it is." + (told if out else "")
    assert encode([made])[0]["plots"][0]["caption"] == captioned(made) and made.caption == "What it is."
    assert len(made.table()) == len(points), "the table keeps them"
    drawn = [trace for trace in figure(made).data if trace.mode == "markers"]
    assert sum(len(trace.x) for trace in drawn) == len(points) - out
    axes_with(made).figure.draw_without_rendering()


def test_every_class_has_its_colour_and_shape_also_the_sixth():
    marks = {
        (trace.marker.color, trace.marker.symbol)
        for trace in figure(scatter(np.zeros((10, 2)), labels=range(10))).data
    }
    assert len(marks) == 10


def test_without_labels_there_is_no_class_in_the_legend(axes_with):
    assert [trace.showlegend for trace in figure(scatter()).data] == [False]
    assert axes_with(scatter()).get_legend() is None
    assert [text.get_text().strip() for text in axes_with(NAMED).get_legend().get_texts()] == ["sgd", "sam"]


def test_the_diagonal_is_y_equal_x_over_what_both_axes_show():
    line, _ = figure(scatter(x=Axis("x", low=0), diagonal=True)).data
    assert line.name == "y = x" and np.array_equal(line.x, line.y)
    assert (line.x[0], line.x[-1]) == (0, 10)
    logs = scatter(x=Axis("x", log=True), y=Axis("y", log=True), diagonal=True)
    line, _ = figure(logs).data
    assert line.x[0] == pytest.approx(0.1) and np.ptp(np.diff(np.log(line.x))) < 1e-6


def test_a_diagonal_without_a_place_is_not_drawn():
    """No point, and a range that a log axis cannot show."""
    nothing = scatter(np.empty((0, 2)), Axis("x", low=-1, high=0), Axis("y", log=True), diagonal=True)
    assert not [trace for trace in figure(nothing).data if trace.mode == "lines"]


def test_marks_are_drawn_over_points_and_told(axes_with):
    made = scatter(marks=[Mark("published", 2, 3)])
    assert figure(made).layout.shapes[0].y1 == 3 and axes_with(made).texts[-1].get_text() == "published"


def test_points_of_two_runs_are_classes_of_one_picture():
    a, b = scatter(diagonal=True), scatter(POINTS[:1], x=Axis("x"))
    [both] = paired([a], [b], ["A sgd", "B sam"])
    assert (both.names, both.labels.tolist(), both.diagonal) == (("A sgd", "B sam"), [0, 0, 0, 1], True)


def test_points_of_classes_stay_with_their_side_on_equal_axes():
    low = Axis("x", low=-1, high=1)
    made = paired([NAMED], [scatter(x=low, labels=[0, 1, 1])], ["A sgd", "B sam"])
    assert [one.title for one in made] == ["S · A sgd", "S · B sam"]
    many = scatter(np.ones((6_000, 2)))
    assert len(paired([many], [many], ["A", "B"])) == 2, "together they were too many"


def test_a_frame_holds_the_points():
    [plot] = encode([NAMED])[0]["plots"]
    assert (plot["shape"], plot["points"]["type"], plot["labels"]["type"]) == ("scatter", "f4", "u1")


def test_a_png_shows_it():
    image = Image.open(io.BytesIO(png([NAMED])))
    assert image.width == 620 and len(image.convert("RGB").getcolors(1 << 20)) > 5
