"""A CSV file as a table, its first line a line of names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sbkit.core import SbkitError, check_memory
from sbkit.data.dialects import advice, check_separated
from sbkit.data.files import MOST, found, parsed, written

if TYPE_CHECKING:
    import pandas as pd

DIALECT = {"sep", "delimiter", "encoding", "compression", "skiprows", "comment", "quotechar", "quoting"}


def read(given: str | os.PathLike[str], options: Mapping[str, Any], y: Any) -> pd.DataFrame:
    """A CSV file, of one too long no more than is needed to know it; y tells which dialect it is of."""
    path = found(given, options)
    check_memory(path.stat().st_size * 3, f"a file of {path.stat().st_size:,} bytes × 3 copies")
    try:
        table = parsed(path, options, MOST + 1)
    except Exception as error:  # whatever pandas, its engines and the options raise becomes a sentence
        said = str(error).strip().rstrip(".") or type(error).__name__
        raise SbkitError(f"{path.name} cannot be read as CSV: {said}; {advice(path, options, y)}.") from error
    check_separated(path, options, y, table)
    _check_header(path, options, y, table)
    if len(table) > MOST:
        raise SbkitError(
            f"At most {MOST:,} rows, so that training stays live, got more in {path.name}; "
            f"take a sample, e.g. {written(given, options)}.sample({MOST})."
        )
    return table.reset_index(drop=True)


def _check_header(path: Path, options: Mapping[str, Any], y: Any, table: pd.DataFrame) -> None:
    """Refuse a first line that is no line of names."""
    import pandas as pd

    if {"names", "index_col", "usecols"} & set(options) or options.get("header", 0) not in (0, "infer"):
        return
    look: Any = {name: value for name, value in options.items() if name in DIALECT | {"skipinitialspace"}}
    line = {"header": None, "nrows": 1, "dtype": str, "keep_default_na": False}
    header = list(parsed(path, look | line, 1).iloc[0])
    if not table.index.equals(pd.RangeIndex(len(table))) or header[0] == "":
        raise SbkitError(
            f"Every column of {path.name} has a name in its first line, got none for the first; "
            "if it holds row numbers, try index_col=0."
        )
    if "" in header:
        kept = [name for name in header if name]
        raise SbkitError(
            f"Every column of {path.name} has a name in its first line, got none for column "
            f"{header.index('')}; try usecols={kept}."
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    row = "header" not in options and _is_row(header, table)
    if row:
        more = "header=None" if not isinstance(y, str) else "header=None, and y by its place, e.g. y=-1"
        raise SbkitError(
            f"The first line of {path.name} holds names, got {', '.join(map(repr, header[:5]))}, which look "
            f"like a row; if they are one, try {more}; if they are names, header=0."
        )
    if twice:
        raise SbkitError(
            f"Columns have different names, got {', '.join(map(repr, twice[:5]))} more than once in "
            f"{path.name}; rename them, try header=0, names={_apart(header)}."
        )


def _apart(names: list[str]) -> list[str]:
    """The names, made different by a number where one returns."""
    seen = [names[:i].count(name) for i, name in enumerate(names)]
    return [f"{name}_{count + 1}" if count else name for name, count in zip(names, seen, strict=True)]


def _is_row(header: list[str], table: pd.DataFrame) -> bool:
    """Whether a first line looks like the rows below: fractions, numbers in no order, words of its column."""
    whole = [name for name in header if name.strip().isdigit()]
    if any(_is_number(name) for name in header if name not in whole):
        return True
    counted = [int(name) for name in whole]
    if len(whole) == len(header) and len(whole) > 1:
        return counted != list(range(counted[0], counted[0] + len(counted)))
    texts = [i for i, name in enumerate(header) if name not in whole]
    return bool(whole) and any((table.iloc[:, i].astype(str) == header[i]).any() for i in texts)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip().lower() not in ("nan", "inf", "infinity")
