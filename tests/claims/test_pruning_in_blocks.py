"""The science of the lesson on pruning in blocks: Narang et al. 2017 on digits' rows, at other seeds.

Row 6 of the course's sheet. Not asserted: that blocks scored by their sum do better than by their largest
(about 0.3 points over ten nets), and 16 × 16 below 8 × 8 at 90 %: 1.9, 1.2 and 0.2 points in three trials.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import sbkit as sb
from sbkit.lessons.sparsity import pruning_in_blocks as extra

NOTEBOOK = Path(__file__).parents[2] / "notebooks/5-sparsity/03-pruning-in-blocks.ipynb"
SEEDS = (7300,)  # five nets


def names() -> dict[str, Any]:
    """The functions of the lesson: rise and lesson."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    found: dict[str, Any] = {"sb": sb, "extra": extra}
    exec("".join(next(cell["source"] for cell in cells if cell["id"] == "lesson")), found)  # noqa: S102
    return found


def accuracy(**dials: Any) -> torch.Tensor:
    """Test accuracy of five trained nets. (5,)"""
    lesson = names()["lesson"]
    return torch.cat([sb.last(lesson(seed=seed, **dials)).test_accuracy for seed in SEEDS])


def test_the_cut_rises_from_nothing_to_all():
    rise = names()["rise"]
    assert [rise(step) for step in (0, 50, 250, 400)] == [0, 0, 1, 1]
    assert rise(150) == 0.875  # halfway, as 1 − (1/2)³


@pytest.mark.parametrize("score", ["sum", "largest"])
@pytest.mark.parametrize("block", [4, 8, 16])
def test_the_blocks_that_go_score_least(score, block):
    """Against two loops over blocks, in float64; inputs and head lose nothing."""
    task = sb.data.digits(50, shape=(8, 8)).to(dtype=torch.float64)
    fleet = sb.models.gru(task, hidden=32, runs=2, seed=40)
    masks = extra.masks(fleet, 0.75, block, score, lambda step: 1.0)(300)
    assert masks[0].all() and masks[2].all()
    for weight, mask in zip(fleet.weights()[1].detach(), masks[1], strict=True):
        scores, whole = {}, {}
        for i in range(0, 96, block):
            for j in range(0, 32, block):
                part = weight[i : i + block, j : j + block].abs()
                scores[i, j] = float(part.sum() if score == "sum" else part.max())
                piece = mask[i : i + block, j : j + block]
                assert piece.all() or not piece.any()
                whole[i, j] = bool(piece.any())
        gone = sorted(scores, key=scores.__getitem__)[: round(0.75 * len(scores))]
        assert not any(whole[at] for at in gone)
        assert sum(whole.values()) == len(scores) - len(gone) == int(extra.left(mask, block))


def test_only_the_state_is_pruned_and_what_is_gone_stays_gone():
    task = sb.data.stack([sb.data.digits(60, shape=(8, 8), seed=seed) for seed in (1, 2)])
    fleet = sb.models.gru(task, hidden=16, runs=2, seed=1)
    masks = extra.masks(fleet, 0.75, 8, "sum", lambda step: min(step / 10, 1))
    run, before = sb.fit(fleet, task, optimizer="adam", mask=masks, measure="mask", every=1, steps=20), None
    for snapshot in run:
        now = snapshot.values["mask"] != 0
        assert before is None or not (now & ~before).any()
        before = now
    assert extra.left(before, 8).tolist() == [3, 3]
    assert fleet.weights()[0].all() and fleet.weights()[2].all()


def test_the_control_is_of_equal_size():
    """The weights that the exercise counts are those of a pruned and of a whole net."""
    task = sb.data.digits(50, shape=(8, 8))
    pruned = sb.models.gru(task, hidden=64, runs=1)
    masks = extra.masks(pruned, 0.9, 8, "sum", lambda step: 1.0)(0)
    assert sum(int(mask.sum()) for mask in masks) == 3392
    sizes = [sum(w.numel() for w in sb.models.gru(task, hidden=h, runs=1).weights()) for h in (27, 28, 29)]
    assert min(sizes, key=lambda size: abs(size - 3392)) == sizes[1]


@pytest.mark.slow
def test_nineteen_blocks_do_and_five_do_not():
    whole, most, few = accuracy(share=0), accuracy(), accuracy(share=0.975)
    assert (whole - most).mean() < 0.02 < (whole - few).mean()


@pytest.mark.slow
def test_larger_blocks_of_as_many_weights_do_worse():
    small, large, none = (accuracy(share=s, block=b) for s, b in ((0.975, 4), (0.975, 16), (1.0, 8)))
    assert (small - large).mean() > 0.04
    assert 0.7 < none.mean() < 0.9


@pytest.mark.slow
def test_a_whole_net_of_that_size_does_nearly_as_well():
    assert -0.01 < (accuracy() - accuracy(share=0, hidden=28)).mean() < 0.025
