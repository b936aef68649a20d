"""Which of pandas' options a CSV file needs: separator, encoding, marks of numbers, found by trying."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sbkit.core import SbkitError
from sbkit.data.columns import Source, as_numbers
from sbkit.data.files import MOST, PACKED, arguments, found, parsed, written
from sbkit.data.formats import format_of

if TYPE_CHECKING:
    import pandas as pd

LOOKED = 1000  # rows that are read to try a dialect
TITLE = 5  # lines above the names, at most
LIKELY = {"cp932": "Japanese", "cp1252": "Western", "cp1251": "Cyrillic", "gb18030": "Chinese"}
SEPARATORS = (";", "\t", "|", ",")
Options = Mapping[str, Any]


def dialect(path: Path, options: Options, y: Any) -> dict[str, Any]:
    """Further options under which the file has several columns, y among them; empty if none is found."""
    for more in _dialects(path, options, y):
        try:
            table = parsed(path, {**options, **more}, LOOKED)
        except Exception:  # not this one; whoever asks tells the error that made them ask
            continue
        if len(table.columns) > 1 and len(table) and _holds(table, y):
            return more | number_options(table, {**options, **more}, y)
    return {}


def advice(path: Path, options: Options, y: Any) -> str:
    """What to try with a file that cannot be read."""
    more = dialect(path, options, y)
    if not more:
        return f"look at its first lines, e.g. open({str(path)!r}, 'rb').read(500)"
    return _encoded(path, more) + _fix(path, options, more, y)


def check_separated(path: Path, options: Options, y: Any, table: pd.DataFrame) -> None:
    """Refuse a table without y, or of one column, if the file makes a better one by other options."""
    alone = len(table.columns) < 2 and (isinstance(y, str | int) or table.dtypes.iloc[0].kind == "O")
    more = dialect(path, options, y) if alone or not _holds(table, y) else {}
    if more:
        names = ", ".join(repr(str(name)) for name in table.columns[:5])
        raise SbkitError(
            f"{path.name} has a column for y and others, got {names}; {_fix(path, options, more, y)}."
        )


def mended(given: Any, options: Options, columns: pd.DataFrame, y: Any) -> str:
    """What to try with a file's columns of text; y: name or place of the answers, if the file holds them."""
    path = found(given, options)
    more = dialect(path, options, y) if columns.shape[1] == 1 else {}
    if not {"sep", "encoding"} & set(more):
        more = number_options(columns, options)
    return _fix(path, options, more, y)


def _fix(path: Path, options: Options, more: Options, y: Any) -> str:
    """What to try: options alone or, where text is left under them, the table with numbers for it."""
    table = parsed(path, {**options, **more}, MOST).reset_index(drop=True)
    labels = {str(label): label for label in table}
    named = table.set_axis(list(labels), axis=1)
    own = str(table.columns[y]) if _is_place(y, table) else y if isinstance(y, str) else None
    text = [name for name, column in named.items() if column.dtype.kind not in "biuf" and name != own]
    if not text:
        return f"try {', '.join(arguments(more))}"
    answers = named[[own]] if own else named.iloc[:, :1].isna()
    source = Source(written(path, {**options, **more}), labels, own)
    return f"try {as_numbers(named[text], answers, source)}"  # pyright: ignore


def number_options(table: pd.DataFrame, options: Options, y: Any = None) -> dict[str, Any]:
    """The options under which columns of text that are numbers are read as such; empty if none are."""
    more: dict[str, Any] = {}
    semicolons = options.get("sep", options.get("delimiter")) == ";"
    for name, column in table.items():
        told = format_of(column, semicolons) if column.dtype.kind == "O" and name != y else None
        if told and not told.wrong:
            more |= told.options
    return {name: value for name, value in more.items() if name not in options}


def check_missing_classes(
    given: Any, options: Options, answers: pd.DataFrame, at: int, x: pd.DataFrame
) -> None:
    """Refuse classes such as "NA", which pandas takes for no value; at: the answers' place in the file."""
    lost = answers.iloc[:, 0].isna().to_numpy()  # (n,)
    if not lost.any() or {"keep_default_na", "na_values", "na_filter", "dtype"} & set(options):
        return
    raw = parsed(found(given, options), {**options, "dtype": str, "keep_default_na": False}, MOST)
    words = raw.iloc[:, at].to_numpy()[lost]
    classes, counts = np.unique(words[words != ""].astype(str), return_counts=True)
    if not len(classes) or counts.max() < 2:
        return
    texts = raw.drop(columns=raw.columns[at]).set_axis(list(x), axis=1)
    lacking = {name: sorted(set(texts[name][column.isna().to_numpy()])) for name, column in x.items()}
    lacking = {name: own for name, own in lacking.items() if own}
    empty = lacking | {raw.columns[at]: [""]} if lacking else [""]
    more = {"keep_default_na": False, "na_values": empty}
    whole = "" in words or lacking
    fix = f"{written(given, {**options, **more})}.dropna() as x" if whole else ", ".join(arguments(more))
    raise SbkitError(
        f"No value is missing from y, got {', '.join(map(repr, classes[:5].tolist()))} in "
        f"{int(counts.sum()):,} rows, which pandas takes for none; if that is a class, try {fix}."
    )


def _dialects(path: Path, options: Options, y: Any) -> Iterator[dict[str, Any]]:
    """Encodings that read the whole file, with what may stand above the names, with each separator."""
    own = {"sep", "delimiter"} & set(options)
    separators = [{}] if own else [{}, *({"sep": sep} for sep in SEPARATORS)]
    looks = [sep | space for sep in separators for space in ({}, {"skipinitialspace": True})]
    looks += [] if own else [{"sep": r"\s+"}]
    starts = [{}, {"comment": "#"}, *({"skiprows": lines} for lines in range(1, TITLE + 1))]
    for encoding in _encodings(path, options):
        for start in starts if isinstance(y, str) else starts[:1]:  # a name tells where the rows begin
            for look in looks:
                yield encoding | start | look


def _encodings(path: Path, options: Options) -> list[dict[str, Any]]:
    if path.suffix in PACKED or "compression" in options:
        return [{}, *({"encoding": name} for name in LIKELY)]
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return [{"encoding": "utf-16"}]
    if 2 * data[1:200:2].count(0) > len(data[1:200:2]):
        return [{"encoding": "utf-16-le"}]
    if 2 * data[0:200:2].count(0) > len(data[0:200:2]):
        return [{"encoding": "utf-16-be"}]
    if _decodes(data, options.get("encoding") or "utf-8") is not None:
        return [{}]
    if _decodes(data, "utf-8") is not None:
        return [{"encoding": "utf-8"}]
    names = ("cp932", "cp1252") if _is_japanese(_decodes(data, "cp932") or "") else ("cp1252", "latin-1")
    return [{"encoding": name} for name in names if _decodes(data, name) is not None]


def _is_japanese(text: str) -> bool:
    """Whether most of a text's letters beyond ASCII are kana and kanji, and stand side by side."""
    wide = sum(not letter.isascii() for letter in text)
    east = ["\u3000" <= letter <= "\u9fff" or "\uff00" <= letter <= "\uffef" for letter in text]
    pairs = sum(a and b for a, b in zip(east, east[1:], strict=False))
    return 2 * sum(east) > wide and 2 * pairs >= sum(east) > 0


def _decodes(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _encoded(path: Path, more: Options) -> str:
    """What an encoding makes of the file's first word that is not ASCII, for the reader to judge."""
    encoding = more.get("encoding", "utf-8")
    if encoding.startswith("utf") or path.suffix in PACKED:
        return ""
    words = path.read_bytes().decode(encoding, "replace").split()
    strange = next((word for word in words if not word.isascii()), "")
    return f"{encoding} makes {strange[:40]!r} of it; "


def _holds(table: pd.DataFrame, y: Any) -> bool:
    """Whether y names one of the columns, if it names any."""
    if isinstance(y, str):
        return y in map(str, table)
    return not isinstance(y, int | np.integer) or _is_place(y, table)


def _is_place(y: Any, table: pd.DataFrame) -> bool:
    whole = isinstance(y, int | np.integer) and not isinstance(y, bool)
    return whole and int(y) in range(-len(table.columns), len(table.columns))
