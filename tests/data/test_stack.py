"""A stack of tasks: run r learns and is judged as on its own task alone."""

import copy
import dataclasses
import pickle

import pytest
import torch
from cases import DOUBLE, FLEETS, assert_bitwise, assert_same_run, regression, slab_task, three_classes
from torch.nn import functional as F
from torch.testing import assert_close

import sbkit as sb
from sbkit.core import registries, window
from sbkit.lab.session import Session
from sbkit.sweeps import sweep

RUNS = 3


def slab_tasks() -> list[sb.Task]:
    """Three draws of one family, each turned by its own rotation."""
    return [slab_task(seed=seed, rotate=True) for seed in range(RUNS)]


def shifted(make, many: bool = False) -> list[sb.Task]:
    """A task and two with other answers to the same rows."""
    task = make()
    found = []
    for r in range(RUNS):
        y, y_test = task.y.roll(r, 0), task.y_test.roll(r, 0)
        y, y_test = ((y > 0).long(), (y_test > 0).long()) if many else (y, y_test)
        found.append(sb.Task(task.z + r, y, task.z_test + r, y_test, task.features))
    return found


FAMILIES = {
    "slabs": slab_tasks,
    "three classes": lambda: shifted(three_classes),
    "regression": lambda: shifted(regression),
    "many labels": lambda: shifted(regression, many=True),
}


def assert_alike(mine: sb.Snapshot, r: int, theirs: sb.Snapshot) -> None:
    """What run r of a stack shows is what its task alone shows of that run."""
    assert (mine.step, mine.epoch, mine.rows) == (theirs.step, theirs.epoch, theirs.rows)
    for name in ("loss", "accuracy", "test_accuracy", "test_loss"):
        assert_close(getattr(mine, name)[r], getattr(theirs, name)[r], equal_nan=True)
    assert mine.values.keys() == theirs.values.keys()
    for name, value in mine.values.items():
        both = [found if isinstance(found, list) else [found] for found in (value, theirs.values[name])]
        for part, own in zip(*both, strict=True):
            assert_close(part[r], own[r], equal_nan=True)


def assert_each_is_alone(together, seen, tasks, **options):
    """Run r of a fleet that learned a stack, as last seen, is that of one that learned task r alone."""
    for r, task in enumerate(tasks):
        alone = FLEETS["relu"](task, runs=RUNS)
        own = sb.last(sb.fit(alone, task, **options))
        assert_same_run(together, r, alone, r, atol=1e-9, rtol=1e-7)
        assert_alike(seen, r, own)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "gd", "lbfgs"])
@pytest.mark.parametrize("family", FAMILIES)
def test_run_r_is_the_run_of_its_own_task(family, optimizer):
    tasks = FAMILIES[family]()
    options = {"optimizer": optimizer, "steps": 12, "stop": None}
    options |= {"batch": 32} if optimizer in ("sgd", "adam") else {}
    together = FLEETS["relu"](sb.data.stack(tasks), runs=RUNS)
    seen = sb.last(sb.fit(together, sb.data.stack(tasks), **options))
    assert_each_is_alone(together, seen, tasks, **options)


def weighed() -> torch.Tensor:
    return torch.rand(RUNS, 300, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)


def own_loss(logits, y):
    return F.cross_entropy(logits.mT, y, reduction="none")


@pytest.mark.parametrize("optimizer", ["sgd", "lbfgs"])
@pytest.mark.parametrize(
    "options",
    [
        {"sample_weight": weighed()},
        {"targets": torch.stack([weighed(), 1 - weighed()], dim=2)},
        {"loss": own_loss},
        {"loss": own_loss, "sample_weight": weighed(), "keep": (3,)},
    ],
    ids=["weights", "targets", "own loss", "both"],
)
def test_what_rows_are_told_stays_with_their_run(options, optimizer):
    tasks = slab_tasks()
    options = options | {"optimizer": optimizer, "steps": 8, "stop": None}
    options |= {"batch": 32} if optimizer == "sgd" else {}
    together = FLEETS["relu"](tasks[0], runs=RUNS)
    seen = sb.last(sb.fit(together, sb.data.stack(tasks), **options))
    assert_each_is_alone(together, seen, tasks, **options)


@pytest.mark.parametrize("build", ["dropout", "layer norm", "convnet"])
def test_any_net_learns_a_stack(build):
    tasks, options = slab_tasks(), {"batch": 32, "steps": 6, "stop": None}
    stack = sb.data.stack(tasks)
    together = FLEETS[build](tasks[0], runs=RUNS)
    nothing = lambda fleet, x, y, logits: logits.new_zeros(fleet.runs)  # noqa: E731
    options |= {"penalty": nothing, "transform": sb.transforms.noise(0.1)}
    sb.last(sb.fit(together, stack, **options))
    for r, task in enumerate(tasks):
        alone = FLEETS[build](task, runs=RUNS)
        sb.last(sb.fit(alone, task, **options))
        assert_same_run(together, r, alone, r, atol=1e-9, rtol=1e-7)


def test_measures_are_taken_run_by_run():
    tasks = slab_tasks()
    stack = sb.data.stack(tasks)
    own = lambda fleet, task: [fleet.predict(task.x_test).mean((1, 2)), task.z[:3, 0].expand(fleet.runs, 3)]  # noqa: E731
    options = {"measure": ["reliance", "conflict", "spectrum", "alone"], "steps": 60, "every": 30}
    together = FLEETS["relu"](stack, runs=RUNS)
    seen = list(sb.fit(together, stack, **options))
    kept = sb.last(sb.fit(together, stack, measure=own, steps=1)).values["<lambda>"]
    assert [tuple(part.shape) for part in kept] == [(RUNS,), (RUNS, 3)]
    for r, task in enumerate(tasks):
        alone = FLEETS["relu"](task, runs=RUNS)
        for mine, theirs in zip(seen, sb.fit(alone, task, **options), strict=True):
            assert_alike(mine, r, theirs)
        assert torch.equal(kept[1][r], task.z[:3, 0])


def test_a_glance_sees_the_rows_that_each_task_alone_shows():
    tasks = [slab_task(n=600, n_test=500, seed=seed) for seed in range(RUNS)]
    stack = sb.data.stack(tasks)
    run = sb.fit(FLEETS["relu"](stack, runs=RUNS), stack, measure="reliance")
    seen = run.advance(steps=5, glance=True)
    assert seen.sample.whole is stack
    assert seen.sample.z_test.shape == (RUNS, 256, stack.z.shape[2])
    for r, task in enumerate(tasks):
        alone = sb.fit(FLEETS["relu"](task, runs=RUNS), task, measure="reliance")
        assert_alike(seen, r, alone.advance(steps=5, glance=True))


def test_a_stack_is_its_parts():
    tasks = slab_tasks()
    stack = sb.data.stack(tasks)
    assert torch.equal(stack.x, torch.stack([task.x for task in tasks]))
    assert torch.equal(stack.x_test, torch.stack([task.x_test for task in tasks]))
    assert (stack.outputs, stack.sort, list(stack.features)) == (2, "class", list(tasks[0].features))
    assert stack.to(dtype=torch.float32).x.dtype == torch.float32
    assert stack.sample(10_000) is stack
    far = max(task.z_test[:, :2].abs().max() for task in tasks)
    assert 0.9 * far <= window(stack)[0][1] <= 1.05 * far
    for other in (pickle.loads(pickle.dumps(stack)), copy.deepcopy(stack)):
        assert torch.equal(other.x, stack.x)
        assert len(other.parts) == RUNS


def test_a_stack_marks_the_rows_that_each_task_marks():
    clean, noisy = slab_task(), sb.data.corrupt(slab_task(), labels=0.3)
    for tasks in ([clean, noisy], [noisy, clean]):
        found = sb.data.stack(tasks).corrupted
        for mask, task in zip(found, tasks, strict=True):
            assert not mask.any() if task.corrupted is None else torch.equal(mask, task.corrupted)
    assert sb.data.stack([clean, clean]).corrupted is None


def test_a_stack_has_the_names_that_all_its_tasks_have():
    few, other = sb.data.digits(50, labels=(3, 8)), sb.data.digits(50, labels=(3, 8), seed=1)
    assert sb.data.stack([few, other]).names == ("3", "8")
    renamed = dataclasses.replace(other, names=("1", "7"))
    assert sb.data.stack([few, renamed]).names == ()


def test_one_task_stacked_is_that_task():
    task = slab_task()
    fleets = [FLEETS["relu"](task, runs=1) for _ in range(2)]
    for fleet, given in zip(fleets, (task, sb.data.stack([task])), strict=True):
        sb.last(sb.fit(fleet, given, batch=32, steps=20))
    assert_bitwise(*fleets)


def test_panels_and_tables_take_a_stack():
    def lesson(lr=0.1):
        stack = sb.data.stack([sb.slabs(n=256, n_test=64, seed=seed) for seed in range(2)])
        return sb.fit(sb.mlp(stack, width=8, runs=2), stack, lr=lr, measure="reliance", steps=50)

    session = Session(lesson)
    session.finish()
    assert {"loss", "accuracy", "reliance"} <= {picture.name for picture in session.pictures(whole=True)}
    table = sweep(lesson, lr=[0.1, 0.2])
    assert len(table) == 4
    assert table["reliance[linear]"].notna().to_numpy().all()


def test_planes_are_of_one_task():
    stack = sb.data.stack(slab_tasks())
    for name in ("boundary", "units"):
        with pytest.raises(sb.SbkitError, match=f"'{name}' is of one plane, of one task, got a stack of 3"):
            sb.fit(sb.mlp(stack, runs=RUNS), stack, measure=name)


@pytest.mark.parametrize("name", ["reliance", "boundary", "conflict", "units"])
def test_outside_fit_a_measure_says_how_it_is_taken(name):
    stack = sb.data.stack(slab_tasks())
    fleet, measure = sb.mlp(stack, runs=RUNS), registries.measure[name]
    with pytest.raises(sb.SbkitError, match=r"takes one task, got a stack of 3; try it run by run: .*only"):
        measure(fleet, stack)
    measure(fleet.only(0), stack.parts[0])


def test_a_stack_has_a_run_for_each_task():
    stack = sb.data.stack(slab_tasks())
    with pytest.raises(sb.SbkitError, match="its own task of a stack, got 3 for 2 runs; try .*runs=3"):
        sb.fit(sb.mlp(stack, runs=2), stack)


@pytest.mark.parametrize(
    ("tasks", "says"),
    [
        (lambda: [slab_task(), slab_task(n=301)], "same training rows, got 300 and, in place 1, 301; make"),
        (lambda: [slab_task(), slab_task(n_test=100)], "same test rows, got 200 and, in place 1, 100"),
        (lambda: [slab_task(), slab_task((1, 3))], "same columns of z, got 3 and, in place 1, 2"),
        (lambda: [slab_task(), slab_task().to(dtype=torch.float32)], "same float type"),
        (lambda: [slab_task((1, 3, 5)), slab_task((1, 3, 7))], "same features"),
        (
            lambda: [sb.data.digits(50), sb.data.digits(50, shape=(8, 8))],
            r"same shape, got \(\) and, in place 1",
        ),
        (lambda: [*shifted(regression)[:1], *shifted(regression, many=True)[:1]], "same sort of labels"),
        (lambda: [slab_task(), "moons"], "A task is rows with their labels, an sb.Task, got a str"),
        (lambda: [], r"A stack is a list of tasks, got an empty list; try sb.data.stack\(\[task, other\]\)"),
        (lambda: slab_task(), "A stack is a list of tasks, got a Task; try"),
        (lambda: [sb.data.stack(slab_tasks())], r"single tasks, got one in place 0; try its parts"),
    ],
)
def test_what_is_no_stack_is_refused(tasks, says):
    with pytest.raises(sb.SbkitError, match=says):
        sb.data.stack(tasks())


def test_float_types_hold():
    assert sb.data.stack(slab_tasks()).x.dtype == DOUBLE
