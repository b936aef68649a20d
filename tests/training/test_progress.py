"""Somebody who waits sees the time left, and can stop."""

import sys

import pytest
from cases import slab_task

import sbkit as sb
from sbkit.training import progress


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(sys.modules["sbkit.training.fit"], "PATIENCE", 0.0)
    monkeypatch.delenv("SBKIT_HEADLESS", raising=False)


def run(steps=300, **options):
    task = slab_task()
    return sb.fit(sb.mlp(task, runs=2), task, steps=steps, batch=64, stop=None, **options)


def lesson(steps=300):
    return run(steps)


def test_a_short_wait_shows_nothing(capsys):
    sb.last(run())
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("wait_for", [lambda: sb.last(run()), lambda: sb.lab(lesson, steps=[300]).result()])
def test_a_long_wait_shows_the_time_left(impatient, capsys, wait_for):
    wait_for()
    told = capsys.readouterr().err
    assert "training:" in told and "/300 [" in told and "<" in told  # done [passed<left


def test_the_bar_of_several_stages_ends_at_the_last(impatient, capsys):
    first = run()
    sb.last(sb.stages([first, lambda fleet: sb.fit(fleet, first.task, steps=300, batch=64, stop=None)]))
    assert "/600 [" in capsys.readouterr().err


def test_without_a_page_nothing_is_shown(impatient, monkeypatch, capsys):
    monkeypatch.setenv("SBKIT_HEADLESS", "1")
    sb.last(run())
    assert capsys.readouterr().err == ""


def test_a_wait_can_be_stopped_and_taken_up_again():
    def stop(fleet, step):
        if step == 120 and not stopped:
            stopped.append(step)
            raise KeyboardInterrupt

    stopped: list[int] = []
    part, whole = run(after_step=stop), run()
    with pytest.raises(KeyboardInterrupt):
        sb.last(part)
    assert part.step == 120
    assert sb.last(part).loss.tolist() == sb.last(whole).loss.tolist()


def test_the_bar_counts_from_where_the_run_stands(impatient, capsys):
    half = run()
    half.train(steps=150)
    with progress(half) as told:
        told()
        half.train(steps=100)
        told()
    assert "150/300" in capsys.readouterr().err and half.step == 250


def test_the_bar_goes_when_the_wait_is_stopped(impatient, capsys):
    with pytest.raises(KeyboardInterrupt), progress(run()) as told:
        told()
        raise KeyboardInterrupt
    assert capsys.readouterr().err.endswith("\r")
