"""CSV files of every dialect: read by pandas' own options, which the sentences name."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from cases import told
from data.test_advice import CITY, COIN, ROUND, SIZE, TABLE, N, advised, followed

import sbkit as sb

WORDS = TABLE.assign(bought=np.where(COIN, "oui, été", "non"))
JAPAN = TABLE.assign(bought=np.where(COIN, "買った", "いいえ")).rename(columns={"size": "大きさ"})
FRACTIONS = pd.DataFrame(
    {"size": SIZE.round(3), "price": (ROUND / 100).round(2), "bought": np.where(COIN, "yes", "no")}
)


def csv(table=TABLE, **options) -> str:
    return table.to_csv(index=False, **options)


def german(table=FRACTIONS) -> str:
    return csv(
        table.assign(price=[f"{v:,.2f}".translate(str.maketrans(",.", ".,")) for v in table["price"]]),
        sep=";",
        decimal=",",
    )


DIALECTS = {
    "semicolons": (csv(sep=";"), "bought"),
    "tabs": (csv(sep="\t"), "bought"),
    "pipes": (csv(sep="|"), "bought"),
    "semicolons, the last": (csv(sep=";"), -1),
    "semicolons, the third": (csv(sep=";"), 2),
    "blanks": (csv(sep=" "), "bought"),
    "semicolons and commas": (csv(FRACTIONS, sep=";", decimal=","), "bought"),
    "German": (german(), "bought"),
    "quoted commas": (csv(FRACTIONS, decimal=","), "bought"),
    "thousands": (csv(TABLE.assign(price=[f"{v:,}" for v in ROUND])), "bought"),
    "percent": (csv(TABLE.assign(share=[f"{v:.1f}%" for v in SIZE])), "bought"),
    "percent and semicolons": (
        csv(FRACTIONS.assign(share=[f"{v:.1f}%" for v in SIZE]), sep=";", decimal=","),
        "bought",
    ),
    "a typo": (csv(TABLE.assign(share=["3.l4", *SIZE[1:]])), "bought"),
    "words": (csv(TABLE.assign(city=CITY)), "bought"),
    "words and semicolons": (csv(FRACTIONS.assign(city=CITY), sep=";", decimal=","), "bought"),
    "spaces": (csv().replace(",", ", "), "bought"),
    "latin-1": (csv(WORDS).encode("latin-1"), "bought"),
    "cp1252, semicolons": (csv(WORDS, sep=";").encode("cp1252"), "bought"),
    "cp932": (csv(JAPAN).encode("cp932"), "bought"),
    "utf-16": (csv(JAPAN).encode("utf-16"), "bought"),
    "utf-16 of a spreadsheet": (csv(WORDS, sep="\t").encode("utf-16"), "bought"),
    "utf-16 without a mark": (csv().encode("utf-16-le"), "bought"),
    "no header": (csv(TABLE.assign(bought=COIN), header=False), 2),
    "no header, words": (csv(header=False), 2),
    "no header, a name": (csv(header=False), "bought"),
    "row numbers": (TABLE.to_csv(), "bought"),
    "row numbers without a name": (TABLE.set_axis(range(7, 7 + N)).to_csv().removeprefix(","), "bought"),
    "a title": ("Sales of 2020\n\n" + csv(), "bought"),
    "a title, semicolons": ("Sales of 2020;;\n" + csv(sep=";"), "bought"),
    "a column without a name": (csv(TABLE.assign(**{"": 1})[["size", "age", "", "bought"]]), "bought"),
    "same names": (csv(TABLE.assign(other=SIZE).rename(columns={"other": "age"})), "bought"),
    "NA as a class": (csv(TABLE.replace({"no": "NA"})), "bought"),
    "None as a class": (csv(TABLE.replace({"no": "None"})), "bought"),
    "NA as a class, and missing": (
        csv(TABLE.assign(age=TABLE["age"].where(TABLE.index > 2)).replace({"no": "NA"})),
        "bought",
    ),
    "missing": (csv(TABLE.assign(age=TABLE["age"].where(TABLE.index > 2))), "bought"),
    "labels with spaces": (csv(TABLE).replace("yes\n", "yes \n", 5), "bought"),
    "a quantity with commas": (csv(FRACTIONS[["size", "price"]], decimal=","), "price"),
    "a comment": ("# made by hand, in 2020\n" + csv(), "bought"),
    "gzip": (gzip.compress(csv().encode()), "bought"),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_advice_reads_the_file(written, dialect):
    text, y = DIALECTS[dialect]
    path = written(text)
    says = advised((path, y))
    if "header=None, and y" in says:
        says, y = says.replace(", and y by its place, e.g. y=-1; if they are names, header=0", ""), -1
    task = followed(says.replace("; if they are names, header=0", ""), path, y)
    assert isinstance(task, sb.Task) and len(task.y) + len(task.y_test) >= N - 3


CITIES = TABLE.assign(city=CITY)[["city", "size", "age", "bought"]]


@pytest.mark.parametrize("sep", [";", ","])
def test_a_place_is_of_the_column_that_stood_there(written, sep):
    """One-hot columns stand last: the advice for y=-1 names the column."""
    path = written(csv(CITIES, sep=sep))
    assert followed(advised((path, -1)), path, -1).names == ("no", "yes")


def test_sentences_lead_to_one_another(written):
    """A class NA, words, an empty column and semicolons: each advice is done, then the next is told."""
    x, options, told = written(csv(CITIES.assign(age=None).replace({"no": "NA"}), sep=";")), {}, 0
    while told < 6:
        try:
            task = sb.data.table(x, "bought", **options)
            break
        except sb.SbkitError as error:
            advice, told = str(error).rpartition(" try ")[2].removesuffix(".").removesuffix(" as x"), told + 1
        if advice.startswith("sep="):
            options = eval(f"dict({advice})")
        else:
            x, options = eval(advice, {"pandas": pd, "table": x}), {}
    assert task.names == ("NA", "yes") and "city_Oslo" in task.features


def test_numbers_are_what_was_written(written):
    path = written(german())
    task = sb.data.table(path, -1, sep=";", decimal=",", thousands=".")
    assert torch.equal(task.z, sb.data.table(FRACTIONS, "bought").z) and task.names == ("no", "yes")


READ = {
    "a byte order mark": (csv().encode("utf-8-sig"), {}),
    "row numbers without a name": (TABLE.to_csv().removeprefix(","), {}),
    "CRLF": (csv(lineterminator="\r\n"), {}),
    "quoted numbers": (csv(quoting=1), {}),
    "sniffed": (csv(sep=";"), {"sep": None}),
    "two letters": (csv().replace(",", "::"), {"sep": "::"}),
    "no header": (csv(header=False), {"header": None}),
    "names": (csv(header=False), {"names": ["a", "b", "bought"]}),
    "lines before": ("by hand\n\n" + csv(), {"skiprows": 2}),
    "comments": ("# by hand\n" + csv(), {"comment": "#"}),
    "some columns": (csv(TABLE.assign(city=CITY)), {"usecols": ["size", "age", "bought"]}),
    "row labels": (csv(TABLE.assign(city=CITY)), {"index_col": "city"}),
    "types": (csv(), {"dtype": {"age": float}}),
    "a converter": (csv(TABLE.assign(age="5%")), {"converters": {"age": lambda text: len(text)}}),
    "some rows": (csv(), {"nrows": 60}),
    "another engine": (csv(), {"engine": "python"}),
    "a foot": (csv() + "the end\n", {"skipfooter": 1}),
    "packed": (gzip.compress(csv().encode()), {"compression": "gzip"}),
    "years for names": (csv(TABLE.rename(columns={"size": "2019", "age": "2020"})), {}),
    "numbers for names": (csv(pd.DataFrame(np.c_[SIZE, ROUND, COIN])), {}),
    "any numbers for names": (csv(pd.DataFrame(np.c_[SIZE, ROUND, COIN], columns=[7, 3, 5])), {"header": 0}),
}


@pytest.mark.parametrize("kind", READ)
def test_reads(written, kind):
    text, options = READ[kind]
    task = sb.data.table(written(text), -1, **options)
    assert task.outputs == 2 and len(task.y) + len(task.y_test) == options.get("nrows", N)


def test_paths(written, monkeypatch):
    written(csv())
    monkeypatch.setenv("HOME", str(Path.cwd()))
    Path("file.csv.gz").write_bytes(gzip.compress(csv().encode()))
    with zipfile.ZipFile("file.zip", "w") as file:
        file.write("file.csv")
    for path in ("~/file.csv", Path("~/file.csv"), "file.csv.gz", "file.zip", "./file.csv"):
        assert len(sb.data.table(path, "bought").y) == N * 3 // 4


REFUSED = {
    "an address": (
        "https://example.org/a.csv",
        r"try pandas\.read_csv\('https://example\.org/a\.csv'\) as x",
    ),
    "a text": (csv(), r"got a text of several lines; try pandas\.read_csv\(io\.StringIO\(x\)\)"),
    "a long text": ("a" * 5000, "got a text"),
    "a folder": (".", r"No CSV file in \. named '\.'; there are file\.csv"),
    "another name": ("flie.csv", "No CSV file in .*Did you mean 'file.csv'"),
    "a spreadsheet": (
        "table.xlsx",
        r"another kind, table\.xlsx; try pandas\.read_excel\('table\.xlsx'\) as x",
    ),
    "a spreadsheet by another name": ("table.csv", "another kind, table.csv; try pandas.read_excel"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_file_to_read(written, case):
    written(csv())
    for name in ("table.xlsx", "table.csv"):
        Path(name).write_bytes(b"PK\x03\x04 and so on")
    path, says = REFUSED[case]
    with pytest.raises(sb.SbkitError, match=says):
        sb.data.table(path, "bought")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"seperator": ";"}, "named 'seperator'. Did you mean 'sep'"),
        ({"standardise": True}, "Did you mean 'standardize'"),
        ({"chunksize": 5}, "read whole, got chunksize; leave it out"),
        ({"sep": 5}, "file.csv cannot be read as CSV: .*"),
        ({"encoding": "utf-9"}, "file.csv cannot be read as CSV: unknown encoding: utf-9"),
        ({"usecols": ["nothing"]}, "file.csv cannot be read as CSV: .*'nothing'"),
        ({"compression": "gzip"}, "file.csv cannot be read as CSV: Not a gzipped file"),
        (
            {"converters": {"age": lambda text: text / 2}},
            "file.csv cannot be read as CSV: unsupported operand",
        ),
    ],
    ids=told,
)
def test_options_that_do_not_go(written, options, says):
    path = written(csv())
    with pytest.raises(sb.SbkitError, match=says):
        sb.data.table(path, "bought", **options)


def test_places_of_y_and_of_features():
    for y in (2, -1, np.int64(-1), "bought"):
        assert list(sb.data.table(TABLE, y, {"last": -1}).features) == ["last", "size"]
    for y in (3, -4):
        with pytest.raises(
            sb.SbkitError, match=f"from 0 to 2, or from −1 to −3 backwards, got {y}; there are"
        ):
            sb.data.table(TABLE, y)
