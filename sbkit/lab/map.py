"""A sweep as a heat map of two dials; a click on a tile opens the panel of its run."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas

from sbkit.core import RESULTS, SbkitError, distinct, one_of, whole
from sbkit.core.environment import headless
from sbkit.lab.dials import Dial
from sbkit.lab.panel import Panel
from sbkit.lab.pen import Pen
from sbkit.lab.session import Session
from sbkit.lab.still import Still, alt
from sbkit.plots import empty, tiles, where
from sbkit.sweeps import checked, first_row, sweep
from sbkit.training import Run
from sbkit.training.signature import Lesson, Signature

Axes = Mapping[str, Sequence[Any]]  # the values that were tried, by dial


def map(
    lesson: Callable[..., Run],
    table: pandas.DataFrame | None = None,
    *,
    value: str = "test_accuracy",
    **axes: Any,
) -> Map | Still:
    """A heat map of a sweep over two dials, mean over runs; a click on a tile opens its run below.

    axes: the values of the first dial, along x, and of the second, along y; further dials are held at
    their single value. Without a table they are swept now, as by `sb.sweep`. table: a sweep that was made
    before; axes then choose and order what is drawn of it, by default all. value: a column of the table.
    The tile of a setting that failed is empty.
    `.result()` gives the table, `.figure()` the heat map, `.panel` what is open. Without a page
    (SBKIT_HEADLESS=1) one line says what was drawn. Raises `SbkitError` on anything but two dials, on
    dials that the lesson does not take, and on columns that are not there or hold no numbers.

    >>> import os
    >>> from sbkit import fit, mlp, slabs
    >>> def lesson(depth=1, lr=0.1):
    ...     task = slabs(n=512, n_test=512)
    ...     return fit(mlp(task, depth=depth, width=8, runs=2), task, lr=lr, steps=20)
    >>> os.environ["SBKIT_HEADLESS"] = "1"
    >>> map(lesson, value="loss", depth=[0, 1], lr=[0.1, 1.0])
    sb.map(lesson, value='loss', depth=[0, 1], lr=[0.1, 1.0]): 4 tiles drawn of 8 runs. Open ...
    >>> del os.environ["SBKIT_HEADLESS"]
    """
    if table is not None:
        if not isinstance(table, pandas.DataFrame):
            raise SbkitError(f"table is a DataFrame as from sb.sweep, got {table!r:.40}; or name the dials.")
        axes |= {name: _tried(lesson, table, name) for name in _swept(lesson, table) if name not in axes}
    if taken := [name for name in axes if name in RESULTS]:
        raise SbkitError(f"A map is over dials, {taken[0]!r} is a result of every sweep; take another one.")
    axes = checked(lesson, axes)
    _over(lesson, axes)
    if table is None:  # what cannot be drawn is refused before it is trained
        row = first_row(lesson, {name: values[0] for name, values in axes.items()})
        one_of("column", value, [name for name in row if isinstance(row[name], int | float)])
        table = sweep(lesson, **axes)
    chart = Chart(lesson, table, value, axes)
    return Still(chart, {}) if headless() else Map(chart)


class Chart(Session):
    """A sweep's table as a session that does not train: it draws a column over two dials.

    axes: every value of the dials that were swept; those that are not `over` are held. opens: what is
    done with the values of a tile that is picked. Raises `SbkitError` on a column that is not there.
    """

    picks = True

    def __init__(
        self, lesson: Lesson, table: pandas.DataFrame, value: str, axes: Mapping[str, Sequence[Any]]
    ):
        self.of, self.table, self.value, self.axes = lesson, table, value, dict(axes)
        self.over = _over(lesson, axes)
        self.opens: Callable[[dict[str, Any]], object] = dict
        self.kept: Any = table[table["error"].isna() | (table["error"] == "")] if "error" in table else table
        for name in [name for name in axes if name not in self.over]:
            column = one_of("column", name, [str(known) for known in table])
            self.kept = self.kept[where(self.kept, column, axes[name][0])]
        self.field = tiles(self.kept, value, {name: axes[name] for name in self.over})
        super().__init__(lambda: self.field)
        self.name = "map"

    def pick(self, row: int, column: int) -> None:
        """Open a tile: column and row count the values of the first and of the second dial."""
        places = dict(zip(self.over, (whole("column", column, 0), whole("row", row, 0)), strict=True))
        for name, k in places.items():
            if k >= len(self.axes[name]):
                raise SbkitError(f"{name} has {len(self.axes[name])} values, got number {k}; count from 0.")
        self.opens({name: values[places.get(name, 0)] for name, values in self.axes.items()})

    def finish(self) -> pandas.DataFrame:
        """The table of the sweep."""
        return self.table

    def did(self) -> str:
        """What was drawn, in words."""
        return f"{self.field.values.size} tiles drawn of {len(self.kept)} runs"

    def call(self, pen: Pen | None = None) -> str:
        """The call that makes this map, as text."""
        pen = pen or Pen(self.of)
        given = {"value": self.value} | {name: list(values) for name, values in self.axes.items()}
        texts = ", ".join(f"{name}={pen.value(name, value)}" for name, value in given.items())
        return f"sb.map({pen.called()}, {texts})"

    def code(self) -> str:
        """The call that makes this map, with a comment on what of it cannot be written."""
        pen = Pen(self.of)
        return pen.page(self.call(pen))


class Map(Panel):
    """A sweep as a heat map; a click on a tile, or Enter, opens its run in a `panel` below.

    Both dials stand there at the tile's values, as drop-downs of all values of the map.
    """

    panel: Panel | None = None

    def __init__(self, chart: Chart):
        super().__init__(chart, {})
        self._stage.controls = self._stage.controls | {"picks": True}
        self._chart, chart.opens = chart, self._show
        self._pngs: dict[Panel, Any] = {}

    def _show(self, values: dict[str, Any]) -> None:
        axes = self._chart.axes
        meant = {name: Dial(name, "choice", values[name], tuple(axes[name])) for name in axes}
        opened = Panel(Session(self._chart.of, values), meant, placed=False)
        opened._keep = lambda png: self._keep(png, opened)
        before, self.panel = self.panel, opened
        self.children = (*self._own, opened)
        if before is not None:
            before.close()

    def _keep(self, png: Any, of: Panel | None = None) -> None:
        """Leave the heat map and what is open below it."""
        stand = [self, *([self.panel] if self.panel else [])]
        self._pngs[of or self] = png
        told = alt(picture for panel in stand for picture in panel.session.pictures())
        self._pngs = {panel: self._pngs[panel] for panel in stand if panel in self._pngs}
        self.leave(told, *self._pngs.values())

    def share(self) -> str:
        """A map has no dials: raises `SbkitError` that says what to share instead."""
        raise SbkitError("A map is shared by its call, .code(); its open panel by .panel.share().")

    def close(self) -> None:
        """Close the heat map and the panel below it."""
        if self.panel is not None:
            self.panel.close()
            self.children, self.panel = tuple(self._own), None
        super().close()


def _over(lesson: Lesson, axes: Axes) -> list[str]:
    """The two dials of a map, along x and along y: those with several values, or the only two."""
    Signature.of(lesson).names(axes)
    several = list(axes) if len(axes) == 2 else [name for name, values in axes.items() if len(values) > 1]
    if len(several) != 2:
        raise SbkitError(
            f"A map is over two dials, got {', '.join(several) or 'none'} with several values; give two of "
            "them several values, and each other one a single value."
        )
    return several


def _swept(lesson: Lesson, table: pandas.DataFrame) -> list[str]:
    """The columns that are dials of the lesson: for one that takes any name, those before the results."""
    signature, columns = Signature.of(lesson), [str(name) for name in table]
    first = columns.index("run") if signature.open and "run" in columns else 0
    names = {*signature.names(), *filter(str.isidentifier, columns[:first])}
    return [name for name in columns if name in names and name not in RESULTS]


def _tried(lesson: Lesson, table: pandas.DataFrame, name: str) -> list[Any]:
    """The values of a dial in a table, each once; what a file made text of is read as Python again."""
    default = Signature.of(lesson).defaults.get(name)
    tried = distinct(None if empty(entry) else entry for entry in table[name])
    gaps = any(entry is not None and empty(entry) for entry in table[name])
    if default is not None and gaps:
        values = [None, *(entry for entry in tried if entry is not None)]
        raise SbkitError(
            f"Each row of a map has its own {name}, got rows without; if None was tried there, try "
            f"{name}={values!r}; if it was the lesson's own, try table.fillna({{{name!r}: {default!r}}})."
        )
    return [_read(entry, default) for entry in tried]


def _read(entry: Any, default: Any) -> Any:
    if type(default) is int and isinstance(entry, float) and entry.is_integer():  # of a column with gaps once
        return int(entry)
    if isinstance(entry, str) and not isinstance(default, str | None):
        with contextlib.suppress(ValueError, SyntaxError):
            return ast.literal_eval(entry)
    return entry
