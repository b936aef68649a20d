"""Several runs in a row as one: the numbers of fits by hand, one count of steps, one history."""

import pickle
import threading

import pytest
import torch
from cases import FLEETS, assert_bitwise, regression, slab_task
from torch.testing import assert_close

import sbkit as sb
from sbkit.lab.session import Session
from sbkit.sweeps import sweep

OPTIONS = {"batch": 32, "every": 20, "stop": None, "measure": "reliance"}


def tasks() -> list[sb.Task]:
    return [slab_task(seed=seed) for seed in range(3)]


def by_hand(lengths=(50, 30, 40), **options):
    """A fleet trained on one task after another, and all that was seen of it, stage by stage."""
    fleet = FLEETS["relu"](tasks()[0], runs=2)
    seen = [
        list(sb.fit(fleet, task, steps=steps, **(OPTIONS | options)))
        for task, steps in zip(tasks(), lengths, strict=True)
    ]
    return fleet, seen


def staged(given="lesson", lengths=(50, 30, 40), **options):
    """The same as one run, made of runs, of functions of nothing, of the fleet, or of the run."""
    fleet = FLEETS["relu"](tasks()[0], runs=2)
    options = OPTIONS | options
    pairs = list(zip(tasks(), lengths, strict=True))
    first, *others = [lambda task=task, n=n: sb.fit(fleet, task, steps=n, **options) for task, n in pairs]
    ways = {
        "run": [part() for part in (first, *others)],
        "lesson": [first, *others],
        "fleet": [
            first,
            *(lambda fleet, task=t, n=n: sb.fit(fleet, task, steps=n, **options) for t, n in pairs[1:]),
        ],
        "other": [
            first,
            *(lambda net, task=t, n=n: sb.fit(net, task, steps=n, **options) for t, n in pairs[1:]),
        ],
        "before": [
            first,
            *(lambda run, task=t, n=n: sb.fit(run.fleet, task, steps=n, **options) for t, n in pairs[1:]),
        ],
    }
    return fleet, sb.stages(ways[given])


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "sam"])
@pytest.mark.parametrize("given", ["run", "lesson", "fleet", "other", "before"])
def test_stages_are_fits_by_hand(given, optimizer):
    fleet, stages = by_hand(optimizer=optimizer)
    other, run = staged(given, optimizer=optimizer)
    assert run.steps == (120 if given == "run" else 50)
    seen = list(run)
    assert run.steps == 120
    assert_bitwise(fleet, other)
    assert [one.step for one in seen] == [20, 40, 50, 70, 80, 100, 120]
    start = epoch = 0
    wanted = []
    for of in stages:
        wanted += [(start + one.step, epoch + one.epoch, one) for one in of]
        start, epoch = wanted[-1][0], wanted[-1][1]
    for one, (step, epochs, theirs) in zip(seen, wanted, strict=True):
        assert (one.step, one.measured["reliance"]) == (step, step)
        assert one.epoch == pytest.approx(epochs)
        assert_close((one.loss, one.test_accuracy), (theirs.loss, theirs.test_accuracy), rtol=0, atol=0)
        assert_close(one.values["reliance"], theirs.values["reliance"], rtol=0, atol=0)
    assert run.finished and run.states == ["finished"] * 2
    assert seen[2].state == ("training",) * 2  # between two stages nobody is done


@pytest.mark.parametrize("cuts", [[120], [7] * 20, [50, 70], [49, 1, 1, 200], [60, 60]])
def test_numbers_are_the_same_however_steps_are_cut(cuts):
    fleet, _ = by_hand()
    other, run = staged()
    for steps in cuts:
        before = run.step
        run.train(steps)
        assert run.step == min(120, before + steps)
    assert_bitwise(fleet, other)
    assert run.finished
    assert run.snapshot().step == run.steps == 120


def test_last_goes_to_the_end_by_seconds_too():
    fleet, stages = by_hand()
    other, run = staged()
    run.train(seconds=1e-9)
    assert run.step == 1
    seen = sb.last(run)
    assert seen.step == 120
    assert_bitwise(fleet, other)
    assert_close(seen.loss, stages[-1][-1].loss, rtol=0, atol=0)


def test_a_stage_is_made_when_its_turn_comes():
    task, called = slab_task(), []

    def second(fleet):
        called.append(fleet.flat().detach().clone())
        return sb.fit(fleet, task, steps=5)

    fleet = FLEETS["relu"](task, runs=2)
    run = sb.stages([lambda: sb.fit(fleet, task, steps=5), second])
    run.train(5)
    assert not called and not run.finished
    run.train(1)
    hand = FLEETS["relu"](task, runs=2)
    sb.last(sb.fit(hand, task, steps=5))
    assert torch.equal(called[0], hand.flat())


def test_two_threads_begin_a_stage_once():
    task, begun = slab_task(), []

    def later(fleet):
        begun.append(threading.get_ident())
        return sb.fit(fleet, task, steps=20, stop=None)

    run = sb.stages([fits(task, steps=20, stop=None), later, later])
    run.train(20)
    threads = [threading.Thread(target=run.train, args=(10,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(begun) == 2 and run.step == 60 and run.finished


def test_what_was_kept_stays_by_the_step_of_all():
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=2)
    seen = []

    def rewound(run):
        run.fleet.load_state_dict(run.kept[10])
        seen.append(list(run.kept))
        return sb.fit(run.fleet, task, steps=20, keep=(0, 5))

    run = sb.stages([lambda: sb.fit(fleet, task, steps=20, keep=(10,)), rewound, rewound])
    sb.last(run)
    assert seen == [[10], [10, 20, 25]]
    assert list(run.kept) == [10, 20, 25, 40, 45]
    for name, tensor in run.kept[10].items():
        assert torch.equal(run.kept[20][name], tensor) and torch.equal(run.kept[40][name], tensor)


def test_who_converged_goes_on_and_who_diverged_does_not():
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=3)
    fleet.weights()[0].data[1] = torch.nan
    later = lambda fleet: sb.fit(fleet, task, steps=100, stop=None)  # noqa: E731
    run = sb.stages([lambda: sb.fit(fleet, task, steps=500, stop=10.0), later])
    run.train(50)
    assert run._now.states == ["converged", "diverged", "converged"]
    assert run.states == ["training", "diverged", "training"]
    assert sb.last(run).state == ("finished", "diverged", "finished")


def lesson(lr=0.1, steps=50, then=30):
    task, other = (sb.slabs(n=256, n_test=64, seed=seed) for seed in (0, 1))
    fleet = sb.mlp(task, width=8, runs=2)
    options = {"lr": lr, "measure": "reliance", "stop": None, "every": 20}
    return sb.stages(
        [
            lambda: sb.fit(fleet, task, steps=steps, **options),
            lambda: sb.fit(fleet, other, steps=then, **options),
        ]
    )


def test_a_panel_shows_one_history():
    session = Session(lesson)
    session.finish()
    assert session.history[-1].step == 80
    assert session.about()["state"] == "Done"
    drawn = {picture.name: picture for picture in session.pictures(whole=True)}
    assert {"loss", "accuracy", "reliance"} <= drawn.keys()
    assert drawn["loss"].lines[0].x[-1] == 80
    both = Session(lesson, {"lr · A": 0.1, "lr · B": 0.2}, "lr")
    both.finish()
    assert [lane.step for lane in both.lanes] == [80, 80]


def test_a_dial_of_both_stages_stays_where_it_was_turned():
    session = Session(lesson, {"lr": 0.1})
    assert session.live == {"lr"}
    session.advance(steps=10)
    session.set("lr", 0.01)
    session.advance(steps=50)
    assert session.run.step == 60 and session.run.settings["lr"] == 0.01
    session.finish()
    run = lesson(lr=0.1)
    run.advance(steps=10)
    run.settings["lr"] = 0.01
    sb.last(run)
    assert_bitwise(session.run.fleet, run.fleet)


def test_a_table_has_its_end():
    table = sweep(lesson, then=[10, 30])
    assert table["step"].tolist() == [60, 60, 80, 80]
    assert table["reliance[linear]"].notna().to_numpy().all()


def test_it_is_not_pickled():
    with pytest.raises(sb.SbkitError, match="neither copied nor pickled"):
        pickle.dumps(lesson())


def fits(task=None, runs=2, steps=3, **options):
    task = task or slab_task()
    return lambda: sb.fit(FLEETS["relu"](task, runs=runs), task, steps=steps, **options)


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        (lambda: [], r"Stages are a list of runs, .* got none; try sb.stages\("),
        (lambda: fits()(), "Stages are a list of runs, .* got a Run; try"),
        (lambda: [fits(), None], "Stages are a list of runs, .* got a NoneType; try"),
        (lambda: [lambda: 5], "A stage gives a run, as sb.fit does, got a int; try"),
        (
            lambda: [lambda fleet: 5],
            r"A stage is a function of nothing, .* got one of \(fleet\); try lambda: ",
        ),
    ],
)
def test_what_are_no_stages_is_refused_at_once(parts, says):
    with pytest.raises(sb.SbkitError, match=says):
        sb.stages(parts())


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (lambda: fits(runs=3), "Stages of one run have the same runs, got 2, then 3; make them two runs"),
        (
            lambda: fits(measure="reliance"),
            r"the same measures, got \['spectrum'\], then \['reliance', 'kinds'\]",
        ),
        (lambda: fits(task=regression(), measure="spectrum"), "have the same features, got .*, then .*'x0'"),
        (lambda: lambda a, b: 5, r"got one of \(a, b\); try lambda fleet: sb.fit\(fleet, task\)"),
        (lambda: lambda fleet: fleet, "A stage gives a run, as sb.fit does, got a MLP"),
    ],
)
def test_a_stage_of_another_kind_is_refused_when_its_turn_comes(second, says):
    run = sb.stages([fits(measure="spectrum"), second()])
    run.train(3)
    with pytest.raises(sb.SbkitError, match=says):
        run.train(1)
    assert run.step == 3
