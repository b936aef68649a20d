"""Your own rows as a task: arrays, tables and CSV files, checked column by column."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sbkit.core import Feature, SbkitError, Task, between, generator
from sbkit.data.places import place, some

Columns = str | int | Iterable[str | int]


class Standardized(nn.Module):
    """z (n, k) → (z − mean) / deviation of the rows it was made from; a column constant there becomes 0."""

    mean: Tensor  # (k,)
    deviation: Tensor  # (k,)

    def __init__(self, z: Tensor):
        super().__init__()
        deviation, mean = torch.std_mean(z.double(), 0, correction=0)  # (k,) each
        constant = z.amax(0) == z.amin(0)  # rounding leaves their deviation a little above 0
        self.register_buffer("mean", mean.to(z.dtype).where(~constant, z[0]))
        self.register_buffer("deviation", deviation.to(z.dtype).where(~constant, 1))

    def forward(self, z: Tensor) -> Tensor:
        """Inputs (n, k) of coordinates z (n, k)."""
        return (z - self.mean) / self.deviation


def table(
    x: Any,
    y: Any,
    features: Mapping[str, Columns] | None = None,
    *,
    test: float | tuple[Any, Any] = 0.25,
    standardize: bool = False,
    seed: int = 0,
    **read_csv: Any,
) -> Task:
    """Your own rows as a task, for every panel and measure; reliance groups columns by the names given.

    x: array, tensor, list of rows, DataFrame, or the path of a CSV file. It holds numbers and bools, at most
    a million rows (up to about 10⁵ a panel moves fluently).
    y: array, tensor, list or Series, matched to x by position; or the name or place of a column of x (−1:
    the last). A column of x that has y's name is left out. Floats are values to predict, (n, outputs), if
    they have two axes or any is not whole. All else are classes, numbered 0…C−1 in sorted order; the task's
    `names` are what they were.
    features: name → column or columns, by label, or by place among x's columns without y. Every other column
    is a feature of its own, named by its label, or x1, x2, …. Their simplicity is not known (`pieces` is
    None), so `kinds` is empty.
    test: the share of test rows, at least one of each class and not all, drawn by `seed`; or
    (x_test, y_test). standardize: nets see (column − mean) / standard deviation of the training rows,
    0 for a column that is constant there; z keeps its units, for the axes of plots. Floats become torch's
    default type, float32. read_csv: options of `pandas.read_csv` for a file, such as sep, decimal,
    thousands, encoding, header, na_values.
    Raises `SbkitError`, which names the column and what to try, on missing, infinite or text values, fewer
    than 8 rows, fewer than 2 of a class, a single class, too many rows, unknown or repeated names, and a
    column that is y or its negation. Warns of columns that tell y by themselves, unless it may be chance.

    >>> x = [[0.1 * i, (-1) ** i, i % 3] for i in range(40)]
    >>> y = [i % 3 == i % 2 for i in range(40)]
    >>> task = table(x, y, {"size": [0, 2]}, standardize=True)
    >>> task.x.shape, task.columns("size"), list(task.features)
    (torch.Size([30, 3]), [0, 2], ['size', 'x2'])
    """
    from sbkit.data.files import check_options
    from sbkit.data.leaks import leaks
    from sbkit.data.tables import tables

    check_options(read_csv, ["features", "test", "standardize", "seed"])
    given = test if isinstance(test, tuple | list) else None
    z, targets, labels, names, own = tables(x, y, given, read_csv)
    columns = _features(features, labels)
    if telling := leaks(z, targets, labels):
        said = f"Each of these columns tells y by itself, without an error: {some(telling)}. If that is what"
        fix = f"if y leaked into them, leave them out, e.g. table.drop(columns={telling[:5]})"
        warnings.warn(f"{said} you study, go on; {fix}.", stacklevel=2)
    codes = targets if names else torch.zeros(len(z), dtype=torch.int64)
    rows = torch.randperm(len(z), generator=generator(seed))  # mixed, for plots show the first of each part
    held = rows >= own if given else _share(codes[rows], between("test", test, 0.01, 0.9))
    train, held = rows[~held], rows[held]
    _check_both(codes, names, train, held)
    embed = Standardized(z[train]) if standardize else nn.Identity()
    return Task(z[train], targets[train], z[held], targets[held], columns, embed, tuple(names))


def _features(groups: Mapping[str, Columns] | None, names: list[str]) -> dict[str, Feature]:
    """Features by name: the groups, then every column that is in none."""
    if not isinstance(groups, Mapping | None):
        got = f"{type(groups).__name__}; try features={{'mine': [{names[0]!r}]}}"
        raise SbkitError(f"features are name → column or columns, got {got}.")
    found: dict[str, Feature] = {}
    owner: dict[int, str] = {}
    for name, chosen in (groups or {}).items():
        several = list(chosen) if isinstance(chosen, Iterable) and not isinstance(chosen, str) else [chosen]
        places = tuple(place(column, names) for column in several)
        if not isinstance(name, str) or not places:
            raise SbkitError(f"A feature has a name, a string, and a column or more, got {name!r}: {chosen}.")
        for column in places:
            if column in owner:
                got = f"{names[column]!r} in {owner[column]!r} and {name!r}"
                raise SbkitError(f"A column is in one feature, got {got}.")
            owner[column] = name
        found[name] = Feature(places)
    alone = {name: Feature((column,)) for column, name in enumerate(names) if column not in owner}
    if twice := sorted(set(found) & set(alone)):
        raise SbkitError(f"Features have different names, got {twice[0]!r} for a group and a column too.")
    return found | alone


def _share(codes: Tensor, share: float) -> Tensor:
    """Whether each row of classes `codes` (n,) is a test row: the first ones of every class, not all. (n,)"""
    import pandas as pd

    counts, classes = codes.bincount(), pd.Series(codes.numpy())  # (C,), (n,)
    quota = (share * counts).round().clamp(min=1).minimum(counts - 1)  # (C,)
    return torch.tensor(classes.groupby(classes).cumcount().to_numpy()) < quota[codes]


def _check_both(codes: Tensor, names: list[str], train: Tensor, held: Tensor) -> None:
    """Refuse given test rows if a class is missing there or in training."""
    for part, rows in (("training", train), ("test", held)):
        counts = codes[rows].bincount(minlength=len(names))  # (C,)
        if not counts.all():
            got = f"no {part} row of {names[int(counts.argmin())]!r}; add one, or drop the class"
            raise SbkitError(f"Every class is among training and test rows, got {got}.")
