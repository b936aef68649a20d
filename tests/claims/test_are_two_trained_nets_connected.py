"""The science of the lesson on pairs of nets: Frankle et al. 2020 on digits, at other seeds.

Row 22 of the course's sheet. Not asserted: how high a barrier is between nets that part in the middle of
training (single pairs differ tenfold), and any order of barriers within the rounds.
"""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch

import sbkit as sb
from sbkit.lessons.sparsity import are_two_trained_nets_connected as extra

NOTEBOOK = Path(__file__).parents[2] / "notebooks/5-sparsity/02-are-two-trained-nets-connected.ipynb"


def lesson() -> dict[str, Any]:
    """The functions of the lesson: lesson, cut, rates."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {"sb": sb, "extra": extra}
    for cell in cells:
        if cell["id"] in ("lesson", "cut"):
            exec("".join(cell["source"]).split("\nrounds = ")[0], names)  # noqa: S102
    return names


def small(born: str, shared: int, seed: int = 400) -> sb.Fleet:
    """Six nets in three pairs, in float64, after 40 steps."""
    task = sb.data.digits(100, seed=seed).to(dtype=torch.float64)
    fleet = extra.couples(task, born, pairs=3, seed=seed)
    options = {"lr": 0.1, "batch": 20, "steps": 40, "stop": None}
    sb.last(sb.fit(fleet, task, transform=extra.side_by_side(shared), **options))
    return fleet


def test_what_lies_between_is_what_each_mixture_gets_wrong():
    """Mixed by hand, net by net; the way of net r + 3 is that of net r walked back."""
    task, fleet = sb.data.digits(100, seed=400).to(dtype=torch.float64), small("apart", 0)
    errors = extra.between(fleet, task)  # (6, 11)
    for r in range(3):
        one, other = fleet.run(r), fleet.run(r + 3)
        for i, t in enumerate(extra.SHARES):
            net = copy.deepcopy(one)
            for p, q in zip(net.parameters(), other.parameters(), strict=True):
                p.data = (1 - t) * p.data + t * q.data
            wrong = (net(task.x_test).argmax(-1) != task.y_test).double().mean()
            assert abs(errors[r, i] - wrong) < 0.005  # some rows may be ties
    assert torch.allclose(errors[3:].flip(1), errors[:3], rtol=0, atol=0.005)
    said = fleet.predict(task.x_test).argmax(-1)
    differ = torch.stack([(said[r] != said[r + 3]).double().mean() for r in range(3)] * 2)
    assert torch.allclose(extra.disagreement(fleet, task).double(), differ, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("born", "shared", "equal"), [("alike", 40, True), ("alike", 20, False)])
def test_partners_are_one_net_as_long_as_they_share(born, shared, equal):
    weights = small(born, shared).weights()
    assert all(torch.allclose(w[:3], w[3:], rtol=0, atol=1e-9) for w in weights) == equal
    assert not torch.allclose(weights[0][0], weights[0][1], rtol=0, atol=1e-2)  # other pairs are others


def test_swapped_units_answer_alike_and_are_far_apart():
    """The reason that the lesson gives: the mean of a net and itself, units in another order, is bad."""
    task = sb.data.digits(400, seed=410)
    fleet = sb.mlp(task, runs=4, seed=410)
    sb.last(sb.fit(fleet, task, optimizer="momentum", lr=0.3, batch=50, steps=300, stop=None))
    swapped, order = copy.deepcopy(fleet), torch.randperm(100, generator=torch.Generator().manual_seed(0))
    first, second = swapped.net[0], swapped.net[2]
    first.weight.data, first.bias.data = first.weight.data[:, order], first.bias.data[:, order]
    second.weight.data = second.weight.data[:, :, order]
    assert torch.allclose(swapped.predict(task.x_test), fleet.predict(task.x_test), atol=1e-3)
    assert (sb.measures.barrier(sb.measures.path(fleet, swapped, task)) > 0.05).all()


@pytest.mark.slow
def test_birth_parts_and_early_steps_decide():
    """Two draws of the data, six pairs each."""
    ask, cases = lesson()["lesson"], {"both": {}, "birth": {"shared": 600}, "order": {"born": "alike"}}
    cases |= {"later": {"born": "alike", "shared": 200}, "small": {"born": "alike", "lr": 0.1}}
    rise: dict[str, torch.Tensor] = {}
    for name, how in cases.items():
        ends = [sb.last(ask(**how, seed=seed)) for seed in (7300, 7320)]
        rise[name] = torch.cat([extra.barriers(end) for end in ends])  # (12,)
    assert rise["birth"].mean() > 0.25 and rise["both"].mean() > rise["order"].mean() + 0.1
    assert rise["order"].mean() > rise["later"].mean() + 0.01 and (rise["small"] < 0.02).all()
    assert 0.05 < rise["order"].mean() / rise["both"].mean() < 0.5  # the prediction's answer


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7400, 7420])
def test_sparse_nets_are_connected_whether_good_or_bad(seed):
    names = lesson()
    run = names["lesson"]("alike", seed=seed)
    whole = sb.last(run)
    ends = [names["cut"](run, left) for left in (1 / 3, 1 / 9, 1 / 27)]
    kept = torch.stack([(w != 0).flatten(1).sum(1) for w in run.fleet.weights()]).sum(0)
    assert (kept <= 17_400 / 27 + 1).all()
    random = names["cut"](run, 1 / 27, by="random", lr=0.1)
    for end in ends[1:]:
        assert extra.barriers(end).mean() < 0.03
        assert end.test_accuracy.mean() > whole.test_accuracy.mean() - 0.03
    assert extra.barriers(random).mean() < 0.04 and random.test_accuracy.max() < 0.8
