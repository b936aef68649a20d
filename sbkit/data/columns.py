"""Columns of a table as numbers, or a sentence with what makes them numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sbkit.core import SbkitError, check_memory
from sbkit.data.places import some

LARGEST = float(np.finfo(np.float32).max)
RESOLVED = 1e-5  # least spread of a column over its size: about a hundred steps of float32
WORDS = 20  # so many different words in a column are taken for categories, more may be names of single rows
MOSTLY = 0.7  # if so many of a column's texts are numbers, the others are typos or mean "missing"
AROUND = "$€£¥% "
COMMA = ".str.replace(',', '.')"
GROUPS = r"[+-]?([1-9]\d{{0,2}}({0}\d{{3}})+|\d+)({1}\d*)?"  # a number by its marks of thousands and decimals
# Pattern of numbers as text → the options of pandas' CSV reader, or the methods of a column, that read them.
NUMBERS: dict[str, tuple[dict[str, str], str]] = {
    r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?": ({}, ""),
    GROUPS.format(",", r"\."): ({"thousands": ","}, ".str.replace(',', '')"),
    r"[+-]?(\d+,?\d*|,\d+)": ({"decimal": ","}, COMMA),
    GROUPS.format(r"\.", ","): ({"thousands": ".", "decimal": ","}, ".str.replace('.', '')" + COMMA),
    GROUPS.format(r"[\s']", r"\."): ({}, r""".str.replace(r"[\s']", '', regex=True)"""),
    GROUPS.format(r"[\s']", ","): ({}, r""".str.replace(r"[\s']", '', regex=True)""" + COMMA),
}


class Source(NamedTuple):
    """Where a table came from, in the words of Python that an advice begins with.

    written: an expression of `x` or `table`, as the reader has them, that gives the table with its columns
    named as in a task. y: the name of the column of answers, None if they were given apart from the table.
    named: False if y was given by its place, which changes when columns move.
    """

    written: str
    y: str | None
    named: bool = True

    def table(self, steps: str, words: Iterable[str] = (), lost: bool = False) -> str:
        """The expression followed by methods, one-hot for the columns `words`.

        lost: the methods drop rows. Then a y given apart must lose them, too, and the advice makes the task
        itself, as it does where the place of y changes.
        """
        apart = self.y is None and lost
        made = f"{self.written}{'.assign(answer=numpy.ravel(y))' if apart else ''}{steps}"
        made = f"pandas.get_dummies({made}, columns={words})" if words else made
        return f"sb.data.table({made}, {self.y or 'answer'!r})" if apart or not self.named else made


def format_of(column: pd.Series, semicolons: bool = False) -> tuple[dict[str, str], str, list[str]] | None:
    """How a column of text writes numbers: options, methods, texts that are no numbers; None for words.

    semicolons: whether they separate the columns; then a comma is taken for a decimal one.
    """
    texts = {text.strip(): text.strip(AROUND) for text in column.dropna().astype(str).unique()}
    order = sorted(NUMBERS, key=lambda one: "decimal" not in NUMBERS[one][0]) if semicolons else NUMBERS
    tried = {one: [text for text, bare in texts.items() if not re.fullmatch(one, bare)] for one in order}
    best = min(tried, key=lambda one: len(tried[one]))
    options, methods = NUMBERS[best]
    if any(text != bare for text, bare in texts.items()):
        options, methods = {}, f".str.strip({AROUND!r}){methods}"
    return (options, methods, tried[best]) if len(tried[best]) <= (1 - MOSTLY) * len(texts) else None


def check_complete(inputs: pd.DataFrame, answers: pd.DataFrame, source: Source) -> None:
    """Refuse missing values. The advice drops columns that mostly lack them, then drops or fills rows."""
    both = [*inputs.items(), *answers.items()]
    each = [f"{name!r} lacks {int(column.isna().sum()):,}" for name, column in both if column.isna().any()]
    if not each:
        return
    missing: Any = inputs.isna()
    empty = [name for name, share in missing.mean().items() if share > 0.5]
    lost: Any = missing.drop(columns=empty).any(axis=1) | answers.isna().any(axis=1)  # (n,)
    steps = f".drop(columns={empty})" if empty else ""
    if lost.mean() <= 0.5:
        steps += ".dropna()"
    else:  # too few rows would be left
        steps += f".dropna(subset=[{source.y or 'answer'!r}])" if answers.isna().any(axis=None) else ""
        steps += ".pipe(lambda table: table.fillna(table.median(numeric_only=True)))"
    fix = "drop or fill" if answers.shape[1] > 1 else f"try {source.table(steps, lost=True)}"
    got = f"{len(inputs):,} rows of which {some(each, str)}"
    raise SbkitError(f"No value is missing from x and y, got {got}; {fix}.")


def check_numbers(inputs: pd.DataFrame, answers: pd.DataFrame, source: Source) -> None:
    """Refuse text, dates and categories, with the expression that makes numbers of them."""
    wrong: Any = inputs[[name for name, column in inputs.items() if column.dtype.kind not in "biuf"]]
    if wrong.empty:
        return
    first = wrong.iloc[:, 0]
    told = format_of(first) if first.dtype.kind == "O" else None
    row = int(np.argmax(first.astype(str).str.strip().isin(told[2] if told else [])))
    more = f" and others in {some(list(wrong)[1:])}" if wrong.shape[1] > 1 else ""
    got = f"{first.iloc[row]!r} in row {row} of {first.name!r} ({first.dtype}){more}"
    fix = as_numbers(wrong, answers.iloc[:, 0], source)
    raise SbkitError(f"Columns hold numbers, got text, dates or categories, {got}; try {fix}.")


def as_numbers(inputs: pd.DataFrame, classes: pd.Series, source: Source) -> str:
    """An expression that makes numbers of columns: each is converted, made one-hot or left out."""
    dropped, words, made, typos = [], [], [], False
    start = "" if source.written == "table" else "lambda table: "
    for name, column in inputs.items():
        own, told = f"table[{name!r}]", format_of(column) if column.dtype.kind == "O" else None
        if column.dtype.kind in "mM":
            made.append(f"{name!r}: {start}({own} - {own}.min()) / pandas.Timedelta(days=1)")
        elif told:
            _, methods, wrong = told
            typos = typos or bool(wrong)
            text = f"{own}.astype(str).str.strip(){methods}" + ", errors='coerce'" * bool(wrong)
            made.append(f"{name!r}: {start}pandas.to_numeric({text})")
        elif column.dtype.kind == "c" or _is_none(column.astype(str), classes.astype(str)):
            dropped.append(name)
        else:
            words.append(name)
    steps = f".drop(columns={dropped})" if dropped else ""
    steps += f".assign(**{{{', '.join(made)}}})" if made else ""
    return source.table(steps + ".dropna()" * typos, words, typos)


def _is_none(words: pd.Series, classes: pd.Series) -> bool:
    """Whether words are no feature: they name single rows, or are the classes under other names."""
    count = words.nunique()
    pairs = set(zip(words, classes, strict=True))
    return count > max(WORDS, len(words) / 2) or len(pairs) == count == classes.nunique() > 1


def numbers(table: pd.DataFrame) -> Tensor:
    """Columns of numbers and bools as a tensor of torch's default type, all values finite. (n, k)"""
    check_memory(table.size * 8 * 3, f"{len(table):,} rows × {table.shape[1]} columns × 8 bytes × 3 copies")
    values = table.to_numpy(dtype=np.float64)  # (n, k)
    low, high, size = values.min(0), values.max(0), np.abs(values).max(0)  # (k,) each
    for name, least, most, large in zip(table, low, high, size, strict=True):
        if large > LARGEST:
            got = f"infinite ones in {name!r}, {(table[name].abs() > LARGEST).sum():,} of {len(table):,} rows"
            raise SbkitError(f"Values are finite, at most {LARGEST:.2g}, got {got}; drop or replace them.")
        if 0 < most - least < RESOLVED * large:
            rule = f"Columns vary by {RESOLVED:g} of their size, which float32 needs to tell values apart"
            raise SbkitError(f"{rule}, got {least} to {most} in {name!r}; subtract its mean first.")
    return torch.tensor(values, dtype=torch.get_default_dtype())


def named(table: pd.DataFrame, what: str = "x") -> tuple[pd.DataFrame, str]:
    """A table with strings as names of columns (x1, x2, … if it has none), and the method that names them."""
    labels, method = table.columns, ""
    names = [str(label) for label in labels]
    if isinstance(labels, pd.RangeIndex):
        names = ["y"] if what == "y" and len(labels) == 1 else [f"{what}{i + 1}" for i in range(len(labels))]
        method = f".set_axis([f'x{{i + 1}}' for i in range({len(labels)})], axis=1)"
    elif names != list(labels):
        method = ".rename(columns=str)"
    return table.set_axis(names, axis=1), method
