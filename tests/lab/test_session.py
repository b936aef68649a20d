"""A session trains the same however it is cut, can be rewound, changed while it trains, and written down."""

import numpy as np
import pytest
import torch

import sbkit as sb
from sbkit.core import SbkitError
from sbkit.lab.lane import MOST
from sbkit.lab.session import Session

START = {"slabs": 5, "depth": 1, "lr": 0.1, "optimizer": "sgd"}


def weights(session: Session) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in session.run.fleet.parameters()])


def again(session: Session, lesson) -> torch.Tensor:
    """Weights after running the session's own code in a fresh namespace."""
    names = {"lesson": lesson}
    exec(session.code(), names)
    return torch.cat([p.detach().flatten() for p in names["run"].fleet.parameters()])


@pytest.mark.parametrize("cuts", [[50], [1] * 50, [7, 20, 23], [49, 1]])
def test_the_numbers_do_not_depend_on_the_cuts(lesson, cuts):
    whole, cut = Session(lesson, START), Session(lesson, START)
    whole.advance(steps=50)
    for steps in cuts:
        cut.advance(steps=steps)
    assert torch.equal(weights(whole), weights(cut))


def test_rewind_repeats_the_curve_bit_for_bit(lesson):
    session = Session(lesson, START)
    curves = []
    for _ in range(2):
        for _ in range(5):
            session.advance(steps=10)
        curves.append(torch.stack([snapshot.loss for snapshot in session.history]))
        session.rewind()
    assert torch.equal(*curves) and session.run.step == 0 and session.number == 3


def test_looking_changes_nothing(lesson):
    looked, not_looked = Session(lesson, START), Session(lesson, START)
    for _ in range(3):
        looked.look(glance=True)
        looked.look()
        looked.advance(steps=10)
        not_looked.advance(steps=10)
    assert torch.equal(weights(looked), weights(not_looked))


def test_two_sessions_interleaved_equal_two_in_sequence(lesson):
    values = [START, START | {"optimizer": "adam", "lr": 0.01}]
    one_after_the_other = [Session(lesson, v) for v in values]
    for session in one_after_the_other:
        session.advance(steps=30)
    interleaved = [Session(lesson, v) for v in values]
    for _ in range(6):
        for session in interleaved:
            session.advance(steps=5)
    for one, other in zip(one_after_the_other, interleaved, strict=True):
        assert torch.equal(weights(one), weights(other))


def test_what_the_lesson_hands_on_unchanged_acts_at_once(lesson):
    assert Session(lesson, START).live == {"lr"}


def test_what_the_lesson_bends_restarts(lesson):
    assert Session(lambda lr=0.2: lesson(lr=lr / 2), {"lr": 0.2}).live == frozenset()
    assert Session(lambda lr=0.1: lesson(lr=min(lr, 0.1)), {"lr": 0.1}).live == {"lr"}
    assert Session(lambda lr=0.1: lesson(lr=0.1), {"lr": 0.1}).live == frozenset()
    assert Session(lambda lr=0.1: lesson(lr={0.1: 0.1}[lr]), {"lr": 0.1}).live == frozenset()


@pytest.mark.parametrize("number", [0.1, 0, 1, np.float64(0.1), np.float32(0.25), np.int64(0), 0.0])
@pytest.mark.parametrize("name", ["weight_decay", "momentum", "rho", "alpha"])
@pytest.mark.parametrize(
    ("hand_on", "live"),
    [
        (lambda x: x, True),
        (lambda x: 2 * x, False),
        (lambda x: x + 0, False),
        (lambda x: type(x)(0), False),
        (lambda x: 0.0, False),
    ],
)
def test_a_number_acts_at_once_if_the_very_object_is_handed_on(name, number, hand_on, live):
    number = 0 if number == 1 else number
    optimizer = {"momentum": "momentum", "rho": "sam", "alpha": "rmsprop"}.get(name, "sgd")

    def lesson(**given):
        task = sb.lms(5, dim=2, n=100, n_test=50)
        options = {key: hand_on(value) for key, value in given.items()}
        return sb.fit(sb.mlp(task, width=4, runs=2), task, batch=50, optimizer=optimizer, **options)

    session = Session(lesson, {name: number})
    assert session.live == ({name} if live else frozenset())


def test_dials_of_equal_values_are_told_apart_and_every_run_tells_what_acts(lesson):
    def crossed(lr=0.1, weight_decay=0.1, optimizer="sgd"):
        task = sb.lms(5, dim=2, n=100, n_test=50)
        given = {"lr": weight_decay, "weight_decay": lr} if optimizer == "sam" else {"lr": lr}
        fleet = sb.mlp(task, width=4, runs=2)
        return sb.fit(fleet, task, batch=50, optimizer=optimizer, **(given if optimizer != "gd" else {}))

    session = Session(crossed, {"lr": 0.1, "weight_decay": 0.1, "optimizer": "sgd"})
    for optimizer, live in [("sgd", {"lr"}), ("sam", set()), ("gd", set()), ("adam", {"lr"})]:
        session.set("optimizer", optimizer)
        session.fresh()
        assert session.live == live, optimizer


def test_what_is_no_number_restarts(lesson):
    session = Session(lesson, START)
    assert session.set("lr", None) and session.dirty


def test_building_a_session_trains_nothing_and_calls_the_lesson_once(lesson):
    steps = []
    session = Session(lambda lr=0.1: steps.append(run := lesson(lr=lr)) or run, {"lr": 0.1})
    assert [run.step for run in steps] == [0] and session.history == []
    session.rewind()
    assert len(steps) == 2


def test_a_live_change_acts_on_the_run(lesson):
    session = Session(lesson, START)
    session.advance(steps=10)
    run = session.run
    assert session.set("lr", 0.02) is False
    assert session.run is run and run.settings["lr"] == 0.02
    assert session.lanes[0].changes == [(10, "lr", 0.02)]


def test_another_change_restarts_once_at_the_next_request(lesson):
    session = Session(lesson, START)
    session.advance(steps=10)
    run = session.run
    for depth in (2, 3, 4):
        assert session.set("depth", depth) is True
    assert session.run is run, "nothing is built before it is asked for"
    session.advance(steps=5)
    assert session.number == 2 and session.run.step == 5 and len(session.run.fleet.weights()) == 5


def test_code_reproduces_the_state(lesson):
    session = Session(lesson, START)
    session.advance(steps=12)
    session.set("lr", 0.05)
    session.set("lr", 0.04)
    session.advance(steps=20)
    session.set("lr", 0.5)
    session.advance(steps=3)
    assert session.code() == "\n".join(
        [
            "run = lesson(slabs=5, depth=1, lr=0.1, optimizer='sgd')",
            "run.advance(steps=12)",
            'run.settings["lr"] = 0.04',
            "run.advance(steps=20)",
            'run.settings["lr"] = 0.5',
            "run.advance(steps=3)",
        ]
    )
    assert torch.equal(again(session, lesson), weights(session))


def test_code_knows_restarts_seeds_and_data(lesson):
    session = Session(lesson, START)
    session.advance(steps=5)
    session.set("slabs", 7)
    session.new_seed()
    session.new_data()
    session.advance(seconds=0.01)
    session.finish()
    assert "slabs=7" in session.code() and "seed=2, data=1" in session.code()
    assert torch.equal(again(session, lesson), weights(session))


def test_code_speaks_of_the_latest_values(lesson):
    session = Session(lesson, START)
    session.advance(steps=5)
    session.set("depth", 2)
    assert session.code() == "run = lesson(slabs=5, depth=2, lr=0.1, optimizer='sgd')"


def test_new_seed_changes_every_run_and_new_data_none_of_the_weights(lesson):
    session = Session(lesson, START)
    before = session.run.fleet.weights()[0].detach().clone()
    session.new_seed()
    after = session.run.fleet.weights()[0].detach()
    assert not any(torch.equal(old, new) for old in before for new in after)
    rows = session.run.task.z.clone()
    session.new_data()
    assert torch.equal(session.run.fleet.weights()[0], after) and not torch.equal(session.run.task.z, rows)


def test_finish_trains_to_the_end_and_looks_at_all_rows(lesson):
    session = Session(lesson, START)
    run = session.finish()
    assert run is session.run and run.finished and run.step == 60 and session.sharp
    assert [snapshot.step for snapshot in session.history] == [0, 50, 60]
    assert session.finish() is run and len(session.history) == 3


def test_advance_after_the_end_keeps_the_last_snapshot(lesson):
    session = Session(lesson, START)
    session.finish()
    session.advance(steps=10)
    assert session.run.step == 60 and len(session.history) == 3 and session.sharp


def test_the_history_is_thinned_but_keeps_both_ends(lesson):
    session = Session(lesson, START | {"steps": 2 * MOST + 10})
    session.look(glance=True)
    while not session.run.finished:
        session.advance(steps=1)
    steps = [snapshot.step for snapshot in session.history]
    assert len(steps) <= MOST and steps[0] == 0 and steps[-1] == 2 * MOST + 10
    assert steps == sorted(set(steps))


def test_a_lesson_that_fails_leaves_the_old_run(lesson):
    def fragile(depth=1):
        if depth > 2:
            raise RuntimeError("too deep")
        return lesson(depth=depth)

    session = Session(fragile, {"depth": 1})
    session.advance(steps=10)
    run = session.run
    session.set("depth", 3)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="too deep"):
            session.advance(steps=10)
    assert session.run is run and run.step == 10 and session.number == 1
    session.set("depth", 2)
    session.advance(steps=10)
    assert session.run.step == 10 and session.number == 2


def test_a_bad_live_value_is_refused_and_forgotten(lesson):
    session = Session(lesson, START)
    with pytest.raises(SbkitError, match="lr is a number above 0"):
        session.set("lr", -1.0)
    assert session.values["lr"] == 0.1 and session.lanes[0].changes == [] and not session.dirty


def test_a_lesson_need_not_train(still):
    session = Session(still, {"slope": 2.0})
    session.advance(steps=5)
    assert session.run is None and session.live == frozenset() and session.history == []
    assert session.pictures()[0].lines[0].y.tolist() == [0, 2]
    session.set("slope", 3.0)
    assert session.finish().lines[0].y.tolist() == [0, 3]
    assert session.code() == "still(slope=3.0)"


def test_pictures_of_one_name_are_told_apart():
    bars = [sb.Bars("bands", title, "y", ["a"], [1]) for title in ("one", "two", "three")]
    session = Session(lambda: [*bars, sb.Bars("bands 2", "four", "y", ["a"], [1])])
    names = {picture.title: picture.name for picture in session.pictures()}
    assert names == {"one": "bands", "two": "bands 2", "three": "bands 3", "four": "bands 2 2"}


@pytest.mark.parametrize("made", [None, 3, "loss", [], [1], sb.Snapshot])
def test_a_lesson_that_returns_something_else_is_told_so(made):
    with pytest.raises(SbkitError, match="A lesson returns a run, as sb.fit does, or a description"):
        Session(lambda: made)


def test_a_lesson_that_forgets_to_return_is_told_so():
    with pytest.raises(SbkitError, match="returned None; does it end with `return`"):
        Session(lambda: None)


@pytest.mark.parametrize(
    ("made", "values", "sentence"),
    [
        (
            lambda slabs=5: None,
            {"slab": 5},
            "No argument of lesson named 'slab'; there are slabs. Did you mean 'slabs'",
        ),
        (lambda slabs: None, {}, "has a default or a dial, lesson has neither for slabs"),
        ("lesson", {}, "A lesson is a function of its dials, got str; pass the function itself"),
    ],
)
def test_bad_lessons_get_their_sentence(made, values, sentence):
    with pytest.raises(SbkitError, match=sentence):
        Session(made, values)


def test_seed_and_data_need_a_lesson_that_takes_them():
    session = Session(
        lambda: sb.fit(sb.mlp(task := sb.lms(5, dim=2, n=100, n_test=50), width=4), task, batch=50)
    )
    with pytest.raises(SbkitError, match="No argument of lesson named 'seed'"):
        session.new_seed()


@pytest.fixture
def spectra(lesson):
    """Two layers' spectra on few rows."""

    def spectra(lr=0.1, seed=0):
        task = sb.lms(5, dim=3, n=300, n_test=300)
        fleet = sb.mlp(task, depth=1, width=8, runs=2, seed=seed)
        return sb.fit(fleet, task, lr=lr, steps=60, batch=50, stop=None, measure="spectrum")

    return spectra


def spectrum_of(pictures) -> torch.Tensor:
    """Where each layer's spectrum began."""
    [lines] = [picture for picture in pictures if picture.name == "spectrum"]
    return torch.cat([torch.from_numpy(line.start) for line in lines.lines])


def begins(session: Session) -> torch.Tensor:
    """Mean spectra of the weights as they now are."""
    return torch.cat([sb.spectrum(w.detach()).mean(0) for w in session.run.fleet.weights()])


def test_the_spectrum_at_step_0_stays_beside_every_later_one(spectra):
    session = Session(spectra)
    began = begins(session)
    session.look(glance=True)
    for _ in range(3):
        session.advance(steps=10)
        torch.testing.assert_close(spectrum_of(session.pictures()), began)
    assert not torch.allclose(begins(session), began)
    torch.testing.assert_close(spectrum_of(session.pictures(whole=True)), began)
    torch.testing.assert_close(spectrum_of(session.draw(session.moments[1:2], moving=True)), began)


def test_a_restart_brings_its_own_spectrum_at_step_0(spectra):
    session = Session(spectra)
    for restart in (session.rewind, session.new_seed):
        session.look()
        session.advance(steps=10)
        restart()
        began = begins(session)
        session.look(glance=True)
        session.advance(steps=10)
        torch.testing.assert_close(spectrum_of(session.pictures()), began)
