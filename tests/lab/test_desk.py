"""One reply to every request, whatever happens."""

import pytest

import sbkit as sb
from sbkit.lab import desk as desks
from sbkit.lab.desk import ANSWERS, Desk, sentence
from sbkit.lab.dials import dials
from sbkit.lab.session import Session

START = {"depth": 1, "lr": 0.1}


@pytest.fixture
def alone(lesson):
    return Desk(Session(lesson, START))


@pytest.fixture(params=["one lane", "two lanes"])
def desk(request, lesson, alone):
    """Whatever is asked, two lanes answer as one does."""
    twice = START | {"optimizer · A": "sgd", "optimizer · B": "sam"}
    return alone if request.param == "one lane" else Desk(Session(lesson, twice, "optimizer"))


def ask(desk, type, **details):
    return desk.answer({"type": type, **details})


@pytest.mark.parametrize("kind", list(ANSWERS))
def test_every_request_gets_one_reply_of_its_kind(desk, kind):
    reply, buffers = ask(desk, kind)
    assert reply["type"] == (kind if kind in ("code", "replay") else "frame")
    assert len(buffers) == (reply["type"] == "frame")


def test_a_look_trains_nothing_and_stands(desk):
    frame, _ = ask(desk, "look")
    assert (frame["step"], frame["steps"], frame["state"], frame["moving"]) == (0, 60, "Ready", False)
    assert desk.session.run.step == 0 and desk.session.sharp


def test_advance_moves_and_knows_the_end(desk):
    frame, _ = ask(desk, "advance", steps=1)
    assert (frame["step"], frame["state"], frame["moving"]) == (1, "Training", True)
    assert frame["epoch"] == pytest.approx(1 / 6)
    frame, _ = ask(desk, "advance", seconds=60)
    assert (frame["step"], frame["state"]) == (60, "Done") and frame["reason"].endswith("all 60 steps done")


def told(desk, **details):
    """(step, state, how many more come) of the frames that a request to advance brings."""
    replies = desk.answers({"type": "advance", **details})
    return [(frame["step"], frame["state"], frame.get("more", 0)) for frame, _ in replies]


def test_a_slow_look_does_not_swallow_the_run(monkeypatch):
    """However long the pauses are, a slice is a small part of a whole run."""
    monkeypatch.setattr(desks, "SHARE", 1e6)

    def lesson():
        task = sb.data.slabs(n=64, n_test=64)
        return sb.fit(sb.mlp(task, width=4, runs=2), task, batch=8, steps=20000, stop=None)

    desk, at = Desk(Session(lesson)), []
    for _ in range(6):
        at.append(ask(desk, "advance", seconds=0.001)[0]["step"])
    assert max(later - step for step, later in zip(at, at[1:], strict=False)) < 2500, at


def test_a_run_that_is_over_at_once_shows_its_course():
    """However fast it trains, its frames are many, and each is a small part of it."""

    def lesson():
        task = sb.data.slabs(n=64, n_test=64)
        return sb.fit(sb.mlp(task, width=4, runs=2), task, batch=8, steps=4000, stop=None)

    desk, at = Desk(Session(lesson)), [0]
    while at[-1] < 4000:
        at.append(ask(desk, "advance", paced=True)[0]["step"])
    assert len(at) >= desks.FRAMES / 2
    assert max(later - step for step, later in zip(at, at[1:], strict=False)) <= 1000, at


def test_one_request_brings_several_frames_that_count_down(desk):
    frames = told(desk, steps=2, frames=3)
    assert frames == [(2, "Training", 2), (4, "Training", 1), (6, "Training", 0)]
    assert told(desk, steps=50, frames=3) == [(56, "Training", 2), (60, "Done", 0)]
    assert [frame["step"] for frame, _ in desk.answers({"type": "look"})] == [60]


def test_a_request_for_several_frames_ends_with_what_ends_training(desk):
    told(desk, steps=1)
    name = next(name for name in desk.session.takes if name.startswith("depth"))
    desk.set(name, 3)
    assert told(desk, steps=1, frames=3) == [(0, "Ready", 0)], "where the new run begins"
    told(desk, steps=1)
    replies = desk.answers({"type": "advance", "steps": 1, "frames": 3})
    assert next(replies)[0]["more"] == 2
    desk.interrupt()
    assert [(frame["state"], frame.get("more", 0)) for frame, _ in replies] == [("Error", 0)]


def test_a_moving_frame_of_the_first_lesson_is_small(alone):
    _, (buffer,) = ask(alone, "advance", steps=1)
    assert len(buffer) < 60_000


def test_where_a_spectrum_began_costs_a_frame_few_bytes(lesson):
    def spectra(depth=3, seed=0):
        task = sb.lms(5, n=300, n_test=300)
        return sb.fit(sb.mlp(task, depth=depth, seed=seed), task, measure=["boundary", "spectrum"])

    desk = Desk(Session(spectra))
    ask(desk, "look")
    frame, (buffer,) = ask(desk, "advance", steps=1)
    [drawn] = [plot for plot in frame["plots"] if plot["name"] == "spectrum"]
    assert [line["start"]["shape"] for line in drawn["lines"]] == [[50], [100], [100], [2]]
    assert len(buffer) < 16_000


def test_code_comes_as_two_texts(lesson):
    meant = dials(lesson, {"depth": (1, 8), "lr": (1e-3, 1.0, "log")})
    desk = Desk(Session(lesson, START), meant)
    ask(desk, "advance", steps=3)
    texts = ask(desk, "code")[0]["texts"]
    assert list(texts) == ["This run", "Link text"]
    assert texts["This run"] == "run = lesson(depth=1, lr=0.1)\nrun.advance(steps=3)"
    assert texts["Link text"].splitlines()[0] == 'start = "depth=1&lr=0.1"'


def test_what_cannot_be_written_is_told_in_its_place(still):
    desk = Desk(Session(still, {"slope": 3}), dials(still, {"slope": (0.0, 2.0)}))
    texts = ask(desk, "code")[0]["texts"]
    assert texts["This run"] == "still(slope=3)"
    assert texts["Link text"].startswith(
        "# No link text: slope is a number at least 0 and at most 2, got 3.0"
    )


def test_code_of_a_lesson_that_fails_is_an_error_frame(lesson):
    desk = Desk(Session(lambda depth=1: lesson(depth=depth), {"depth": 1}))
    desk.set("depth", -1)
    frame, _ = ask(desk, "code")
    assert (frame["type"], frame["state"]) == ("frame", "Error") and "depth is a whole number" in frame[
        "reason"
    ]


@pytest.mark.parametrize("kind", ["rewind", "seed", "data"])
def test_restarts_come_as_step_0_of_a_new_run(desk, kind):
    before, _ = ask(desk, "advance", steps=5)
    frame, _ = ask(desk, kind)
    assert frame["step"] == 0 and frame["run"] == before["run"] + 1 and frame["state"] == "Ready"


def test_a_drag_of_many_values_rebuilds_once(desk):
    for depth in range(2, 8):
        assert desk.set("depth", depth) is True
    frame, _ = ask(desk, "refresh")
    assert frame["run"] == 2 and not frame["moving"]
    assert desk.set("lr", 0.01) is False


def test_an_unknown_request_is_an_error_frame(desk):
    for message in (
        {"type": "advanse"},
        {},
        {"type": "advance", "steps": -1},
        {"type": "advance", "seconds": "x"},
    ):
        frame, _ = desk.answer(message)
        assert frame["state"] == "Error" and frame["reason"]
    assert ask(desk, "look")[0]["state"] == "Ready"


def test_an_error_of_the_lesson_is_shown_and_the_run_survives(lesson):
    def fragile(depth=1):
        return lesson(depth=depth) if depth < 3 else {}["too deep"]

    desk = Desk(Session(fragile, {"depth": 1}))
    ask(desk, "advance", steps=10)
    desk.set("depth", 3)
    frame, _ = ask(desk, "refresh")
    assert (frame["state"], frame["reason"], frame["step"]) == ("Error", "KeyError: 'too deep'", 10)
    assert frame["plots"] and desk.session.run.step == 10
    desk.set("depth", 2)
    assert ask(desk, "refresh")[0]["state"] == "Ready"


@pytest.mark.parametrize("file", ["/tmp/ipykernel_7/42.py", "<ipython-input-3-abc>"])
def test_an_error_in_a_cell_tells_its_line(file):
    cell: dict = {}
    exec(compile("def look_up(name):\n\n    return {}[name]", file, "exec"), cell)

    def fails(name):
        return int(cell["look_up"](name))

    with pytest.raises(KeyError) as caught:
        fails("n")
    assert sentence(caught.value) == "KeyError: 'n' (look_up, line 3 of its cell)"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("after the step"), "RuntimeError: after the step"),
        (KeyboardInterrupt(), "Interrupted; press Run to go on."),
    ],
)
def test_what_stops_training_is_answered(error, reason):
    def raises(fleet, step):
        raise error

    def lesson():
        task = sb.lms(5, dim=2, n=100, n_test=50)
        return sb.fit(sb.mlp(task, width=4, runs=2), task, batch=50, after_step=raises)

    frame, _ = ask(Desk(Session(lesson)), "advance", steps=1)
    assert (frame["state"], frame["reason"]) == ("Error", reason)


def test_an_interrupt_counts_while_training_is_asked_for(desk, monkeypatch):
    monkeypatch.setattr(desks, "PATIENCE", 60)
    for last, state in [("look", "Training"), ("advance", "Error"), ("rewind", "Training")]:
        ask(desk, last, **({"steps": 1} if last == "advance" else {}))
        desk.interrupt()
        assert ask(desk, "advance", steps=1)[0]["state"] == state
    monkeypatch.setattr(desks, "PATIENCE", 0)  # a page that no longer asks
    ask(desk, "advance", steps=1)
    desk.interrupt()
    assert ask(desk, "advance", steps=1)[0]["state"] == "Training"


def test_a_refused_value_is_told_once(desk):
    assert desk.set("lr", -1) is True
    frame, _ = ask(desk, "refresh")
    assert frame["state"] == "Error" and "lr is a number above 0" in frame["reason"]
    assert ask(desk, "refresh")[0]["state"] == "Ready"


def test_pictures_that_fail_do_not_hide_what_went_wrong(desk, monkeypatch):
    def fails(self, whole=False):
        raise RuntimeError("no picture")

    monkeypatch.setattr(Session, "pictures", fails)
    frame, _ = ask(desk, "look")
    assert (frame["state"], frame["reason"], frame["plots"]) == ("Error", "RuntimeError: no picture", [])


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        (["converged"] * 2, "all 2 runs reached loss < 0.01"),
        (["finished"] * 2, "all 1,000 steps done"),
        (["converged", "finished"], "1 of 2 runs reached loss < 0.01; 1 of 2 runs did all 1,000 steps"),
        (["training", "diverged"], "the loss of run 1 is not finite"),
        (["diverged"] * 2, "The loss of all runs is not finite; try a smaller lr"),
        (["training"] * 2, ""),
    ],
)
def test_the_reason_says_why_runs_ended(alone, states, reason):
    run = alone.session.run
    run.states, run.stop, run.steps = states, 0.01, 1000
    frame, _ = ask(alone, "look")
    assert frame["reason"] == reason
    assert frame["state"] == ("Ready" if "training" in states else "Done")


def test_a_lesson_that_does_not_train_has_no_steps(still):
    desk = Desk(Session(still, {"slope": 1.0}))
    frame, _ = ask(desk, "advance", seconds=0.03)
    assert (frame["steps"], frame["state"], frame["plots"][0]["name"]) == (0, "Ready", "line")
    assert desk.set("slope", 2.0) and ask(desk, "refresh")[0]["run"] == 2
