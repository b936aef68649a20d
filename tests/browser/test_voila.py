"""Lesson 1 as an app: Voilà serves it to two browsers at once, each with its own state and its own limits."""

import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from browser.jupyter import PATIENCE, ROOT, Stage, dial, end
from playwright.sync_api import expect

pytest.importorskip("voila", reason="Voilà is in the extra `serve`.")
pytestmark = [pytest.mark.browser, pytest.mark.slow]

LESSON = "notebooks/1-simplicity/01-which-feature-will-it-use.ipynb"


@pytest.fixture(scope="module")
def app(chromium, tmp_path_factory):
    """Address of a Voilà that allows every visitor six seconds of training a run."""
    home = tmp_path_factory.mktemp("voila")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "voila", "--no-browser", f"--port={port}"]
    command += ["--Voila.config_file_paths=docs/room", LESSON]
    limits = {"SBKIT_MAX_SECONDS": "6", "SBKIT_DATA": str(home / "data"), "PYTHONPATH": str(ROOT)}
    with open(home / "voila.log", "wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | limits, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield _answering(f"http://127.0.0.1:{port}/", process, home / "voila.log")
            assert not (home / "data").exists(), "visitors' predictions are their own"
        finally:
            end(process.pid)
            process.wait()


def _answering(address, process, log):
    until = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}voila/static/voila.js", timeout=2).close()
            return address
        except OSError:
            try:
                process.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                pass
    raise RuntimeError("Voilà did not start:\n" + log.read_text()[-3000:])


class Visitor:
    """One browser with lesson 1's panel in it."""

    def __init__(self, browser, app):
        self.page = browser.new_context(viewport={"width": 1300, "height": 2400}).new_page()
        self.page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        self.page.goto(app, wait_until="commit")
        self.stage = Stage(self.page.locator(".sb-stage").nth(1))

    def commit(self, choice):
        self.page.get_by_label(choice).check()
        self.page.get_by_role("button", name="Commit").click()
        self.stage.says("Ready")
        self.stage.speed.select_option("slow")


@pytest.fixture(scope="module")
def visitors(app, browser):
    """Two visitors at once."""
    two = [Visitor(browser, app) for _ in range(2)]
    for visitor in two:
        visitor.stage.wait("frames", "n >= 1")
    yield two
    for visitor in two:
        visitor.page.context.close()


def test_code_is_hidden_and_the_lesson_ends_with_its_panel(visitors):
    page = visitors[0].page
    expect(page.get_by_role("heading", name="Explore")).to_be_visible()
    expect(page.get_by_role("heading", name="Go on")).to_be_visible()
    expect(page.get_by_role("heading", name="Explain")).to_have_count(0)
    expect(page.get_by_text("def lesson(")).to_have_count(0)


def test_the_panel_is_seen_whole(visitors):
    assert visitors[0].page.locator(".sb-panel").last.bounding_box()["height"] <= 560


def test_two_visitors_have_a_state_each(visitors):
    a, b = visitors
    a.stage.says("Locked")
    a.commit("about half")
    b.stage.says("Locked")
    b.commit("nearly all")
    dial(b.page.locator(".sb-panel").last, "slabs").select_option("7")
    b.stage.wait("run", "n > 1")
    codes = [visitor.stage.code() for visitor in visitors]
    assert ["slabs=5" in codes[0], "slabs=7" in codes[1]] == [True, True]
    for visitor in visitors:
        visitor.stage.press("Run")
    for visitor in visitors:
        visitor.stage.more("step", by=2)
    b.stage.pause()
    a.stage.more("step", by=1)
    a.stage.pause()


def test_a_run_that_hits_the_limit_says_so(visitors):
    stage, run = visitors[0].stage, visitors[0].stage.number("run")
    dial(visitors[0].page.locator(".sb-panel").last, "depth").press("End")
    stage.wait("run", "n > v", run)
    stage.speed.select_option("fast")
    stage.press("Run")
    stage.says("Stopped")
    expect(stage.root).to_contain_text("this room allows 6 s of training a run; Rewind begins another")
    stage.press("Rewind")
    stage.says("Ready")
