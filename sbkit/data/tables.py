"""Tables as people have them, matched row by row; or a sentence about what stands in the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from sbkit.core import SbkitError, one_of
from sbkit.data.columns import Source, check_complete, check_numbers, some
from sbkit.data.dialects import check_missing_classes, mended
from sbkit.data.files import MOST, is_path, written
from sbkit.data.reading import read

if TYPE_CHECKING:
    import pandas as pd

LEAST = 8  # rows: a quarter of them is two, one a class


def tables(
    x: Any, y: Any, test: Any = None, options: Mapping[str, Any] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, int, Source]:
    """Inputs, answers, how many of the rows are x's, and what x was; test rows, (x_test, y_test), come after.

    The columns of each have different names, strings; inputs are numbers, and no value is missing. options:
    of pandas' CSV reader, for files.
    """
    import pandas as pd

    options = options or {}
    if options and not (is_path(x) or (test is not None and is_path(test[0]))):
        raise SbkitError(
            f"Options of pandas.read_csv are for the path of a file, got {', '.join(options)} with x a "
            f"{type(x).__name__}; leave them out."
        )
    inputs, answers, source = _rows(x, y, options)
    own = len(inputs)
    if test is not None:
        if len(test) != 2:
            raise SbkitError(f"test is a share or (x_test, y_test), got {len(test)} parts; try test=0.25.")
        more, told, _ = _rows(test[0], test[1], options)
        if len(more.columns) != len(inputs.columns) or len(told.columns) != len(answers.columns):
            raise SbkitError(
                f"x_test and y_test have the columns of x and y, got {some(list(more))} for "
                f"{some(list(inputs))} and {some(list(told))} for {some(list(answers))}."
            )
        more = more.loc[:, [one_of("column of x_test", name, more) for name in inputs]]
        inputs = pd.concat([inputs, more], ignore_index=True)
        answers = pd.concat([answers, told.set_axis(answers.columns, axis=1)], ignore_index=True)
    if len(inputs) < LEAST:
        raise SbkitError(
            f"At least {LEAST} rows, so that a quarter of them, for the test, holds two classes; "
            f"got {len(inputs)}."
        )
    if not len(inputs.columns):
        raise SbkitError(f"x has a column or more beside y, got {some(list(answers))} alone.")
    return inputs, answers, own, source


def place(column: Any, names: list[str]) -> int:
    """Place of a column among `names`, by its label or its place, from the end if negative; others raise."""
    if not isinstance(column, int | np.integer) or isinstance(column, bool) or str(column) in names:
        return names.index(one_of("column", str(column), names))
    if -len(names) <= column < len(names):
        return int(column) % len(names)
    raise SbkitError(
        f"Columns are counted from 0 to {len(names) - 1}, or from −1 to −{len(names)} backwards, got "
        f"{column}; there are {some(names)}."
    )


def _rows(x: Any, y: Any, options: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame, Source]:
    """Inputs and answers of as many rows, checked; what y names is among the answers alone."""
    import pandas as pd

    file = is_path(x)
    raw = read(x, options, y) if file else x
    inputs = _table("x", raw)
    names = list(inputs)
    labels = dict(zip(names, _labels(raw, len(names)), strict=True))
    if isinstance(y, str | int | np.integer) and not isinstance(y, bool):
        shared = [names[place(y, names)]]
        answers = inputs.loc[:, shared]
    else:
        answers = _table("y", y)
        named = [y.name] if isinstance(y, pd.Series) else list(y) if isinstance(y, pd.DataFrame) else []
        shared = [name for name in named if isinstance(name, str) and name in names]
        _check_index(raw, y)
    if len(answers) != len(inputs):
        raise SbkitError(f"x and y have as many rows, got {len(inputs):,} and {len(answers):,}.")
    own = shared[0] if isinstance(y, str | int | np.integer) else None
    how = written(x, options) if file else "table" if isinstance(x, pd.DataFrame) else _framed(x)
    source = Source(how, labels, own, (lambda part: mended(x, options, part, own and y)) if file else None)
    inputs = inputs.drop(columns=shared)
    if file and own is not None:
        check_missing_classes(x, options, answers, names.index(own), inputs)
    check_complete(inputs, answers, source)
    check_numbers(inputs, answers, source)
    return inputs, answers, source


def _labels(x: Any, count: int) -> list[Any]:
    """The columns' own labels, as pandas has them."""
    import pandas as pd

    if isinstance(x, pd.Series) and x.name is not None:
        return [x.name]
    return list(x) if isinstance(x, pd.DataFrame) else list(range(count))


def _framed(x: Any) -> str:
    return "pandas.DataFrame(x.numpy())" if isinstance(x, Tensor) else "pandas.DataFrame(x)"


def _check_index(x: Any, y: Any) -> None:
    """Refuse two tables whose rows are labelled, and labelled otherwise."""
    import pandas as pd

    kinds = pd.DataFrame | pd.Series
    if not (isinstance(x, kinds) and isinstance(y, kinds)) or len(x) != len(y) or x.index.equals(y.index):
        return
    plain = pd.RangeIndex(len(x))
    own = not x.index.equals(plain) and not y.index.equals(plain)
    if own or set(x.index) == set(y.index):
        same = y.index.is_unique and set(x.index) == set(y.index)
        fix = "by position y.set_axis(x.index); try y.loc[x.index]" if same else "try y.set_axis(x.index)"
        raise SbkitError(
            "Rows of x and y are matched by position, got labels (index) in another order or others; "
            f"{fix} as y."
        )


def _table(what: str, given: Any) -> pd.DataFrame:
    """x or y as a table with different strings for columns, x1, x2, … where it has no labels."""
    import pandas as pd

    kinds = np.ndarray | Tensor | pd.DataFrame | pd.Series | list | tuple
    if not isinstance(given, kinds) or getattr(given, "ndim", 2) not in (1, 2):
        got = f"shape {tuple(given.shape)}" if isinstance(given, kinds) else type(given).__name__
        more = "the path of a CSV file" if what == "x" else "the name of a column of x"
        raise SbkitError(
            f"{what} has rows and columns: an array, a tensor, a list, a DataFrame or {more}, got {got}."
        )
    _check_rows(given)
    if isinstance(given, Tensor):
        given = (given.detach().double() if given.is_floating_point() else given.detach()).cpu().numpy()
    try:
        table = pd.DataFrame(given).infer_objects()
    except (ValueError, TypeError) as error:
        raise SbkitError(
            f"{what} makes a table, got {type(given).__name__} and pandas' word: {error}."
        ) from error
    if isinstance(table.columns, pd.MultiIndex):
        raise SbkitError(
            f"Columns have one name each, got {table.columns.nlevels} lines of names; try table.set_axis("
            "['_'.join(map(str, names)) for names in table], axis=1)."
        )
    if not isinstance(table.columns, pd.RangeIndex):
        names = [str(label) for label in table]
    else:
        alone = what == "y" and table.shape[1] == 1
        names = ["y"] if alone else [f"{what}{i}" for i in range(1, 1 + table.shape[1])]
    _check_different(names)
    return table.set_axis(names, axis=1).reset_index(drop=True)


def _check_rows(given: Any) -> None:
    """Refuse too many rows before any is copied, and lists of unequal rows."""
    count = len(given)
    if count > MOST:
        step = -(-count // MOST)
        raise SbkitError(
            f"At most {MOST:,} rows, so that training stays live, got {count:,}; "
            f"take a sample, e.g. x[::{step}], y[::{step}]."
        )
    if isinstance(given, list | tuple):
        lengths = sorted({len(row) if isinstance(row, list | tuple) else 0 for row in given})
        if len(lengths) > 1:
            raise SbkitError(
                f"Rows are equally long, got some of {lengths[0]} values, some of {lengths[-1]}."
            )


def _check_different(names: list[str]) -> None:
    twice = [repr(name) for name, count in Counter(names).items() if count > 1]
    if twice:
        raise SbkitError(
            f"Columns have different names, got {some(twice)} more than once; rename them, or keep "
            "the first of each, try table.loc[:, ~table.columns.astype(str).duplicated()]."
        )
