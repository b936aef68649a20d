"""The lab: a lesson's dials and the live picture of its run. The only place that knows Jupyter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sbkit.core import SbkitError
from sbkit.core.environment import headless
from sbkit.lab.dials import dials as read
from sbkit.lab.dials import twins
from sbkit.lab.session import Session
from sbkit.lab.share import Start, started
from sbkit.training.signature import Lesson, Signature

if TYPE_CHECKING:
    from sbkit.lab.panel import Gate, Panel
    from sbkit.lab.still import Still

__all__ = ["lab"]
OWN = ("start", "compare", "after")  # what `lab` takes itself


def lab(
    lesson: Lesson,
    /,
    *,
    start: Start = None,
    compare: str | None = None,
    after: Gate | None = None,
    **dials: Any,
) -> Panel | Still:
    """A live panel of a lesson, to stand as the value of its cell: turn the dials, press Run.

    dials: for every argument of the lesson that is to have one, a list (drop-down), (1, 8) (whole
    numbers), (0.0, 1.0), (1e-4, 1.0, "log"), True or False, or any widget; they start at the lesson's
    defaults. start: other values to start at, as `.share()` gives them ("slabs=5&lr=0.02", alone or in an
    address), or {name: value}. A lesson returns a run, or descriptions to be drawn (Field, Lines, Bars,
    Scatter, Images).
    compare: the name of the dial in which two runs, A and B, are to differ; all else is the same, and they
    train in lock-step.
    after: a prediction; dials and buttons stay locked until it is committed.
    `.result()` gives the run (of two, both), `.figure()`, `.code()` and `.save_replay(path)` what one keeps.
    Descriptions without a dial stand as a plotly figure, which needs no kernel. Without a page to show it
    (SBKIT_HEADLESS=1) the run is trained at once, and one line says so.
    Raises `SbkitError` on a dial that the lesson does not take or that cannot start at its default, on a
    value of `start` that no dial has, on a lesson with an argument named as one of `lab`'s own, and on
    sides that cannot be compared.

    >>> from sbkit.plots import Bars
    >>> import os
    >>> os.environ["SBKIT_HEADLESS"] = "1"
    >>> lab(lambda height=1.0: Bars("b", "Bars", "height", ["a"], [height]), height=(0.0, 2.0))
    lesson(height=1.0): 1 picture drawn. Open this notebook in JupyterLab or Colab to drive it.
    >>> del os.environ["SBKIT_HEADLESS"]
    """
    signature = Signature.of(lesson)
    for name in signature.names(dials):
        if name in OWN:
            raise SbkitError(
                f"{', '.join(OWN)} mean something to sb.lab itself, got a lesson with an argument {name!r}; "
                f"rename it, e.g. {name}_."
            )
    meant = read(signature, dials)
    meant = meant if compare is None else twins(meant, compare)
    meant, values = started(signature, meant, start)
    session = Session(signature, values, compare)
    stands = not (session.trains or meant or start or (after is not None and after.locked))
    if stands or headless():
        from sbkit.lab.still import Still

        return Still(session, meant)
    from sbkit.lab.panel import Panel

    return Panel(session, meant, after)
