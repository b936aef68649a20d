"""A sweep as a heat map that opens the run behind each of its cells."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sbkit.core import RESULTS, SbkitError, distinct, one_of
from sbkit.core.environment import headless
from sbkit.lab.chart import Chart, over
from sbkit.plots import empty
from sbkit.sweeps import checked, first_row, sweep
from sbkit.training import Run
from sbkit.training.signature import default_of, parameters, takes_any

if TYPE_CHECKING:
    import pandas

    from sbkit.lab.map import Map
    from sbkit.lab.still import Still


def map(
    lesson: Callable[..., Run],
    table: pandas.DataFrame | None = None,
    *,
    value: str = "test_accuracy",
    **axes: Any,
) -> Map | Still:
    """A heat map of a sweep over two dials, mean over runs; a click on a cell opens its run below.

    axes: the values of the first dial, along x, and of the second, along y; further dials are held at
    their single value. Without a table they are swept now, as by `sb.sweep`. table: a sweep that was made
    before; axes then choose and order what is drawn of it, by default all. value: a column of the table.
    The cell of a setting that failed is empty.
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
    sb.map(lesson, value='loss', depth=[0, 1], lr=[0.1, 1.0]): 4 cells drawn of 8 runs. Open ...
    >>> del os.environ["SBKIT_HEADLESS"]
    """
    if table is not None:
        if not hasattr(table, "groupby"):
            raise SbkitError(f"table is a DataFrame as from sb.sweep, got {table!r:.40}; or name the dials.")
        axes |= {name: _tried(lesson, table, name) for name in _swept(lesson, table) if name not in axes}
    for name in axes:
        if name in RESULTS:
            raise SbkitError(f"A map is over dials, {name!r} is a result of every sweep; take another one.")
    axes = checked(lesson, axes)
    over(lesson, axes)
    if table is None:  # what cannot be drawn is refused before it is trained
        row = first_row(lesson, {name: values[0] for name, values in axes.items()})
        one_of("column", value, [name for name in row if isinstance(row[name], int | float)])
        table = sweep(lesson, **axes)
    chart = Chart(lesson, table, value, axes)
    if headless():
        from sbkit.lab.still import Still

        return Still(chart, {})
    from sbkit.lab.map import Map

    return Map(chart)


def _swept(lesson: Callable[..., Run], table: pandas.DataFrame) -> list[str]:
    """The columns that are dials of the lesson: for one that takes any name, those before the results."""
    columns = [str(name) for name in table.columns]
    first = columns.index("run") if takes_any(lesson) and "run" in columns else 0
    names = {*parameters(lesson), *(name for name in columns[:first] if name.isidentifier())}
    return [name for name in columns if name in names and name not in RESULTS]


def _tried(lesson: Callable[..., Run], table: pandas.DataFrame, name: str) -> list[Any]:
    """The values of a dial in a table, each once; what a file made text of is read as Python again."""
    default = default_of(lesson, name)
    if default is not None and any(cell is not None and empty(cell) for cell in table[name]):
        values = [None, *distinct(cell for cell in table[name] if not empty(cell))]
        raise SbkitError(
            f"Each row of a map has its own {name}, got rows without; if None was tried there, try "
            f"{name}={values!r}; if it was the lesson's own, try table.fillna({{{name!r}: {default!r}}})."
        )
    cells = distinct(None if empty(cell) else cell for cell in table[name])
    return [_read(cell, default) for cell in cells]


def _read(cell: Any, default: Any) -> Any:
    if type(default) is int and isinstance(cell, float) and cell.is_integer():  # of a column with gaps once
        return int(cell)
    if isinstance(cell, str) and not isinstance(default, str | None):
        with contextlib.suppress(ValueError, SyntaxError):
            return ast.literal_eval(cell)
    return cell
