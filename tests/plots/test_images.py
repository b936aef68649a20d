"""Grids of images: what is refused, how values become colours, and how each renderer shows them."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from sbkit.core import SbkitError
from sbkit.lab.frame import encode
from sbkit.lab.still import alt
from sbkit.plots import Axis, Images, paired
from sbkit.plots.figure import figure
from sbkit.plots.png import draw, png
from sbkit.plots.shapes import captioned
from sbkit.plots.theme import BLUE, ORANGE, rgb

RNG = np.random.default_rng(0)
GREY = RNG.random((6, 4, 5))
RGB = RNG.random((2, 3, 4, 3))


def images(pixels=GREY, **about):
    return Images("i", "I", pixels, **about)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: images(GREY[0]), r"\(n, h, w\) or \(n, h, w, 3\), got \(4, 5\); try pixels\[None\]"),
        (lambda: images(GREY[:, None]), r"got \(6, 1, 4, 5\); try pixels\[:, 0\]"),
        (lambda: images(GREY[..., None]), r"got \(6, 4, 5, 1\); try pixels\[..., 0\]"),
        (lambda: images(np.moveaxis(RGB, -1, 1)), r"try moveaxis\(pixels, 1, -1\)"),
        (lambda: images(GREY.ravel()), r"got \(120,\); try pixels.reshape\(-1, h, w\)"),
        (lambda: images(5), r"got \(\); try"),
        (lambda: images(None), r"got \(\); try"),
        (lambda: images([["a"]]), "pixels is an array of numbers, got"),
        (lambda: images(GREY[:0]), r"at least one image and pixel, got shape \(0, 4, 5\)"),
        (
            lambda: images(np.zeros((101, 2, 2))),
            r"at most 100 images .* got 101 of 2 × 2; try pixels\[:100\]",
        ),
        (lambda: images(np.zeros((9, 224, 224))), r"262,144 pixels together, got 9 .* try pixels\[:5\]"),
        (lambda: images(np.zeros((2, 1024, 1024))), r"try pixels\[:1, ::2, ::2\]"),
        (lambda: images(overlay=GREY[:, :3]), r"overlay has shape \(6, 4, 5\), as pixels, got \(6, 3, 5\)"),
        (lambda: images(RGB, overlay=RGB), "overlay has 3 axes"),
        (lambda: images(labels=["one"]), "labels are one an image, 6, got 1"),
        (lambda: images(columns=0), "columns is a whole number from 1, got 0; try 4"),
        (lambda: images(columns=2.5), "columns is a whole number from 1, got 2.5"),
        (lambda: images(columns=True), "columns is a whole number from 1, got True"),
        (lambda: images(scale=Axis("ink", log=True)), "give the logarithms as values"),
    ],
)
def test_bad_images_get_their_sentence(make, sentence):
    with pytest.raises(SbkitError, match=sentence):
        make()


def test_the_fix_that_is_named_works():
    for pixels in (GREY[:, None][:, 0], np.moveaxis(np.moveaxis(RGB, -1, 1), 1, -1), GREY[0][None]):
        assert images(pixels).painted().shape == (*np.shape(pixels)[:3], 3)
    images(np.zeros((9, 224, 224))[:5]), images(np.zeros((2, 1024, 1024))[:1, ::2, ::2])


def test_grey_goes_over_the_range_of_all_images_together():
    made = images([[[2.0, 4.0]], [[3.0, 6.0]]])
    assert (made.scale.low, made.scale.high, made.scale.label) == (2, 6, "value")
    assert made.painted()[..., 0].tolist() == [[[0, 128]], [[64, 255]]]
    given = images([[[2.0, 9.0]]], scale=Axis("ink", low=0, high=4))
    assert given.painted()[0, 0, :, 1].tolist() == [128, 255], "beyond the scale is its end"
    assert images([[[3.0]]]).painted().tolist() == [[[[0] * 3]]], "one value alone has a scale too"


def test_around_zero_images_have_colours():
    made = images([[[-2.0, 0.0, 2.0]]], scale=Axis("weight", low=-2, high=2))
    assert made.painted()[0, 0].tolist() == [list(rgb(BLUE)), [255] * 3, list(rgb(ORANGE))]
    assert captioned(made) == "Blue: weight −2; no colour: 0; orange: 2."


def test_colours_are_drawn_as_they_are_and_larger_ones_as_their_own_range():
    assert images(RGB).painted().tolist() == np.rint(255 * RGB.astype(np.float32)).tolist()
    assert captioned(images(RGB)) == ""
    bytes_ = torch.tensor([[[[0, 128, 255]]]], dtype=torch.uint8)
    assert images(bytes_).painted()[0, 0, 0].tolist() == [0, 128, 255]
    wide = images(4 * RGB - 2)
    assert wide.scale.low < -1 and captioned(wide).startswith("Colours from −")
    assert images(0.5 * RGB).scale.high == 1, "dark images stay dark"


def test_an_overlay_hides_more_where_it_is_larger_and_nothing_at_zero():
    heat = [[[0.0, 1.0, -2.0, np.nan]]]
    made = images(np.zeros((1, 1, 4)), overlay=heat, scale=Axis("ink", low=0, high=1), heat="saliency")
    none, some, most, unknown = made.painted()[0, 0].astype(int)
    assert not none.any() and not unknown.any()
    assert some.tolist() == np.rint(0.4 * np.array(rgb(ORANGE))).tolist()
    assert most.tolist() == np.rint(0.8 * np.array(rgb(BLUE))).tolist()
    assert (made.heat.low, made.heat.high) == (-2, 2) and "saliency" in captioned(made)
    assert images(overlay=GREY, heat=Axis("h", low=0, high=9)).heat.low == -9
    assert images(overlay=0 * GREY).heat.high == 1


STRANGE = {
    "NaN": np.full((2, 3, 3), np.nan),
    "infinite": np.full((2, 3, 3), np.inf),
    "both": np.array([[[np.inf, -np.inf, np.nan]]]),
    "zero": np.zeros((1, 1, 1)),
    "huge": np.array([[[3e38, -3e38]]]),
    "double": np.array([[[1e300, 0.0]]]),
    "tiny": np.array([[[1e-45, 0.0]]]),
    "whole": np.arange(4).reshape(1, 2, 2),
    "bool": np.eye(3, dtype=bool)[None],
    "colours": np.array([[[[np.nan, 0.5, np.inf]]]]),
}


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize("laid", [False, True])
def test_every_number_is_drawn(kind, laid):
    pixels = STRANGE[kind]
    overlay = pixels if laid and pixels.ndim == 3 else None
    made = images(pixels, overlay=overlay, labels=["one"] * len(pixels))
    assert np.isfinite([made.scale.low, made.scale.high, made.heat.high]).all()
    assert len(made.table()) == len(pixels) and "nan" not in captioned(made)
    frame, _ = encode([made])
    assert "nan" not in frame["plots"][0]["about"]
    assert figure(made).to_json() and png([made])[1:4] == b"PNG"
    assert len(paired([made], [made], ["A", "B"])) == 2


def test_pixels_without_a_value_are_left_blank_and_counted():
    made = images([[[np.nan, 1.0, 0.0]]])
    assert made.painted()[0, 0, 0].tolist() == [255] * 3
    assert captioned(made).endswith("Left blank: 1 of 3 values, which are not known.")


def test_the_table_has_a_row_an_image():
    table = images(labels=range(6), overlay=GREY - 0.5, scale="ink", heat="pull").table()
    assert list(table.columns[:5]) == ["image", "label", "least ink", "mean ink", "largest ink"]
    np.testing.assert_allclose(table["mean ink"], GREY.mean((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(table["least pull"], GREY.min((1, 2)) - 0.5, rtol=1e-5)


@pytest.mark.parametrize(
    ("count", "shape", "labels", "grid"),
    [
        (1, (8, 8), 0, (1, 1)),
        (10, (8, 8), 1, (2, 5)),
        (6, (8, 8), 0, (2, 3)),
        (4, (1, 64), 0, (4, 1)),
        (3, (64, 1), 0, (1, 3)),
    ],
)
def test_a_grid_is_as_wide_as_makes_images_largest(count, shape, labels, grid):
    assert images(np.zeros((count, *shape)), labels=["l"] * count * labels).grid == grid


def test_columns_that_are_given_are_kept_and_never_more_than_images():
    assert images(columns=4).grid == (2, 4) and images(columns=50).grid == (1, 6)
    assert images(columns=np.int64(2)).grid == (3, 2)


def test_labels_may_be_any_list():
    assert images(labels=torch.arange(6)).labels == tuple("012345") == images(labels="012345").labels


def test_plotly_has_a_picture_an_image_that_says_its_values():
    fig = figure([images(labels="abcdef", overlay=GREY, scale="ink", heat="pull"), images(RGB)])
    first = fig.data[0]
    assert first.type == "image" and first.source.startswith("data:image/png;base64,")
    assert first.hovertemplate == "a<br>ink %{customdata[0]}<br>pull %{customdata[1]}<extra></extra>"
    np.testing.assert_allclose(first.customdata[1][2], GREY[0, 1, 2], atol=0.006)
    assert list(fig.data[6].text) == list("abcdef") and fig.data[7].hovertemplate == "image 0<extra></extra>"
    assert fig.layout.yaxis.scaleanchor == "x" and fig.layout.yaxis2.scaleanchor == "x2"
    large = figure(images(np.zeros((25, 30, 30)))).to_json()
    assert len(large) < 60_000, "many pixels say no values"


def test_names_are_text_not_tags():
    assert "<b>" not in figure(images(GREY[:1], labels=["<b>"])).to_json()


def test_matplotlib_draws_every_image_and_label():
    axes = Figure().add_subplot()
    draw(axes, images(labels="abcdef"))
    assert len(axes.images) == 6 and [text.get_text() for text in axes.texts[1:]] == list("abcdef")
    assert not axes.axison and axes.get_aspect() == 1


def test_a_frame_holds_a_byte_a_value():
    pixels, overlay = np.array([[[0.0, 0.5, 1.0, np.nan]]]), np.array([[[-1.0, 0.0, 0.5, 1.0]]])
    frame, buffer = encode([images(pixels, overlay=overlay, labels=["one"], caption="c")])
    [plot] = frame["plots"]
    assert (plot["shape"], plot["columns"], plot["labels"]) == ("images", None, ["one"])
    read = [list(buffer[plot[name]["at"] :][:4]) for name in ("pixels", "overlay")]
    assert read == [[1, 128, 255, 0], [1, 128, 192, 255]]
    assert plot["pixels"]["shape"] == [1, 1, 4] and plot["scale"]["high"] == 1 and plot["heat"]["low"] == -1
    assert plot["about"] == "I: images, 1 of 1 × 4 pixels, value from 0 to 1: one."


def test_two_runs_are_shown_in_the_same_colours():
    a, b = paired([images(GREY, overlay=GREY)], [images(3 * GREY - 1, overlay=2 * GREY)], ["A sgd", "B sam"])
    assert (a.title, b.name) == ("I · A sgd", "i B")
    assert (a.scale, a.heat) == (b.scale, b.heat) and a.scale.low < -0.9 and b.scale.high > 1.9


def test_a_screen_reader_is_told_what_the_picture_is():
    assert alt([images(labels="abcdef", scale=Axis("ink", low=0, high=1))]) == (
        "Images: I. Black: ink 0; white: 1."
    )
