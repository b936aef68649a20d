"""A dial of a lesson that is a word refuses every other word before any training: no silent default."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import sbkit as sb
from sbkit.lessons.gallery import (
    arithmetic_that_extrapolates,
    complex_attention,
    optimizing_by_discriminating,
    six_hundred_labels,
)
from sbkit.lessons.simplicity import real_pixels, what_does_not_help
from sbkit.lessons.sparsity import are_two_trained_nets_connected, does_instability_help, pruning_in_blocks
from sbkit.lessons.training import (
    a_signal_through_twenty_layers,
    attacks_that_teach,
    two_hundred_numbers,
)
from sbkit.lessons.wide import fifty_models_one_patient, knowing_what_one_does_not_know

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
WORDS = [
    ("1-simplicity/06", what_does_not_help, {"features": "ten alik"}, "ten alike"),
    ("1-simplicity/07", real_pixels, {"net": "conwnet"}, "convnet"),
    ("1-simplicity/07", real_pixels, {"bottom": "even/od"}, "even/odd"),
    ("5-sparsity/02", are_two_trained_nets_connected, {"born": "allike"}, "alike"),
    ("5-sparsity/03", pruning_in_blocks, {"score": "largst"}, "largest"),
    ("5-sparsity/04", does_instability_help, {"target": "lrge"}, "large"),
    ("6-wide/04", knowing_what_one_does_not_know, {"readings": "shakn"}, "shaken"),
    ("6-wide/04", knowing_what_one_does_not_know, {"when": "dya"}, "day"),
    ("6-wide/05", fifty_models_one_patient, {"births": "sme"}, "same"),
    ("6-wide/05", fifty_models_one_patient, {"orders": "sme"}, "same"),
    ("7-training/04", attacks_that_teach, {"kind": "wrap"}, "warp"),
    ("7-training/05", a_signal_through_twenty_layers, {"penalty": "fre"}, "free"),
    ("7-training/06", two_hundred_numbers, {"train": "nrom"}, "norm"),
    ("8-gallery/02", arithmetic_that_extrapolates, {"layer": "NMUU"}, "NMU"),
    ("8-gallery/02", arithmetic_that_extrapolates, {"operation": "multipy"}, "multiply"),
    ("8-gallery/02", arithmetic_that_extrapolates, {"clamped": "in net"}, "in the net"),
    ("8-gallery/03", complex_attention, {"numbers": "complx"}, "complex"),
    ("8-gallery/03", complex_attention, {"weights": "quiet"}, "quieter"),
    ("8-gallery/05", six_hundred_labels, {"model": "netz"}, "net"),
    ("8-gallery/06", optimizing_by_discriminating, {"function": "bowls"}, "bowl"),
]


@pytest.mark.parametrize(("path", "extra", "dial", "near"), WORDS, ids=[str(row[2]) for row in WORDS])
def test_a_word_that_no_dial_has_gets_a_sentence(path, extra, dial, near):
    [notebook] = NOTEBOOKS.glob(f"{path}-*.ipynb")
    names: dict[str, Any] = {"sb": sb, "extra": extra}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and any(made in source for made in ("def lesson(", "options = {")):
            exec(re.split(r"\n(?:sb\.last|sb\.lab|found =|ends =)", source)[0], names)  # noqa: S102
    with pytest.raises(sb.SbkitError, match=f"Did you mean '{near}'"):
        names["lesson"](**dial)
