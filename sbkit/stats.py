"""Does a measure tell which net generalizes? Scores on the table of a sweep, where each row is a model."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from sbkit.core import SbkitError, check_memory, one_of, told

if TYPE_CHECKING:
    from pandas import DataFrame

Models = tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]  # measure (n,), gap (n,), axis → value's number


def granulated_kendall(
    table: DataFrame, measure: str, axes: Iterable[str], gap: str = "gap"
) -> dict[str, float]:
    """Whether measure and gap order models alike where one axis changes: 1 always, −1 never, 0 a coin.

    table: a sweep's, a row a model; axes: the columns of its settings; gap: a column such as accuracy −
    test_accuracy. For each axis Kendall's τ-a of every group of rows that differ in it alone, averaged over
    groups; "mean" is that over axes (Jiang et al. 2020, section 2: ψ and Ψ). A pair that ties counts 0, so a
    measure with ties cannot reach 1 (τ-b would leave them out). Seeds of one setting are models of their
    own, never compared with each other; for their means pass `table.groupby(axes, as_index=False).mean()`.
    Raises `SbkitError` on missing columns, on what is no number, and on an axis that never changes alone.

    >>> import pandas as pd
    >>> grid = pd.DataFrame({"lr": [1, 1, 2, 2], "width": [1, 2, 1, 2], "gap": [1, 2, 3, 4.0]})
    >>> granulated_kendall(grid.assign(norm=[2, 1, 4, 3]), "norm", ["lr", "width"])
    {'lr': 1.0, 'width': -1.0, 'mean': 0.0}
    """
    values, gaps, settings = _models(table, measure, axes, gap)
    alike = _order(values) * _order(gaps)  # (n, n): 1 in one order, −1 in opposite ones, 0 for a tie
    if not settings:
        raise SbkitError(f"axes are columns of settings, one or more, got none; try {list(table)[:1]}.")
    found = {}
    for axis, own in settings.items():
        group = _cells(len(own), [code for other, code in settings.items() if other != axis])  # (n,)
        first, second = ((group[:, None] == group) & (own[:, None] != own)).nonzero()  # (pairs,) each
        if not len(first):
            got = f"no two that differ in {axis!r} alone"
            raise SbkitError(f"Each axis changes alone in some rows, got {got}; leave it out of axes.")
        counts, sums = np.bincount(group[first]), np.bincount(group[first], alike[first, second])  # (groups,)
        found[axis] = float((sums[counts > 0] / counts[counts > 0]).mean())
    return found | {"mean": float(np.mean([*found.values()]))}


def conditional_information(table: DataFrame, measure: str, axes: Iterable[str], gap: str = "gap") -> float:
    """How much of the order of gaps a measure tells beyond what settings tell, in percent: 0 … 100.

    table, axes and gap as in `granulated_kendall`. Of all ordered pairs of models, each with itself too, V
    says whether the first has more, no for a tie. Given the values of both models on two axes, the score is
    100 · I(V_measure; V_gap) / H(V_gap), both averaged over the cells of such values, each cell alike; the
    least over all choices of two axes counts (PGDL, Jiang et al. 2020, as its organizers' code has it).
    Where no two axes leave anything to tell, one or none is given; NaN where all gaps are equal. Almost
    blind to the sign: two models in reverse order score 15.1. A random measure scores 3 or 4 on 24 models,
    at times 9: score some beside yours. Raises `SbkitError` on missing columns, and on what is no number.

    >>> import pandas as pd
    >>> two = pd.DataFrame({"gap": [0, 1], "same": [0, 1], "constant": [1, 1], "reversed": [1, 0]})
    >>> [round(conditional_information(two, name, []), 4) for name in ("same", "constant", "reversed")]
    [100.0, 0.0, 15.1066]
    """
    values, gaps, settings = _models(table, measure, axes, gap)
    larger = 2 * (gaps[:, None] > gaps).ravel() + (values[:, None] > values).ravel()  # (n²,), 0 … 3
    both = [(code[:, None] * len(code) + code).ravel() for code in settings.values()]  # (n²,) each
    for given in (2, 1, 0):
        shares = [_share(larger, _cells(len(larger), chosen)) for chosen in combinations(both, given)]
        if known := [share for share in shares if not math.isnan(share)]:
            return 100 * min(known)
    return math.nan


def _share(larger: np.ndarray, cell: np.ndarray) -> float:
    """I(V_measure; V_gap) / H(V_gap) within cells; larger = 2·V_gap + V_measure, (pairs,) each."""
    from scipy.stats import entropy

    counts = np.bincount(4 * cell + larger, minlength=4 * (cell.max() + 1)).reshape(-1, 2, 2)
    gaps, values = (entropy(counts.sum(axis), axis=1) for axis in (2, 1))  # (cells,) each
    shared = gaps + values - entropy(counts.reshape(-1, 4), axis=1)  # (cells,)
    return max(0.0, float(shared.sum() / gaps.sum())) if gaps.any() else math.nan


def _cells(rows: int, codes: Iterable[np.ndarray]) -> np.ndarray:
    """A number from 0 for each combination of values of the codes, (rows,) each. (rows,)"""
    cell = np.zeros(rows, dtype=np.int64)
    for code in codes:
        cell = np.unique(cell * (code.max() + 1) + code, return_inverse=True)[1]
    return cell


def _order(values: np.ndarray) -> np.ndarray:
    """1 where the first of two is larger, −1 where the second is, 0 for a tie. (n,) → (n, n)"""
    return (values[:, None] > values).astype(int) - (values[:, None] < values)


def _models(table: Any, measure: str, axes: Any, gap: str) -> Models:
    """What the table tells of its models; axes by numbers of their values."""
    import pandas as pd

    if not isinstance(table, pd.DataFrame) or len(table) < 2:
        got = f"{len(table)} row" if isinstance(table, pd.DataFrame) else told(table)
        raise SbkitError(f"Models are two rows or more of a DataFrame, got {got}; try the table of a sweep.")
    if gap == "gap" not in table and {"accuracy", "test_accuracy"} <= {*table.columns}:
        fix = "table = table.assign(gap=table.accuracy - table.test_accuracy)"
        raise SbkitError(f"A table has its gap in a column, got none named 'gap'; try {fix}.")
    names = [axes] if isinstance(axes, str) or not isinstance(axes, Iterable) else list(axes)
    for name in (*names, measure, gap):
        one_of("column", name, table.columns)
    if not table.columns.is_unique:
        fix = "table = table.loc[:, ~table.columns.duplicated()]"
        raise SbkitError(f"A table has every column once, got two of one name; try {fix}.")
    n, columns = len(table), len(names) + 6
    check_memory(n**2 * columns * 8, f"{n:,}² pairs × {columns} columns × 8 bytes")
    scores = table[[measure, gap]].apply(pd.to_numeric, errors="coerce").astype(float)
    values, gaps = scores.to_numpy().T  # (n,) each
    if missing := int((np.isnan(values) | np.isnan(gaps)).sum()):
        got, fix = f"none in {missing} of {n} rows", f"table.dropna(subset={[measure, gap]})"
        raise SbkitError(f"{measure!r} and {gap!r} are numbers in every row, got {got}; try {fix}.")
    codes = {axis: pd.factorize(table[axis].astype(str), use_na_sentinel=False)[0] for axis in names}
    return values, gaps, codes
