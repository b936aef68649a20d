"""A claim holds when every run lies within its tolerance."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch

import sbkit as sb


@pytest.mark.parametrize("as_type", [list, np.array, torch.tensor, pd.Series])
def test_numbers_may_come_as_anything(as_type):
    assert sb.claim("x", as_type([0.0, 0.5]), (0, 1)).holds


@pytest.mark.parametrize(
    ("numbers", "within", "holds", "words"),
    [
        ([0.49, 0.51], (0.47, 0.53), True, "0.47 to 0.53"),
        ([0.49, 0.54], (0.47, 0.53), False, "0.47 to 0.53"),
        ([[1.0], [0.99]], (0.99, None), True, "at least 0.99"),
        ([2.0], (None, 1), False, "at most 1"),
        ([math.nan, 0.5], (0, 1), False, "0 to 1"),
    ],
)
def test_every_run_counts(numbers, within, holds, words):
    claim = sb.claim("The sentence", numbers, within)
    assert claim.holds is holds
    assert repr(claim) == f"The sentence [{words}, every run]: {'holds' if holds else 'DOES NOT HOLD'}"


def test_digits_stand_beside_the_published_number():
    digits = sb.claim("x", [0.25, 0.75], (0, 1), published=0.5, source="A paper, Table 1").digits
    assert digits["published"] == "0.5 [A paper, Table 1]" and digits["ours"].startswith(
        "0.5000 (0.2500 … 0.75"
    )


@pytest.mark.parametrize(("numbers", "within"), [([], (0, 1)), ([1.0], (1, 0))])
def test_nothing_measured_and_nothing_allowed_are_refused(numbers, within):
    with pytest.raises(sb.SbkitError, match="numbers and a range low ≤ high"):
        sb.claim("x", numbers, within)
