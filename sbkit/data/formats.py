"""Text that stands for numbers, in the ways in which people write them, and what reads it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

PLAIN = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
SIGN, GROUP = r"[+-]?", r"[1-9]\d{0,2}"
# what all of a column's texts match → options of pandas' CSV reader, methods of a column of text
FORMATS: dict[str, tuple[dict[str, Any], str]] = {
    PLAIN: ({}, ""),
    rf"{SIGN}({GROUP}(,\d{{3}})+|\d+)(\.\d*)?": ({"thousands": ","}, ".str.replace(',', '')"),
    rf"{SIGN}(\d+,?\d*|,\d+)": ({"decimal": ","}, ".str.replace(',', '.')"),
    rf"{SIGN}({GROUP}(\.\d{{3}})+|\d+)(,\d*)?": (
        {"thousands": ".", "decimal": ","},
        ".str.replace('.', '').str.replace(',', '.')",
    ),
    rf"{SIGN}({GROUP}(\s\d{{3}})+|\d+)(\.\d*)?": ({}, r".str.replace(r'\s', '', regex=True)"),
    rf"{SIGN}({GROUP}(\s\d{{3}})+|\d+)(,\d*)?": (
        {},
        r".str.replace(r'\s', '', regex=True).str.replace(',', '.')",
    ),
    rf"{SIGN}({GROUP}('\d{{3}})+|\d+)(\.\d*)?": ({"thousands": "'"}, '.str.replace("\'", "")'),
    rf"{PLAIN}\s*%": ({}, ".str.rstrip('% ')"),
    rf"{SIGN}(\d+,?\d*|,\d+)\s*%": ({}, ".str.rstrip('% ').str.replace(',', '.')"),
    rf"[$€£¥]\s*{PLAIN}|{PLAIN}\s*[$€£¥]": ({}, ".str.strip('$€£¥ ')"),
    rf"[$€£¥]\s*{SIGN}({GROUP}(,\d{{3}})+|\d+)(\.\d*)?": ({}, ".str.strip('$€£¥ ').str.replace(',', '')"),
}
MOSTLY = 0.7  # of a column's texts are numbers: the others are typos, or stand for nothing


class Told(NamedTuple):
    """How a column of text writes numbers: its pattern, options, methods, and the texts that are none."""

    pattern: str
    options: dict[str, Any]
    methods: str
    wrong: list[str]


def format_of(column: pd.Series, semicolons: bool = False) -> Told | None:
    """The format of most of a column's texts, None where it is words.

    semicolons: they separate the columns, so that a comma is a decimal one.
    """
    texts = [text.strip() for text in column.dropna().astype(str).unique()]
    order = list(FORMATS.items())
    if semicolons:
        order.sort(key=lambda item: "decimal" not in item[1][0])
    best: Told | None = None
    for pattern, (options, methods) in order:
        wrong = [text for text in texts if not re.fullmatch(pattern, text)]
        if best is None or len(wrong) < len(best.wrong):
            best = Told(pattern, options, methods, wrong)
    return best if best and len(best.wrong) <= (1 - MOSTLY) * len(texts) else None
