"""What every registered dataset, optimizer, loss and measure promises: registering a thing tests it."""

import inspect
import math
import pickle
from functools import partial

import pytest
import torch
from cases import (
    DOUBLE,
    FLEETS,
    assert_bitwise,
    assert_same_run,
    regression,
    slab_task,
    weights,
    with_lessons,
)
from torch.testing import assert_close

import sbkit as sb
from sbkit.lessons.simplicity.available_or_predictive import core_and_shortcut, shortcut_bias
from sbkit.lessons.simplicity.which_feature_will_it_use import margin_shift
from sbkit.training.measured import value_of

with_lessons()

every_dataset = pytest.mark.parametrize("name", sb.dataset)
every_optimizer = pytest.mark.parametrize("optimizer", sb.optimizer)
every_loss = pytest.mark.parametrize("name", sb.loss)
every_measure = pytest.mark.parametrize("name", sb.measure)
every_plot = pytest.mark.parametrize("name", sb.plot)
every_loss = pytest.mark.parametrize("name", sb.loss)

# ---------------------------------------------------------------- datasets


BALANCED = ("circles", "dominoes", "lms", "moons", "ms", "slabs", "spirals", "xor")


def made(name: str, **asked) -> sb.Task:
    """A task of this dataset; one of a user's own need not take every argument."""
    return sb.dataset[name](**{key: value for key, value in asked.items() if takes_(name, key)})


def takes_(name: str, argument: str) -> bool:
    taken = inspect.signature(sb.dataset[name]).parameters
    return argument in taken or any(p.kind is p.VAR_KEYWORD for p in taken.values())


@every_dataset
def test_task_is_valid_and_has_all_classes(name):
    """Of two classes or more, or of values to predict."""
    task = made(name, n=65, n_test=32)
    assert task.x.shape == (65, task.x_test.shape[1])
    assert len(task.x_test) == 32 or not takes_(name, "n_test")
    assert task.x.dtype == torch.float32
    assert task.y.dtype == (torch.int64 if task.classes else torch.float32)
    for y in (task.y, task.y_test):
        if task.classes:
            counts = y.bincount(minlength=task.outputs)
            fewest = len(y) / task.outputs**2
            assert counts.diff().abs().max() <= 1 if name in BALANCED else (counts > fewest).all()
        else:
            assert y.shape == (len(y), task.outputs) and (y.std(0) > 0).all()
    assert sorted(task.columns(task.features)) == list(range(task.z.shape[1]))


@every_dataset
def test_task_is_trained_on(name):
    task = made(name, n=100, n_test=50)
    snapshot = sb.last(sb.fit(sb.mlp(task, depth=1, width=8, runs=2), task, steps=20, batch=32))
    assert snapshot.loss.isfinite().all() and snapshot.accuracy.isfinite().all() == task.classes


@every_dataset
def test_task_follows_its_seed(name):
    state = torch.random.get_rng_state()
    first, again, other = (made(name, n=50, n_test=50, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(state, torch.random.get_rng_state())
    for part in ("x", "y", "x_test", "y_test"):
        assert torch.equal(getattr(first, part), getattr(again, part))
    assert not torch.equal(first.z, other.z)
    assert not (takes_(name, "n_test") and torch.equal(first.z, first.z_test))


@every_dataset
def test_task_embeds_pickles_and_moves(name):
    task = made(name, n=50, n_test=50)
    assert torch.equal(task.embed(task.z), task.x) and torch.equal(task.embed(task.z_test), task.x_test)
    copy = pickle.loads(pickle.dumps(task))
    assert torch.equal(copy.x, task.x) and copy.features == task.features
    moved = task.to(dtype=DOUBLE)
    assert moved.x.dtype == moved.x_test.dtype == DOUBLE
    assert moved.y.dtype == (torch.int64 if task.classes else DOUBLE)
    assert_close(moved.x.float(), task.x)


# ---------------------------------------------------------------- optimizers


def trained(optimizer, task, fleet, steps=50, **options) -> sb.Fleet:
    options = {"batch": 32, "stop": None, "seed": 5} | options
    sb.last(sb.fit(fleet, task, optimizer=optimizer, steps=steps, **options))
    return fleet


@every_optimizer
@pytest.mark.parametrize("build", ["relu", "dropout", "layer norm"])
def test_a_run_in_a_fleet_is_the_run_alone(optimizer, build):
    """Weights and order of minibatches: run r of a fleet with seed s is the fleet of one with seed s + r."""
    task, options = slab_task(), {"weight_decay": 1e-3}
    fleet = trained(optimizer, task, FLEETS[build](task, runs=3, seed=7), **options)
    untrained = FLEETS[build](task, runs=3, seed=7)
    for r in range(3):
        alone = trained(optimizer, task, FLEETS[build](task, runs=1, seed=7 + r), **options)
        assert_same_run(fleet, r, alone)
        with pytest.raises(AssertionError):
            assert_same_run(fleet, r, untrained, r)


@every_optimizer
def test_interleaved_runs_equal_sequential_ones(optimizer):
    def pair():
        tasks = slab_task(), slab_task((3, 7), seed=1)
        fleets = [FLEETS["relu"](task, runs=2, seed=seed) for seed, task in enumerate(tasks)]
        options = {"optimizer": optimizer, "steps": 60, "batch": 32}
        return fleets, [sb.fit(fleet, task, **options) for fleet, task in zip(fleets, tasks, strict=True)]

    sequential, runs = pair()
    for run in runs:
        sb.last(run)
    interleaved, (first, second) = pair()
    while not (first.finished and second.finished):
        first.advance(steps=7)
        second.advance(steps=4)
    for fleet, other in zip(sequential, interleaved, strict=True):
        assert_bitwise(fleet, other)


@every_optimizer
def test_cuts_do_not_matter(optimizer):
    """Steps, seconds, looks and glances in between: the same weights to the last bit."""
    task = slab_task()

    def run(**options):
        fleet = FLEETS["relu"](task, runs=2)
        return sb.fit(fleet, task, optimizer=optimizer, steps=120, batch=32, stop=0.05, **options)

    whole, cut = run(), run(every=7, measure=list(sb.measure))
    sb.last(whole)
    for steps in (1, 7, 42):
        cut.advance(steps=steps, glance=True)
    cut.advance(seconds=1e-9)
    assert cut.step == 51 or cut.finished
    list(cut)
    assert whole.step == cut.step and whole.states == cut.states
    assert_bitwise(whole.fleet, cut.fleet)


def perfect(fleet: sb.Fleet, r: int) -> None:
    """Make run r of a linear fleet right on the first column by so much that its loss is exactly 0."""
    weight, bias = fleet.parameters()
    with torch.no_grad():
        weight[r], bias[r] = 0, 0
        weight[r, :, 0] = torch.tensor([-5000.0, 5000.0])


@every_optimizer
def test_a_converged_run_freezes_while_others_go_on(optimizer):
    task, options = (
        slab_task(rotate=False),
        {"optimizer": optimizer, "batch": 32, "steps": 120, "stop": 1e-30},
    )
    fleet, alone = (FLEETS["linear"](task, runs=3) for _ in range(2))
    perfect(fleet, 1)
    run = sb.fit(fleet, task, **options)
    assert run.advance(steps=50).state == ("training", "converged", "training")
    before = weights(fleet)
    snapshot = sb.last(run)
    assert snapshot.state == ("finished", "converged", "finished") and snapshot.step == 120
    assert all(torch.equal(old[1], new[1]) for old, new in zip(before, weights(fleet), strict=True))
    sb.last(sb.fit(alone, task, **options))
    for r in (0, 2):
        assert_same_run(fleet, r, alone, r)


@every_optimizer
def test_runs_that_stop_at_different_steps_end_as_alone(optimizer):
    task = slab_task((1,), n=400)
    build = {"runs": 1, "init": 1.5}
    options = {"optimizer": optimizer, "batch": 32, "steps": 300, "lr": 0.02, "stop": 0.3}
    fleet = FLEETS["tanh"](task, **build | {"runs": 4})
    steps = set()
    sb.last(sb.fit(fleet, task, **options))
    for r in range(4):
        alone = FLEETS["tanh"](task, **build, seed=r)
        steps.add(sb.last(sb.fit(alone, task, **options)).step)
        assert_same_run(fleet, r, alone)


@every_optimizer
def test_a_diverged_run_stops_alone(optimizer):
    task = slab_task()
    sound, broken = (FLEETS["relu"](task, runs=3) for _ in range(2))
    next(broken.parameters()).data[1] = math.nan
    run = sb.fit(broken, task, optimizer=optimizer, steps=60, batch=32, stop=None, measure=list(sb.measure))
    snapshot = sb.last(run)
    assert snapshot.state == ("finished", "diverged", "finished")
    assert snapshot.loss.isfinite().tolist() == [True, False, True]
    trained(optimizer, task, sound, steps=60, seed=0)
    for r in (0, 2):
        assert_same_run(broken, r, sound, r)


@every_optimizer
def test_live_settings_act_from_the_next_step(optimizer):
    """Until a setting changes the numbers are the same, one step later they are not."""
    task = slab_task()
    changed = sb.fit(FLEETS["relu"](task, runs=2), task, optimizer=optimizer, batch=32, stop=None, steps=40)
    plain = sb.fit(FLEETS["relu"](task, runs=2), task, optimizer=optimizer, batch=32, stop=None, steps=40)
    changed.advance(steps=3)
    plain.advance(steps=3)
    assert_bitwise(changed.fleet, plain.fleet)
    for name, value in list(changed.settings.items()):
        changed.settings[name] = 0.5 * value + 0.0012  # no optimizer's own value stays as it is
        changed.advance(steps=1)
        plain.advance(steps=1)
        with pytest.raises(AssertionError):
            assert_bitwise(changed.fleet, plain.fleet)
    assert sb.last(changed).loss.isfinite().all()


# ---------------------------------------------------------------- losses


@every_loss
@pytest.mark.parametrize("build", ["relu", "gelu"])
def test_a_loss_trains_each_run_as_alone_however_steps_are_cut(name, build):
    task = slab_task()
    cut, whole = (FLEETS[build](task, runs=3, seed=7) for _ in range(2))
    run = sb.fit(cut, task, loss=name, batch=32, steps=60, stop=None, seed=5)
    before = run.snapshot().loss
    for steps in (1, 7, 52):
        run.train(steps=steps)
    assert (run.snapshot().loss < before).all()
    trained("sgd", task, whole, steps=60, loss=name)
    assert_bitwise(cut, whole)
    for r in range(3):
        alone = trained("sgd", task, FLEETS[build](task, runs=1, seed=7 + r), steps=60, loss=name)
        assert_same_run(cut, r, alone)


# ---------------------------------------------------------------- measures


@torch.no_grad()
def per_run(name: str, fleet: sb.Fleet, task: sb.Task) -> list[torch.Tensor]:
    """What a measure gives, asked as a run asks it, as tensors with a leading axis of runs."""
    value = value_of(name, sb.measure[name](fleet, task), fleet.runs)
    return value if isinstance(value, list) else [value]


@every_measure
@pytest.mark.parametrize("build", ["relu", "linear"])
def test_measure_of_a_fleet_is_that_of_its_runs(name, build):
    task = slab_task(n_test=80)
    fleet = FLEETS[build](task, runs=3, init=3.0)
    if build == "linear" and sb.measure.about[name].hidden:
        with pytest.raises(sb.SbkitError, match=f"{name} needs a hidden layer"):
            sb.fit(fleet, task, measure=[name])
        return
    together = per_run(name, fleet, task)
    assert all(len(value) == 3 for value in together)
    for r in range(3):
        alone = per_run(name, fleet.only(r), task)
        for value, own in zip(together, alone, strict=True):
            assert_close(value[r], own[0])


@every_measure
def test_measure_leaves_no_trace(name):
    task, fleet = slab_task(n_test=80), FLEETS["relu"](slab_task(), runs=2)
    before, state = weights(fleet), torch.random.get_rng_state()
    first, again = (per_run(name, fleet, task) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(before, weights(fleet), strict=True))
    assert torch.equal(state, torch.random.get_rng_state())


def listed(value) -> list[torch.Tensor]:
    """What a measure gives, as tensors with a leading axis of runs."""
    return value if isinstance(value, list) else [value]


MEASURED: dict[str, tuple] = {name: (measure, slab_task) for name, measure in sb.measure.items()}
MEASURED |= {
    "auc": (partial(sb.randomized, features="linear"), slab_task),
    "accuracy": (partial(sb.randomized, features="linear", metric="accuracy"), slab_task),
    "attack": (partial(sb.measures.attack, rows=20), slab_task),
    "largest coordinate": (partial(sb.measures.attack, rows=20, norm="linf"), slab_task),
    "random start": (partial(sb.measures.attack, rows=20, seed=0), slab_task),
    "universal": (partial(sb.measures.universal_perturbation, radius=1.0, rows=50), slab_task),
    "margins": (sb.measures.margins, slab_task),
    "margin shift": (partial(margin_shift, features="linear"), slab_task),
    "shortcut bias": (
        shortcut_bias,
        lambda: core_and_shortcut(n=100, n_test=50, dim=10).to(dtype=DOUBLE),
    ),
}
for kind in ("ntk", "gram", "cosine"):
    MEASURED[kind] = (lambda fleet, task, kind=kind: sb.measures.kernel(fleet, task.x[:9], kind), slab_task)


@pytest.mark.parametrize("name", MEASURED)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", [slice(None), slice(0, 1), slice(-1, None)], ids=["all", "first", "last"])
@pytest.mark.parametrize("build", ["relu", "tanh"])
def test_a_measure_of_a_diverged_run_is_nan_and_others_are_as_they_were(name, value, where, build):
    """Not an error, and no plausible number such as 0 or chance: behind a ReLU −∞ reads as 0.

    A measure that a user adds may say of such a run what it likes, as long as it leaves the others alone.
    """
    measure, make = MEASURED[name]
    ours = name not in sb.measure or measure.__module__.startswith("sbkit.")
    task = make()
    fleet = FLEETS[build](task, runs=3)
    sound = listed(measure(fleet, task))
    for parameter in list(fleet.parameters())[where]:
        parameter.data[1] = value
    diverged = not fleet.predict(task.x).isfinite().all(-1).all(-1)[1]
    for found, own in zip(listed(measure(fleet, task)), sound, strict=True):
        assert_close(found[::2], own[::2])
        assert not (ours and diverged) or found[1].isnan().all()


# ---------------------------------------------------------------- regression


@every_optimizer
def test_a_run_in_a_fleet_is_the_run_alone_in_regression(optimizer):
    task = regression()
    fleet = trained(optimizer, task, FLEETS["tanh"](task, runs=3, seed=7), lr=0.01)
    for r in range(3):
        alone = trained(optimizer, task, FLEETS["tanh"](task, runs=1, seed=7 + r), lr=0.01)
        assert_same_run(fleet, r, alone)


@every_optimizer
def test_regression_learns(optimizer):
    task = regression()
    run = sb.fit(FLEETS["tanh"](task, runs=2), task, optimizer=optimizer, steps=100, batch=32, lr=0.01)
    first = run.snapshot()
    latest = sb.last(run)
    assert (latest.loss < first.loss).all()
    assert latest.accuracy.isnan().all() and latest.test_accuracy.isnan().all()


@every_measure
def test_a_measure_of_a_regression_is_one_a_run_or_refused_at_once(name):
    task = regression()
    try:
        run = sb.fit(FLEETS["tanh"](task, runs=3), task, steps=2, batch=32, measure=[name])
    except sb.SbkitError as error:
        assert name in str(error) and "regression" in str(error)
        return
    value = sb.last(run).values[name]
    assert all(len(part) == 3 for part in listed(value))


@every_loss
@pytest.mark.parametrize("make", [slab_task, regression])
def test_a_loss_trains_or_is_refused_at_once(name, make):
    task = make()
    try:
        run = sb.fit(FLEETS["tanh"](task, runs=2), task, loss=name, steps=60, batch=32, lr=0.01)
    except sb.SbkitError as error:
        assert repr(name) in str(error)
        return
    first = run.snapshot().loss
    assert (sb.last(run).loss < first).all()


# ---------------------------------------------------------------- plots


def history(name: str, make=slab_task, runs=3) -> list[sb.Snapshot]:
    """Snapshots that hold what the plot of this name draws; none where the task cannot be measured so."""
    task = make()
    fleet = FLEETS["relu"](task, runs=runs)
    measure = [name] if name in sb.measure else []
    try:
        return list(sb.fit(fleet, task, steps=40, every=20, batch=32, measure=measure))
    except sb.SbkitError:
        return []


@every_plot
@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("make", [slab_task, regression])
def test_a_plot_describes_itself_or_has_nothing_to_show(name, make, runs):
    """In words for those who do not see it, and as numbers; from snapshots alone."""
    snapshots = history(name, make, runs)
    if not snapshots:
        return
    drawn = sb.plot[name](pickle.loads(pickle.dumps(snapshots)))
    if drawn is not None:
        assert drawn.name == name and drawn.title
        assert pickle.loads(pickle.dumps(drawn)).title == drawn.title
        assert len(drawn.table())


@every_plot
def test_a_plot_leaves_the_snapshots_as_they_are(name):
    snapshots = history(name)
    before = pickle.dumps(snapshots)
    sb.plot[name](snapshots)
    assert pickle.dumps(snapshots) == before
