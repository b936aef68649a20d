"""Predictions: widgets where there is a page, the default choice where there is none."""

from __future__ import annotations

import pytest

import sbkit as sb
from sbkit.course import environment

CHOICES = ["linear", "<b>slabs</b>"]


def test_without_a_page_the_default_stands(monkeypatch):
    monkeypatch.setenv("SBKIT_HEADLESS", "1")
    prediction = sb.predict("Which?", CHOICES, confidence=70)
    assert prediction._repr_mimebundle_() == {"text/plain": repr(prediction)}
    assert prediction.against("linear").startswith(
        "You said “linear” (70 % sure). Measured: “linear”.\nAs pred"
    )


def test_the_widgets_set_choice_and_confidence():
    prediction = sb.predict("Which <i>one</i>?", CHOICES)
    question, choice, sure = prediction._widget().children
    choice.value, sure.value = CHOICES[1], 85
    assert (prediction.choice, prediction.confidence) == (CHOICES[1], 85)
    assert question.value == "<b>Which &lt;i&gt;one&lt;/i&gt;?</b>"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"choices": ["one"]}, "at least two different"),
        ({"choices": ["one", "one"]}, "at least two different"),
        ({"choices": "yes"}, "at least two different"),
        ({"choices": CHOICES, "choice": "linaer"}, "Did you mean 'linear'"),
        ({"choices": CHOICES, "confidence": 120}, "at most 100"),
    ],
)
def test_bad_questions_are_refused(options, words):
    with pytest.raises(sb.SbkitError, match=words):
        sb.predict("Which?", **options)


def test_an_answer_outside_the_choices_is_refused():
    with pytest.raises(sb.SbkitError, match="No choice named 'both'"):
        sb.predict("Which?", CHOICES).against("both")


def test_the_self_check_says_what_to_install(monkeypatch):
    assert all(line.startswith("✓") for line in sb.self_check())
    monkeypatch.setattr(environment, "FLOORS", {"torch": "99", "no-such-package": "1"})
    lines = repr(sb.self_check())
    assert "✗ torch" in lines and "pip install -U 'torch>=99'" in lines
    assert "✗ no-such-package is missing: pip install 'no-such-package>=1'" in lines
