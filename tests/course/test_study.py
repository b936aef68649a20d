"""A reader's own study runs at seeds that nobody has seen, and holds or doesn't."""

from __future__ import annotations

import math

import pytest
import torch

import sbkit as sb
from sbkit.course.check import SEEDS, UNSEEN


def test_it_runs_at_new_seeds_every_time():
    seen = []
    for _ in range(2):
        assert sb.check.study(lambda seed: seen.append(seed) or torch.rand(3), within=(0, 1))
    assert len(set(seen)) == 2 * SEEDS and all(seed in UNSEEN for seed in seen)


def test_a_forecast_holds_if_every_number_lies_within():
    held = sb.check.study(lambda seed: torch.tensor([0.45, 0.55]), within=(0.4, 0.6))
    assert held and "10 of 10 numbers" in held.sentence and "from 0.45 to 0.55" in held.sentence
    failed = sb.check.study(lambda seed: torch.tensor([0.4, 0.7]), within=(None, 0.6))
    assert not failed and "5 of 10" in failed.sentence and "doesn't hold" in failed.sentence
    assert not sb.check.study(lambda seed: [0.5, math.nan], within=(0, 1)), "NaN never lies within"


def test_a_real_study_of_the_course():
    def reliance(seed):
        task = sb.lms(5, dim=3, n=512, n_test=512, seed=seed)
        fleet = sb.mlp(task, width=16, runs=2, seed=seed)
        sb.last(sb.fit(fleet, task, steps=200, lr=0.1, measure=[]))
        return sb.reliance(fleet, task)[:, 0]

    assert sb.check.study(reliance, within=(0.3, 0.6))


@pytest.mark.parametrize(
    ("measure", "within", "says"),
    [
        (..., (0, 1), "No answer yet"),
        (lambda seed: 1.0, ..., "No answer yet"),
        (lambda seed: 1.0, (None, None), "can be wrong"),
        (lambda seed: 1.0, (1, 0), "lower bound first"),
        (lambda seed: 1.0, (math.nan, 1), "lower bound first"),
        (lambda seed: 1.0, "wide", "within is (low, high)"),
        (lambda seed: 1.0, 0.5, "within is (low, high)"),
        (0.5, (0, 1), "A function of seed is expected; got 0.5."),
        (lambda: 1, (0, 1), "the function stopped: TypeError"),
        (lambda seed: None, (0, 1), "does it end with `return`?"),
        (lambda seed: "half", (0, 1), "Numbers, one a network, are expected"),
        (lambda seed: [], (0, 1), "Numbers, one a network, are expected"),
    ],
)
def test_what_is_no_forecast_gets_a_sentence(measure, within, says):
    verdict = sb.check.study(measure, within)
    assert not verdict and says in verdict.sentence
