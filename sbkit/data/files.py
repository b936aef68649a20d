"""A CSV file as a table; or the options of pandas that it needs, found by trying."""

from __future__ import annotations

import difflib
import inspect
import os
import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sbkit.core import SbkitError, check_memory, one_of
from sbkit.data.columns import Source, as_numbers, format_of, named
from sbkit.data.places import numbered, some

Options = Mapping[str, Any]
# Rows at most, for a live picture: ordering an epoch of 10⁶ for eight runs takes ¼ s, of 10⁷ over 2 s.
MOST = 1_000_000
FIRST = 1000  # rows that are read to try out options
TITLE = 5  # lines above the names, at most
JAPANESE = re.compile("[\u3040-\u30ff]|[\u4e00-\u9fff]{2}")  # kana, or two kanji side by side
SEPARATORS = [{}, *({"sep": sep} for sep in ";\t|,"), {"sep": r"\s+"}]
# What another file begins with, or its name ends in → the reader of pandas for it.
READERS: dict[str | bytes, str] = {b"PK\x03\x04": "excel", b"\xd0\xcf\x11\xe0": "excel", b"PAR1": "parquet"}
READERS |= {b"\x89HDF": "hdf", ".feather": "feather", ".json": "json", ".dta": "stata", ".sav": "spss"}
NARROW, WIDE = ["utf-8", "cp932", "cp1252", "latin-1"], ["utf-16", "utf-16-le", "utf-16-be"]  # encodings
PACKED = (".gz", ".bz2", ".zip", ".xz", ".zst", ".tar")
PIECES = {"filepath_or_buffer", "iterator", "chunksize"}  # options that read no table
LINES = {"sep", "delimiter", "encoding", "compression", "skiprows", "comment", "quotechar", "quoting"}


def check_options(options: Options, own: list[str]) -> None:
    """Refuse options that pandas' reader does not take; `own` are those of `table` itself."""
    known = {*own, *inspect.signature(pd.read_csv).parameters}
    for name in options:
        if name in PIECES:
            raise SbkitError(f"A file is read whole, got {name}; leave it out.")
        near = [one for one in known if name.startswith(one)]
        near += difflib.get_close_matches(name, known - PIECES, n=1, cutoff=0.5)
        if name not in known:
            raise SbkitError(f"No option of a table is named {name!r}. Did you mean {[*near, 'sep'][0]!r}?")


def is_path(given: Any) -> bool:
    """Whether something is the path of a file."""
    return isinstance(given, str | os.PathLike)


def written(given: Any, options: Options) -> str:
    """The call of pandas that reads the file."""
    return f"pandas.read_csv({', '.join([repr(str(given)), *_arguments(options)])})"


def _arguments(options: Options) -> list[str]:
    return [f"{name}={value!r}" for name, value in options.items()]


def read(given: str | os.PathLike[str], options: Options, y: Any) -> pd.DataFrame:
    """A CSV file as pandas reads it. What stands in the way raises, with the options that its y needs."""
    path = _found(given)
    check_memory(path.stat().st_size * 3, f"a file of {path.stat().st_size:,} bytes × 3 copies")
    try:
        table = _parsed(path, options, MOST + 1)
    except Exception as error:  # whatever pandas, its engines and the options raise becomes a sentence
        said = str(error).strip().rstrip(".") or type(error).__name__
        fix = _fix(path, options, y) or f"look at its first lines, e.g. open({str(path)!r}, 'rb').read(500)"
        raise SbkitError(f"{path.name} cannot be read as CSV: {said}; {fix}.") from error
    if not _holds(table, y) and (fix := _fix(path, options, y)):
        raise SbkitError(f"{path.name} has a column for y and others, got {some(table)}; {fix}.")
    _check_header(path, options, y, table)
    if len(table) > MOST:
        fix = f"{written(given, options)}.sample({MOST})"
        raise SbkitError(f"At most {MOST:,} rows, to stay live, got more in {path.name}; try {fix} as x.")
    _check_lost(path, options, _own(table, y), table)
    if fix := _fix(path, options, y, table):
        text = some(table.select_dtypes(exclude=["number", "bool"]))
        raise SbkitError(f"Columns hold numbers, got text in {text}; {fix}.")
    return table.reset_index(drop=True)


def _found(given: str | os.PathLike[str]) -> Path:
    """The file, or a sentence about what the path is instead."""
    path, text = Path(given).expanduser(), os.fspath(given)
    if "://" in text:
        raise SbkitError(f"x is a file on this machine, got an address; try pandas.read_csv({text!r}) as x.")
    if "\n" in text or "\0" in text or len(text) > 1000:
        fix = "pandas.read_csv(io.StringIO(x)) as x"
        raise SbkitError(f"x is the path of a file, got a text of several lines; try {fix}.")
    if not os.path.isfile(path):
        folder = path if os.path.isdir(path) else path.absolute().parent
        there = sorted(file.name for file in folder.glob("*") if file.suffix in (".csv", ".tsv", *PACKED))
        one_of(f"CSV file in {folder}", text, there)
    with path.open("rb") as file:
        start = b"" if path.suffix in PACKED else file.read(4)
    if reader := READERS.get(path.suffix.lower(), READERS.get(start)):
        fix = f"pandas.read_{reader}({str(path)!r}) as x"
        raise SbkitError(f"x is the path of a CSV file, got another kind, {path.name}; try {fix}.")
    return path


def _parsed(path: Path, options: Options, rows: int = MOST) -> pd.DataFrame:
    """The first rows as pandas reads them; the type of a column is found from all of them at once."""
    sep = options.get("sep", options.get("delimiter", ","))
    fast = sep == r"\s+" or (sep is not None and len(sep) == 1)
    fast = fast and not {"engine", "skipfooter"} & set(options)
    engine = {"low_memory": False} if fast else {"engine": "python"}
    given = options.get("nrows")
    most = {} if "skipfooter" in options else {"nrows": rows if given is None else min(rows, given)}
    settings: Any = {**engine, **options, **most}  # pandas takes a foot or a most
    return pd.read_csv(path, **settings)


def _own(table: pd.DataFrame, y: Any) -> Any:
    """The label of the column that y tells, by name or place; None if it tells none."""
    if isinstance(y, str):
        return next((label for label in table if str(label) == y), None)
    whole = isinstance(y, int | np.integer) and not isinstance(y, bool)
    return table.columns[y] if whole and -table.shape[1] <= y < table.shape[1] else None


def _holds(table: pd.DataFrame, y: Any) -> bool:
    """Whether there are several columns, among them the one that y tells, if it tells one."""
    return len(table.columns) > 1 and (
        not isinstance(y, str | int | np.integer) or _own(table, y) is not None
    )


def _fix(path: Path, options: Options, y: Any, read: pd.DataFrame | None = None) -> str:
    """What to try: options or, where they leave text, an expression of numbers; empty if none is found.

    read: the table, where the file can be read and only its numbers may need options.
    """
    more = _searched(path, options, y) if read is None else _marks(read, options, y)
    if not more:
        return ""
    made = named(_parsed(path, {**options, **more}))
    table: Any = made[0]
    own = _own(table, y)
    text = [name for name, column in table.items() if column.dtype.kind not in "biuf" and name != own]
    if not text or (own is not None and table[own].isna().any()):  # a class "NA" has its own sentence
        return f"try {', '.join(_arguments(more))}"
    classes: Any = table.iloc[:, 0].isna() if own is None else table[own]
    source = Source(written(path, {**options, **more}) + made[1], own, own in (None, y))
    return f"try {as_numbers(table[text], classes, source)}"


def _marks(table: pd.DataFrame, options: Options, y: Any) -> dict[str, Any]:
    """The options under which pandas reads columns of text as the numbers they are; empty if none."""
    more: dict[str, Any] = {}
    semicolons = options.get("sep", options.get("delimiter")) == ";"
    for name, column in table.items():
        classes = name == _own(table, y) and column.nunique() <= 2
        told = None if classes or column.dtype.kind != "O" else format_of(column, semicolons)
        more |= told[0] if told and not told[2] else {}
    return {name: value for name, value in more.items() if name not in options}


def _searched(path: Path, options: Options, y: Any) -> dict[str, Any]:
    """Options that make several columns of the file, y among them; empty if none are found."""
    for more in _tried(path, options, y):
        try:
            table = _parsed(path, {**options, **more}, FIRST)
        except Exception:  # not these; the error that made us search is told
            continue
        if len(table) and _holds(table, y):
            return more | _marks(table, {**options, **more}, y)
    return {}


def _tried(path: Path, options: Options, y: Any) -> Iterator[dict[str, Any]]:
    """Combinations of an encoding, lines to skip above the names, and a separator: the likely first."""
    seps = SEPARATORS[:1] if {"sep", "delimiter"} & set(options) else SEPARATORS
    starts = [{}, {"comment": "#"}, *({"skiprows": lines} for lines in range(1, TITLE + 1))]
    starts = starts if isinstance(y, str) else starts[:1]  # a name tells where the rows begin
    spaces = {}, {"skipinitialspace": True}
    for encoding, start, sep, space in product(_encodings(path, options), starts, seps, spaces):
        yield encoding | start | sep | space


def _encodings(path: Path, options: Options) -> list[dict[str, Any]]:
    """What may make text of a file's bytes, the likely first."""
    if path.suffix in PACKED or "compression" in options:
        return [{}, {"encoding": "cp1252"}]
    if (data := path.read_bytes()).startswith(b"\x1f\x8b"):
        return [{"compression": "gzip"}]
    if b"\0" not in data and _decoded(data, options.get("encoding") or "utf-8"):
        return [{}]
    texts = ((name, _decoded(data, name)) for name in (WIDE if b"\0" in data else NARROW))
    return [{"encoding": name} for name, text in texts if text and (name != "cp932" or JAPANESE.search(text))]


def _decoded(data: bytes, encoding: str) -> str:
    """A file's text, empty where it is none of the encoding."""
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        return ""


def _check_header(path: Path, options: Options, y: Any, table: pd.DataFrame) -> None:
    """Refuse a first line that does not name every column once."""
    if {"names", "index_col", "usecols"} & set(options) or options.get("header", 0) not in (0, "infer"):
        return
    look = {name: value for name, value in options.items() if name in LINES}
    header = list(_parsed(path, look | {"header": None, "dtype": str, "keep_default_na": False}, 1).iloc[0])
    if "" in header or (table.index != np.arange(len(table))).any():
        at = header.index("") if "" in header else 0
        got = f"none for {f'column {at}' if at else 'the first'}; if it holds row numbers, try index_col={at}"
        raise SbkitError(f"Every column of {path.name} has a name in its first line, got {got}.")
    if "header" not in options and _is_row(header, table):
        place = ", and y by its place, e.g. y=-1" if isinstance(y, str) else ""
        fix = f"if they are one, try header=None{place}; if they are names, header=0"
        got = f"{some(header)}, which look like a row"
        raise SbkitError(f"The first line of {path.name} holds names, got {got}; {fix}.")
    if twice := {name for name in header if header.count(name) > 1}:
        fix = f"header=0, names={list(numbered(header))}"
        raise SbkitError(f"Columns have different names, got {some(twice)} more than once; try {fix}.")


def _is_row(header: list[str], table: pd.DataFrame) -> bool:
    """Whether a first line looks like a row: fractions, numbers out of order, words of its column."""
    values = np.asarray(pd.to_numeric(pd.Series(header), errors="coerce"), dtype=float)  # (k,), NaN for words
    whole = np.array([name.strip().isdigit() for name in header])  # (k,): years and numbers of columns
    if all(whole):
        return len(header) > 1 and bool((np.diff(values) != 1).any())
    own = [header[i] in set(table.iloc[:, i].astype(str)) for i in np.flatnonzero(~whole)]
    return bool((np.isfinite(values) & ~whole).any()) or (bool(whole.any()) and any(own))


def _check_lost(path: Path, options: Options, y: Any, table: pd.DataFrame) -> None:
    """Refuse classes such as "NA", which pandas reads as missing; y: the label of their column, or None."""
    known = {"keep_default_na", "na_values", "na_filter", "dtype", "converters"} & set(options)
    missing: Any = table.isna()
    if y is None or known or not missing[y].any():
        return
    raw: Any = _parsed(path, {**options, "dtype": str, "keep_default_na": False}).set_axis(table.index)
    empty = {name: sorted(set(raw[name][missing[name]])) for name in table if missing[name].any()}
    classes = [word for word in empty[y] if word and (raw[y] == word).sum() > 1]
    if not classes:
        return
    empty[y] = [""] if "" in empty[y] else []
    empty = {name: texts for name, texts in empty.items() if texts}
    fix = written(path, {**options, "keep_default_na": False, "na_values": empty})
    fix = f"{fix}{'.dropna()' * (not missing.all().any())} as x" if empty else "keep_default_na=False"
    got = f"{some(classes)}, which pandas takes for none"
    raise SbkitError(f"No value is missing from y, got {got}; if that is a class, try {fix}.")
