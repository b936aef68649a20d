"""Tables as people have them, matched row by row, as inputs and answers; or what stands in the way."""

from __future__ import annotations

import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sbkit.core import SbkitError, one_of
from sbkit.data.columns import Source, check_complete, check_numbers, format_of, named, numbers
from sbkit.data.files import MOST, is_path, read, written
from sbkit.data.places import place, some

LEAST = 8  # rows: a quarter of them is two, one of each class


def tables(
    x: Any, y: Any, test: Any, options: Mapping[str, Any]
) -> tuple[Tensor, Tensor, list[str], list[str], int]:
    """Coordinates z (n, k), targets, names of columns and of classes, and how many of the first rows are x's.

    Targets are classes (n,), 0…C−1, or values (n, outputs) with no names of classes. test: (x_test, y_test)
    or None; its rows come last. options: of pandas' reader, for files.
    """
    if options and not any(is_path(part) for part in (x, *(test or ())[:1])):
        given = f"{', '.join(options)} with x a {type(x).__name__}"
        raise SbkitError(f"Options of pandas.read_csv are for files, got {given}; leave them out.")
    inputs, answers, source = _rows(x, y, options)
    own = len(inputs)
    if test is not None:
        if len(test) != 2:
            raise SbkitError(f"test is a share or (x_test, y_test), got {len(test)} parts; try test=0.25.")
        more, told, _ = _rows(test[0], test[1], options)
        if len(more.columns) != len(inputs.columns) or len(told.columns) != len(answers.columns):
            got = f"{some(more, str)} for {some(inputs, str)} and {some(told, str)} for {some(answers, str)}"
            raise SbkitError(f"x_test and y_test have the columns of x and y, got {got}.")
        more = more[[one_of("column of x_test", name, more) for name in inputs]]
        inputs = pd.concat([inputs, more], ignore_index=True)
        answers = pd.concat([answers, told.set_axis(answers.columns, axis=1)], ignore_index=True)
    if len(inputs) < LEAST:
        raise SbkitError(f"At least {LEAST} rows, a quarter of them for the test, got {len(inputs)}.")
    if not len(inputs.columns):
        raise SbkitError(f"x has a column or more beside y, got {some(answers, str)} alone.")
    one_axis = source.y is not None or np.ndim(y[:1]) == 1
    targets, classes = _labels(answers, one_axis, source)
    return numbers(inputs), targets, list(inputs), classes, own


def _rows(x: Any, y: Any, options: Mapping[str, Any]) -> tuple[Any, Any, Source]:
    """Inputs and answers, checked, row by row; a column that is y is not among the inputs."""
    raw = read(x, options, y) if is_path(x) else x
    inputs, renamed = _table("x", raw)
    names, own = list(inputs), None
    answers: Any
    if isinstance(y, str | int | np.integer) and not isinstance(y, bool):
        own = names[place(y, names)]
        answers, shared = inputs[[own]], [own]
    else:
        answers, _ = _table("y", y)
        told = [y.name] if isinstance(y, pd.Series) else list(y) if isinstance(y, pd.DataFrame) else []
        shared = [name for name in told if isinstance(name, str) and name in names]
        _check_index(raw, y)
    if len(answers) != len(inputs):
        raise SbkitError(f"x and y have as many rows, got {len(inputs):,} and {len(answers):,}.")
    made = "pandas.DataFrame(x.numpy())" if isinstance(x, Tensor) else "pandas.DataFrame(x)"
    made = written(x, options) if is_path(x) else "table" if isinstance(x, pd.DataFrame) else made
    source = Source(made + renamed, own, own is None or isinstance(y, str))
    inputs = inputs.drop(columns=shared)
    check_complete(inputs, answers, source)
    check_numbers(inputs, answers, source)
    return inputs, answers, source


def _check_index(x: Any, y: Any) -> None:
    """Refuse two tables whose rows have different labels."""
    both = all(isinstance(part, pd.DataFrame | pd.Series) for part in (x, y))
    if not both or len(x) != len(y) or x.index.equals(y.index):
        return
    usual, same = pd.RangeIndex(len(x)), set(x.index) == set(y.index)
    if same or not (x.index.equals(usual) or y.index.equals(usual)):
        fix = "y.loc[x.index]" if same and y.index.is_unique else "y.set_axis(x.index)"
        raise SbkitError(f"Rows of x and y are matched by position, got other labels; try {fix} as y.")


def _table(what: str, given: Any) -> tuple[pd.DataFrame, str]:
    """x or y as a table whose columns have different names, strings, and the method that names them."""
    tables = np.ndarray | Tensor | pd.DataFrame | pd.Series | list | tuple
    if not isinstance(given, tables) or getattr(given, "ndim", 2) not in (1, 2):
        got = f"shape {tuple(given.shape)}" if isinstance(given, tables) else type(given).__name__
        more = "the path of a CSV file" if what == "x" else "the name of a column of x"
        rule = f"{what} has rows and columns: an array, a tensor, a list, a DataFrame or {more}"
        raise SbkitError(f"{rule}, got {got}.")
    if (count := len(given)) > MOST:  # before any is copied
        fix = f"x[::{-(-count // MOST)}], y[::{-(-count // MOST)}]"
        raise SbkitError(f"At most {MOST:,} rows, to stay live, got {count:,}; take fewer, e.g. {fix}.")
    rows = given if isinstance(given, list | tuple) else []
    if len(lengths := {len(row) if isinstance(row, list | tuple) else 0 for row in rows}) > 1:
        raise SbkitError(f"Rows are equally long, got some of {min(lengths)} values, some of {max(lengths)}.")
    if isinstance(given, Tensor):
        given = (given.detach().double() if given.is_floating_point() else given.detach()).cpu().numpy()
    try:
        table = pd.DataFrame(given).infer_objects()
    except (ValueError, TypeError) as error:
        said = f"{type(given).__name__} and pandas' word: {error}"
        raise SbkitError(f"{what} makes a table, got {said}.") from error
    if isinstance(table.columns, pd.MultiIndex):
        fix = "table.set_axis(['_'.join(map(str, names)) for names in table], axis=1)"
        raise SbkitError(f"Columns have one name each, got several lines of names; try {fix}.")
    table, renamed = named(table, what)
    if twice := [name for name, count in Counter(table).items() if count > 1]:
        fix = "table.loc[:, ~table.columns.astype(str).duplicated()]"
        raise SbkitError(f"Columns have different names, got {some(twice)} more than once; try {fix}.")
    return table.reset_index(drop=True), renamed


def _labels(answers: pd.DataFrame, one_axis: bool, source: Source) -> tuple[Tensor, list[str]]:
    """Values to predict (n, outputs) without names, or classes (n,), 0…C−1, with their names in order."""
    if all(dtype.kind == "f" for dtype in answers.dtypes):
        values = answers.to_numpy(dtype=np.float64)  # (n, outputs)
        if not one_axis or not (np.isfinite(values) & (values == values.round())).all():
            return numbers(answers), []
    if answers.shape[1] != 1:
        fix = "of columns with 0 and 1 take argmax; values to predict are floats, e.g. y.astype(float)"
        raise SbkitError(f"Classes stand in one column, got {answers.shape[1]}; {fix}.")
    column = answers.iloc[:, 0]
    try:
        codes, found = pd.factorize(column, sort=True)  # (n,), (C,)
    except TypeError as error:
        raise SbkitError(f"Classes can be sorted, got a mixture: {error}; try y.astype(str).") from error
    names = [str(int(n)) if isinstance(n, float | np.floating) and n.is_integer() else str(n) for n in found]
    if column.dtype.kind not in "biuf":
        _check_words(column, names, source)
    if len(names) < 2:
        raise SbkitError(f"y has two classes or more, got {names[0]!r} alone in all {len(codes):,} rows.")
    if lone := [name for name, count in zip(names, np.bincount(codes), strict=True) if count < 2]:
        fix = "drop or merge them. If y is a quantity, give it as floats of shape (n, 1)"
        raise SbkitError(f"Every class has two rows or more, for a test too, got one of {some(lone)}; {fix}.")
    return torch.tensor(codes, dtype=torch.int64), names


def _check_words(column: pd.Series, names: list[str], source: Source) -> None:
    """Refuse classes that look the same, and numbers as text that are rather a quantity."""
    y = f"{source.written}[{source.y!r}]" if source.y else "pandas.Series(numpy.ravel(y))"
    told = format_of(column)
    odd = [name for name in names if not name.strip().isdigit()]
    if told and odd and len(names) > 2:
        _, methods, wrong = told
        fix = f"pandas.to_numeric({y}.astype(str).str.strip(){methods}, errors='coerce') as y"
        got = f"numbers as text, {[*wrong, *odd][0]!r} among {len(names):,} values"
        raise SbkitError(f"Classes are words or whole numbers, got {got}; try {fix}.")
    if twice := _alike(names, lambda name: " ".join(unicodedata.normalize("NFKC", name).split())):
        fix = f"{y}.astype(str).str.normalize('NFKC').str.split().str.join(' ') as y"
        raise SbkitError(f"Classes differ by more than spaces, got {some(twice)}; try {fix}.")
    if twice := _alike(names, str.casefold):
        fix = f"{y}.astype(str).str.lower() as y"
        said = f"Classes of y differ by capitals alone: {some(twice)}; if they are one, try {fix}."
        warnings.warn(said, stacklevel=5)


def _alike(names: list[str], seen: Callable[[str], str]) -> list[str]:
    """The names that look the same to `seen` as another one."""
    shapes = [seen(name) for name in names]
    counts = Counter(shapes)
    return [name for name, shape in zip(names, shapes, strict=True) if counts[shape] > 1]
