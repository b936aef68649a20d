"""What a lesson prints and warns of while no cell runs is told by the frames, as text."""

import sys
import threading
import warnings

import pytest

from sbkit.lab import lab
from sbkit.lab.desk import Desk
from sbkit.lab.panel import Stage
from sbkit.lab.prints import MOST, Ear, clipped, heard
from sbkit.lab.session import Session


def ask(desk, kind, **details):
    return desk.answer({"type": kind, **details})[0]


@pytest.fixture
def loud(lesson):
    def loud(depth=1):
        print("<b>depth</b>", depth)
        print("to the other stream", depth, file=sys.stderr)
        if depth > 3:
            raise RuntimeError("too deep")
        return lesson(depth=depth)

    return loud


def test_a_rebuild_tells_what_it_printed_until_the_next(loud, capsys):
    desk = Desk(Session(loud, {"depth": 1}))
    assert "<b>depth</b> 1" in capsys.readouterr().out, "the first time in the cell"
    assert ask(desk, "look")["said"] == ""
    for depth in (2, 3):
        desk.set("depth", depth)
        said = f"<b>depth</b> {depth}\nto the other stream {depth}\n"
        assert [ask(desk, kind)["said"] for kind in ("refresh", "look")] == [said] * 2
        assert ask(desk, "advance", steps=1)["said"] == said
    desk.set("depth", 4)
    frame = ask(desk, "refresh")
    assert frame["state"] == "Error" and frame["said"].endswith("to the other stream 4\n")
    assert capsys.readouterr() == ("", "")


def test_what_is_printed_while_it_trains_is_told_too(lesson):
    import sbkit as sb

    def loud():
        task = sb.lms(5, dim=2, n=100, n_test=50)
        tell = lambda fleet, step: print("step", step)  # noqa: E731
        return sb.fit(sb.mlp(task, width=4, runs=2), task, batch=50, after_step=tell)

    desk = Desk(Session(loud))
    ask(desk, "advance", steps=2)
    assert ask(desk, "advance", steps=1)["said"] == "step 1\nstep 2\nstep 3\n"
    assert ask(desk, "rewind")["said"] == ""


def test_a_warning_is_given_at_every_build(lesson):
    def warns(depth=1):
        warnings.warn(f"deep {depth}", stacklevel=1)
        return lesson(depth=depth)

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = lambda message, kind, *where: print(f"{kind.__name__}: {message}")
        with heard():
            desk = Desk(Session(warns, {"depth": 1}))
        for _ in range(3):
            assert "UserWarning: deep 1" in ask(desk, "rewind")["said"]


def test_only_the_end_of_much_is_kept():
    with heard() as told:
        for k in range(10 * MOST):
            print(k)
    text = clipped(told())
    assert len(text) == MOST + 1 and text.startswith("…") and text.endswith(f"{10 * MOST - 1}\n")
    assert clipped("1 %\r2 %\r3 %") == "3 %" and clipped("\x1b[1mbold\x1b[0m \ud800") == "bold ?"


def test_another_thread_prints_where_it_did(capsys):
    with heard() as told:
        other = threading.Thread(target=print, args=("elsewhere",))
        other.start()
        other.join()
        print("here")
        assert isinstance(sys.stdout, Ear)
    assert told() == "here\n" and capsys.readouterr().out == "elsewhere\n"


@pytest.mark.parametrize("compare", [None, "optimizer"])
def test_the_lesson_is_called_once_a_side_and_the_stage_is_told(lesson, monkeypatch, compare):
    sent, calls = [], []
    monkeypatch.setattr(Stage, "send", lambda self, content, buffers=None: sent.append(content["type"]))

    def counted(depth=1, lr=0.1, momentum=0.0, optimizer="momentum"):
        calls.append(depth)
        return lesson(depth=depth, lr=lr)

    sides = 1 if compare is None else 2
    dials = {"depth": (1, 8), "lr": (1e-3, 1.0, "log"), "momentum": (0.0, 0.9)}
    panel = lab(counted, compare=compare, optimizer=["momentum", "sgd"], **dials)
    assert len(calls) == sides
    for kind, builds in (("look", 0), ("advance", 0), ("rewind", 1), ("code", 0), ("look", 0)):
        calls.clear()
        sent.clear()
        panel._stage._handle_custom_msg({"type": kind, "steps": 1}, [])
        assert len(calls) == builds * sides and ("building" in sent) == bool(builds)
    panel.close()


def test_a_dial_says_how_it_acts_in_the_run_at_hand(lesson):
    def lesson_of_one(lr=0.1, optimizer="sgd"):
        return lesson(lr=lr if optimizer == "sgd" else 0.05)

    panel = lab(lesson_of_one, lr=(1e-3, 1.0, "log"), optimizer=["sgd", "adam"])
    lr, optimizer = panel._names
    for name, word in (("adam", "lr ↻"), ("sgd", "lr")):
        optimizer.value = name
        panel._stage._handle_custom_msg({"type": "refresh"}, [])
        assert lr.description == word
    panel.close()


def test_a_stream_that_is_listened_to_is_still_the_kernels(monkeypatch):
    """The kernel tells its stream which cell prints, and flushes it at the cell's end."""
    asked = []

    class Out:
        def set_parent(self, parent):
            asked.append(parent)

        def flush(self):
            asked.append("flush")

    monkeypatch.setattr(sys, "stdout", Out())
    with heard():
        sys.stdout.set_parent("cell")  # pyright: ignore
        sys.stdout.flush()
        kept = sys.stdout
    assert asked == ["cell", "flush"] and isinstance(sys.stdout, Out)
    assert kept.thread is None, "whoever kept it prints where it did"
