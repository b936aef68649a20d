"""Everything that can be wrong with a request is said before any training."""

import functools

import pytest
import torch
from cases import DOUBLE, FLEETS, TASKS, animals, regression, slab_task, weights
from torch import nn

import sbkit as sb


def fit(task="slabs", build="relu", **options):
    task = TASKS[task]()
    return sb.fit(FLEETS[build](task, runs=2), task, **{"batch": 32} | options)


REFUSED = [
    ({"steps": 0}, "steps is a whole number of at least 1, got 0"),
    ({"steps": 10.0}, "steps is a whole number of at least 1, got 10.0"),
    ({"every": 0}, "every is a whole number of at least 1, got 0"),
    ({"batch": "64"}, "batch is a whole number of at least 1, got '64'; try 64"),
    ({"steps": 1e3}, "steps is a whole number of at least 1, got 1000.0; try 1000"),
    ({"lr": "0.1"}, "lr is a number above 0.*, got '0.1'; try 0.1"),
    ({"loss": ""}, "No loss named ''"),
    ({"measure": "conflict", "task": "three classes"}, "'conflict' is for two classes, got 3; leave it out"),
    ({"measure": lambda fleet: 0}, r"A measure takes \(fleet, task\), got <lambda>\(fleet\)"),
    (
        {"penalty": "text"},
        "penalty is a function of .*, got 'text'; try penalty=lambda fleet, x, y, logits: ",
    ),
    ({"penalty": lambda *a: 0.1}, r"A penalty is one number a run, \(2,\), got a float; .* try torch.full"),
    ({"penalty": lambda *a: torch.tensor(0.1)}, r"one number a run, \(2,\), got \(\)"),
    ({"penalty": lambda fleet: 0.1}, "penalty is a function of .*, got one of .fleet."),
    ({"transform": 3}, "transform is a function of .*, got 3; try transform=lambda fleet, x, y: "),
    (
        {"transform": lambda f, x, y: x},
        r"transform gives x .*, got \(2, 32, 3\), torch.float64; try `return x, y`",
    ),
    ({"transform": lambda f, x, y: (x, y + 5)}, "transform gives x .*, classes 0…1"),
    ({"transform": lambda f, x, y: (x[:1], y[:1])}, r"transform gives x \(2, rows, 3\).*got \(1, 32, 3\)"),
    ({"transform": lambda f, x, y: (x[..., :1], y)}, r"transform gives x .*got \(2, 32, 1\)"),
    ({"transform": lambda f, x, y: (x, y[:, :5])}, r"transform gives x .* and \(2, 5\)"),
    ({"transform": lambda f, x, y: (x[:, :0], y[:, :0])}, r"transform gives x .*got \(2, 0, 3\)"),
    ({"transform": lambda f, x, y: (x, torch.rand(*y.shape, 2))}, "transform gives x .*, classes 0…1, got"),
    ({"transform": lambda f, x, y: (x[..., None], y)}, r"transform gives x .*got \(2, 32, 3, 1\)"),
    ({"transform": lambda f, x, y: (x.float(), y)}, "transform gives x .*float64.*got .*float32"),
    ({"after_step": "text"}, "after_step is a function of .*, got 'text'"),
    ({"batch": 0}, "batch is a whole number of at least 1, got 0"),
    ({"batch": 301}, "batch is at most the 300 training rows, got 301; try batch=300"),
    ({"seed": -1}, "seed is a whole number of at least 0, got -1"),
    ({"stop": 0}, "stop is a number above 0, got 0"),
    ({"lr": 0}, "lr is a number above 0.*, got 0"),
    ({"optimizer": "adm"}, "No optimizer named 'adm'.*Did you mean 'adam'"),
    ({"measure": ["relience"]}, "No measure named 'relience'; there are .*Did you mean 'reliance'"),
    ({"measure": [3]}, "A measure is a name or a function .*, got 3"),
    ({"measure": 3}, "A measure is a name or a function .*, got 3"),
    ({"loss": "hing"}, "No loss named 'hing'.*Did you mean 'hinge'"),
    ({"loss": "hinge", "task": "three classes"}, "two classes, got 3; try 'cross_entropy'"),
    ({"loss": "hinge", "task": "regression"}, "regression, which has loss='square', got 'hinge'"),
]


@pytest.mark.parametrize(("options", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_refuses(options, says):
    with pytest.raises(sb.SbkitError, match=says):
        fit(**options)


def test_refuses_a_fleet_that_does_not_fit():
    task = slab_task()
    for fleet, says in [
        (sb.mlp(slab_task((1, 5))), "does not take the task's inputs, 3 columns of torch.float64"),
        (
            sb.mlp(sb.slabs((1, 3, 5), n=10, n_test=10)),
            "columns of torch.float64 on cpu.*Build it for this task",
        ),
        (
            sb.models.fleet_of(lambda: nn.Linear(3, 5).double()),
            r"2 outputs, so logits are \(8, 2, 2\), got \(8, 2, 5\)",
        ),
    ]:
        with pytest.raises(sb.SbkitError, match=says):
            sb.fit(fleet, task, batch=32)


NAMES = [  # what users of other libraries write → what they are told to try
    ({"optimiser": "adam"}, {"optimizer": "adam"}),
    ({"optimiser": torch.optim.Adam}, {"optimizer": "adam"}),
    ({"epochs": 5}, {"steps": 50}),  # of 300 rows in steps of 30
    ({"epochs": 5, "optimizer": "gd"}, {"optimizer": "gd", "steps": 5}),
    ({"num_epochs": 1.5}, {"steps": 15}),
    ({"measures": ["reliance"]}, {"measure": ["reliance"]}),
    ({"batch_size": 64}, {"batch": 64}),
    ({"learning_rate": 0.1}, {"lr": 0.1}),
    ({"lr_": 0.1}, {"lr": 0.1}),
    ({"Steps": 10}, {"steps": 10}),
    ({"criterion": nn.CrossEntropyLoss()}, {"loss": "cross_entropy"}),
    ({"loss_fn": "mse"}, {"loss": "square"}),
    ({"momentm": 0.9}, {"momentum": 0.9}),
    ({"early_stopping": True}, {"stop": 0.01}),
]


@pytest.mark.parametrize(("given", "meant"), NAMES)
def test_usual_names_are_known_and_the_advice_works(given, meant):
    with pytest.raises(sb.SbkitError, match="; try ") as error:
        fit(**{"batch": 30} | given)
    advice = eval(f"dict({str(error.value).partition('; try ')[2].removesuffix('.')})")
    others = {name: value for name, value in given.items() if name in meant and name not in advice}
    assert advice | others == meant
    fit(**{"batch": 30} | meant)


def test_a_hook_that_is_none_is_shown_one():
    with pytest.raises(
        sb.SbkitError, match=r"no argument 'callbacks', .*; try after_step=lambda fleet, step: "
    ):
        fit(callbacks=[])
    with pytest.raises(sb.SbkitError, match="No option of sgd named 'fisher'"):
        fit(fisher=None)


def test_swapped_or_foreign_arguments_are_told_apart():
    task, table = slab_task(), animals()
    fleet = FLEETS["relu"](task, runs=2)
    for ask, says in [
        (lambda: sb.last(fleet), r"last takes a run, got a MLP; try sb.last\(sb.fit\(fleet, task\)\)"),
        (lambda: sb.fit(task, fleet), "takes the fleet first, then the task.*; try sb.fit.fleet, task."),
        (lambda: sb.fit(nn.Linear(3, 2), task), "A fleet is .*, got a Linear; try sb.models.fleet_of with a"),
        (lambda: sb.fit(sb.mlp, task), "A fleet is .*, got a function; try sb.mlp.task."),
        (lambda: sb.fit(fleet, (task.x, task.y)), "A task is .*, got a tuple; try sb.data.table.x, y."),
        (lambda: sb.fit(fleet, table), 'got a DataFrame; try sb.data.table.table, y="label".'),
        (lambda: sb.mlp(table), "A task is .*, got a DataFrame; try sb.data.table.table"),
        (lambda: sb.mlp("own.csv"), "A task is .*, got a str; try sb.data.table.table"),
        (lambda: sb.mlp((task.x, task.y)), "A task is .*, got a tuple; try sb.data.table.x, y."),
        (lambda: sb.models.deep_linear(3), "A task is .*, got a int"),
    ]:
        with pytest.raises(sb.SbkitError, match=says):
            ask()


@pytest.mark.parametrize("rows", [1, 2, 5, 300])
@pytest.mark.parametrize("optimizer", ["sgd", "gd", "lbfgs"])
def test_a_small_table_trains_without_a_batch(rows, optimizer):
    task = slab_task(n=rows, n_test=4)
    few = sb.Task(task.z, task.y, task.z_test, task.y_test, task.features, task.embed)
    run = sb.fit(sb.mlp(few, runs=2), few, optimizer=optimizer, steps=3)
    assert sb.last(run).epoch == 3 * (min(256, rows) if optimizer == "sgd" else rows) / rows


@pytest.mark.parametrize("optimizer", ["gd", "lbfgs"])
def test_the_full_batch_has_no_size(optimizer):
    ends = [sb.last(fit(optimizer=optimizer, steps=3, batch=batch)).loss for batch in (None, 1, 10**6)]
    assert torch.equal(ends[0], ends[1]) and torch.equal(ends[0], ends[2])


def test_fit_leaves_no_trace():
    """It asks measures, penalty and transform; weights, gradients and torch's generator stay."""
    task = slab_task()
    fleet = FLEETS["dropout"](task, runs=2)
    before, state = weights(fleet), torch.random.get_rng_state()
    run = sb.fit(
        fleet,
        task,
        batch=32,
        measure=lambda fleet, task: torch.rand(2),
        penalty=lambda fleet, x, y, logits: logits.square().mean((1, 2)) * torch.rand(2),
        transform=lambda fleet, x, y: (x, y),
    )
    assert run.step == 0 and torch.equal(state, torch.random.get_rng_state()) and not fleet.training
    assert all(torch.equal(a, b) for a, b in zip(before, weights(fleet), strict=True))
    assert all(p.grad is None or not p.grad.any() for p in fleet.parameters())


def test_lazy_until_asked():
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=2)
    before = weights(fleet)
    run = sb.fit(fleet, task, batch=32)
    assert run.step == 0 and not run.finished and run.fleet is fleet and run.task is task
    assert all(torch.equal(a, b) for a, b in zip(before, weights(fleet), strict=True))


@pytest.mark.parametrize("options", [{"every": 50}, {"every": 7}, {"every": 1000}, {"measure": sb.reliance}])
def test_iteration_gives_a_snapshot_every_so_many_steps_and_at_the_end(options):
    steps = [snapshot.step for snapshot in fit(steps=120, stop=None, **options)]
    every = options.get("every", 50)
    assert steps == [*range(every, 120, every), 120]


def test_the_usual_loss_goes_by_the_labels():
    for task, loss in [
        ("slabs", "cross_entropy"),
        ("three classes", "cross_entropy"),
        ("regression", "square"),
    ]:
        usual, named = sb.last(fit(task, steps=5)), sb.last(fit(task, loss=loss, steps=5))
        assert torch.equal(usual.loss, named.loss)


def own(fleet, task):
    """A measure of one's own."""
    return torch.arange(fleet.runs)


MEASURES = [
    ("boundary", ["boundary"]),
    (["reliance"], ["reliance", "kinds"]),
    ([own, "spectrum"], ["own", "spectrum"]),
    (own, ["own"]),
    ([functools.partial(sb.boundary, resolution=5)], ["boundary"]),
    ((), []),
    (sb.measure, list(sb.measure)),
]


@pytest.mark.parametrize(("measure", "names"), MEASURES)
def test_measures_are_named_in_the_snapshot(measure, names):
    run = fit(measure=measure)
    names = list(sb.measure) if measure is sb.measure else names  # a lesson may have added its own by now
    assert list(run.snapshot().values) == names
    assert list(run.snapshot(glance=True).values) == names


def test_a_glance_is_coarser_and_at_fewer_rows():
    task = slab_task(n=2000, n_test=1000)
    run = sb.fit(sb.mlp(task, runs=2), task, measure=["boundary", functools.partial(own)])
    whole, glance = run.snapshot(), run.snapshot(glance=True)
    assert (whole.rows, glance.rows) == (1000, 256)
    assert whole.values["boundary"].shape == (2, 100, 100) and glance.values["boundary"].shape == (2, 25, 25)
    assert len(whole.sample.y_test) == 256 and whole.sample.features == task.features


def test_a_measure_of_ones_own_may_have_a_registered_name():
    def boundary(fleet, task):
        return torch.zeros(fleet.runs)

    assert fit(measure=[boundary]).snapshot(glance=True).values["boundary"].shape == (2,)


def test_regression_trains_and_has_no_accuracy():
    task = regression()
    run = sb.fit(sb.mlp(task, runs=3), task, batch=50, steps=200, lr=0.05)
    before, after = run.snapshot(), sb.last(run)
    assert (after.loss < 0.5 * before.loss).all()
    assert after.accuracy.isnan().all() and after.test_accuracy.isnan().all()
    assert after.accuracy.shape == after.test_accuracy.shape == (3,)


def test_a_step_too_large_for_the_memory_is_refused_with_the_arithmetic():
    task = sb.slabs(n=100_000, n_test=10)
    with pytest.raises(sb.SbkitError) as error:
        sb.fit(sb.mlp(task, width=20_000, depth=1, runs=40), task, batch=100_000)
    assert_arithmetic(str(error.value))
    with pytest.raises(sb.SbkitError) as error:
        sb.mlp(task, width=10**6, runs=100)
    assert_arithmetic(str(error.value))


@pytest.mark.parametrize("rows", ["rows", "test rows"])
def test_more_runs_than_the_rows_allow_are_refused_with_the_arithmetic(rows, monkeypatch):
    n, n_test = (100_000, 10) if rows == "rows" else (10, 200_000)
    task = sb.slabs(n=n, n_test=n_test)
    fleet = sb.mlp(task, depth=0, runs=600)
    monkeypatch.setenv("SBKIT_MAX_MEMORY", "2.4 GB")
    with pytest.raises(sb.SbkitError, match=f",000 {rows} × ") as error:
        sb.fit(fleet, task, batch=1)
    assert_arithmetic(str(error.value))


def assert_arithmetic(message: str) -> None:
    """The numbers before the sign of equality multiply to the gigabytes behind it."""
    product = 1.0
    terms, result = message.split(";")[1].split(" = ")
    for term in terms.replace(",", "").split(" × "):
        product *= float(term.split()[0])
    assert product / 1e9 == pytest.approx(float(result.split()[0].replace(",", "")), abs=0.06)


def test_a_fleet_can_be_trained_on():
    """Two fits in a row on one fleet, of different optimizers and losses."""
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=2)
    losses = [
        sb.last(sb.fit(fleet, task, optimizer=name, batch=32, steps=100)).loss
        for name in ("sgd", "muon", "adam")
    ]
    assert (losses[0] > losses[1]).all() and (losses[1] > losses[2]).all()
    assert fleet.weights()[0].dtype == DOUBLE


def test_measures_of_one_name_are_refused():
    task = slab_task(n=300)
    cut = [functools.partial(sb.randomized, features=name) for name in task.features]
    with pytest.raises(sb.SbkitError, match="different names, got 'randomized' twice"):
        sb.fit(sb.mlp(task), task, measure=cut)


def test_costly_measures_take_turns_at_glances():
    """One a glance, so that no frame is late; the first glance shows each of them, of few rows."""
    task = slab_task(n=300, n_test=300)
    run = sb.fit(sb.mlp(task, runs=2), task, measure=["reliance"])
    looks = [run.advance(steps=1, glance=True) for _ in range(10)]
    measured = [(look.measured["reliance"], look.measured["kinds"]) for look in looks]
    assert measured == [(1, 1), (2, 1), *[(2, 3)] * 5, (8, 3), *[(8, 9)] * 2]
    assert looks[3].of("reliance").step == 2 and looks[3].of("loss") is looks[3]
    whole = run.snapshot()
    assert whole.measured == dict.fromkeys(whole.values, 10)
    after = run.advance(steps=1, glance=True)
    assert after.measured == dict.fromkeys(whole.values, 11), "a value of all rows is none of a glance"


def test_the_first_glance_takes_costly_measures_of_few_rows():
    task = slab_task(n=300, n_test=300)
    run = sb.fit(sb.mlp(task, runs=2), task, measure=["reliance"])
    first = run.snapshot(glance=True).values["reliance"]
    assert torch.equal(first, sb.measures.reliance(run.fleet, run.sample.sample(64)))
    assert torch.equal(run.snapshot().values["reliance"], sb.measures.reliance(run.fleet, task))


def test_a_fleet_that_moved_is_refused():
    task = slab_task(n=300)
    fleet = sb.mlp(task, runs=2)
    run = sb.fit(fleet, task)
    fleet.double().float()
    with pytest.raises(sb.SbkitError, match="stays where it is"):
        run.advance(steps=1)
