"""The loop: hooks, interrupts, stopping, snapshots."""

import copy
import math
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from cases import FLEETS, TASKS, assert_bitwise, assert_same_run, slab_task, weights
from torch import optim
from torch.nn import functional as F
from torch.testing import assert_close

import sbkit as sb
from sbkit.core import drawn
from sbkit.training.batches import Batches

OPTIONS = {"batch": 32, "steps": 60, "stop": None}
every_optimizer = pytest.mark.parametrize("optimizer", sb.optimizer)


def trained(build="relu", task=None, **options) -> sb.Fleet:
    task = task or slab_task()
    fleet = FLEETS[build](task, runs=3)
    sb.last(sb.fit(fleet, task, **OPTIONS | options))
    return fleet


def distance(fleet: sb.Fleet, x, y, logits) -> torch.Tensor:
    """Half the squared norm of all weights, a number a run."""
    return sum(p.flatten(1).square().sum(1) for p in fleet.parameters()) / 2


@pytest.mark.parametrize("build", ["relu", "layer norm"])
@pytest.mark.parametrize("optimizer", ["sgd", "gd", "sam", "lbfgs"])
def test_a_penalty_of_squares_is_weight_decay(build, optimizer):
    """Checks the penalty's gradient, per run; sam climbs on the penalty too, so it gets none of that."""
    scale = 0.0 if optimizer == "sam" else 0.01
    options = {"optimizer": optimizer, "steps": 15}
    with_penalty = trained(build, penalty=lambda *args: scale * distance(*args), **options)
    with_decay = trained(build, weight_decay=scale, **options)
    for r in range(3):
        assert_same_run(with_penalty, r, with_decay, r, atol=1e-6, rtol=1e-6)


def test_a_penalty_sees_the_inputs_and_may_differentiate_by_them():
    """Gradient of the logits by the inputs, against the plain loop."""

    def slope(net, x):
        x = x.detach().requires_grad_()
        return torch.autograd.grad(net(x).square().sum(), x, create_graph=True)[0].square()

    task = slab_task()
    fleet = FLEETS["tanh"](task, runs=2)
    nets = [fleet.run(r) for r in range(2)]
    penalty = lambda fleet, x, y, logits: slope(fleet, x).sum((1, 2))  # noqa: E731
    sb.last(sb.fit(fleet, task, lr=0.01, penalty=penalty, **OPTIONS))
    for r, net in enumerate(nets):
        made, batches = optim.SGD(net.parameters(), lr=0.01), Batches(task.x, task.y, 32, 0, [r])
        for step in range(60):
            x, y = (part[0] for part in batches(step))
            made.zero_grad()
            (F.cross_entropy(net(x), y) + slope(net, x).sum()).backward()
            made.step()
        for mine, theirs in zip(fleet.run(r).parameters(), net.parameters(), strict=True):
            assert_close(mine, theirs)


@pytest.mark.parametrize("shape", [(), (1,), (2,), (3, 1)])
def test_a_penalty_that_mixes_runs_is_refused(shape):
    with pytest.raises(sb.SbkitError, match=r"one number a run, \(3,\), got .*; sum or average"):
        trained(penalty=lambda fleet, x, y, logits: torch.zeros(shape))


@every_optimizer
@pytest.mark.parametrize("build", ["relu", "gelu"])
def test_hooks_that_do_nothing_change_nothing(optimizer, build):
    """A transform or a penalty leaves the written-out gradient for another path: the same numbers."""
    plain = trained(build, optimizer=optimizer)
    for hook in (
        {"transform": lambda fleet, x, y: (x, y)},
        {"penalty": lambda fleet, x, y, logits: 0 * logits.sum((1, 2))},
        {"after_step": lambda fleet, step: None},
    ):
        other = trained(build, optimizer=optimizer, **hook)
        for r in range(3):
            assert_same_run(plain, r, other, r)


def test_transform_changes_the_batch():
    """Labels turned round: the same as training on the turned labels; fewer rows are fine too."""
    task = slab_task()
    turned = sb.Task(task.z, 1 - task.y, task.z_test, 1 - task.y_test, task.features, task.embed)
    assert_bitwise(
        trained(transform=lambda fleet, x, y: (x, 1 - y)),
        trained(task=turned, transform=lambda f, x, y: (x, y)),
    )
    half = trained(transform=lambda fleet, x, y: (x[:, ::2], y[:, ::2]))
    assert all(p.isfinite().all() for p in half.parameters())


def test_a_transform_may_give_other_sizes():
    """Which the nets take: here any number of columns, of which they see the mean."""

    class Mean(torch.nn.Linear):
        def forward(self, x):
            return super().forward(x.mean(1, keepdim=True))

    task, sizes = slab_task(), []

    def cut(fleet, x, y, step):
        sizes.append(1 + step % 3)
        return x[..., : sizes[-1]], y

    fleet = sb.models.fleet_of(lambda: Mean(1, 2).double(), runs=2)
    sb.last(sb.fit(fleet, task, transform=cut, **OPTIONS))
    assert len({*sizes}) == 3 and fleet.weights()[0].isfinite().all()


def test_a_transform_is_asked_once_a_step():
    """Also of the rows that fit looks at: what it counts or draws goes on as if nobody had looked."""
    task, noise = slab_task(), torch.Generator().manual_seed(0)

    def draw(fleet, x, y):
        return x.add_(torch.randn(x.shape, generator=noise, dtype=x.dtype)), y

    fleet, before = FLEETS["relu"](task, runs=3), task.x.clone()
    run = sb.fit(fleet, task, transform=draw, optimizer="gd", **OPTIONS | {"steps": 3})
    assert all(p.grad is None or not p.grad.any() for p in fleet.parameters())
    sb.last(run)
    other = torch.Generator().manual_seed(0)
    for _ in range(3):
        torch.randn((3, *task.x.shape), generator=other, dtype=task.x.dtype)
    assert torch.equal(noise.get_state(), other.get_state()) and torch.equal(task.x, before)


def test_what_a_transform_draws_of_torch_is_drawn_where_it_trains():
    """Each step its own noise, as if fit had not looked; the generator is set before or after fit."""
    task = slab_task()

    def ends(seeded_after: bool) -> list[torch.Tensor]:
        drawn = []

        def draw(fleet, x, y):
            drawn.append(torch.randn(x.shape, dtype=x.dtype))
            return x + drawn[-1], y

        torch.manual_seed(3)
        run = sb.fit(FLEETS["relu"](task, runs=3), task, transform=draw, **OPTIONS | {"steps": 3})
        if seeded_after:
            torch.manual_seed(3)
            torch.rand(7)
        sb.last(run)
        return drawn[-3:]

    torch.manual_seed(3)
    expected = [torch.randn(3, 32, 3, dtype=torch.float64) for _ in range(3)]
    assert all(map(torch.equal, ends(False), expected))
    torch.manual_seed(3)
    torch.rand(7)
    expected = [torch.randn(3, 32, 3, dtype=torch.float64) for _ in range(3)]
    assert all(map(torch.equal, ends(True), expected))


def test_what_fit_made_of_other_weights_is_made_anew():
    """An adversary sees the weights that train, also where those were loaded after fit."""
    task, seen = slab_task(), []

    def look(fleet, x, y):
        seen.append(fleet.weights()[0].clone())
        return x, y

    fleet, other = (FLEETS["relu"](task, runs=2, seed=seed) for seed in (0, 5))
    run = sb.fit(fleet, task, transform=look, **OPTIONS)
    fleet.load_state_dict(other.state_dict())
    run.train(steps=1)
    assert len(seen) == 2 and torch.equal(seen[1], other.weights()[0])


def test_transform_gets_each_run_its_rows():
    task, seen = slab_task(), []

    def look(fleet, x, y):
        seen.append((tuple(x.shape), tuple(y.shape), y.dtype))
        return x, y

    trained(task=task, transform=look, steps=2)
    assert seen == [((3, 32, 3), (3, 32), torch.int64)] * 2


@every_optimizer
def test_after_step_changes_weights(optimizer):
    """A mask, put on after every step, holds."""

    def mask(fleet, step):
        fleet.weights()[0].data[:, 0] = 0

    fleet = trained(optimizer=optimizer, after_step=mask)
    assert (fleet.weights()[0][:, 0] == 0).all() and (fleet.weights()[0][:, 1] != 0).any()


@pytest.mark.parametrize("build", ["relu", "gelu"])
def test_a_hook_may_clear_the_gradients(build):
    assert_bitwise(trained(build), trained(build, after_step=lambda fleet, step: fleet.zero_grad()))


@pytest.mark.parametrize("build", ["relu", "gelu"])
@pytest.mark.parametrize("optimizer", ["sgd", "muon", "lbfgs"])
def test_gradients_of_others_are_not_trained_on(build, optimizer):
    """Thrown away and taken again between steps and in a hook, as plain torch's zero_grad does."""

    def another(fleet, step=0):
        for parameter in fleet.parameters():
            parameter.grad = torch.ones_like(parameter) if step % 2 else None

    task = slab_task()
    fleet = FLEETS[build](task, runs=3)
    options = OPTIONS | {"optimizer": optimizer, "steps": 12}
    run = sb.fit(fleet, task, after_step=another, **options)
    while not run.finished:
        another(fleet, run.step)
        run.train(steps=4)
    assert_bitwise(fleet, trained(build, task, **options))


def test_weights_frozen_after_fit_are_refused():
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=2)
    run = sb.fit(fleet, task, **OPTIONS)
    run.train(steps=1)
    next(fleet.parameters()).requires_grad_(False)
    with pytest.raises(sb.SbkitError, match="got requires_grad changed; .*or call sb.fit once more"):
        run.train(steps=1)
    before = next(fleet.parameters()).clone()
    sb.last(sb.fit(fleet, task, **OPTIONS))
    assert torch.equal(next(fleet.parameters()), before)


def test_after_step_counts_from_one():
    seen = []
    trained(after_step=lambda fleet, step: seen.append(step), steps=5)
    assert seen == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("at", [1, 49, 50, 51, 60])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_run_can_go_on(at, error):
    """After step `at`, also where the stopping rule is due: the end is the same as without."""
    struck = []

    def strike(fleet, step):
        if step == at and not struck:
            struck.append(step)
            raise error

    task = slab_task()
    fleet = FLEETS["relu"](task, runs=3)
    run = sb.fit(fleet, task, after_step=strike, **OPTIONS)
    with pytest.raises(error):
        sb.last(run)
    assert run.step == at and all(p.isfinite().all() for p in fleet.parameters())
    assert sb.last(run).step == 60 and set(run.states) == {"finished"}
    assert_bitwise(fleet, trained(task=task))


@pytest.mark.parametrize("copied", [pickle.dumps, copy.deepcopy, copy.copy])
def test_weights_are_copied_and_training_is_not(copied):
    task = slab_task()
    made = sb.fit(FLEETS["relu"](task, runs=3), task, **OPTIONS)
    with pytest.raises(sb.SbkitError, match="neither copied nor pickled.*copy.deepcopy"):
        copied(made)
    copied(made.fleet)


def test_an_interrupt_does_not_thaw_a_frozen_run():
    def strike(fleet, step):
        if step == 55:
            raise KeyboardInterrupt

    task = slab_task()
    fleet = FLEETS["relu"](task, runs=2)
    next(fleet.parameters()).data[0] = math.nan
    run = sb.fit(fleet, task, after_step=strike, **OPTIONS)
    run.advance(steps=50)
    before = weights(fleet)
    assert run.states == ["diverged", "training"]
    with pytest.raises(KeyboardInterrupt):
        run.advance(steps=10)
    for old, new in zip(before, weights(fleet), strict=True):
        assert_close(old[0], new[0], equal_nan=True, rtol=0, atol=0)


def test_interrupted_sam_stands_where_it_was():
    """Not uphill, where the second gradient is taken."""
    calls = []

    def strike(fleet, x, y, logits):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return logits.new_zeros(len(logits))

    task = slab_task()
    fleet = FLEETS["relu"](task, runs=2)
    before = weights(fleet)
    run = sb.fit(fleet, task, optimizer="sam", penalty=strike, **OPTIONS)
    with pytest.raises(KeyboardInterrupt):
        run.advance(steps=1)
    assert all(torch.equal(a, b) for a, b in zip(before, weights(fleet), strict=True))
    assert run.step == 0


@pytest.mark.parametrize("every", [1, 7, 50, 300])
def test_stopping_is_decided_every_50_steps_on_the_training_loss(every):
    task = slab_task((1,))
    reference = sb.fit(FLEETS["tanh"](task, runs=1), task, every=25, batch=32, steps=300, stop=None)
    losses = {snapshot.step: snapshot.loss.item() for snapshot in reference}
    stop = losses[125] * 1.001
    run = sb.fit(FLEETS["tanh"](task, runs=1), task, every=every, batch=32, steps=300, stop=stop)
    assert min(step for step, loss in losses.items() if loss < stop) == 125
    assert list(run)[-1].step == 150
    assert run.states == ["converged"] and run.finished and next(run, None) is None


@pytest.mark.parametrize("n", [300, 4096, 5000])
def test_the_loss_is_over_all_rows_or_some_drawn_from_all(n):
    task = slab_task(n=n, noise=0.3)
    fleet = sb.mlp(task, depth=1, runs=2)
    snapshot = sb.fit(fleet, task).snapshot()
    rows = drawn(n, 4096)
    assert n > 4096 or rows == slice(None)
    logits, y = fleet(task.x[rows]), task.y[rows]
    expected = torch.stack([F.cross_entropy(run, y) for run in logits])
    assert_close(snapshot.loss, expected.detach())
    assert_close(snapshot.accuracy, (logits.argmax(-1) == y).float().mean(-1))
    assert_close(snapshot.test_accuracy, (fleet(task.x_test).argmax(-1) == task.y_test).float().mean(-1))


def test_rows_that_come_last_count_too():
    """Noisy labels from row 5,000 on: loss, accuracy and the stopping rule see them, in their proportion."""
    task = sb.slabs(n=10_000, n_test=1000)
    y = task.y.clone()
    y[5000:] = torch.randint(2, (5000,), generator=torch.Generator().manual_seed(0))
    noisy = sb.Task(task.z, y, task.z_test, task.y_test, task.features, task.embed)
    fleet = sb.mlp(noisy, width=32, runs=2)
    snapshot = sb.last(sb.fit(fleet, noisy, lr=0.5, steps=200, stop=0.5))
    right = (fleet.predict(noisy.x).argmax(-1) == y).float().mean(-1)
    assert snapshot.state == ("finished",) * 2 and snapshot.step == 200
    assert_close(snapshot.accuracy, right, atol=0.02, rtol=0)


def overflow(fleet: sb.Fleet) -> None:
    """Weights of run 0 that are finite, but whose logits or their squares are not."""
    for parameter in fleet.parameters():
        parameter.data[0] *= 1e30


def steep(fleet, x, y, logits) -> torch.Tensor:
    """A penalty that is infinite in run 0, while its gradient and the loss itself stay finite."""
    return 0 * logits.sum((1, 2)) + torch.tensor([math.inf, 0.0])


DIVERGES = [
    ("slabs", {}, overflow),
    ("slabs", {"loss": "square"}, overflow),
    ("slabs", {"loss": "hinge"}, overflow),  # rows that are right by an infinite margin cost nothing
    ("slabs", {"loss": "logistic"}, overflow),
    ("regression", {}, overflow),
    ("slabs", {"optimizer": "adam"}, lambda fleet: next(fleet.parameters()).data[0].fill_(math.nan)),
    ("slabs", {"penalty": steep}, lambda fleet: None),
    ("slabs", {"penalty": steep, "optimizer": "sam"}, lambda fleet: None),
]


@pytest.mark.parametrize("stop", [None, 1e-9])
@pytest.mark.parametrize(("task", "options", "spoil"), DIVERGES)
@pytest.mark.parametrize("build", ["relu", "gelu"])
def test_a_run_that_is_not_finite_ends_alone_whatever_stop_is(task, options, spoil, build, stop):
    task = TASKS[task]().to(dtype=torch.float32)
    fleet, sound = (FLEETS[build](task, runs=2) for _ in range(2))
    spoil(fleet)
    run = sb.fit(fleet, task, **OPTIONS | {"stop": stop} | options)
    assert run.advance(steps=50).state == ("diverged", "training")
    assert sb.last(run).state == ("diverged", "finished")
    sb.last(sb.fit(sound, task, **OPTIONS | {"stop": stop} | options))
    assert_same_run(fleet, 1, sound, 1)


def test_last_of_a_finished_run_is_the_same_snapshot():
    task = slab_task()
    run = sb.fit(FLEETS["relu"](task, runs=2), task, measure=["reliance", "spectrum"], **OPTIONS)
    *_, end = run
    for again in (sb.last(run), run.advance(steps=5), run.snapshot()):
        assert (again.step, again.epoch, again.state, again.rows) == (
            end.step,
            end.epoch,
            end.state,
            end.rows,
        )
        for name in ("loss", "accuracy", "test_accuracy"):
            assert torch.equal(getattr(again, name), getattr(end, name))
        assert torch.equal(again.values["reliance"], end.values["reliance"])
        assert all(map(torch.equal, again.values["spectrum"], end.values["spectrum"]))
    assert next(run, None) is None


def test_a_snapshot_is_small_and_travels():
    task = sb.lms(5)
    measures = [name for name in sb.measure if not sb.measure.about[name].weights]  # of nets of any size
    run = sb.fit(sb.mlp(task, runs=2), task, measure=measures)
    snapshot = run.advance(steps=1)
    packed = pickle.dumps(snapshot)
    assert len(packed) < 600_000
    unpacked = pickle.loads(packed)
    assert torch.equal(unpacked.loss, snapshot.loss) and unpacked.state == snapshot.state
    assert_close(unpacked.sample.x_test, task.x_test[drawn(len(task.x_test), 256)])
    assert snapshot.epoch == pytest.approx(256 / 10_000)


def test_seconds_train_at_least_one_step_and_not_beyond_the_end():
    task = slab_task()
    run = sb.fit(FLEETS["relu"](task, runs=2), task, **OPTIONS)
    assert run.advance(seconds=1e-9).step == 1
    assert run.advance(seconds=600).step == 60


REFUSED = [
    ({}, r"either steps or seconds; try advance\(steps=50\)"),
    ({"steps": 5, "seconds": 1}, "either steps or seconds"),
    ({"steps": 0}, "steps is a whole number of at least 1, got 0"),
    ({"seconds": 0}, "seconds is a number above 0.*, got 0"),
]


@pytest.mark.parametrize(("options", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_refuses(options, says):
    task = slab_task()
    run = sb.fit(FLEETS["relu"](task, runs=2), task, **OPTIONS)
    with pytest.raises(sb.SbkitError, match=says):
        run.advance(**options)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "lbfgs"])
def test_training_leaves_torch_as_it_was(optimizer):
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    trained(optimizer=optimizer)
    assert torch.get_num_threads() == threads and torch.is_grad_enabled()
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_second_run_gives_the_same_curve_bit_for_bit():
    def curve():
        task = sb.lms(5, dim=4, n=512, n_test=64)
        return torch.stack([s.loss for s in sb.fit(sb.mlp(task, runs=2, seed=3), task, every=10, steps=100)])

    assert torch.equal(curve(), curve())


def test_threads_that_train_one_run_take_turns():
    """As a panel's page does, on a thread of its own, beside a cell that loops over the run."""
    task = slab_task()
    fleets = [sb.mlp(task, width=8, runs=2) for _ in "ab"]
    alone, shared = (sb.fit(fleet, task, steps=400, stop=None, measure="reliance") for fleet in fleets)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda k: shared.advance(steps=5, glance=k % 2 == 0), range(40)))
    assert shared.step == 200
    alone.train(steps=200)
    assert_bitwise(alone.fleet, shared.fleet)
