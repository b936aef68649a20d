"""The science of the lesson on pruned nets: Renda et al. 2020 on digits, at other seeds and another size.

Row 26 of the course's sheet. Not asserted: any gain below a cut of 95 %, or levels of fresh weights, which
differ by tens of points between nets.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import sbkit as sb
from sbkit.lessons.sparsity.fine_tune_or_rewind import tuned

NOTEBOOK = Path(__file__).parents[2] / "notebooks/5-sparsity/01-fine-tune-or-rewind.ipynb"


def lesson() -> dict[str, Any]:
    """The functions of the lesson: dense, rates, again, cut."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {"sb": sb}
    for cell in cells:
        if cell["id"] in ("dense", "again"):
            exec("".join(cell["source"]).split("\ntuned = ")[0], names)  # noqa: S102
    return names


def test_the_zeros_stay_and_are_those_of_the_end():
    """Whatever weights go on, the smallest at the end are 0."""
    names = lesson()
    task = sb.data.digits(100, seed=400)
    fleet = sb.mlp(task, runs=2, seed=400)
    run = sb.fit(fleet, task, schedule=names["rates"], keep=[50, 1000], **names["options"])
    sb.last(run)
    kept = run.kept[1000]
    sizes = torch.cat(
        [kept[name].abs().flatten(1) for name in kept if name.endswith("weight")], 1
    )  # (runs, P)
    for weights in ("final", "early", "fresh"):
        sb.last(names["again"](run, 0.9, weights, "small"))
        after = torch.cat([weight.flatten(1) for weight in fleet.weights()], 1)
        for r in range(2):
            order = sizes[r].argsort()
            gone, left = order[: round(0.9 * len(order))], order[round(0.9 * len(order)) :]
            assert not after[r, gone].any() and after[r, left].all()


def test_a_shuffled_mask_keeps_as_many_a_layer():
    names = lesson()
    task = sb.data.digits(100, seed=410)
    run = sb.fit(sb.mlp(task, runs=2, seed=410), task, keep=[50, 1000], **names["options"])
    sb.last(run)
    counts = []
    for shuffle in (False, True):
        sb.last(tuned(run, names["options"], amount=0.9, shuffle=shuffle))
        counts.append([(weight != 0).sum((1, 2)).tolist() for weight in run.fleet.weights()])
    assert counts[0] == counts[1]


@pytest.mark.slow
def test_the_rates_bring_the_gain_at_97_percent():
    """The sheet's own cut, two draws of the data, eight nets each."""
    names, gain, old, fresh = lesson(), [], [], []
    for seed in (7300, 7310):
        run = names["dense"](seed=seed)
        sb.last(run)
        ways = [("final", "small"), ("early", "replayed"), ("final", "replayed"), ("fresh", "replayed")]
        ends = [sb.last(names["again"](run, 0.97, *way)).test_accuracy for way in ways]
        gain, old, fresh = gain + [ends[1] - ends[0]], old + [ends[1] - ends[2]], fresh + [ends[1] - ends[3]]
    assert torch.cat(gain).mean() >= 0.02 and torch.cat(fresh).mean() >= 0.02
    assert abs(torch.cat(old).mean()) <= 0.01
