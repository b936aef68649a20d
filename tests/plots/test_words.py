"""The catalogue of labels and captions: every text is used, and every text that is used is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sbkit.plots.words import say, words

PACKAGE = Path(__file__).parents[2] / "sbkit"
SOURCES = [path.read_text() for path in [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.js")]]
USED = {use for text in SOURCES for use in re.findall(r'\bsay\(\s*"(\w+)",\s*"(\w+)"', text)}
TEXTS = [(part, name) for part, names in words().items() for name in names]


def test_what_is_said_is_in_the_catalogue():
    assert len(USED) > 30 and not USED - set(TEXTS)


@pytest.mark.parametrize(("part", "name"), TEXTS)
def test_what_is_in_the_catalogue_is_said(part, name):
    assert any(f'"{part}"' in text and re.search(rf'"{name}"|\b{name}:', text) for text in SOURCES)


def test_places_are_filled():
    assert say("axes", "layer", i=2) == "layer 2"
    with pytest.raises(KeyError):
        say("axes", "layer")
