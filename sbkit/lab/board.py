"""The board: the widget that a reader paints on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import traitlets

from sbkit.core import Task
from sbkit.data import painted
from sbkit.lab.kernel import CELLS, this_cell
from sbkit.lab.stage import Kept, Stage
from sbkit.plots.words import say


class Board(Kept, Stage):
    """A plane that is painted on in the page; its `value` is the latest task.

    dabs: what is on it, [x1, x2, class] each. While a class has no dab the task stays as it was, and the
    board says so. Running its cell again closes it.
    """

    dabs = traitlets.List().tag(sync=True)
    told = traitlets.Unicode("").tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)
    value = traitlets.Instance(Task)

    def __init__(self, dabs: list[Any], seed: int, examples: Mapping[str, Any]):
        self.seed = seed
        super().__init__(controls={"board": examples}, dabs=dabs)
        self.on_msg(lambda board, message, pngs: self.leave(repr(self), *pngs))
        CELLS.place(self, this_cell())

    @traitlets.observe("dabs")
    def _paint(self, change: Any) -> None:
        both = {c for *_, c in change["new"]} == {0, 1}
        if both:
            self.value = painted(change["new"], self.seed)
        self.told = "" if both else say("board", "both")

    @property
    def task(self) -> Task:
        """What is painted, as a task."""
        return self.value

    def __repr__(self) -> str:
        return f"sb.draw(): {self.value!r}"
