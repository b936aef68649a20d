"""Predictions: widgets where there is a page, the default choice where there is none."""

from __future__ import annotations

import pytest

import sbkit as sb
from sbkit.course import environment, self_check

CHOICES = ["linear", "<b>slabs</b>"]


def test_without_a_page_the_default_stands(monkeypatch):
    monkeypatch.setenv("SBKIT_HEADLESS", "1")
    prediction = sb.predict("Which?", CHOICES, confidence=70)
    assert prediction._repr_mimebundle_() == {"text/plain": repr(prediction)}
    assert prediction.against("linear").startswith(
        "You said “linear” (70 % sure). Measured: “linear”.\nAs pred"
    )


@pytest.fixture
def page(monkeypatch, tmp_path):
    """A front end, and a data folder of its own."""
    monkeypatch.delenv("SBKIT_HEADLESS", raising=False)
    monkeypatch.setenv("SBKIT_DATA", str(tmp_path))


def test_the_widgets_set_choice_and_confidence_until_committed(page):
    prediction = sb.predict("Which <i>one</i>?", CHOICES)
    question, choice, sure, below, _ = prediction._widget().children
    choice.value, sure.value = CHOICES[1], 85
    assert (prediction.choice, prediction.confidence) == (CHOICES[1], 85)
    assert question.value == "<b>Which &lt;i&gt;one&lt;/i&gt;?</b>"
    commit, told = below.children
    assert prediction.locked and "unlock when you commit" in told.value
    commit.click()
    assert prediction.committed and not prediction.locked
    assert choice.disabled and sure.disabled and commit.disabled and "Committed" in told.value
    assert all(part.disabled for part in prediction._widget().children[1:3]), "shown again, it still stands"


def test_a_teacher_may_switch_the_lock_off(page, monkeypatch):
    assert not sb.predict("Which?", CHOICES, lock=False).locked
    prediction = sb.predict("Which?", CHOICES)
    assert prediction.locked
    monkeypatch.setenv("SBKIT_LOCK", "0")
    assert not prediction.locked


def lesson(height=1.0):
    return sb.Bars("b", "Bars", "height", ["a", "b"], [height, 0.5])


def test_a_panel_waits_until_the_prediction_is_committed(page):
    prediction = sb.predict("Which?", CHOICES)
    panel = sb.lab(lesson, after=prediction, height=(0.0, 2.0))
    dial = panel.children[0].children[0]
    assert dial.disabled and "commit your prediction" in panel._stage.locked
    prediction.commit()
    assert not dial.disabled and panel._stage.locked == ""
    assert not sb.lab(lesson, after=prediction, height=(0.0, 2.0)).children[0].children[0].disabled


def test_it_is_drawn_over_the_result_once_committed(page):
    prediction = sb.predict("How high?", {"low": (0, 0.4), "high": (0.6, 1)}, "high")
    assert not prediction.over(lesson()).marks
    prediction.commit()
    (mark,) = prediction.over(lesson(), at="b").marks
    assert (mark.label, mark.low, mark.high, mark.at) == ("you said: high", 0.6, 1, "b")
    with pytest.raises(sb.SbkitError, match="No bar named 'c'"):
        prediction.over(lesson(), at="c")


def test_numbers_are_told_by_the_ranges_of_the_choices(page):
    prediction = sb.predict("How high?", {"low": (0, 0.4), "high": (0.6, 1)})
    assert "“high”" in prediction.against([0.7, 0.9])
    with pytest.raises(sb.SbkitError, match="lies in the range of a choice, got 0.5"):
        prediction.against(0.5)
    with pytest.raises(sb.SbkitError, match="drawn by its range"):
        sb.predict("Which?", CHOICES).over(lesson())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"choices": ["one"]}, "at least two different"),
        ({"choices": ["one", "one"]}, "at least two different"),
        ({"choices": "yes"}, "at least two different"),
        ({"choices": CHOICES, "choice": "linaer"}, "Did you mean 'linear'"),
        ({"choices": CHOICES, "confidence": 120}, "at most 100"),
        ({"choices": {"low": (1, 0), "high": (1, 2)}}, "range is"),
    ],
)
def test_bad_questions_are_refused(options, words):
    with pytest.raises(sb.SbkitError, match=words):
        sb.predict("Which?", **options)


def test_an_answer_outside_the_choices_is_refused():
    with pytest.raises(sb.SbkitError, match="No choice named 'both'"):
        sb.predict("Which?", CHOICES).against("both")


def test_the_self_check_says_what_to_install(monkeypatch):
    assert all(line.startswith("✓") for line in self_check())
    monkeypatch.setattr(environment, "FLOORS", {"torch": "99", "no-such-package": "1"})
    lines = repr(self_check())
    assert "✗ torch" in lines and "pip install -U 'torch>=99'" in lines
    assert "✗ no-such-package is missing: pip install 'no-such-package>=1'" in lines
