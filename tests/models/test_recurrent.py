"""A GRU fleet is `nn.GRU` and a linear layer, many at once."""

from dataclasses import replace

import pytest
import torch
from cases import DOUBLE, assert_bitwise, assert_same_run, slab_task
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import prune
from torch.testing import assert_close

import sbkit as sb
from sbkit.models import seeded


def sequences(steps=4, inputs=3, dtype=DOUBLE, **options) -> sb.Task:
    return replace(slab_task((1,) + (3,) * (steps * inputs - 1), **options), shape=(steps, inputs)).to(
        dtype=dtype
    )


class Reference(nn.Module):
    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.inputs, self.gru = inputs, nn.GRU(inputs, hidden, batch_first=True)
        self.head = nn.Linear(hidden, outputs)

    def forward(self, x):
        return self.head(self.gru(x.unflatten(1, (-1, self.inputs)))[0][:, -1])


def references(dtype=DOUBLE, runs=3, seed=5):
    return [seeded(lambda: Reference(3, 8, 2), seed + r).to(dtype) for r in range(runs)]


@pytest.mark.parametrize(("dtype", "room"), [(torch.float32, 1e-6), (DOUBLE, 1e-12)])
def test_every_run_is_torchs_gru(dtype, room):
    task = sequences(dtype=dtype)
    fleet = sb.models.gru(task, hidden=8, runs=3, seed=5)
    fleets = fleet, sb.models.initial(fleet), sb.models.fleet_of(lambda: fleet.run(0), runs=1)
    own = torch.stack([module(task.x) for module in references(dtype)])
    assert_close(fleet(task.x), own, rtol=0, atol=room)
    assert_close(fleet(task.x.expand(3, -1, -1)), own, rtol=0, atol=room)
    assert_close(fleets[1].predict(task.x), own, rtol=0, atol=room)
    assert_close(fleets[2](task.x)[0], own[0], rtol=0, atol=room)
    for r in range(3):
        assert_close(fleet.run(r)(task.x), own[r], rtol=0, atol=room)
        assert_close(fleet.only(r)(task.x)[0], own[r], rtol=0, atol=room)
    assert {type(part) for part in fleet.run(0).children()} == {nn.Linear}
    assert fleet(task.x).dtype == dtype


def test_every_run_trains_as_torchs_gru():
    task = sequences(n=40)
    fleet = sb.models.gru(task, hidden=8, runs=3, seed=5)
    sb.last(sb.fit(fleet, task, optimizer="gd", lr=0.5, steps=5, stop=None))
    for r, module in enumerate(references()):
        optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
        for _ in range(5):
            optimizer.zero_grad()
            F.cross_entropy(module(task.x), task.y).backward()
            optimizer.step()
        assert_close(fleet(task.x)[r], module(task.x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "sam"])
def test_a_run_alone_is_its_run_in_a_fleet(optimizer):
    task, options = sequences(), {"batch": 32, "steps": 20, "stop": None}
    fleet, alone = sb.models.gru(task, 8, 3, 5), sb.models.gru(task, 8, 1, 7)
    for each in (fleet, alone):
        sb.last(sb.fit(each, task, optimizer=optimizer, **options))
    assert_same_run(fleet, 2, alone)


def test_its_weights_are_layers():
    task = sequences()
    fleet = sb.models.gru(task, hidden=8, runs=2)
    assert [tuple(w.shape) for w in fleet.weights()] == [(2, 24, 3), (2, 24, 8), (2, 2, 8)]
    masks = sb.models.prune(fleet, 0.5, "layer")
    halved = sb.models.initial(fleet)
    for weight, mask in zip(halved.weights(), masks, strict=True):
        weight.data.mul_(mask)
    prune.custom_from_mask(fleet.net.hh, "weight", masks[1])
    prune.custom_from_mask(fleet.net.ih, "weight", masks[0])
    prune.custom_from_mask(fleet.net.head, "weight", masks[2])
    assert_close(fleet(task.x), halved(task.x))


def test_another_layer_acts_on_each_run_apart():
    task = sequences()
    fleet = sb.models.gru(task, hidden=8, runs=2)
    weight = torch.randn(2, 2, 8, dtype=DOUBLE)
    head = nn.Linear(8, 2, bias=False)
    head.weight = nn.Parameter(weight)
    before = fleet(task.x)
    bias, fleet.net.head = fleet.net.head.bias, nn.Sequential(head)
    fleet.net.head[0].weight.data.copy_(sb.models.initial(sb.models.gru(task, 8, 2)).net.head.weight)
    assert_close(fleet(task.x) + bias.unsqueeze(1), before)


def test_rows_of_an_image_are_steps():
    task = replace(sequences(), shape=(1, 4, 3))
    assert_bitwise(sb.models.gru(task, 8, 2), sb.models.gru(sequences(), 8, 2))


@pytest.mark.parametrize(
    ("task", "options", "says"),
    [
        (slab_task(), {}, r"got shape \(\); try dataclasses.replace\(task, shape=\(3, 1\)\)"),
        (replace(slab_task(), shape=(3,)), {}, r"got shape \(3,\)"),
        (sequences(), {"hidden": 0}, "hidden is a whole number of at least 1, got 0"),
        (sequences(), {"hidden": 8.0}, "hidden is a whole number"),
        (sequences(), {"runs": 0}, "runs is a whole number"),
        (sequences(), {"seed": -1}, "seed is a whole number"),
        (sequences(), {"hidden": 10**6}, "weights × 8 bytes × 5 copies .* times smaller"),
        ("digits", {}, "A task is rows with their labels"),
    ],
)
def test_gru_refuses(task, options, says):
    with pytest.raises(sb.SbkitError, match=says):
        sb.models.gru(task, **options)
