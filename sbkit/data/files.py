"""CSV files as people have them: pandas' own options, and those that a file needs, found by trying."""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sbkit.core import SbkitError

if TYPE_CHECKING:
    import pandas as pd

# Rows at most, for a live picture: ordering an epoch of 10⁶ for eight runs takes ¼ s, of 10⁷ over 2 s.
MOST = 1_000_000
OTHERS = {  # what is no CSV, by its first bytes or its name
    b"PK\x03\x04": "read_excel",
    b"\xd0\xcf\x11\xe0": "read_excel",
    b"PAR1": "read_parquet",
    b"\x89HDF": "read_hdf",
    ".xlsx": "read_excel",
    ".xls": "read_excel",
    ".ods": "read_excel",
    ".parquet": "read_parquet",
    ".feather": "read_feather",
    ".json": "read_json",
    ".dta": "read_stata",
    ".sav": "read_spss",
}
PACKED = (".gz", ".bz2", ".zip", ".xz", ".zst", ".tar")
PIECES = ("filepath_or_buffer", "iterator", "chunksize")  # options that read no table


def check_options(options: Mapping[str, Any], own: list[str]) -> None:
    """Refuse what neither `table` (its own options: `own`) nor pandas' reader takes."""
    import pandas as pd

    known = [*own, *inspect.signature(pd.read_csv).parameters]
    for name in options:
        if name in PIECES:
            raise SbkitError(f"A file is read whole, got {name}; leave it out.")
        if name not in known:
            near = [one for one in known if name.startswith(one) or one.startswith(name)]
            near = near or difflib.get_close_matches(name, sorted(set(known) - set(PIECES)), n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(own)} and pandas' own."
            raise SbkitError(f"No option of sb.data.table or pandas.read_csv is named {name!r}. {hint}")


def is_path(given: Any) -> bool:
    """Whether something names a file."""
    return isinstance(given, str | os.PathLike)


def parsed(path: Path, options: Mapping[str, Any], rows: int) -> pd.DataFrame:
    """The first rows as pandas reads them; columns of mixed kinds are told by all of their rows."""
    import pandas as pd

    sep = options.get("sep", options.get("delimiter", ","))
    fast = sep is not None and (len(sep) == 1 or sep == r"\s+") and "skipfooter" not in options
    engine: Any = {"low_memory": False} if fast else {"engine": "python"}
    if "engine" in options or "low_memory" in options:
        engine = {}
    if "skipfooter" not in options:  # pandas takes one of them
        engine["nrows"] = min(rows, rows if options.get("nrows") is None else options["nrows"])
    return pd.read_csv(path, **{**options, **engine})


def written(given: Any, options: Mapping[str, Any]) -> str:
    """How a reader writes what reads the file."""
    return f"pandas.read_csv({', '.join([repr(str(given)), *arguments(options)])})"


def arguments(options: Mapping[str, Any]) -> list[str]:
    """Options as a reader writes them."""
    return [f"{name}={value!r}" for name, value in options.items()]


def found(given: str | os.PathLike[str], options: Mapping[str, Any]) -> Path:
    """The file, or a sentence about what the path is instead."""
    text = os.fspath(given)
    if "://" in text[:12]:
        raise SbkitError(f"x is a file on this machine, got an address; try pandas.read_csv({text!r}) as x.")
    if "\n" in text or "\0" in text or len(text) > 1000:
        raise SbkitError(
            "x is the path of a CSV file, got a text of several lines; "
            "try pandas.read_csv(io.StringIO(x)) as x."
        )
    path = Path(text).expanduser()
    folder = path if path.is_dir() else path.absolute().parent
    if not path.is_file():
        there = sorted(file.name for file in folder.glob("*") if file.suffix in (".csv", ".tsv", *PACKED))
        near = difflib.get_close_matches(path.name, there, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        shown = ", ".join(there[:5]) + (f" and {len(there) - 5} more" if len(there) > 5 else "")
        raise SbkitError(
            f"x is the path of a CSV file, and {text!r} is {'a folder' if path.is_dir() else 'none'}; "
            f"in {folder} there {f'are {shown}' if there else 'is no CSV file'}.{hint}"
        )
    if "compression" not in options:
        _check_kind(path)
    return path


def _check_kind(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(4)
    reader = OTHERS.get(path.suffix.lower()) or (None if path.suffix in PACKED else OTHERS.get(start))
    if reader:
        raise SbkitError(
            f"x is the path of a CSV file, got another kind, {path.name}; "
            f"try pandas.{reader}({str(path)!r}) as x."
        )
    if start.startswith(b"\x1f\x8b") and path.suffix not in PACKED:
        raise SbkitError(
            f"{path.name} is packed by gzip, and its name does not say so; try compression='gzip'."
        )
