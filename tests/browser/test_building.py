"""While a lesson builds its run the stage says so, and it shows what the lesson prints."""

import re

import pytest
from browser.jupyter import stage_of
from hostile import ALL, FLAG
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SOURCE = f"""
import threading
import warnings
import sbkit as sb
gate, calls = threading.Event(), []
gate.set()

def slow(depth=1, lr=0.05, seed=0):
    gate.wait(60)
    calls.append(depth)
    print("depth", depth, {ALL!r})
    warnings.warn(f"deep {{depth}}")
    task = sb.lms(5, dim=3, n=300, n_test=300)
    return sb.fit(sb.mlp(task, width=4, depth=depth, runs=2, seed=seed), task, lr=lr, steps=9999, stop=None)

panel = sb.lab(slow, depth=(1, 8), lr=(1e-3, 1.0, "log"))
panel
"""
CLOSE = "gate.clear(); threading.Timer(8, gate.set).start(); print(len(calls))"


def test_a_long_build_is_told_until_it_is_done_and_what_it_prints_is_shown(lesson):
    cell = lesson.notebook.insert_below(lesson.scratch)
    lesson.notebook.write(cell, SOURCE.strip())
    stage = stage_of(lesson.notebook, cell)
    said = stage.root.locator(".sb-said")
    expect(said).to_be_hidden()
    expect(cell.locator(".jp-OutputArea-output").first).to_contain_text("depth 1")
    assert lesson.ask(CLOSE) == "1", "one call"
    run = stage.number("run")
    cell.locator(".noUi-handle").first.press("ArrowRight")
    stage.says("Building …")
    expect(stage.root.locator(".sb-word")).to_have_text("Building …")
    seen = stage.root.evaluate(
        "root => new Promise(done => { const seen = []; const look = () => { seen.push(root.dataset.state); "
        "Number(root.dataset.run) > 1 ? done([...new Set(seen)]) : setTimeout(look, 50); }; look(); })"
    )
    assert seen[:-1] == ["Building …"] and seen[-1] == "Ready", seen
    stage.wait("run", "n > v", run)
    stage.says("Ready")
    expect(said).to_contain_text("depth 2 ")
    expect(said).to_contain_text("UserWarning: deep 2")
    assert said.text_content().count("depth 2") == 1
    assert lesson.page.evaluate(f"window.{FLAG}") is None
    lesson.notebook.picture("32-printed")
    for name in ("Rewind", "New seed"):
        assert lesson.ask(CLOSE.replace("8", "2"))
        stage.press(name)
        stage.says("Building …")
        stage.says("Ready")
    expect(said).to_have_text(re.compile("^depth 2 "))
    assert lesson.ask("print(calls)") == "[1, 2, 2, 2]"
