"""A sweep as a heat map of two dials, whose cells can be picked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sbkit.core import SbkitError, one_of, whole
from sbkit.lab.lesson import Lesson, parameters
from sbkit.lab.pen import Pen
from sbkit.lab.session import Session
from sbkit.plots import cells, where


class Chart(Session):
    """A sweep's table as a session that does not train: it draws a column over two dials.

    axes: every value of the dials that were swept; those that are not `over` are held. opens: what is
    done with the values of a cell that is picked. Raises `SbkitError` on a column that is not there.
    """

    def __init__(self, lesson: Lesson, table: Any, value: str, axes: Mapping[str, Sequence[Any]]):
        self.of, self.table, self.value, self.axes = lesson, table, value, dict(axes)
        self.over = over(lesson, axes)
        self.opens: Callable[[dict[str, Any]], object] = dict
        self.kept = table[table["error"].isna() | (table["error"] == "")] if "error" in table else table
        for name in axes:
            if name not in self.over:
                column = one_of("column", name, map(str, table.columns))
                self.kept = self.kept[where(self.kept, column, axes[name][0])]
        field = cells(self.kept, value, {name: axes[name] for name in self.over})
        super().__init__(lambda: field)
        self.name = "map"

    def pick(self, row: int, column: int) -> None:
        """Open a cell: column and row count the values of the first and of the second dial."""
        places = dict(zip(self.over, (whole("column", column, 0), whole("row", row, 0)), strict=True))
        for name, k in places.items():
            if k >= len(self.axes[name]):
                raise SbkitError(f"{name} has {len(self.axes[name])} values, got number {k}; count from 0.")
        self.opens({name: values[places.get(name, 0)] for name, values in self.axes.items()})

    def finish(self) -> Any:
        """The table of the sweep."""
        return self.table

    def did(self) -> str:
        """What was drawn, in words."""
        return f"{self.made.values.size} cells drawn of {len(self.kept)} runs"

    def call(self) -> str:
        """The call that makes this map, as text."""
        return self._written(Pen(self.of))

    def _written(self, pen: Pen) -> str:
        given = {"value": self.value} | {name: list(values) for name, values in self.axes.items()}
        texts = ", ".join(f"{name}={pen.value(name, value)}" for name, value in given.items())
        return f"sb.map({pen.called()}, {texts})"

    def code(self) -> str:
        """The call that makes this map, with a comment on what of it cannot be written."""
        pen = Pen(self.of)
        return pen.page(self._written(pen))


def over(lesson: Lesson, axes: Mapping[str, Sequence[Any]]) -> list[str]:
    """The two dials of a map, along x and along y: those with several values, or the only two.

    Raises `SbkitError` if there are not two, and on names that the lesson does not take.
    """
    parameters(lesson, axes)
    several = list(axes) if len(axes) == 2 else [name for name, values in axes.items() if len(values) > 1]
    if len(several) != 2:
        raise SbkitError(
            f"A map is over two dials, got {', '.join(several) or 'none'} with several values; give two of "
            "them several values, and each other one a single value."
        )
    return several
