"""A prediction that is a curve: the reader draws it before the result is seen."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sbkit.core import SbkitError
from sbkit.course.predictions import Prediction, Range
from sbkit.plots import Axis, Line, Lines
from sbkit.plots.parts import split
from sbkit.plots.words import number

PLACES = 7  # of the curve
SLACK = 0.1  # of the y axis: so far from the measured band a place still counts


class Drawn(Prediction):
    """A curve to draw before the result is seen: one slider at each of several places of the x axis.

    curve: the axes x and y, with both ends. at (7,): the places, evenly spaced; drawn (7,):
    the heights there, half way up at first. It is right if more than half of them lie within the measured
    band, or no more than a tenth of the y axis beside it. Else as `Prediction`.
    """

    def __init__(self, question: str, curve: Sequence[Axis], confidence: float = 50, lock: bool = True):
        axes: Any = list(curve) if isinstance(curve, tuple | list) else [curve]
        ends = [(axis.low, axis.high) for axis in axes if isinstance(axis, Axis)]
        if len(axes) != 2 or len(ends) != 2 or None in (*ends[0], *ends[1]):
            fix = 'try curve=(sb.Axis("noise", low=0, high=1), sb.Axis("share right", low=0, high=1))'
            raise SbkitError(f"A curve is drawn between two axes with both ends, got {curve!r:.80}; {fix}.")
        self.x, self.y = axes
        self.at, (low, middle, high) = split(self.x, PLACES - 1), split(self.y, 2)  # (places,), 3 numbers
        self.drawn, self.room = np.full(PLACES, middle), SLACK * (high - low)  # (places,)
        super().__init__(question, ["as drawn", "otherwise"], confidence=confidence, lock=lock)

    def commit(self) -> None:
        """Let the curve stand for good; the journal keeps its places."""
        self.choice = self.choice if self.committed else ", ".join(map(number, self.drawn.tolist()))
        super().commit()

    def against(self, found: Line) -> str:
        """The curve beside a measured line and its band, as lines of text; kept in the journal.

        Raises `SbkitError` if that is no line.
        """
        if not isinstance(found, Line) or not found.x.size:
            rule = "A drawn curve is held against a line with points"
            raise SbkitError(f"{rule}, got {type(found).__name__}; try sb.bands(table, …).lines[0].")
        ends = [found.y if end is None else end for end in (found.low, found.high)]
        low, high = (np.interp(self.at, found.x, end) for end in ends)  # (places,) each
        fit = (low - self.room <= self.drawn) & (self.drawn <= high + self.room)  # (places,)
        return self._judged(f"your curve fits at {fit.sum()} of {PLACES} places", bool(fit.mean() > 0.5))

    def over(self, picture: Any, at: str | None = None) -> Any:
        """The lines with the drawn curve among them; without it unless committed."""
        if not isinstance(picture, Lines):
            raise SbkitError(f"A curve is drawn over Lines, got {type(picture).__name__}; try sb.bands.")
        if not self.committed:
            return picture
        return replace(picture, lines=(*picture.lines, Line("you drew", self.at, self.drawn, dash=True)))

    def __repr__(self) -> str:
        return f"{self.question}  A curve of {self.y.text} over {self.x.text} is drawn."

    def _asked(self) -> Any:
        import ipywidgets

        look = {"orientation": "vertical", "layout": {"height": "170px", "width": "64px"}}
        look |= {"min": self.y.low, "max": self.y.high, "step": self.room / 10}

        def slider(k: int, name: str) -> ipywidgets.FloatSlider:
            made = ipywidgets.FloatSlider(self.drawn[k], description=name, **look)
            made.observe(lambda change: self.drawn.__setitem__(k, change["new"]), "value")
            return made

        told = ipywidgets.HTML(f"↕ {html.escape(self.y.text)}<br>↔ {html.escape(self.x.text)}")
        return ipywidgets.HBox([*(slider(k, number(x)) for k, x in enumerate(self.at)), told])


def predict(
    question: str,
    choices: Sequence[str] | Mapping[str, Range] = (),
    choice: str = "",
    confidence: float = 50,
    lock: bool = True,
    curve: Sequence[Axis] | None = None,
) -> Prediction:
    """What the reader expects, to be committed before the dials unlock: one of some choices, or a curve.

    choices, choice, confidence, lock: see `Prediction`. curve: the axes x and y between which the reader
    draws instead, see `Drawn`. Raises `SbkitError` on what neither takes.

    >>> predict("Which feature wins?", ["linear", "slabs"]).choice
    'linear'
    >>> predict("How far?", curve=[Axis(name, low=0, high=1) for name in ("x", "y")]).at.shape
    (7,)
    """
    if curve is not None and (choices or choice):
        raise SbkitError("A prediction is one of several choices or a curve, got both; leave one out.")
    if curve is None:
        return Prediction(question, choices, choice, confidence, lock)
    return Drawn(question, curve, confidence, lock)
