"""No state outlives a run: wherever runs are built, each begins as its own fresh nets, or is refused."""

import copy
import functools
import pickle

import pytest
import torch
from cases import weights
from torch import nn
from torch.testing import assert_close

import sbkit as sb
from sbkit.lab.compare import Pair
from sbkit.lab.session import Session

TASK = sb.slabs([1, 3, 5, 7], n=200, n_test=100)
OPTIONS = {"steps": 40, "batch": 50, "stop": None}
AGAIN = r"makes its fleet anew at every call, got one that was there before; .*copy.deepcopy\(fleet\)"


def made(seed=0) -> sb.Fleet:
    return sb.mlp(TASK, depth=1, width=6, runs=2, seed=seed)


def inside(lr=0.1, seed=0):
    return sb.fit(made(seed), TASK, lr=lr, **OPTIONS)


def modules(lr=0.1, seed=0):
    fleet = sb.models.fleet_of(lambda: nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2)), 2, seed)
    return sb.fit(fleet, TASK, lr=lr, **OPTIONS)


def copies(copied):
    """A lesson that copies fleets made outside it."""
    outer = {seed: made(seed) for seed in range(0, 8, 2)}
    return lambda lr=0.1, seed=0: sb.fit(copied(outer[seed]), TASK, lr=lr, **OPTIONS)


FRESH = {
    "made inside": lambda: inside,
    "any module": lambda: modules,
    "copied": lambda: copies(copy.deepcopy),
    "copied lightly": lambda: copies(copy.copy),
    "pickled": lambda: copies(lambda fleet: pickle.loads(pickle.dumps(fleet))),
}


def outer():
    fleet = made()
    return lambda lr=0.1, seed=0: sb.fit(fleet, TASK, lr=lr, **OPTIONS)


def trained_before():
    fleet = made()
    sb.last(sb.fit(fleet, TASK, **OPTIONS))
    return lambda lr=0.1, seed=0: sb.fit(fleet, TASK, lr=lr, **OPTIONS)


def default():
    def lesson(lr=0.1, seed=0, fleet=made()):  # noqa: B008
        return sb.fit(fleet, TASK, lr=lr, **OPTIONS)

    return lesson


def cached():
    factory = functools.cache(made)
    return lambda lr=0.1, seed=0: sb.fit(factory(seed), TASK, lr=lr, **OPTIONS)


def cached_and_trained():
    @functools.cache
    def factory(seed):
        fleet = made(seed)
        sb.last(sb.fit(fleet, TASK, **OPTIONS))
        return fleet

    return lambda lr=0.1, seed=0: sb.fit(factory(seed), TASK, lr=lr, **OPTIONS)


def kept():
    fleets = {}
    return lambda lr=0.1, seed=0: sb.fit(fleets.setdefault("fleet", made(seed)), TASK, lr=lr, **OPTIONS)


def one_run():
    run = inside()
    return lambda lr=0.1, seed=0: run


STALE = {f.__name__: f for f in (outer, trained_before, default, cached, cached_and_trained, kept, one_run)}
MADE_AT_THE_FIRST_CALL = ("cached", "cached_and_trained", "kept")
every_fresh = pytest.mark.parametrize("kind", FRESH)
every_stale = pytest.mark.parametrize("kind", STALE)


def assert_fresh(run) -> None:
    """At step 0, run r is the net that torch makes of its seed."""
    fleet = run.fleet
    assert run.step == 0
    for r in range(fleet.runs):
        with torch.random.fork_rng():
            torch.manual_seed(fleet.seed + r)
            net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
        for mine, own in zip(fleet.run(r).parameters(), net.parameters(), strict=True):
            assert torch.equal(mine, own)
        assert_close(fleet.predict(TASK.x)[r], net(TASK.x).detach())


@every_fresh
def test_every_run_of_a_panel_begins_fresh(kind):
    session = Session(FRESH[kind](), {"lr": 0.1, "seed": 0})
    for again in (session.rewind, session.new_seed, lambda: session.set("seed", 4) and session.fresh()):
        assert_fresh(session.run)
        session.finish()
        again()
    assert_fresh(session.run)


@every_fresh
def test_both_runs_of_a_comparison_begin_fresh(kind):
    pair = Pair(FRESH[kind](), {"lr · A": 0.1, "lr · B": 0.2, "seed": 0}, "lr")
    for again in (pair.rewind, pair.new_seed):
        for session in pair.sides:
            assert_fresh(session.run)
        a, b = pair.finish()
        assert a.fleet is not b.fleet
        again()


@every_fresh
def test_every_row_of_a_sweep_begins_fresh(kind, tmp_path):
    lesson, begun = FRESH[kind](), []

    def recorded(lr=0.1, seed=0):
        run = lesson(lr, seed)
        assert_fresh(run)
        begun.append(run)
        return run

    axes = {"lr": [0.1, 0.10001, 0.1000001], "seed": [0, 2]}
    table = sb.sweep(recorded, **axes)
    assert len(begun) >= 6
    for _, rows in table.groupby(["seed", "run"]):
        assert rows.loss.max() - rows.loss.min() < 1e-3
    alone = sb.last(lesson(0.1, 2)).loss
    assert table[(table.lr == 0.1) & (table["seed"] >= 2)].loss.tolist() == alone.tolist()


def test_a_lesson_may_train_its_fleet_in_stages():
    """What it did itself, at this call, is no earlier run's."""

    def staged(lr=0.1, seed=0):
        fleet = made(seed)
        sb.last(sb.fit(fleet, TASK, **OPTIONS))
        return sb.fit(fleet, TASK, lr=lr, **OPTIONS)

    session = Session(staged, {"lr": 0.1})
    first = weights(session.run.fleet)
    session.finish()
    session.rewind()
    assert all(torch.equal(a, b) for a, b in zip(first, weights(session.run.fleet), strict=True))
    losses = sb.sweep(staged, lr=[0.1, 0.100001]).groupby("lr").loss.mean()
    assert losses.max() - losses.min() < 1e-4


def test_a_fleet_goes_on_where_it_stands_outside_of_lessons():
    fleet = made()
    once = sb.last(sb.fit(fleet, TASK, **OPTIONS))
    again = sb.fit(fleet, TASK, **OPTIONS)
    assert_close(again.snapshot().loss, once.loss)
    assert (sb.last(again).loss < once.loss).all()


@every_stale
def test_a_panel_refuses_what_was_there_before(kind):
    """At once, or where another call would find the fleet of the first."""
    for values in ({"seed": 0}, {"lr": 0.1}):
        with pytest.raises(sb.SbkitError, match=AGAIN):
            Session(STALE[kind](), values).rewind()
    if kind not in MADE_AT_THE_FIRST_CALL:
        with pytest.raises(sb.SbkitError, match=AGAIN):
            sb.lab(STALE[kind](), lr=(0.01, 1.0))


@every_stale
def test_a_comparison_refuses_what_was_there_before(kind):
    with pytest.raises(sb.SbkitError, match=AGAIN):
        Pair(STALE[kind](), {"lr · A": 0.1, "lr · B": 0.2}, "lr")


@every_stale
@pytest.mark.parametrize("kept", [False, True])
def test_a_sweep_refuses_what_was_there_before(kind, kept, tmp_path):
    says = "neither copied nor pickled" if kept and kind == "one_run" else AGAIN
    with pytest.raises(sb.SbkitError, match=says):
        sb.sweep(STALE[kind](), lr=[0.01, 0.010001], cache=tmp_path if kept else None)


@pytest.mark.parametrize("kind", ["outer", "default", "one_run"])
def test_a_map_refuses_what_was_there_before(kind):
    lesson = STALE[kind]()
    with pytest.raises(sb.SbkitError, match=AGAIN):
        sb.map(lambda lr=0.1, level=0: lesson(lr), lr=[0.01, 0.1], level=[0, 1])


def test_a_sweep_in_other_processes_refuses_it_too():
    with pytest.raises(sb.SbkitError, match=AGAIN):
        sb.sweep(outer(), lr=[0.01, 0.010001], jobs=2)


def test_a_transform_does_not_change_the_task():
    """In place, on the whole set, of one run: what it gets is its own."""
    task = sb.slabs(n=100, n_test=50)
    before = task.x.clone()

    def moved(fleet, x, y):
        return x.add_(1), y

    for optimizer in ("gd", "sgd"):
        fleet = sb.mlp(task, width=4, runs=1)
        sb.last(sb.fit(fleet, task, optimizer=optimizer, batch=100, steps=3, transform=moved))
    assert torch.equal(task.x, before)
