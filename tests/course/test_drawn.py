"""A drawn prediction: sliders in a page, a score against the measured band, a line over the picture."""

from __future__ import annotations

import numpy as np
import pytest

import sbkit as sb
from sbkit.course import journal

AXES = sb.Axis("noise", low=0, high=0.6), sb.Axis("share right", low=0.5, high=1)


@pytest.fixture
def page(monkeypatch, tmp_path):
    """A front end, and a data folder of its own."""
    monkeypatch.delenv("SBKIT_HEADLESS", raising=False)
    monkeypatch.setenv("SBKIT_DATA", str(tmp_path))


def line(y, room=0.0):
    x = np.linspace(0, 0.6, len(y))
    return sb.Line("measured", x, y, np.subtract(y, room), np.add(y, room))


def test_the_sliders_draw_the_curve_until_it_is_committed(page):
    prediction = sb.predict("How far?", curve=AXES, confidence=70)
    _, curve, _, below, _ = prediction._widget().children
    *sliders, told = curve.children
    assert told.value == "↕ share right<br>↔ noise"
    assert [slider.description for slider in sliders] == [
        "0",
        "0.1",
        "0.2",
        "0.3",
        "0.4",
        "0.5",
        "0.6",
    ]
    assert {(s.min, s.max, s.value, s.orientation) for s in sliders} == {(0.5, 1, 0.75, "vertical")}
    for slider, height in zip(sliders, np.linspace(1, 0.52, 7), strict=True):
        slider.value = height
    assert prediction.drawn == pytest.approx(np.linspace(1, 0.52, 7))
    below.children[0].click()
    assert prediction.committed and all(slider.disabled for slider in sliders)
    assert journal.table().choice.tolist() == ["1, 0.92, 0.84, 0.76, 0.68, 0.6, 0.52"]
    assert all(s.disabled for s in prediction._widget().children[1].children), "shown again, it still stands"


def test_it_is_right_where_most_of_it_lies_near_the_band(page):
    prediction = sb.predict("How far?", curve=AXES)
    assert prediction.against(line([0.75] * 7)).startswith("You did not commit")
    prediction.commit()
    for y, room, fits in [([0.75] * 7, 0, 7), ([0.79] * 7, 0, 7), ([0.81] * 7, 0, 0), ([0.85] * 7, 0.06, 7)]:
        said = prediction.against(line(y, room))
        assert f"fits at {fits} of 7 places" in said and ("As predicted" in said) == (fits > 3)
    assert "fits at 4 of 7" in prediction.against(line([0.75] * 4 + [0.95] * 3))
    assert journal.table().right.tolist() == [True]
    few = sb.Line("two points", [0, 0.6], [0.75, 0.75])
    assert "fits at 7 of 7" in prediction.against(few), "between two points a line is straight"


def test_it_is_drawn_over_lines(page):
    prediction = sb.predict("How far?", curve=AXES)
    picture = sb.Lines("l", "Share right", *AXES, [line([0.75] * 7)])
    assert prediction.over(picture) is picture
    prediction.commit()
    *_, drawn = prediction.over(picture).lines
    assert drawn.dash and drawn.x == pytest.approx(prediction.at) and drawn.y == pytest.approx(0.75)


def test_a_log_axis_has_its_places_evenly(page):
    axes = sb.Axis("lr", low=1e-3, high=1, log=True), AXES[1]
    assert sb.predict("How far?", curve=axes).at[::2] == pytest.approx([1e-3, 1e-2, 1e-1, 1])


def test_without_a_page_it_stands_as_it_is(monkeypatch):
    monkeypatch.setenv("SBKIT_HEADLESS", "1")
    prediction = sb.predict("How far?", curve=AXES)
    assert prediction.committed and "share right over noise" in repr(prediction)
    assert "As predicted" in prediction.against(line([0.75] * 7))


@pytest.mark.parametrize(
    "curve", ["noise", ("noise", "share"), AXES[:1], AXES[0], {"x": 1}, (sb.Axis("x"), AXES[1])]
)
def test_other_curves_are_refused(curve):
    with pytest.raises(sb.SbkitError, match="drawn between two axes"):
        sb.predict("How far?", curve=curve)


def test_what_is_no_line_is_refused():
    prediction = sb.predict("How far?", curve=AXES)
    with pytest.raises(sb.SbkitError, match="held against a line with points, got list"):
        prediction.against([0.5])
    with pytest.raises(sb.SbkitError, match="with points, got Line"):
        prediction.against(sb.Line("empty", [], []))
    with pytest.raises(sb.SbkitError, match="choices or a curve, got both"):
        sb.predict("How far?", ["far", "near"], curve=AXES)
    with pytest.raises(sb.SbkitError, match="drawn over Lines, got Bars"):
        prediction.over(sb.Bars("b", "Bars", "height", ["a"], [1.0]))
