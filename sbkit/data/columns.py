"""Columns of a table as numbers, or a sentence with what makes them numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sbkit.core import SbkitError, check_memory
from sbkit.data.formats import format_of

if TYPE_CHECKING:
    import pandas as pd

LARGEST = float(np.finfo(np.float32).max)
RESOLVED = 1e-5  # a column's spread over its size: a hundred steps of float32
KINDS = 20  # words of a column that are surely no names of single rows


class Source(NamedTuple):
    """What a table was made from, to say what would mend it.

    written: an expression that is the table, of `x` or `table` as the reader has them. labels: its
    columns' own, by the names that a task gives them. y: the name of the column that holds the answers,
    None where they came apart. mended(columns), of a file: what to try with its columns of text.
    """

    written: str
    labels: dict[str, Any]
    y: str | None
    mended: Callable[[pd.DataFrame], str] | None = None


def check_complete(inputs: pd.DataFrame, answers: pd.DataFrame, source: Source) -> None:
    """Refuse missing values, with what drops or fills them."""
    both = [*inputs.items(), *answers.items()]
    lacking = {name: int(column.isna().sum()) for name, column in both}
    if not any(lacking.values()):
        return
    rows = len(inputs)
    each = some([f"{name!r} lacks {count:,}" for name, count in lacking.items() if count])
    raise SbkitError(
        f"No value is missing from x and y, got {rows:,} rows of which {each}; "
        f"{_without(inputs, answers, source)}."
    )


def _without(inputs: pd.DataFrame, answers: pd.DataFrame, source: Source) -> str:
    """Columns that are mostly missing left out, then rows; filled where few rows would be left."""
    if source.y is None and answers.shape[1] > 1:
        return "drop or fill those rows of both"
    missing: Any = inputs.isna()
    empty = [name for name in inputs if 2 * int(missing[name].sum()) > len(inputs)]
    lost: Any = missing.drop(columns=empty).any(axis=1) | answers.isna().any(axis=1)  # (n,)
    made, end = _joined(source)
    if empty:
        made += f".drop(columns={[source.labels[name] for name in empty]})"
    if 2 * int(lost.sum()) <= len(inputs):
        return f"drop those rows, try {made}.dropna(){end}"
    if answers.isna().any(axis=None):
        made += f".dropna(subset=[{source.labels.get(source.y or '', 'answer')!r}])"
    return f"fill them, try {made}.pipe(lambda table: table.fillna(table.median(numeric_only=True))){end}"


def _joined(source: Source) -> tuple[str, str]:
    """Before and after what is done to all rows, where answers that came apart must lose the same ones."""
    if source.y is not None:
        return source.written, ""
    return f"sb.data.table({source.written}.assign(answer=numpy.ravel(y))", ", 'answer')"


def check_numbers(inputs: pd.DataFrame, answers: pd.DataFrame, source: Source) -> None:
    """Refuse text, dates and categories, with the expression that makes numbers of them."""
    wrong = [name for name, column in inputs.items() if column.dtype.kind not in "biuf"]
    if not wrong or inputs.empty:
        return
    columns: Any = inputs[wrong]
    column: Any = inputs[wrong[0]]
    told = format_of(column) if column.dtype.kind not in "mMc" else None
    row = int(np.argmax(column.astype(str).str.strip().isin(told.wrong))) if told and told.wrong else 0
    got = f"{column.iloc[row]!r} in row {row} of {wrong[0]!r} ({column.dtype})"
    more = f" and others in {some([repr(name) for name in wrong[1:]])}" if wrong[1:] else ""
    fix = source.mended(columns) if source.mended else f"try {as_numbers(columns, answers, source)}"
    raise SbkitError(f"Columns hold numbers, got text, dates or categories, {got}{more}; {fix}.")


def as_numbers(inputs: pd.DataFrame, answers: pd.DataFrame, source: Source) -> str:
    """An expression that makes numbers of columns: by what each holds converted, one-hot or left out."""
    dropped, words, made = [], [], {}
    typos = False
    codes = answers.iloc[:, 0].astype(str)
    for name, column in inputs.items():
        label = source.labels.get(str(name), name)
        own = f"table[{label!r}]"
        if column.dtype.kind == "M":
            made[label] = f"({own} - {own}.min()) / pandas.Timedelta(days=1)"
        elif column.dtype.kind == "m":
            made[label] = f"{own} / pandas.Timedelta(days=1)"
        elif column.dtype.kind == "c":
            dropped.append(label)
        elif told := format_of(column):
            text = f"{own}.astype(str).str.strip(){told.methods}"
            typos = typos or bool(told.wrong)
            made[label] = (
                f"pandas.to_numeric({text}, errors='coerce')" if told.wrong else f"{text}.astype(float)"
            )
        elif _names_rows(column) or _says(column.astype(str), codes):
            dropped.append(label)
        else:
            words.append(label)
    written, end = _joined(source) if typos else (source.written, "")
    return _expression(written, dropped, words, made, typos) + end


def _expression(written: str, dropped: list, words: list, made: dict[Any, str], typos: bool) -> str:
    start, table = ("sb.data.table(", written[14:]) if written.startswith("sb.data.table(") else ("", written)
    table += f".drop(columns={dropped})" if dropped else ""
    if made:
        columns = ", ".join(f"{label!r}: {text}" for label, text in made.items())
        new = f"table.assign(**{{{columns}}})"
        if not all(isinstance(label, str) for label in made):  # assign takes names alone
            new = f"pandas.DataFrame({{**table, {columns}}})"
        new += ".dropna()" if typos else ""
        table = new if table == "table" else f"{table}.pipe(lambda table: {new})"
    return start + (f"pandas.get_dummies({table}, columns={words})" if words else table)


def _names_rows(column: pd.Series) -> bool:
    """Whether words are so many that they name the rows: one-hot, each would be a column."""
    count = column.astype(str).nunique()
    return count > KINDS and 2 * count > len(column)


def _says(words: pd.Series, codes: pd.Series) -> bool:
    """Whether words are the classes under other names."""
    a, b = words.factorize()[0], codes.factorize()[0]
    pairs = len(np.unique(np.stack([a, b]), axis=1).T)
    return pairs == a.max() + 1 == b.max() + 1 > 1


def numbers(table: pd.DataFrame) -> Tensor:
    """Columns of numbers and bools, none missing, none infinite, in torch's default type. (n, k)"""
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


def some(names: Sequence[str]) -> str:
    """The first few of many."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
