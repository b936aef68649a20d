"""A dial of a lesson that is a word refuses every other word before any training: no silent default."""

import json
from pathlib import Path
from typing import Any

import pytest

import sbkit as sb
from sbkit.lessons.sparsity import are_two_trained_nets_connected, does_instability_help, pruning_in_blocks
from sbkit.lessons.wide import fifty_models_one_patient, knowing_what_one_does_not_know

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
WORDS = [
    ("5-sparsity/02", are_two_trained_nets_connected, {"born": "allike"}, "alike"),
    ("5-sparsity/03", pruning_in_blocks, {"score": "largst"}, "largest"),
    ("5-sparsity/04", does_instability_help, {"target": "lrge"}, "large"),
    ("6-wide/04", knowing_what_one_does_not_know, {"readings": "shakn"}, "shaken"),
    ("6-wide/04", knowing_what_one_does_not_know, {"when": "dya"}, "day"),
    ("6-wide/05", fifty_models_one_patient, {"births": "sme"}, "same"),
    ("6-wide/05", fifty_models_one_patient, {"orders": "sme"}, "same"),
]


@pytest.mark.parametrize(("path", "extra", "dial", "near"), WORDS, ids=[str(row[2]) for row in WORDS])
def test_a_word_that_no_dial_has_gets_a_sentence(path, extra, dial, near):
    [notebook] = NOTEBOOKS.glob(f"{path}-*.ipynb")
    names: dict[str, Any] = {"sb": sb, "extra": extra}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and any(made in source for made in ("def lesson(", "options = {")):
            exec(source.split("\nsb.last(")[0], names)  # noqa: S102
    with pytest.raises(sb.SbkitError, match=f"Did you mean '{near}'"):
        names["lesson"](**dial)
