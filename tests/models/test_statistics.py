"""Running statistics belong to runs: they move once a step, freeze with their run, and are taken anew."""

import copy

import pytest
import torch
from cases import DOUBLE, assert_same_run, slab_task
from nets import born, chain
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import sbkit as sb


def norm(momentum=0.1):
    return chain(
        lambda: nn.Linear(3, 6),
        lambda: nn.BatchNorm1d(6, momentum=momentum),
        nn.ReLU,
        lambda: nn.Linear(6, 3),
    )


NORM = norm()
OPTIONS = {"batch": 32, "steps": 20, "lr": 0.1, "stop": None}


def fleet_of(factory=NORM, runs=3, seed=5) -> sb.Fleet:
    return sb.models.fleet_of(factory, runs=runs, seed=seed)


def assert_same_statistics(fleet, r, other, q=0):
    for mine, theirs in zip(fleet.buffers(), other.buffers(), strict=True):
        assert_close(mine[r], theirs[q])


@pytest.mark.parametrize("momentum", [0.1, 0.9, None])
def test_they_move_once_a_step_as_those_of_a_module_alone(momentum):
    """On the very minibatches of the fit, whatever else calls the fleet, and each by its own count."""
    task, seen = slab_task(), []

    def look(fleet, x, y, logits):
        seen.append((x, y))
        return 0 * fleet(x + 1).square().mean((1, 2))

    factory = norm(momentum)
    plain, watched = fleet_of(factory), fleet_of(factory)
    for fleet in (plain, watched):
        fleet.net[1].num_batches_tracked += torch.tensor([0, 3, 10])
    sb.last(sb.fit(plain, task, **OPTIONS))
    sb.last(sb.fit(watched, task, penalty=look, **OPTIONS))
    for r, module in enumerate(born(factory)):
        module[1].num_batches_tracked += (0, 3, 10)[r]
        optimizer = torch.optim.SGD(module.train().parameters(), lr=0.1)
        for x, y in seen[1:]:  # the first was a rehearsal
            optimizer.zero_grad()
            F.cross_entropy(module(x[r]), y[r]).backward()
            optimizer.step()
        for fleet in (plain, watched):
            for mine, theirs in zip(
                fleet.run(r).state_dict().values(), module.state_dict().values(), strict=True
            ):
                assert_close(mine, theirs)
            assert_close(fleet(task.x_test)[r], module.eval()(task.x_test))


@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "sam", "lbfgs", "muon"])
def test_a_run_alone_has_those_of_its_run_in_a_fleet(optimizer, momentum):
    task = slab_task()
    options = {"optimizer": optimizer, "steps": 12, "stop": None, "lr": 0.05}
    fleet, alone = fleet_of(norm(momentum)), fleet_of(norm(momentum), runs=1, seed=7)
    for each in (fleet, alone):
        sb.last(sb.fit(each, task, **options))
    assert_same_run(fleet, 2, alone)
    assert_same_statistics(fleet, 2, alone)
    assert fleet.net[1].num_batches_tracked.tolist() == [12] * 3


def test_looking_moves_nothing():
    task, fleet = slab_task(), fleet_of()
    before = copy.deepcopy(fleet.state_dict())
    fleet(task.x[:1]), fleet.train()(task.x), fleet.eval().predict(task.x)
    run = sb.fit(fleet, task, penalty=lambda fleet, x, y, logits: fleet(x).mean((1, 2)), **OPTIONS)
    run.snapshot()
    assert all(torch.equal(value, before[name]) for name, value in fleet.state_dict().items())


def test_they_freeze_with_their_run():
    task, fleet, options = slab_task(), fleet_of(), OPTIONS | {"steps": 200}
    low, middle, _ = sb.fit(fleet_of(), task, **options).advance(steps=50).loss.sort().values.tolist()
    run = sb.fit(fleet, task, **options | {"stop": (low + middle) / 2})
    run.advance(steps=50)
    r, other = run.states.index("converged"), run.states.index("training")
    kept, logits = [b[r].clone() for b in fleet.buffers()], fleet(task.x)[r]
    moved = fleet.net[1].running_mean[other].clone()
    run.advance(steps=10)
    assert all(torch.equal(b[r], before) for b, before in zip(fleet.buffers(), kept, strict=True))
    assert torch.equal(fleet(task.x)[r], logits)
    assert not torch.equal(fleet.net[1].running_mean[other], moved)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_calibrate_is_torchs_update_bn_of_each_run(momentum):
    task, fleet = slab_task(), fleet_of(norm(momentum))
    sb.last(sb.fit(fleet, task, **OPTIONS))
    x = 2 * task.x + 1
    alone = [fleet.run(r) for r in range(3)]
    weights = [p.detach().clone() for p in fleet.parameters()]
    assert sb.models.calibrate(fleet, x, batches=5) is fleet
    for r, module in enumerate(alone):
        torch.optim.swa_utils.update_bn([x[part::5] for part in range(5)], module)
        assert_close(fleet(x)[r], module.eval()(x))
    assert fleet.net[1].momentum == momentum and not any(part.training for part in fleet.modules())
    assert all(torch.equal(p, before) for p, before in zip(fleet.parameters(), weights, strict=True))
    drops = fleet_of(chain(lambda: nn.Dropout(0.5), lambda: nn.BatchNorm1d(3, momentum=momentum)))
    sb.last(sb.fit(drops, task, **OPTIONS))
    assert_close(sb.models.calibrate(drops, x, 1).net[1].running_mean, x.mean(0).expand(3, -1))
    own = torch.stack([x, x + 1, x - 1])
    sb.models.calibrate(fleet, own, batches=1)
    assert_close(fleet.net[1].running_mean[1], fleet.run(1)[0](own[1]).mean(0))


@pytest.mark.parametrize(
    ("factory", "x", "batches", "says"),
    [
        (
            lambda: nn.Linear(3, 2).double(),
            torch.zeros(8, 3, dtype=DOUBLE),
            4,
            "keeps none; try .*BatchNorm1d",
        ),
        (NORM, torch.zeros(7, 3, dtype=DOUBLE), 4, "8 for batches=4, got 7; try batches=3"),
        (NORM, torch.zeros(8, 4, dtype=DOUBLE), 4, "does not take the task's inputs, 4 columns"),
        (NORM, torch.zeros(8, 3, dtype=DOUBLE), 0, "batches is a whole number of at least 1, got 0"),
        (NORM, [[0.0]], 4, "takes a tensor"),
        (NORM, torch.zeros(3, dtype=DOUBLE), 4, "takes a tensor"),
    ],
)
def test_calibrate_refuses(factory, x, batches, says):
    fleet = sb.models.fleet_of(factory, runs=2)
    before = copy.deepcopy(fleet.state_dict())
    with pytest.raises(sb.SbkitError, match=says):
        sb.models.calibrate(fleet, x, batches)
    assert all(torch.equal(value, before[name]) for name, value in fleet.state_dict().items())


def test_a_minibatch_of_one_row_is_refused_in_a_sentence():
    run = sb.fit(fleet_of(), slab_task(n=30), batch=1, steps=5)
    with pytest.raises(sb.SbkitError, match="Expected more than 1 value per channel"):
        sb.last(run)
