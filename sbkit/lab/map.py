"""A heat map above the panel of the cell that was picked in it."""

from __future__ import annotations

from typing import Any

from sbkit.core import SbkitError
from sbkit.lab.chart import Chart
from sbkit.lab.dials import Dial
from sbkit.lab.panel import Panel
from sbkit.lab.session import Session


class Map(Panel):
    """A sweep as a heat map; a click on a cell, or Enter, opens its run in a `panel` below.

    Both dials stand there at the cell's values, as drop-downs of all values of the map.
    """

    panel: Panel | None = None

    def __init__(self, chart: Chart):
        super().__init__(chart, {})
        self._stage.controls = self._stage.controls | {"picks": True}
        self._chart, chart.opens = chart, self._show

    def _show(self, values: dict[str, Any]) -> None:
        axes = self._chart.axes
        meant = {name: Dial(name, "choice", values[name], tuple(axes[name])) for name in axes}
        opened = Panel(Session(self._chart.of, values), meant, placed=False)
        before, self.panel = self.panel, opened
        self.children = (*self._own, opened)
        if before is not None:
            before.close()

    def share(self) -> str:
        """A map has no dials: raises `SbkitError` that says what to share instead."""
        raise SbkitError("A map is shared by its call, .code(); its open panel by .panel.share().")

    def close(self) -> None:
        """Close the heat map and the panel below it."""
        if self.panel is not None:
            self.panel.close()
            self.children, self.panel = tuple(self._own), None
        super().close()
