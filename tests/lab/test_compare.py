"""Two runs that differ in one dial: same data, seeds and weights, and everything a session does."""

import pytest
import torch

import sbkit as sb
from sbkit.core import SbkitError
from sbkit.lab import lab
from sbkit.lab.desk import Desk
from sbkit.lab.lane import MOST
from sbkit.lab.replay import replay
from sbkit.lab.session import Session
from sbkit.lab.stage import Stage
from sbkit.plots import Bars

VALUES = {"optimizer · A": "sgd", "optimizer · B": "sam", "depth": 1, "lr": 0.1}


def start(a: str, b: str, **others):
    return {"optimizer · A": a, "optimizer · B": b, "depth": 1, "lr": 0.1} | others


@pytest.fixture
def pair(lesson):
    return Session(lesson, VALUES, "optimizer")


def weights(run) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in run.fleet.parameters()])


def steps(pair: Session) -> list[int]:
    return [session.run.step for session in pair.lanes]


def test_both_begin_with_the_same_data_and_weights(pair):
    a, b = (session.run for session in pair.lanes)
    assert torch.equal(weights(a), weights(b)) and torch.equal(a.task.z, b.task.z)


@pytest.mark.parametrize("cuts", [[60], [7, 20, 33], [1] * 5 + [55]])
def test_each_side_takes_the_curve_of_the_lesson_alone_bit_for_bit(lesson, pair, cuts):
    alone = [Session(lesson, {"depth": 1, "lr": 0.1, "optimizer": name}) for name in ("sgd", "sam")]
    for session in (pair, *alone):
        session.look(glance=True)
        for count in cuts:
            session.advance(steps=count)
    for side, session in zip(pair.lanes, alone, strict=True):
        assert [seen.step for seen in side.history] == [seen.step for seen in session.history]
        for one, other in zip(side.history, session.history, strict=True):
            assert torch.equal(one.loss, other.loss) and torch.equal(one.test_accuracy, other.test_accuracy)
        assert torch.equal(weights(side.run), weights(session.run))


def test_slices_of_time_keep_the_step(pair):
    for _ in range(4):
        pair.advance(seconds=0.004)
        assert len(set(steps(pair))) == 1 and steps(pair)[0] > 0


def test_equal_values_have_exactly_no_difference(lesson):
    pair = Session(lesson, start("sgd", "sgd"), "optimizer")
    pair.advance(steps=30)
    difference = next(one for one in pair.pictures() if one.name == "boundary B − A")
    loss = next(one for one in pair.pictures() if one.name == "loss")
    assert not difference.values.any()
    assert torch.equal(torch.tensor(loss.lines[0].y), torch.tensor(loss.lines[1].y))


def test_where_one_has_ended_the_other_goes_on(lesson):
    pair = Session(lesson, {"steps · A": 20, "steps · B": 60}, "steps")
    pair.lanes[1].took = 9.0  # what takes longer goes first only if both have as far to go
    pair.advance(steps=15)
    assert steps(pair) == [15, 15]
    pair.advance(steps=15)
    assert steps(pair) == [20, 20] and pair.about()["state"] == "Training"
    assert pair.about()["reason"] == "A: all 20 steps done"
    pair.advance(steps=15)
    assert steps(pair) == [20, 35] and pair.about()["step"] == 35 and pair.about()["steps"] == 60
    a, b = pair.finish()
    assert (a.step, b.step) == (20, 60) and a.finished and b.finished
    about = pair.about()
    assert (about["state"], about["reason"]) == ("Done", "A: all 20 steps done; B: all 60 steps done")
    assert [line.x[-1] for line in next(one for one in pair.pictures(whole=True) if one.name == "loss").lines] == [20, 60]


def test_reasons_that_are_the_same_are_told_once(pair):
    pair.finish()
    assert pair.about()["reason"] == "A and B: all 60 steps done"


def test_a_side_that_an_interrupt_left_behind_catches_up(lesson):
    armed = []

    def interrupted(optimizer="sgd"):
        def after_step(fleet, step):
            if armed and optimizer == "sam" and step == 12:
                raise KeyboardInterrupt

        task = sb.lms(5, dim=2, n=100, n_test=50)
        options = {"batch": 50, "steps": 60, "stop": None, "after_step": after_step}
        return sb.fit(sb.mlp(task, width=4, runs=2), task, optimizer=optimizer, **options)

    desk = Desk(Session(interrupted, {"optimizer · A": "sgd", "optimizer · B": "sam"}, "optimizer"))
    armed.append(True)
    frame, _ = desk.answer({"type": "advance", "steps": 20})
    assert frame["state"] == "Error" and steps(desk.session) == [20, 12]
    armed.clear()
    desk.answer({"type": "advance", "steps": 1})
    assert steps(desk.session) == [21, 21]


def test_a_live_dial_acts_on_the_sides_it_belongs_to(lesson):
    pair = Session(lesson, VALUES, "optimizer")
    assert pair.live == {"lr"}
    pair.advance(steps=5)
    assert pair.set("lr", 0.02) is False
    assert [session.run.settings["lr"] for session in pair.lanes] == [0.02, 0.02]
    apart = Session(lesson, {"lr · A": 0.1, "lr · B": 0.2}, "lr")
    assert apart.live == {"lr · A", "lr · B"}
    apart.advance(steps=5)
    assert apart.set("lr · B", 0.5) is False
    assert [session.run.settings["lr"] for session in apart.lanes] == [0.1, 0.5]
    assert apart.labels() == ["A lr=0.1", "B lr=0.5"]
    apart.set("lr · B", 0.2)
    apart.rewind()
    assert apart.labels() == ["A lr=0.1", "B lr=0.2"]


def test_any_other_dial_restarts_both_at_the_next_request(pair):
    pair.advance(steps=5)
    runs = [session.run for session in pair.lanes]
    assert pair.set("optimizer · B", "adam") is True and pair.dirty
    assert [session.run for session in pair.lanes] == runs
    pair.advance(steps=3)
    assert steps(pair) == [3, 3] and pair.about()["run"] == 2 and pair.labels() == ["A sgd", "B adam"]
    assert pair.set("depth", 2) is True
    pair.look()
    assert {len(session.run.fleet.weights()) for session in pair.lanes} == {3} and pair.about()["run"] == 3


def test_rewind_new_seed_and_new_data_are_the_same_for_both(pair):
    pair.advance(steps=10)
    first = [session.history[-1].loss for session in pair.lanes]
    pair.rewind()
    pair.advance(steps=10)
    assert all(torch.equal(s.history[-1].loss, loss) for s, loss in zip(pair.lanes, first, strict=True))
    for restart, name, value in ((pair.new_seed, "seed", 2), (pair.new_data, "data", 1)):
        restart()
        assert [lane.built[name] for lane in pair.lanes] == [value, value] and steps(pair) == [0, 0]
    a, b = (session.run for session in pair.lanes)
    assert torch.equal(weights(a), weights(b)) and torch.equal(a.task.z, b.task.z)


def test_what_fails_on_one_side_leaves_both_old_runs(lesson):
    def fragile(optimizer="sgd", depth=1):
        if optimizer == "adam":
            raise RuntimeError("no adam")
        return lesson(optimizer=optimizer, depth=depth)

    pair = Session(fragile, {"optimizer · A": "sgd", "optimizer · B": "sam", "depth": 1}, "optimizer")
    pair.advance(steps=5)
    pair.set("optimizer · B", "adam")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="no adam"):
            pair.advance(steps=5)
    assert steps(pair) == [5, 5] and pair.about()["run"] == 1
    pair.set("optimizer · B", "sgd")
    pair.advance(steps=5)
    assert steps(pair) == [5, 5] and pair.about()["run"] == 2


def test_a_bad_live_value_is_refused_on_both(pair):
    with pytest.raises(SbkitError, match="lr is a number above 0"):
        pair.set("lr", -1.0)
    assert [lane.acting["lr"] for lane in pair.lanes] == [0.1, 0.1] and not pair.dirty


def test_code_leads_to_the_same_state(lesson):
    pair = Session(lesson, {"lr · A": 0.1, "lr · B": 0.2, "steps": 60}, "lr")
    pair.advance(steps=12)
    pair.set("lr · B", 0.05)
    pair.advance(steps=20)
    code = pair.code()
    assert code.splitlines() == [
        "a = lesson(steps=60, lr=0.1)",
        "b = lesson(steps=60, lr=0.2)",
        "a.advance(steps=32)",
        "b.advance(steps=12)",
        'b.settings["lr"] = 0.05',
        "b.advance(steps=20)",
    ]
    names = {"lesson": lesson}
    exec(code, names)
    for name, session in zip("ab", pair.lanes, strict=True):
        assert torch.equal(weights(names[name]), weights(session.run))


def test_code_knows_which_side_went_on_alone(lesson):
    pair = Session(lesson, {"steps · A": 20, "steps · B": 60}, "steps")
    pair.advance(steps=25)
    pair.advance(steps=25)
    assert pair.code().splitlines()[2:] == ["a.advance(steps=20)", "b.advance(steps=45)"]


def test_its_frames_show_both_and_their_difference(pair):
    frame, buffers = Desk(pair).answer({"type": "advance", "steps": 10})
    names = ["boundary A", "boundary B", "boundary B − A", "reliance", "kinds", "loss"]
    assert [plot["name"] for plot in frame["plots"]] == [*names, "accuracy train", "accuracy test"]
    assert [line["name"] for line in frame["plots"][5]["lines"]] == ["A sgd", "B sam"]
    assert frame["plots"][3]["sides"] == ["A sgd", "B sam"] and len(buffers[0]) < 180_000


def test_a_sharp_side_is_compared_with_a_moving_one(lesson):
    pair = Session(lesson, {"steps · A": 20, "steps · B": 60}, "steps")
    pair.advance(steps=20)
    pair.look()
    pair.advance(steps=5)
    sizes = [session.pictures()[0].values.shape for session in pair.lanes]
    assert sizes[0] != sizes[1] and "boundary B − A" in [one.name for one in pair.pictures()]


def test_its_replay_holds_every_moment_of_both(lesson):
    pair = Session(lesson, {"steps · A": 20, "steps · B": 60}, "steps")
    pair.finish()
    assert [(moment.seen[0].step, moment.seen[1].step) for moment in pair.moments] == [
        (0, 0),
        (20, 20),
        (20, 50),
        (20, 60),
    ]
    assert "boundary B \\u2212 A" in replay(pair)


def test_the_history_of_both_is_thinned_alike(lesson):
    pair = Session(lesson, start("sgd", "momentum", steps=MOST + 10), "optimizer")
    for _ in range(MOST + 10):
        pair.advance(steps=1)
    assert len(pair.moments) <= MOST
    assert all(a.step == b.step == step for step, _, (a, b) in pair.moments)


def test_a_lesson_that_does_not_train_is_compared_too(still):
    pair = Session(still, {"slope · A": 1.0, "slope · B": 2.0}, "slope")
    assert [line.name for line in pair.pictures()[0].lines] == ["A slope=1.0", "B slope=2.0"]
    assert pair.code() == "a = still(slope=1.0)\nb = still(slope=2.0)" and pair.did() == "1 + 1 picture drawn"
    assert pair.set("slope · B", 3.0) and pair.finish()[1].lines[0].y.tolist() == [0, 3]
    assert "A line" in replay(pair)


def regression():
    z = torch.linspace(-1, 1, 200).view(100, 2)
    task = sb.Task(z, z[:, :1], z, z[:, :1], {"x": sb.Feature((0,))})
    return sb.fit(sb.mlp(task, width=4, runs=2), task, batch=50)


@pytest.mark.parametrize(
    ("other", "got"),
    [
        (regression, r"regression \(outputs: 1\)"),
        (lambda: Bars("b", "B", "y", ["p"], [1]), "pictures"),
    ],
)
def test_sides_that_answer_different_questions_are_refused(lesson, other, got):
    def both(kind="one"):
        return lesson() if kind == "one" else other()

    with pytest.raises(SbkitError, match=f"got 2 classes and {got}; compare another dial"):
        Session(both, {"kind · A": "one", "kind · B": "other"}, "kind")


# In the lab


def test_the_panel_has_a_dial_for_each_side_first(lesson, monkeypatch):
    sent = []
    monkeypatch.setattr(Stage, "send", lambda self, content, buffers=None: sent.append(content))
    panel = lab(lesson, compare="optimizer", depth=(1, 8), optimizer=["adam", "sgd"], lr=(1e-3, 1.0, "log"))
    assert list(panel._names.values()) == ["optimizer · A", "optimizer · B", "depth", "lr"]
    a, b, *_ = panel._names
    assert (a.value, b.value, a.description) == ("sgd", "adam", "optimizer · A ↻")
    assert panel._stage.controls == {"seed": True, "data": True, "trains": True, "name": "lesson"}
    b.value = "sgd"
    assert sent == [{"type": "dirty"}] and panel.session.dirty
    assert panel.code().startswith(
        "a = lesson(depth=1, lr=0.1, optimizer='sgd')\nb = lesson(depth=1, lr=0.1,"
    )
    panel.close()


def test_both_starts_are_shared_in_one_text(lesson):
    dials = {"depth": (1, 8), "optimizer": ["sgd", "sam", "adam"]}
    panel = lab(lesson, compare="optimizer", **dials)
    panel.session.set("optimizer · B", "adam")
    panel.session.new_seed()
    text = panel.share()
    again = lab(lesson, compare="optimizer", start=text, **dials)
    values = {"optimizer · A": "sgd", "optimizer · B": "adam", "depth": 1, "seed": 2}
    assert panel.session.values == again.session.values == values
    reply, _ = again._desk.answer({"type": "code"})
    call = "sb.lab(lesson, start=start, compare='optimizer', optimizer=['sgd', 'sam', 'adam'], depth=(1, 8))"
    assert reply["texts"]["Link text"] == f'start = "{again.share()}"\n{call}'
    panel.close()
    again.close()


def test_of_what_is_compared_a_start_names_the_side(lesson):
    with pytest.raises(SbkitError, match="named 'optimizer'; there are optimizer · A, optimizer · B"):
        lab(lesson, compare="optimizer", start="optimizer=sam", optimizer=["sgd", "sam"])


def test_seeds_that_are_compared_have_no_button(lesson):
    panel = lab(lesson, compare="seed", seed=[0, 8])
    assert panel._stage.controls["seed"] is False and panel._stage.controls["data"] is True
    panel.close()


def test_without_a_page_both_are_trained_and_one_line_says_so(lesson, monkeypatch, tmp_path):
    monkeypatch.setenv("SBKIT_HEADLESS", "1")
    made = lab(lesson, compare="optimizer", optimizer=["sgd", "sam"], depth=(1, 8))
    text = "lesson(depth=1, optimizer='sgd' | 'sam'): 2 + 2 runs trained. Open this notebook in JupyterLab"
    assert repr(made).startswith(text)
    a, b = made.result()
    assert a.finished and b.finished and made.save_replay(tmp_path / "x.html").exists()
    titles = [note.text for note in made.figure().layout.annotations]
    assert len(titles) == 8 and "Decision boundary · B − A" in titles[2]


@pytest.mark.parametrize(
    ("compare", "dials", "sentence"),
    [
        (
            "optimiser",
            {"optimizer": ["sgd", "sam"]},
            "No dial named 'optimiser'; .* Did you mean 'optimizer'",
        ),
        ("depth", {"optimizer": ["sgd", "sam"]}, "No dial named 'depth'; there are optimizer"),
        (True, {"optimizer": ["sgd", "sam"]}, "No dial named True"),
        ("optimizer", {"optimizer": ["sgd"]}, "a dial of two values or more"),
    ],
)
def test_what_is_no_dial_to_compare_gets_its_sentence(lesson, compare, dials, sentence):
    with pytest.raises(SbkitError, match=sentence):
        lab(lesson, compare=compare, **dials)


def test_a_lesson_with_an_argument_of_that_name_is_told_so():
    def lesson(compare=1):
        """Never called."""

    with pytest.raises(SbkitError, match="got a lesson with an argument 'compare'; rename it"):
        lab(lesson, compare=[1, 2])


def test_each_side_keeps_its_own_spectrum_at_step_0():
    def spectra(depth=1, init=1.0):
        task = sb.lms(5, dim=3, n=300, n_test=300)
        fleet = sb.mlp(task, depth=depth, width=8, runs=2, init=init)
        return sb.fit(fleet, task, steps=60, batch=50, stop=None, measure="spectrum")

    pair = Session(spectra, {"init · A": 1.0, "init · B": 0.5}, "init")
    pair.look()
    pair.advance(steps=10)
    for made in (pair.pictures(), pair.draw(pair.moments[-1:], moving=True)):
        one, *_ = (picture for picture in made if picture.name.startswith("spectrum"))
        a, b = (line.start for line in one.lines)
        assert a == pytest.approx(2 * b)
