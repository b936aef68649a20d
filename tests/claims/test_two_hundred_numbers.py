"""The science of the lesson "224 of 14,842 numbers", at other seeds than its own.

Row 37 of the course's sheet: Frankle et al. 2021 on digits. Not asserted: γ and β against 224 from anywhere,
or against a part of the output layer (a tie that turns between draws), or how depth and count share the gain.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import sbkit as sb
from sbkit.lessons.training import two_hundred_numbers as extra

NOTEBOOK = Path(__file__).parents[2] / "notebooks/7-training/06-two-hundred-numbers.ipynb"


@cache
def lesson() -> Any:
    """The function of the lesson."""
    names: dict[str, Any] = {"sb": sb, "extra": extra}
    names["options"] = {"optimizer": "adam", "batch": 32, "steps": 240, "every": 240, "stop": None}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["id"] == "lesson":
            exec("".join(cell["source"]), names)  # noqa: S102
    return names["lesson"]


def nets(blocks: int = 1, runs: int = 3, seed: int = 0) -> sb.Fleet:
    return sb.models.fleet_of(lambda: extra.net(blocks), runs=runs, seed=seed)


def test_the_numbers_of_the_title():
    fleet = nets(6, 1)
    assert sum(p.numel() for p in fleet.run(0).parameters()) == 14_842 == extra.count(fleet, "all")
    norms = [part for part in fleet.run(0).modules() if isinstance(part, nn.BatchNorm2d)]
    assert sum(p.numel() for part in norms for p in part.parameters()) == 224 == 7 * 2 * 16
    assert [extra.count(fleet, who) for who in extra.WHO] == [224, 224, 224, 224, 650, 14_842]
    assert [extra.count(nets(blocks, 1), "norm") for blocks in (1, 2, 4)] == [64, 96, 160]


@pytest.mark.parametrize("who", extra.WHO)
def test_who_is_chosen_is_of_its_kind_and_drawn_by_the_runs_seed(who):
    fleet = nets(seed=5)
    names, masks = [name for name, _ in fleet.net.named_parameters()], extra.chosen(fleet, who)
    norms = {name for name, p in fleet.net.named_parameters() if p.ndim == 2 and p.shape[1] == 16}
    for name, mask in zip(names, masks, strict=True):
        kind = "norm" if name in norms else "output" if name in names[-2:] else "convolutions"
        if who in ("norm", "output"):
            assert mask.all() if kind == who else not mask.any()
        elif who not in ("anywhere", "all"):
            assert kind == who.removeprefix("some of ") or not mask.any()
    alone = extra.chosen(nets(runs=1, seed=7), who)
    assert all(torch.equal(mask[2:], one) for mask, one in zip(masks, alone, strict=True))
    with pytest.raises(sb.SbkitError, match="convolutions"):
        extra.chosen(fleet, who + "s, all")


@pytest.mark.parametrize("who", ["norm", "anywhere", "some of output"])
def test_only_the_chosen_move(who):
    task = sb.data.digits(200, seed=3)
    fleet = nets(seed=3)
    before, masks = [p.detach().clone() for p in fleet.parameters()], extra.chosen(fleet, who)
    keep = extra.only(fleet, who)
    sb.last(sb.fit(fleet, task, optimizer="adam", lr=0.05, batch=50, steps=4, stop=None, after_step=keep))
    for p, old, mask in zip(fleet.parameters(), before, masks, strict=True):
        assert torch.equal(p[~mask], old[~mask])
        assert (p[mask] != old[mask]).double().mean() > 0.9 or not mask.any()


def test_a_norm_by_hand():
    """Against torch's own, float64."""
    x = torch.randn(7, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    norm = nn.BatchNorm1d(4).double()
    norm.weight.data, norm.bias.data = x[0] + 2, x[1]
    assert torch.allclose(extra.normed.want(x, x[0] + 2, x[1]), norm(x), atol=1e-12)
    three = extra.normed.want(torch.tensor([[1.0], [3], [5]]), torch.tensor([2.0]), torch.tensor([1.0]))
    assert three.flatten().tolist() == pytest.approx([-1.449, 1, 3.449], abs=1e-3)


def test_a_block_adds_what_it_makes():
    block, x = extra.Block(16).eval(), torch.randn(2, 16, 8, 8, generator=torch.Generator().manual_seed(0))
    block.norm.weight.data.zero_()
    assert torch.equal(block(x), x)


def test_gammas_are_sorted_and_as_born():
    fleet = nets(2)
    assert torch.equal(extra.gammas(fleet, sb.data.digits(100)), torch.ones(3, 48))
    fleet.net[2].weight.data[:, 5] = -1
    assert (extra.gammas(fleet, sb.data.digits(100))[:, 0] == -1).all()


@pytest.mark.slow
def test_which_numbers_train_matters():
    seed = 700
    read = {
        who: sb.last(lesson()(who, seed=seed, runs=5)) for who in ("norm", "convolutions", "some of output")
    }
    norm, conv, some = (end.test_accuracy for end in read.values())
    assert norm.mean() > 0.3 and (norm - conv).mean() > 0.1 and (some - conv).mean() > 0.15
    assert (read["norm"].values["gammas"].abs() < 0.01).double().mean() < 0.1


@pytest.mark.slow
def test_the_whole_output_layer_and_depth():
    norm, few, output = (
        sb.last(lesson()(who, blocks=blocks, seed=720, runs=5)).test_accuracy
        for who, blocks in (("norm", 6), ("norm", 2), ("output", 6))
    )
    assert output.mean() > norm.mean() > few.mean()
