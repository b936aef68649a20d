"""Predictions: what the reader expects, said before the result is seen."""

from __future__ import annotations

import html
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from sbkit.core import SbkitError, between, one_of
from sbkit.core.environment import headless, lesson_name, switched_on
from sbkit.course import journal
from sbkit.plots import Bars, Lines, Mark, Scatter

Range = tuple[float, float]


@dataclass(repr=False, eq=False)
class Prediction:
    """A question to answer before the result is seen: a choice and a confidence, then *Commit*.

    choices: at least two different sentences, each perhaps with the range of the measured number that it
    means, {"about half": (0.4, 0.6), …}. choice: where it starts, and what stands without a front end
    (default the first); confidence in per cent. `sb.lab(lesson, after=prediction)` keeps its dials locked
    until it is committed; lock=False, or SBKIT_LOCK=0, leaves them open. Without a page the choice is
    committed from the start, and nothing is kept. Raises `SbkitError` on fewer choices, other values or
    ranges that do not rise.

    >>> Prediction("Which feature wins?", ["linear", "slabs"]).choice
    'linear'
    """

    question: str
    choices: Sequence[str] | Mapping[str, Range]
    choice: str = ""
    confidence: float = 50
    lock: bool = True

    def __post_init__(self) -> None:
        self.ranges = _ranges(self.choices)
        self.choice = one_of("choice", self.choice or next(iter(self.ranges)), self.ranges)
        self.confidence, self.committed = between("confidence", self.confidence, 0, 100), headless()
        self._waiting: list[Callable[[], object]] = []
        self._line: dict[str, Any] = {}

    @property
    def locked(self) -> bool:
        """True until committed, unless the lock is off: lock=False, or SBKIT_LOCK=0 for a whole class."""
        return self.lock and not self.committed and switched_on("SBKIT_LOCK", usual=True)

    def on_commit(self, then: Callable[[], object]) -> None:
        """Call `then` once the prediction is committed."""
        self._waiting.append(then)

    def commit(self) -> None:
        """Let choice and confidence stand for good, keep them in the journal and open what waits."""
        if self.committed:
            return
        self.committed = True
        told = lesson_name(), self.question, self.choice, self.confidence, None, None
        when = datetime.now(UTC).isoformat(timespec="seconds")
        self._line = dict(zip(journal.COLUMNS, (uuid.uuid4().hex[:12], when, *told), strict=True))
        journal.write(self._line)
        for then in self._waiting:
            then()

    def against(self, found: Any) -> str:
        """The prediction beside what was found, as lines of text; kept in the journal.

        found: one of the choices, or numbers, whose mean tells it where the choices have ranges. Raises
        `SbkitError` if that is none of the choices.

        >>> flip = Prediction("Heads?", {"yes": (0.5, 1), "no": (0, 0.5)}, "yes", 80, lock=False)
        >>> print(flip.against([0.25, 0.35]))
        You did not commit a prediction. Measured: “no”.
        """
        answer = one_of("choice", found, self.ranges) if isinstance(found, str) else self._choice_of(found)
        return self._judged(answer, self.choice == answer)

    def _judged(self, answer: str, right: bool) -> str:
        """What to say of the prediction where this was measured; kept in the journal."""
        if not self.committed:
            return f"You did not commit a prediction. Measured: “{answer}”."
        if self._line and self._line["measured"] != answer:
            self._line |= {"measured": answer, "right": right}
            journal.write(self._line)
        said = f"You said “{self.choice}” ({self.confidence:.0f} % sure). Measured: “{answer}”."
        hit = "As predicted. Which other result would have surprised you?"
        miss = "A surprise is worth more than a hit: what had you assumed?"
        return "\n".join([said, hit if right else miss, *(_record() if self._line else [])])

    def over(self, picture: Bars | Lines | Scatter, at: str | None = None) -> Bars | Lines | Scatter:
        """The picture with the predicted range drawn on it: over one bar (`at`, its name) or all along.

        Nothing is drawn unless committed. Raises `SbkitError` if the choice has no range, or there is no
        such bar.
        """
        span = self.ranges[self.choice]
        if span is None:
            raise SbkitError(
                f"A prediction is drawn by its range, {self.choice!r} has none; "
                "try sb.predict(question, {'about half': (0.4, 0.6), …})."
            )
        if at is not None and isinstance(picture, Bars):
            one_of("bar", at, picture.names)
        if not self.committed:
            return picture
        mark = Mark(f"you said: {self.choice}", *span, at=at)
        return replace(picture, marks=(*picture.marks, mark))

    def _choice_of(self, found: Any) -> str:
        mean = float(np.mean(np.asarray(found, dtype=float)))
        fits = [name for name, span in self.ranges.items() if span and span[0] <= mean <= span[1]]
        if not fits:
            raise SbkitError(
                f"The measured mean lies in the range of a choice, got {mean:.3g} and {self.ranges}."
            )
        return fits[0]

    def __repr__(self) -> str:
        return f"{self.question}  Choices: {'; '.join(self.ranges)}."

    def _repr_mimebundle_(self, **_: Any) -> Any:
        """Radio buttons, a confidence and a button; plain text where there is no front end."""
        if headless():
            return {"text/plain": repr(self)}
        widget = self._widget()
        if hasattr(widget, "_repr_mimebundle_"):
            return widget._repr_mimebundle_()
        widget._ipython_display_()  # ipywidgets 7
        return {}

    def _asked(self) -> Any:
        """The widget that the choice is made with."""
        import ipywidgets

        choice = ipywidgets.RadioButtons(options=[*self.ranges], value=self.choice, layout={"width": "auto"})
        choice.observe(lambda change: setattr(self, "choice", change["new"]), "value")
        return choice

    def _widget(self) -> Any:
        import ipywidgets

        from sbkit.lab.stage import Stage

        question = ipywidgets.HTML(f"<b>{html.escape(self.question)}</b>")
        choice = self._asked()
        asked = {"description": "How sure, in %?", "style": {"description_width": "initial"}}
        sure = ipywidgets.BoundedIntText(self.confidence, 0, 100, 5, **asked)
        button = ipywidgets.Button(description="Commit", button_style="primary")
        told = ipywidgets.HTML("The dials below unlock when you commit." if self.locked else "")

        def committed() -> None:
            for part in (*getattr(choice, "children", [choice]), sure, button):
                part.disabled = True
            told.value = "Committed. It stands, and comes back at the end of the lesson."

        sure.observe(lambda change: setattr(self, "confidence", change["new"]), "value")
        button.on_click(lambda _: self.commit())
        committed() if self.committed else self.on_commit(committed)
        keys = ipywidgets.VBox(layout={"display": "none"})
        parts = [question, choice, sure, ipywidgets.HBox([button, told]), keys]
        whole = ipywidgets.VBox(parts, _dom_classes=("sb-panel",))
        keys.children = [Stage(controls={"bare": True})]  # last: where it does not load, the rest stands
        return whole


def _record() -> list[str]:
    """One sentence on the reader's predictions so far; none where the journal cannot be read back."""
    return [
        f"Your predictions so far: {row.predictions:.0f}, {row.right:.0f} % right, {row.confidence:.0f} % "
        f"sure on average; Brier score {row.brier:.2f} (0 is perfect, 0.25 is always “50 %”)."
        for row in journal.calibration().loc[lambda rows: rows.index == "all lessons"].itertuples()
    ]


def _ranges(choices: Any) -> dict[str, Range | None]:
    """Every choice with its range, None where it has none."""
    each = [] if isinstance(choices, str) or not isinstance(choices, Iterable) else list(choices)
    if not 1 < len(set(each)) == len(each):
        raise SbkitError(f"choices are at least two different sentences, got {choices!r}; try ['yes', 'no'].")
    ranges = dict(choices) if isinstance(choices, Mapping) else dict.fromkeys(each)
    for name, span in ranges.items():
        if span is not None and not (len(span) == 2 and span[0] <= span[1]):
            raise SbkitError(f"A choice's range is (low, high), got {span!r} for {name!r}; try (0.4, 0.6).")
    return ranges
