"""Predictions: what the reader expects, said before the result is seen."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from typing import Any

from sbkit.core import SbkitError, between, one_of

CONFIDENCE = 50  # per cent; where the slider starts


class Prediction:
    """A question with one choice and a confidence (per cent), changed until `seal` is called.

    choice, confidence: what stands now. `against(answer)` tells how it went, for the end of a lesson.
    """

    def __init__(self, question: str, choices: Sequence[str], choice: str, confidence: float):
        self.question, self.choices = question, list(choices)
        self.choice, self.confidence = choice, confidence

    def against(self, answer: str) -> str:
        """The prediction beside what was found, as two lines of text.

        answer: the choice that turned out right; raises `SbkitError` if it is not one of the choices.

        >>> print(Prediction("Heads?", ["yes", "no"], "yes", 80).against("no"))
        You said “yes” (80 % sure). Measured: “no”.
        A surprise is worth more than a hit: what had you assumed?
        """
        one_of("choice", answer, self.choices)
        said = f"You said “{self.choice}” ({self.confidence:.0f} % sure). Measured: “{answer}”."
        hit = "As predicted. Which other result would have surprised you?"
        miss = "A surprise is worth more than a hit: what had you assumed?"
        return f"{said}\n{hit if self.choice == answer else miss}"

    def __repr__(self) -> str:
        return f"{self.question}  Choices: {'; '.join(self.choices)}."

    def _repr_mimebundle_(self, **_: Any) -> Any:
        """Radio buttons and a confidence slider; plain text where there is no front end."""
        if os.environ.get("SBKIT_HEADLESS"):
            return {"text/plain": repr(self)}
        widget = self._widget()
        if hasattr(widget, "_repr_mimebundle_"):
            return widget._repr_mimebundle_()
        widget._ipython_display_()  # ipywidgets 7
        return {}

    def _widget(self) -> Any:
        import ipywidgets

        question = ipywidgets.HTML(f"<b>{html.escape(self.question)}</b>")
        choice = ipywidgets.RadioButtons(options=self.choices, value=self.choice, layout={"width": "auto"})
        sure = ipywidgets.IntSlider(self.confidence, 0, 100, 5, description="How sure?", readout_format="d")
        choice.observe(lambda change: setattr(self, "choice", change["new"]), "value")
        sure.observe(lambda change: setattr(self, "confidence", change["new"]), "value")
        return ipywidgets.VBox([question, choice, sure])


def predict(
    question: str, choices: Sequence[str], choice: str | None = None, confidence: float = CONFIDENCE
) -> Prediction:
    """A question to answer before the result is seen; shows radio buttons and a confidence slider.

    choices: at least two different ones; choice: where it starts, and what stands without a front end
    (default the first); confidence in per cent. Raises `SbkitError` on fewer choices or other values.

    >>> predict("Which feature wins?", ["linear", "slabs"]).choice
    'linear'
    """
    if isinstance(choices, str) or len(set(choices)) < 2 or len(set(choices)) < len(choices):
        raise SbkitError(f"choices are at least two different sentences, got {choices!r}; try ['yes', 'no'].")
    start = choices[0] if choice is None else one_of("choice", choice, choices)
    return Prediction(question, choices, start, between("confidence", confidence, 0, 100))
