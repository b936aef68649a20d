"""Points, images, intervals and histograms in a real page: what they tell, and a pinned run."""

import numpy as np
import pytest
from browser.jupyter import Stage
from playwright.sync_api import expect

import sbkit as sb
from sbkit.lab.dials import dials
from sbkit.lab.replay import film
from sbkit.lab.session import Session

pytestmark = pytest.mark.browser


def lesson(shift=0):
    points = [[0.5 + shift, 0.5 + shift], [0, 0], [2, 2], [np.nan, 1]]
    pixels = np.zeros((3, 4, 4))
    pixels[1] = 0.25 + 0.25 * shift
    at = {"scale": sb.Axis("ink", low=0, high=1), "columns": 3}
    x = sb.Axis("weight", low=0, high=1)
    return [
        sb.Scatter(
            "cloud", "Cloud", "guess", "truth", points, [0, 1, 1, 1], diagonal=True, names=["cat", "dog"]
        ),
        sb.Images(
            "digits", "Digits", pixels, overlay=pixels - 0.5, labels=["a", "b", "c"], heat="pull", **at
        ),
        sb.Bars("ci", "Intervals", "share", ["p"], [0.5], low=[0.25], high=[0.75]),
        sb.Bars.histogram("weights", "Weights", x, [0.1, 0.6, 0.7], bins=2),
    ]


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    """The film of the lesson in a page without a network."""
    path = tmp_path_factory.mktemp("film") / "film.html"
    path.write_text(film(Session(lesson, {"shift": 0}), dials(lesson, {"shift": (0, 1)})), encoding="utf-8")
    with browser.new_context(offline=True, viewport={"width": 1200, "height": 1000}) as context:
        page, problems = context.new_page(), []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(path.as_uri())
        Stage(page.locator(".sb-stage")).wait("frames", "n >= 1")
        yield page
        assert not problems


def card(page, title):
    return page.locator("figure.sb-card", has_text=title)


def tip(page, title, across, up):
    """What is told at a place of a picture, in shares of its canvas."""
    canvas = card(page, title).locator("canvas")
    box = canvas.bounding_box()
    canvas.hover(position={"x": across * box["width"], "y": up * box["height"]})
    return card(page, title).locator(".sb-tip")


def test_a_pixel_tells_its_image_and_values(page):
    expect(tip(page, "Digits", 0.5, 0.1)).to_contain_text("image 1: b")
    expect(tip(page, "Digits", 0.5, 0.1)).to_contain_text("ink 0.25")
    expect(tip(page, "Digits", 0.5, 0.1)).to_contain_text("pull −0.25")


def test_a_bar_tells_its_interval_and_a_bin_its_ends(page):
    expect(tip(page, "Intervals", 0.5, 0.5)).to_contain_text("p: 0.5 (0.25 … 0.75)")
    expect(tip(page, "Weights", 0.8, 0.5)).to_contain_text("0.5 to 1: 2")


def test_the_nearest_point_is_told_and_a_pinned_run_stays_behind(page):
    stage = Stage(page.locator(".sb-stage"))
    canvas = card(page, "Cloud").locator("canvas")
    told = []
    for step in range(2, 20):
        box = canvas.bounding_box()
        canvas.hover(position={"x": step / 20 * box["width"], "y": (1 - step / 20) * box["height"]})
        told += card(page, "Cloud").locator(".sb-tip:not([hidden])").all_inner_texts()
    assert any("cat\nguess 0.5\ntruth 0.5" in text for text in told), told
    stage.press("Pin")
    expect(page.locator(".sb-stage")).to_contain_text("pinned")
    stage.slider.fill("1")
    stage.wait("step", "n === 1")
    expect(card(page, "Cloud").locator("canvas")).to_have_attribute(
        "aria-label", "Cloud: truth against guess, 1 of cat, 3 of dog."
    )


def test_those_who_do_not_see_it_are_told_and_get_the_numbers(page):
    expect(card(page, "Cloud")).to_contain_text("Left out: 1 of 4 points")
    label = card(page, "Digits").locator("canvas").get_attribute("aria-label")
    assert label == "Digits: images, 3 of 4 × 4 pixels, ink from 0 to 1: a, b, c."
