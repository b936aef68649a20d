"""The science of the lesson "One net, any size?", at other seeds than its own.

Row 13 of the course's sheet: Hoffer et al. 2019 on digits. Not asserted: what mixed nets read as
trained, which hangs on the sizes that were drawn last.
"""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import sbkit as sb
from sbkit.lessons.training import one_net_any_size as extra

NOTEBOOK = Path(__file__).parents[2] / "notebooks/7-training/07-one-net-any-size.ipynb"


@cache
def lesson() -> dict[str, Any]:
    """The functions of the lesson: convnet, mixed, trained, recalibrated, tried."""
    names: dict[str, Any] = {"sb": sb, "extra": extra}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["id"] in ("nets", "trained"):
            exec("".join(cell["source"]), names)  # noqa: S102
    return names


def exact(runs: int = 2) -> sb.Fleet:
    """Nets in float64 whose batch norm divides by the standard deviation, and nothing more."""

    def net() -> nn.Module:
        made = lesson()["convnet"](4).double()
        for part in made.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.eps = 1e-20
        return made

    return sb.models.fleet_of(net, runs=runs, seed=70)


def test_calibrated_on_faint_pictures_the_nets_say_what_they_said():
    """The first layer has no bias: mean and deviation shrink as the pictures do."""
    task = sb.data.digits(60, seed=70).to(dtype=torch.float64)
    said = sb.models.calibrate(exact(), task.x).predict(task.x_test[:20])
    for factor in (0.25, 3):
        again = sb.models.calibrate(exact(), factor * task.x).predict(factor * task.x_test[:20])
        torch.testing.assert_close(again, said, atol=1e-9, rtol=1e-9)


def test_calibrating_takes_means_over_pictures_and_places():
    """Against the first layer by hand, at a size of its own."""
    task = sb.data.digits(60, seed=70).to(dtype=torch.float64)
    fleet, x = exact(), extra.resized(task.x, 12)
    anew = sb.models.calibrate(copy.copy(fleet), x, batches=1)
    first = anew.run(1)[:2](x)  # (n, channels, side, side)
    torch.testing.assert_close(anew.run(1)[2].running_mean, first.mean((0, 2, 3)))
    torch.testing.assert_close(anew.run(1)[2].running_var, first.transpose(0, 1).flatten(1).var(1))
    for before, after in zip(fleet.parameters(), anew.parameters(), strict=True):
        assert torch.equal(before, after)


def test_pictures_keep_their_content():
    x = torch.rand(2, 3, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.allclose(extra.resized(x, 8), x)
    halved = extra.resized(torch.ones(2, 3, 64), 4)
    assert halved.shape == (2, 3, 16) and torch.allclose(halved, torch.ones(2, 3, 16))
    ramp = torch.linspace(0, 1, 8, dtype=torch.float64).repeat(8)  # each row the same
    large = extra.resized(ramp, 16).view(16, 16)
    assert torch.allclose(large, large[:1].expand_as(large)) and bool((large[0].diff() >= 0).all())


def test_the_shift_against_loops():
    task = sb.data.digits(60, seed=70)
    fleet = sb.models.fleet_of(lambda: lesson()["convnet"](4), runs=2, seed=70)
    home = sb.models.calibrate(copy.copy(fleet), task.x)
    found = extra.moves({16: fleet}, home, task)  # (runs, 1)
    for r in range(2):
        here, there = (
            net.run(r)[:-1](extra.resized(task.x_test, side)).detach()
            for net, side in ((fleet, 16), (home, 8))
        )
        total = 0.0
        for c in range(4):
            total += float((here[:, c].mean() - there[:, c].mean()) / there[:, c].std().clamp_min(1e-6)) ** 2
        assert float(found[r, 0]) == pytest.approx((total / 4) ** 0.5, rel=1e-3)


def test_all_runs_of_a_step_see_one_size_and_a_run_alone_the_same():
    names, task = lesson(), sb.data.digits(200, seed=70)
    options = names["options"] | {"steps": 10}
    ends = []
    for runs, seed in ((2, 70), (1, 71)):
        fleet = sb.models.fleet_of(lambda: names["convnet"](4), runs=runs, seed=seed)
        sb.last(sb.fit(fleet, task, transform=names["mixed"]([4, 12], 70), **options))
        ends.append(fleet.predict(task.x_test))
    torch.testing.assert_close(ends[0][1:], ends[1], atol=1e-3, rtol=1e-3)


def test_what_the_panel_asks_is_what_the_pictures_show():
    task = sb.data.digits(60, seed=70)
    fleet = sb.models.fleet_of(lambda: lesson()["convnet"](4), runs=2, seed=70)
    before = fleet.owned()
    found, few = extra.by_size(fleet, task), task.sample(96)
    for at, anew in enumerate((0, 96)):
        assert torch.equal(found[:, at], extra.reads(fleet, few, extra.SIZES, anew))
    assert all(torch.equal(before[name], now) for name, now in fleet.owned().items())


@pytest.mark.slow
def test_mixed_nets_read_every_size_once_recalibrated_and_others_do_not():
    task = sb.data.stack([sb.data.digits(1000, seed=seed) for seed in range(7000, 7500, 100)])
    fixed, mixed = (lesson()["trained"](way, task, 7000) for way in ("8 alone", "4 to 12"))
    at_16 = [float(extra.reads(net, task, [16], anew).mean()) for net in (fixed, mixed) for anew in (0, 250)]
    assert at_16[0] < 0.4 and at_16[1] < 0.65 and at_16[2] < 0.5 and at_16[3] > 0.7, at_16
    ends = [float(extra.reads(net, task, [4], 250).mean()) for net in (fixed, mixed)]
    assert ends[0] < 0.45 and ends[1] > 0.75, ends


@pytest.mark.slow
def test_nets_that_know_two_sizes_read_those_between_worse():
    task = sb.data.stack([sb.data.digits(1000, seed=seed) for seed in range(7000, 7500, 100)])
    net = lesson()["trained"]("4 and 12", task, 7000)
    found = extra.reads(net, task, [4, 8, 12], 250).mean(0)
    assert found[1] < min(found[0], found[2]) - 0.1, found
