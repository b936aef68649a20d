"""A sweep as a heat map that opens the run behind each of its cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sbkit.core import RESULTS, SbkitError, one_of
from sbkit.core.environment import headless
from sbkit.lab.chart import Chart, over
from sbkit.sweep import checked, first_row, sweep
from sbkit.training import Run
from sbkit.training.signature import parameters

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
        swept = [name for name in table.columns if name in parameters(lesson, axes) and name not in RESULTS]
        axes |= {name: table[name].unique().tolist() for name in swept if name not in axes}
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
