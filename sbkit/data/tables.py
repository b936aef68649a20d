"""Tables as people have them, as numbers; or a sentence about what stands in the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import SbkitError, check_memory, one_of

if TYPE_CHECKING:
    import pandas as pd

LEAST = 8  # rows: a quarter of them is two, one a class
# Rows at most, for a live picture: ordering an epoch of 10⁶ for eight runs takes ¼ s, of 10⁷ over 2 s.
MOST = 1_000_000
LARGEST = float(np.finfo(np.float32).max)
RESOLVED = 1e-5  # a column's spread over its size: a hundred steps of float32


def tables(x: Any, y: Any, test: Any = None) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Inputs, answers, and how many of the rows are x's; those of `test`, (x_test, y_test), come after.

    The columns of each have different names, strings.
    """
    import pandas as pd

    inputs, answers = _rows(x, y)
    own = len(inputs)
    if test is not None:
        if len(test) != 2:
            raise SbkitError(f"test is a share or (x_test, y_test), got {len(test)} parts; try test=0.25.")
        more, told = _rows(*test)
        if len(more.columns) != len(inputs.columns) or len(told.columns) != len(answers.columns):
            raise SbkitError(
                f"x_test and y_test have the columns of x and y, got {_some(list(more))} for "
                f"{_some(list(inputs))} and {_some(list(told))} for {_some(list(answers))}."
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
        raise SbkitError(f"x has a column or more beside y, got {_some(list(answers))} alone.")
    return inputs, answers, own


def place(column: Any, names: list[str]) -> int:
    """Place of a column among `names`, given by its label or its place; an unknown one raises."""
    if isinstance(column, int | np.integer) and str(column) not in names and 0 <= column < len(names):
        return int(column)
    return names.index(one_of("column", str(column), names))


def _rows(x: Any, y: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Inputs and answers of as many rows; what y names is among the answers alone."""
    import pandas as pd

    inputs = _table("x", x)
    names = list(inputs)
    if isinstance(y, str | int | np.integer):
        shared = [names[place(y, names)]]
        answers = inputs.loc[:, shared]
    else:
        answers = _table("y", y)
        named = [y.name] if isinstance(y, pd.Series) else list(y) if isinstance(y, pd.DataFrame) else []
        shared = [name for name in named if isinstance(name, str) and name in names]
    if len(answers) != len(inputs):
        raise SbkitError(f"x and y have as many rows, got {len(inputs):,} and {len(answers):,}.")
    return inputs.drop(columns=shared), answers


def _table(what: str, given: Any) -> pd.DataFrame:
    """x or y as a table with different strings for columns, x1, x2, … where it has no labels."""
    import pandas as pd

    if what == "x" and isinstance(given, str | Path):
        given = _read(Path(given))
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
    table = pd.DataFrame(given).infer_objects()
    if not isinstance(table.columns, pd.RangeIndex):
        names = [str(label) for label in table]
    else:
        alone = what == "y" and table.shape[1] == 1
        names = ["y"] if alone else [f"{what}{i}" for i in range(1, 1 + table.shape[1])]
    _check_different(names)
    return table.set_axis(names, axis=1)


def _read(path: Path) -> pd.DataFrame:
    """A CSV file with a header; of one too long no more than is needed to know it."""
    import pandas as pd

    if not path.is_file():
        there = sorted(file.name for file in path.absolute().parent.glob("*.csv"))
        raise SbkitError(
            f"x is the path of a CSV file, and {str(path)!r} is none; in {path.absolute().parent} "
            f"there {'is no CSV file' if not there else f'are {_some(there)}'}."
        )
    size = path.stat().st_size
    check_memory(size * 3, f"a file of {size:,} bytes × 3 copies")
    try:
        header = list(pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False).iloc[0])
        table = pd.read_csv(path, nrows=MOST + 1)
    except ValueError as error:  # also of pandas' parser, and of bytes that are not UTF-8
        raise SbkitError(f"{path.name} cannot be read as CSV: {str(error).strip().rstrip('.')}.") from error
    if "" in header or not isinstance(table.index, pd.RangeIndex):
        raise SbkitError(
            f"Every column of {path.name} has a name in its first line, got one without; "
            "if it holds row numbers, write the file with to_csv(index=False)."
        )
    if len(table) > MOST:
        raise SbkitError(
            f"At most {MOST:,} rows, so that training stays live, got more in {path.name}; "
            f"take a sample, e.g. pandas.read_csv({path.name!r}).sample({MOST})."
        )
    _check_different(header)
    return table


def numbers(table: pd.DataFrame) -> Tensor:
    """Columns of numbers and bools, none missing, none infinite, in torch's default type. (n, k)"""
    for name, column in _complete(table).items():
        if column.dtype.kind not in "biuf":
            raise SbkitError(
                f"Columns hold numbers, got text, dates or categories in {name!r} ({column.dtype}, e.g. "
                f"{column.iloc[0]!r}); drop it, or encode it, e.g. by pandas.get_dummies(table)."
            )
    check_memory(table.size * 8 * 3, f"{len(table):,} rows × {table.shape[1]} columns × 8 bytes × 3 copies")
    values = table.to_numpy(dtype=np.float64)  # (n, k)
    low, high = values.min(0), values.max(0)  # (k,) each
    for i, (name, least, most) in enumerate(zip(table, low, high, strict=True)):
        size = max(-least, most)
        if size > LARGEST:
            wrong = (np.abs(values[:, i]) > LARGEST).sum()
            raise SbkitError(
                f"Values are finite, at most {LARGEST:.2g}, got infinite ones in {name!r}, "
                f"{wrong:,} of {len(table):,} rows; drop or replace them."
            )
        if 0 < most - least < RESOLVED * size:
            raise SbkitError(
                f"Columns vary by more than {RESOLVED:g} of their size, which float32 needs to tell values "
                f"apart, got {least} to {most} in {name!r}; subtract its mean first."
            )
    return torch.tensor(values, dtype=torch.get_default_dtype())


def labels(answers: pd.DataFrame, one_axis: bool) -> tuple[Tensor, list[str]]:
    """Values to predict (n, outputs) and no names, or classes (n,), 0…C−1, and their names in order."""
    import pandas as pd

    if all(dtype.kind == "f" for dtype in _complete(answers).dtypes):
        values = answers.to_numpy(dtype=np.float64)  # (n, outputs)
        if not one_axis or not (np.isfinite(values) & (values == values.round())).all():
            return numbers(answers), []
    if answers.shape[1] != 1:
        raise SbkitError(
            f"Classes stand in one column, got {answers.shape[1]}; of columns with 0 and 1 take argmax; "
            "values to predict are floats, e.g. y.astype(float)."
        )
    try:
        codes, found = pd.factorize(answers.iloc[:, 0], sort=True)  # (n,), (C,)
    except TypeError as error:
        raise SbkitError(f"Classes can be sorted, got a mixture: {error}; try y.astype(str).") from error
    counts = np.bincount(codes)  # (C,)
    names = [str(name) for name in found]
    if len(names) < 2:
        raise SbkitError(f"y has two classes or more, got {names[0]!r} alone in all {len(codes):,} rows.")
    if counts.min() < 2:
        lone = [repr(name) for name, count in zip(names, counts, strict=True) if count < 2]
        raise SbkitError(
            f"Every class has two rows or more, one to train and one to test, got one of {_some(lone)}; "
            "drop or merge them. If y is a quantity, give it as floats of shape (n, 1)."
        )
    return torch.tensor(codes, dtype=torch.int64), names


def _complete(table: pd.DataFrame) -> pd.DataFrame:
    """The table, unless a value is missing."""
    lacking = {name: int(column.isna().sum()) for name, column in table.items()}
    if any(lacking.values()):
        each = _some([f"{name!r} lacks {count:,}" for name, count in lacking.items() if count])
        raise SbkitError(
            f"No value is missing from x and y, got {len(table):,} rows of which {each}; "
            "drop or fill those rows, e.g. by table.dropna()."
        )
    return table


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
        raise SbkitError(f"Columns have different names, got {_some(twice)} more than once; rename them.")


def _some(names: Sequence[str]) -> str:
    """The first few of many."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
