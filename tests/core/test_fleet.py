"""A fleet as a module: parts that share memory with it, copies that do not."""

import copy
import pickle

import pytest
import torch
from cases import FLEETS, assert_bitwise, slab_task, weights
from torch import nn
from torch.testing import assert_close

import sbkit as sb

every_fleet = pytest.mark.parametrize("build", FLEETS)


@every_fleet
def test_parameters_have_a_leading_axis_of_runs(build):
    assert all(len(p) == 5 for p in FLEETS[build](slab_task(), runs=5).parameters())


@every_fleet
def test_predict_is_forward_however_many_rows(build):
    task = slab_task(n=9000)
    fleet = FLEETS[build](task, runs=3)
    assert_close(fleet.predict(task.x), fleet(task.x).detach())
    own = task.x.expand(3, -1, -1)
    assert_close(fleet.predict(own), fleet(own).detach())
    assert not fleet.predict(task.x).requires_grad


@every_fleet
@pytest.mark.parametrize(
    "ask", [sb.measures.attack, sb.reliance, sb.boundary, lambda f, t: sb.randomized(f, t, "linear")]
)
def test_inputs_of_another_task_are_refused(build, ask):
    with pytest.raises(sb.SbkitError, match="does not take the task's inputs, 4 columns .* sb.mlp"):
        ask(FLEETS[build](slab_task(), runs=2), slab_task((1, 3, 5, 7)))


@every_fleet
def test_run_is_a_copy(build):
    task = slab_task()
    fleet = FLEETS[build](task, runs=3)
    before, net = weights(fleet), fleet.run(-1)
    assert_close(net(task.x), fleet(task.x)[2])
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
    assert all(torch.equal(a, b) for a, b in zip(before, weights(fleet), strict=True))


@every_fleet
def test_only_shares_memory_and_gradients(build):
    task = slab_task()
    fleet = FLEETS[build](task, runs=3, seed=4)
    fleet.flat()
    part = fleet.only(1)
    assert (part.runs, part.seed) == (1, 5)
    assert_close(part(task.x)[0], fleet(task.x)[1])
    for mine, theirs in zip(part.parameters(), fleet.parameters(), strict=True):
        mine.data.fill_(0.5)
        mine.grad.fill_(2.0)
        assert (theirs[1] == 0.5).all() and not (theirs[0] == 0.5).all()
        assert (theirs.grad[1] == 2).all() and (theirs.grad[0] == 0).all()


@every_fleet
def test_flat_is_all_weights_and_gradients_in_one_vector(build):
    fleet = FLEETS[build](slab_task(), runs=3)
    before, flat = weights(fleet), fleet.flat()
    assert_close(flat.detach().view(3, -1), torch.cat([w.reshape(3, -1) for w in before], dim=1))
    flat.data.fill_(0.5)
    flat.grad.fill_(2.0)
    assert all((p == 0.5).all() and (p.grad == 2).all() for p in fleet.parameters())
    assert fleet.flat().data_ptr() == flat.data_ptr() and fleet.flat().grad.data_ptr() == flat.grad.data_ptr()


def test_flat_leaves_out_what_does_not_train():
    fleet = sb.mlp(slab_task(), depth=2, width=4, runs=2)
    fleet.flat()
    for parameter in fleet.net[0].parameters():
        parameter.requires_grad_(False)
    assert fleet.flat().numel() == sum(p.numel() for p in fleet.parameters() if p.requires_grad)


@pytest.mark.parametrize("optimizer", sb.optimizer)
@every_fleet
def test_layers_that_do_not_train_stay(optimizer, build):
    task = slab_task()
    fleet = FLEETS[build](task, runs=2)
    first = list(fleet.parameters())[1].requires_grad_(False)  # the first bias
    before = first.clone()
    snapshot = sb.last(sb.fit(fleet, task, optimizer=optimizer, weight_decay=0.01, batch=32, steps=5))
    assert torch.equal(first, before) and snapshot.loss.isfinite().all()


@every_fleet
@pytest.mark.parametrize(
    "twin", [copy.deepcopy, lambda fleet: pickle.loads(pickle.dumps(fleet))], ids=["copy", "pickle"]
)
def test_a_trained_copy_trains_like_its_original(build, twin):
    task = slab_task()
    fleet = FLEETS[build](task, runs=2)
    sb.last(sb.fit(fleet, task, steps=5, batch=32))
    other = twin(fleet)
    sb.last(sb.fit(fleet, task, steps=5, batch=32))
    with pytest.raises(AssertionError):
        assert_bitwise(fleet, other)
    sb.last(sb.fit(other, task, steps=5, batch=32))
    assert_bitwise(fleet, other)


def test_buffers_are_stacked_too():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2)
            self.register_buffer("scale", torch.rand(2))

        def forward(self, x):
            return self.scale * self.linear(x)

    task = sb.slabs([1, 3, 5], n=20, n_test=20)
    fleet = sb.models.fleet_of(Scaled, runs=3)
    for r in range(3):
        assert_close(fleet.run(r)(task.x), fleet(task.x)[r])
        assert_close(fleet.only(r)(task.x)[0], fleet(task.x)[r])


# ---------------------------------------------------------------- weights on disk


@every_fleet
def test_weights_save_and_load_as_plain_tensors(build, tmp_path):
    """By torch alone, trained or not: the dict holds nothing but tensors, so weights_only=True reads it."""
    task, path = slab_task(), tmp_path / "weights.pt"
    fleet, other = FLEETS[build](task, runs=3), FLEETS[build](task, runs=3, seed=50)
    sb.last(sb.fit(fleet, task, steps=5, batch=32))
    torch.save(fleet.state_dict(), path)
    loaded = torch.load(path, weights_only=True)
    assert all(type(value) is torch.Tensor and len(value) == 3 for value in loaded.values())
    assert sum(value.nbytes for value in loaded.values()) <= path.stat().st_size < 2**14 * 4
    assert not torch.equal(fleet.predict(task.x), other.predict(task.x))
    other.load_state_dict(loaded)
    assert torch.equal(fleet.predict(task.x), other.predict(task.x))


@every_fleet
def test_a_loaded_fleet_trains_from_there(build, tmp_path):
    task, path = slab_task(), tmp_path / "weights.pt"
    fleet, other = FLEETS[build](task, runs=2), FLEETS[build](task, runs=2)
    sb.last(sb.fit(fleet, task, steps=5, batch=32))
    torch.save(fleet.state_dict(), path)
    other.load_state_dict(torch.load(path, weights_only=True))
    for each in (fleet, other):
        sb.last(sb.fit(each, task, steps=5, batch=32, seed=1))
    assert_bitwise(fleet, other)
    with pytest.raises(AssertionError):
        assert_close(fleet.predict(task.x), FLEETS[build](task, runs=2).predict(task.x))


def test_a_run_loads_into_a_plain_net():
    task = slab_task()
    fleet = sb.mlp(task, depth=1, width=8, runs=3)
    net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2)).double()
    net.load_state_dict(fleet.run(1).state_dict())
    assert_close(net(task.x), fleet(task.x)[1])


def test_weights_of_another_shape_are_refused():
    """By torch's own sentence, which names the parameter and both shapes."""
    task = slab_task()
    weights = sb.mlp(task, depth=1, width=8, runs=3).state_dict()
    for shape in ({"width": 9, "runs": 3}, {"width": 8, "runs": 2}):
        with pytest.raises(RuntimeError, match=r"size mismatch for net.0.weight: .*\[3, 8, 3\]"):
            sb.mlp(task, depth=1, **shape).load_state_dict(weights)
    with pytest.raises(RuntimeError, match=r"Missing key.*net.4.weight"):
        sb.mlp(task, depth=2, width=8, runs=3).load_state_dict(weights)


@every_fleet
@pytest.mark.parametrize("kept", [0, 1])
def test_flat_takes_gradients_that_lie_elsewhere(build, kept):
    """As after a loop of plain torch, whose zero_grad throws them away."""
    fleet = FLEETS[build](slab_task(), runs=3)
    fleet.flat()
    for parameter in list(fleet.parameters())[kept:]:
        parameter.grad = torch.ones_like(parameter)
    flat = fleet.flat()
    flat.grad.fill_(7)
    assert all((p.grad == 7).all() for p in fleet.parameters())


def test_a_fleet_that_trains_nothing_is_refused():
    task = slab_task()
    with pytest.raises(sb.SbkitError, match="got none that do; try fleet.requires_grad_()"):
        sb.fit(sb.mlp(task).requires_grad_(False), task, batch=32)


@every_fleet
def test_vector_is_that_of_each_net_and_leads_back(build):
    """In the order of parameters(), as torch's own; gradients flow, and the fleet keeps its weights."""
    task = slab_task()
    fleet = FLEETS[build](task, runs=2)
    vector, logits = fleet.vector(), fleet.predict(task.x)
    for r in range(2):
        assert_close(vector[r], nn.utils.parameters_to_vector(fleet.run(r).parameters()))
    assert_close(fleet.logits_at(vector, task.x).detach(), logits)
    assert_close(fleet.logits_at(vector.flip(0), task.x).detach(), logits.flip(0))
    assert torch.equal(fleet.predict(task.x), logits)
    vector.square().sum().backward()
    assert all(torch.equal(p.grad, 2 * p) for p in fleet.parameters())


def test_vector_holds_what_trains():
    fleet = FLEETS["relu"](slab_task(), runs=2)
    whole = fleet.vector()
    fleet.linears[0].requires_grad_(False)
    left = fleet.vector()
    assert torch.equal(left, whole[:, -left.shape[1] :]) and left.shape[1] < whole.shape[1]
    with pytest.raises(sb.SbkitError, match="got none that do; try fleet.requires_grad_"):
        fleet.requires_grad_(False).vector()
