"""The stage's JavaScript files as one module, and its style: no build step, no network."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

from sbkit.plots.words import words

FOLDER = Path(__file__).parent / "stage"
ENTRIES = ("stage.js", "replay.js")  # the live stage, and what plays recorded frames
IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?function|class|const)", re.MULTILINE)


@cache
def script() -> str:
    """All files as one ES module, each after those it imports, and the catalogue of its words.

    It exports the anywidget's `render`.

    >>> script().count("import {"), script().count("export ")
    (0, 1)
    """
    parts: dict[str, str] = {}
    for entry in ENTRIES:
        _join(entry, parts)
    return "\n".join([*parts.values(), f"learn({json.dumps(words(), ensure_ascii=False)});"])


def _join(name: str, parts: dict[str, str]) -> None:
    if name in parts:
        return
    text = (FOLDER / name).read_text(encoding="utf-8")
    for needed in IMPORT.findall(text):
        _join(needed, parts)
    parts[name] = EXPORT.sub("", IMPORT.sub("", text))


def loader() -> str:
    """What anywidget is given: a module that gets the stage's own from the panel, once a page."""
    return (FOLDER / "loader.js").read_text(encoding="utf-8")


@cache
def replay_script() -> str:
    """The same files as a module that exports nothing and can stand inside a page."""
    return re.sub(r"^export default .*\n", "", script(), flags=re.MULTILINE).replace("</script", "<\\/script")


@cache
def style() -> str:
    """The style sheet of the stage."""
    return (FOLDER / "stage.css").read_text(encoding="utf-8")
