"""A claim holds when every run lies within its tolerance."""

from __future__ import annotations

import json
import math
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from claims_page import REASONS, UNTOLD, is_tight, table

import sbkit as sb

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def claims(monkeypatch, tmp_path):
    """A file of claims of its own."""
    monkeypatch.setenv("SBKIT_CLAIMS", str(tmp_path / "claims.json"))
    return tmp_path / "claims.json"


def test_lessons_that_run_at_once_keep_all_their_claims(claims):
    sentences = [str(k) for k in range(100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda sentence: sb.claim(sentence, [0.5], (0, 1)), sentences))
    assert sorted(row["claim"] for row in json.loads(claims.read_text())) == sorted(sentences)


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
    assert digits["published"] == "0.5 [A paper, Table 1]" and digits["ours"].startswith("0.5 (0.25 … 0.75")


@pytest.mark.parametrize(("numbers", "within"), [([], (0, 1)), ([1.0], (1, 0))])
def test_nothing_measured_and_nothing_allowed_are_refused(numbers, within):
    with pytest.raises(sb.SbkitError, match="numbers and a range low ≤ high"):
        sb.claim("x", numbers, within)


def test_within_a_distance_of_the_published_number():
    near = sb.claim("x", measured=[0.49, 0.52], published=0.5, within=0.03)
    assert near.holds and near.tolerance == "0.47 to 0.53"
    with pytest.raises(sb.SbkitError, match="distance from a published number"):
        sb.claim("x", measured=[0.5], published="about a half", within=0.03)


def test_what_does_not_reproduce_is_a_verdict_and_checked():
    options = {"within": (0.9, None), "reproduces": False, "reason": "500 rows, 10 dimensions"}
    claim = sb.claim("The complex feature wins", measured=[0.5, 0.6], **options)
    assert claim.as_stated and not claim.holds
    assert claim.verdict == "does not reproduce here: 500 rows, 10 dimensions"
    claim = sb.claim("The complex feature wins", measured=[0.95, 0.96], **options)
    assert not claim.as_stated and claim.verdict == "REPRODUCES AFTER ALL"
    with pytest.raises(sb.SbkitError, match="says why"):
        sb.claim("x", measured=[0.5], within=(0.9, None), reproduces=False)


def test_every_claim_is_kept_once_a_lesson(claims, monkeypatch):
    for lesson, numbers in [("one", [0.4]), ("one", [0.5]), ("two", [0.6])]:
        monkeypatch.setenv("SBKIT_LESSON", f"notebooks/{lesson}.ipynb")
        sb.claim("A | B", measured=numbers, within=(0, 1), published=0.5, source="Paper, Table 1")
    rows = json.loads(claims.read_text())
    assert [(row["lesson"], row["ours"][:3]) for row in rows] == [("one", "0.5"), ("two", "0.6")]
    page, _, listed = table(claims).partition("## Little room")
    head, rule, first, second = [line for line in page.splitlines() if line.startswith("|")]
    assert head.startswith("| lesson | claim | published |") and set(rule) <= set("|- ")
    assert first.endswith("| 0 to 1 | not recorded | one run | holds |  |")
    assert r"A \| B" in first and "two" in second
    assert listed.splitlines()[-1] == r"| two | A \| B | one run | no reason given |"


@pytest.mark.parametrize("origin", ["before", "after", "held-out seeds"])
def test_the_table_says_where_a_tolerance_came_from(claims, origin):
    claim = sb.claim("told", SPREAD, (0, 1), origin=origin)
    assert claim.digits["origin"] == origin and origin not in repr(claim)
    assert f"| 0 to 1 | {origin} |" in table(claims)


def test_an_origin_that_nobody_noted_is_no_before(claims):
    assert sb.claim("x", SPREAD, (0, 1)).digits["origin"] == "not recorded"
    (row,) = json.loads(claims.read_text())
    claims.write_text(json.dumps([{name: text for name, text in row.items() if name != "origin"}]))
    assert "| 0 to 1 | not recorded |" in table(claims)  # kept by an older release


def test_another_origin_is_refused_with_the_nearest():
    with pytest.raises(sb.SbkitError, match="after, held-out seeds. Did you mean 'held-out seeds'"):
        sb.claim("x", SPREAD, (0, 1), origin="held out")


SPREAD = torch.tensor([0.3, 0.4, 0.5])  # its standard deviation is 0.1


@pytest.mark.parametrize(
    ("numbers", "within", "reproduces", "words"),
    [
        (SPREAD, (0, None), True, "3.0"),
        (SPREAD, (None, 0.6), True, "1.0"),
        (SPREAD, (0.1, 0.9), True, "2.0"),
        (SPREAD, (0.3, 1), True, "0.0"),
        (SPREAD, (0.35, 1), True, "-0.5"),
        (SPREAD, (0.35, 1), False, "0.5"),  # one lies outside, by half a deviation
        (SPREAD, (2, None), False, "17"),
        (SPREAD, (0, 1), False, "-3.0"),  # it reproduces after all
        ([1.0, 1.0], (0.9, None), True, "exact"),
        ([0.1] * 10, (0, 0.1), True, "exact"),
        ([0.5], (0, 1), True, "one run"),
        ([0.5, math.nan], (0, 1), True, "nan"),
        (torch.stack([SPREAD, 10 + SPREAD]), (0, None), True, "3.0"),  # over runs, not between settings
        (torch.stack([SPREAD, 10 + SPREAD]), (None, 10), False, "5.0"),
        (torch.stack([SPREAD, torch.ones(3)]), (0.1, None), True, "2.0"),
        (torch.ones(2, 3), (0, None), True, "exact"),
        (torch.tensor(0.5), (0, None), True, "one run"),
    ],
)
def test_room_is_the_worst_run_in_standard_deviations(claims, numbers, within, reproduces, words):
    claim = sb.claim("x", numbers, within, reproduces=reproduces, reason="said")
    assert claim.digits["room"] == words
    (row,) = json.loads(claims.read_text())
    assert is_tight(row) is (words not in ("2.0", "3.0", "5.0", "17"))


@pytest.mark.parametrize(
    ("least", "holds", "room"), [(0.35, True, "0.9"), (0.2, True, "3.5"), (0.45, False, "-0.9")]
)
def test_of_a_mean_each_setting_holds_by_its_standard_error(least, holds, room):
    claim = sb.claim("x", torch.stack([SPREAD, 7 + SPREAD]), (least, None), mean=True)
    assert claim.holds is holds and claim.digits["room"] == room
    assert repr(claim).startswith(f"x [at least {least:g}, mean]")


def test_little_room_is_listed_with_its_reason(claims, monkeypatch):
    monkeypatch.setenv("SBKIT_LESSON", "notebooks/one.ipynb")
    claims.with_name(REASONS).write_text('[one]\n"told" = "no share is above 1"')
    sb.claim("roomy", SPREAD, (0, None))
    for sentence in ("told", "not told"):
        sb.claim(sentence, SPREAD, (0.25, None))
    listed = table(claims).partition("## Little room")[2]
    assert "roomy" not in listed and "| told | 0.5 | no share is above 1 |" in listed
    assert f"| not told | 0.5 | {UNTOLD} |" in listed


def test_every_claim_of_the_course_with_little_room_says_why():
    docs = ROOT / "docs"
    assert UNTOLD not in table(docs / "claims.json")
    rows = json.loads((docs / "claims.json").read_text(encoding="utf-8"))
    told = tomllib.loads((docs / REASONS).read_text(encoding="utf-8"))
    reasons = {(lesson, claim) for lesson, claims in told.items() for claim in claims}
    assert reasons <= {(row["lesson"], row["claim"]) for row in rows}, "of claims that are no more"


@pytest.mark.parametrize("spoiled", ["{", "[1]", '[{"lesson": ""}]'])
def test_a_file_that_cannot_be_read_is_told_and_the_lesson_goes_on(claims, spoiled):
    claims.write_text(spoiled)
    with pytest.warns(UserWarning, match="not kept in .* The lesson goes on"):
        assert sb.claim("x", [0.5], (0, 1)).holds
    assert claims.read_text() == spoiled, "what somebody wrote there is left alone"


def test_no_claims_yet(tmp_path):
    with pytest.raises(sb.SbkitError, match="make notebooks"):
        table(tmp_path / "none.json")


def test_the_table_says_what_came_of_it_at_other_seeds(claims):
    for sentence in ("It stays.", "It goes."):
        sb.claim(sentence, SPREAD, (0, 1))
    rows = json.loads(claims.read_text())
    for row, again in zip(rows, ["0.5: holds", "2: DOES NOT HOLD"], strict=True):
        row["again"] = again
    claims.write_text(json.dumps(rows))
    page, _, listed = table(claims).partition("## Little room")
    assert "1 of 2 claims are there as stated" in page and "| holds | 2: DOES NOT HOLD |" in page
    assert "| It goes. |" in listed and "| It stays. |" not in listed
