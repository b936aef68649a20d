"""The panel: dials that act, one life a cell, nothing left behind."""

import base64
import gc
import io
import math
import threading
import weakref

import ipywidgets
import numpy
import pytest
from PIL import Image

import sbkit as sb
from sbkit.core import SbkitError
from sbkit.lab import lab, panel, stage
from sbkit.lab.kernel import Cells
from sbkit.lab.panel import Panel

DIALS = {"slabs": [3, 5, 7], "depth": (1, 8), "lr": (1e-3, 1.0, "log"), "optimizer": ["sgd", "adam"]}


def living() -> int:
    """Number of widgets with an open comm."""
    widgets = getattr(ipywidgets.widgets.widget, "_instances", None)  # ipywidgets 8
    return len(ipywidgets.Widget.widgets if widgets is None else widgets)


@pytest.fixture
def sent(monkeypatch):
    """What panels send to their stages."""
    messages = []
    monkeypatch.setattr(panel.Stage, "send", lambda self, content, buffers=None: messages.append(content))
    return messages


def dial(panel: Panel, name: str) -> ipywidgets.Widget:
    return next(widget for widget, known in panel._names.items() if known == name)


def test_lab_gives_a_panel(lesson):
    made = lab(lesson, **DIALS)
    assert isinstance(made, Panel) and isinstance(made, ipywidgets.VBox)
    assert repr(made).startswith("lesson(slabs=5, depth=1, lr=0.1, optimizer='sgd'): a live panel.")
    assert sb.lab is lab


def test_its_methods_need_no_click(lesson, tmp_path):
    made = lab(lesson, **DIALS)
    run = made.result()
    assert run.finished and made.result() is run
    assert len(made.figure().layout.annotations) == 5, "boundary, loss, accuracy, reliance, kinds"
    assert made.code().endswith("run.advance(steps=60)")
    assert made.share() == "slabs=5&depth=1&lr=0.1&optimizer=sgd"
    assert made.save_replay(tmp_path / "run.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_moving_a_dial_acts_at_once_or_asks_for_a_new_run(lesson, sent):
    made = lab(lesson, **DIALS)
    dial(made, "lr").value = 0.5
    assert made.session.run.settings["lr"] == 0.5 and sent == []
    dial(made, "depth").value = 3
    assert sent == [{"type": "dirty"}] and made.session.dirty
    assert made.code() == "run = lesson(slabs=5, depth=3, lr=0.5, optimizer='sgd')"


def test_a_value_between_two_steps_of_its_slider_is_kept(lesson, sent):
    """The page moves the handle to the nearest step when it shows it: nobody turned the dial."""
    made = lab(lesson, **DIALS, start="lr=0.02")
    for value, kept in ((10**-1.7, 0.02), (10**-1.65, 10**-1.65), (10**-1.7, 10**-1.7), (0.021, 0.021)):
        dial(made, "lr").value = value
        assert made.session.values["lr"] == made.session.run.settings["lr"] == kept
    rate = lab(lambda lr=0.123: lesson(lr=lr), lr=(0.0, 1.0))
    for value, kept in ((0.12, 0.123), (0.13, 0.13), (0.12, 0.12)):
        dial(rate, "lr").value = value
        assert rate.session.values["lr"] == kept


def test_a_request_of_the_stage_is_answered(lesson, sent):
    made = lab(lesson, **DIALS)
    made._stage._handle_custom_msg({"type": "advance", "steps": 2}, [])
    assert [(message["type"], message["step"]) for message in sent] == [("frame", 2)]


def test_its_first_frame_comes_with_the_widget(lesson):
    made = lab(lesson, **DIALS)
    state = made._stage.get_state()
    assert (state["frame"]["type"], state["frame"]["step"], state["frame"]["state"]) == ("frame", 0, "Ready")
    assert {"boundary", "loss", "reliance"} < {plot["name"] for plot in state["frame"]["plots"]}
    kinds = next(plot for plot in state["frame"]["plots"] if plot["name"] == "reliance")["dots"]
    assert len(state["arrays"]) >= kinds["at"] + 4 * math.prod(kinds["shape"])


def test_later_pages_begin_with_what_stood_last_and_open_ones_are_not_sent_it(lesson, sent, monkeypatch):
    made = lab(lesson, **DIALS)
    monkeypatch.setattr(made._stage, "send_state", lambda key=None: pytest.fail(f"sent {key}"))
    made._stage._handle_custom_msg({"type": "advance", "steps": 2}, [])
    assert made._stage.frame["step"] == 0, "it moves"
    made._stage._handle_custom_msg({"type": "look"}, [])
    assert made._stage.frame["step"] == 2 and made._stage.frame["pushed"]


def test_a_first_look_that_fails_is_a_frame_too():
    asked = []

    def broken(fleet, task):
        asked.append(task)
        if len(asked) > 1:  # than when it is tried
            raise ZeroDivisionError("by zero")
        return fleet(task.x)[:, 0, 0]

    def lesson():
        task = sb.lms(3, dim=2, n=60, n_test=30)
        return sb.fit(sb.mlp(task, width=4, runs=2), task, steps=5, measure=broken)

    frame = lab(lesson)._stage.frame
    assert frame["state"] == "Error" and frame["reason"].startswith("ZeroDivisionError: by zero")


def played(sent) -> list:
    """Step and state of the frames that were pushed."""
    return [(message["step"], message["state"]) for message in sent if message.get("pushed")]


TRAIN = {
    "result": lambda panel: panel.result(),
    "last": lambda panel: sb.last(panel.session.run),
    "loop": lambda panel: list(panel.session.run),
}


@pytest.mark.parametrize("train", TRAIN.values(), ids=TRAIN)
def test_what_a_cell_trains_is_pushed_to_a_page(lesson, sent, monkeypatch, train):
    monkeypatch.setattr(panel, "PUSH", -1.0)  # every frame there is, however fast it trains
    monkeypatch.setattr(panel, "SHARE", 0)
    made = lab(lesson, **DIALS)
    made._stage._handle_custom_msg({"type": "look"}, [])
    sent.clear()
    train(made)
    *moving, last = played(sent)
    assert last == (60, "Done")
    assert all(message["type"] == "frame" for message in sent)
    assert [step for step, _ in moving] == sorted(step for step, _ in moving)


def test_frames_are_pushed_seldom_and_only_where_somebody_looks(lesson, sent, monkeypatch):
    made = lab(lesson, **DIALS)
    list(made.session.run)
    assert sent == [], "no page has ever asked"
    monkeypatch.setattr(panel, "PUSH", 3600.0)
    made = lab(lesson, **DIALS)
    made._stage._handle_custom_msg({"type": "look"}, [])
    sent.clear()
    list(made.session.run)
    assert len(played(sent)) <= 2 and played(sent)[-1] == (60, "Done")


def test_a_run_that_was_replaced_or_closed_is_not_shown(lesson, sent):
    made = lab(lesson, **DIALS)
    made._stage._handle_custom_msg({"type": "look"}, [])
    old = made.session.run
    made._stage._handle_custom_msg({"type": "rewind"}, [])
    new = made.session.run
    made.close()
    sent.clear()
    assert list(old) and list(new) and sent == []


def test_at_most_four_dials_are_in_sight(lesson):
    few, many = lab(lesson, **DIALS), lab(lesson, **DIALS, steps=[60, 100])
    assert len(few.children) == 3 and len(few.children[0].children) == 4
    _, more, rest, *_ = many.children
    assert (more.description, rest.layout.display, len(rest.children)) == ("More", "none", 1)
    more.value = True
    assert (more.description, rest.layout.display) == ("Fewer", None)
    assert len(lab(lesson).children) == 2, "the stage and the offer of stills"


def test_controls_offer_what_the_lesson_takes(lesson, still):
    assert lab(lesson)._stage.controls == {"seed": True, "data": True, "trains": True, "name": "lesson"}
    assert lab(lesson, seed=(0, 9))._stage.controls["seed"] is False, "the dial is enough"
    assert lab(still, slope=(0.0, 2.0))._stage.controls["trains"] is False


def test_closing_leaves_nothing_and_frees_the_run(lesson, sent):
    threads, before = threading.active_count(), living()
    made = lab(lesson, **DIALS, steps=[60, 100])
    assert living() > before
    session = weakref.ref(made.session)
    made.close()
    gc.collect()
    assert session() is None, "a notebook keeps the panel as the value of its cell, but not the run"
    assert living() == before and threading.active_count() == threads
    assert sent == [{"type": "closed"}]
    for method in (made.result, made.figure, made.code, made.share, lambda: made.save_replay("x.html")):
        with pytest.raises(SbkitError, match="This panel is closed, as its cell ran again"):
            method()
    made.close()


def test_a_borrowed_widget_outlives_the_panel(lesson):
    mine = ipywidgets.IntSlider(2, 1, 8)
    made = lab(lesson, depth=mine)
    assert made.session.values["depth"] == 2
    made.close()
    assert mine.comm is not None
    mine.value = 5
    mine.close()


def test_a_cell_that_runs_again_replaces_its_panels(lesson, monkeypatch):
    cell = ["a", "1"]
    monkeypatch.setattr(panel, "CELLS", Cells())
    monkeypatch.setattr(panel, "this_cell", lambda: tuple(cell))
    first, second = lab(lesson), lab(lesson)
    cell[:] = ["b", "2"]
    other = lab(lesson)
    before = living()
    for execution in "34567":
        cell[:] = ["a", execution]
        latest = [lab(lesson), lab(lesson)]
    assert living() == before
    for closed in (first, second):
        with pytest.raises(SbkitError):
            closed.result()
    assert other.result().finished and all(made.result().finished for made in latest)


def test_two_panels_of_one_lesson_do_not_touch_each_other(lesson):
    one, other = lab(lesson, **DIALS), lab(lesson, **DIALS)
    dial(one, "lr").value = 0.9
    one._desk.answer({"type": "advance", "steps": 5})
    assert other.session.run.step == 0 and other.session.run.settings["lr"] == 0.1


@pytest.mark.parametrize(
    ("dials", "sentence"),
    [
        ({"slab": [3]}, "Did you mean 'slabs'"),
        ({"depth": (2, 8)}, "does not hold it"),
        ({"slabs": 5}, "try slabs=.5."),
    ],
)
def test_bad_dials_are_told_before_anything_is_built(lesson, dials, sentence):
    before = living()
    with pytest.raises(SbkitError, match=sentence):
        lab(lesson, **dials)
    assert living() == before


def test_a_lesson_that_fails_at_its_defaults_raises_in_its_cell():
    with pytest.raises(ZeroDivisionError):
        lab(lambda: 1 / 0)


def test_a_picture_of_the_page_is_kept_small_and_told(lesson, sent, monkeypatch):
    shown = []
    monkeypatch.setattr(stage, "display", lambda data, **how: shown.append(data) or Kept(shown))
    made, page = lab(lesson, **DIALS), io.BytesIO()
    noise = numpy.random.default_rng(0).integers(0, 255, (500, 900, 3), dtype=numpy.uint8)
    Image.fromarray(noise).save(page, "png")
    made._asked(made._stage, {"type": "picture"}, [page.getvalue()])
    assert shown == [], "nobody has seen it"
    made._ipython_display_()
    made._asked(made._stage, {"type": "picture"}, [memoryview(page.getvalue())])
    data, about = shown[-1]
    assert len(base64.b64decode(data["image/png"])) <= 100_000 < len(page.getvalue())
    assert about["image/png"]["alt"].startswith("Field: Decision boundary.")
    assert sent == [], "it is no request"


class Kept:
    """A display that remembers what it is updated with."""

    def __init__(self, shown):
        self.shown = shown

    def update(self, data, raw, metadata):
        self.shown.append((data, metadata))
