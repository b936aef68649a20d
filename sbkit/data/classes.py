"""Answers as people have them, as classes with names or as values to predict."""

from __future__ import annotations

import unicodedata
import warnings
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sbkit.core import SbkitError
from sbkit.data.columns import Source, numbers, some
from sbkit.data.formats import PLAIN, format_of

if TYPE_CHECKING:
    import pandas as pd


def labels(answers: pd.DataFrame, one_axis: bool, source: Source) -> tuple[Tensor, list[str]]:
    """Values to predict (n, outputs) and no names, or classes (n,), 0…C−1, and their names in order."""
    import pandas as pd

    if all(dtype.kind == "f" for dtype in answers.dtypes):
        values = answers.to_numpy(dtype=np.float64)  # (n, outputs)
        if not one_axis or not (np.isfinite(values) & (values == values.round())).all():
            return numbers(answers), []
    if answers.shape[1] != 1:
        raise SbkitError(
            f"Classes stand in one column, got {answers.shape[1]}; of columns with 0 and 1 take argmax; "
            "values to predict are floats, e.g. y.astype(float)."
        )
    column = answers.iloc[:, 0]
    try:
        codes, found = pd.factorize(column, sort=True)  # (n,), (C,)
    except TypeError as error:
        raise SbkitError(f"Classes can be sorted, got a mixture: {error}; try y.astype(str).") from error
    names = [_name(label) for label in found]
    counts = np.bincount(codes)  # (C,)
    if column.dtype.kind not in "biuf":
        _check_words(column, names, source)
    if len(names) < 2:
        raise SbkitError(f"y has two classes or more, got {names[0]!r} alone in all {len(codes):,} rows.")
    if counts.min() < 2:
        lone = [repr(name) for name, count in zip(names, counts, strict=True) if count < 2]
        raise SbkitError(
            f"Every class has two rows or more, one to train and one to test, got one of {some(lone)}; "
            "drop or merge them. If y is a quantity, give it as floats of shape (n, 1)."
        )
    return torch.tensor(codes, dtype=torch.int64), names


def _name(label: object) -> str:
    """A class as it is written; whole floats as the whole numbers that they are."""
    whole = isinstance(label, float | np.floating) and float(label).is_integer()
    return str(int(label)) if whole else str(label)  # pyright: ignore


def _check_words(column: pd.Series, names: list[str], source: Source) -> None:
    """Refuse classes that are one by all that can be seen, and numbers written in a way of their own."""
    y = f"{source.written}[{source.labels[source.y]!r}]" if source.y else "pandas.Series(numpy.ravel(y))"
    told = format_of(column)
    quantity = told and (told.pattern != PLAIN or any(not name.strip().isdigit() for name in names))
    if told and quantity and len(names) > 2:
        shown = (told.wrong or [name for name in names if not name.isdigit()] or names)[0]
        mended = source.mended(column.to_frame()) if source.mended and not told.wrong and told.options else ""
        made = f"{y}.astype(str).str.strip(){told.methods}"
        fix = f"pandas.to_numeric({made}, errors='coerce')" if told.wrong else f"{made}.astype(float)"
        raise SbkitError(
            f"Classes are words or whole numbers, got numbers as text, {shown!r} among "
            f"{len(names):,} values; {mended or f'try {fix} as y'}."
        )
    if twice := _alike(names, lambda name: " ".join(unicodedata.normalize("NFKC", name).split())):
        fix = f"{y}.astype(str).str.normalize('NFKC').str.split().str.join(' ')"
        raise SbkitError(f"Classes differ by more than spaces, got {some(twice)}; try {fix} as y.")
    if twice := _alike(names, str.casefold):
        warnings.warn(
            f"Classes of y differ by capitals alone: {some(twice)}; if they are one, try "
            f"{y}.astype(str).str.lower() as y.",
            stacklevel=4,
        )


def _alike(names: list[str], seen: Callable[[str], str]) -> list[str]:
    """The names, quoted, that look the same to `seen` as another one."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[seen(name)].append(repr(name))
    return [name for group in groups.values() if len(group) > 1 for name in group]
