"""What may go wrong around a run: each is told in words, the run in hand survives, and the next Run works."""

import os
import re
import signal

import pytest
from browser.jupyter import Notebook, Stage, stage_of
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PATH = "0-start-here.ipynb"
FRAGILE = """
def poison(fleet, step):
    if step == 3:
        fleet.weights()[0].data[2] = float("nan")

def fragile(width=8, lr=0.05, fault="none", seed=0):
    if fault == "raise":
        {}["missing"]
    task = sb.lms(5, dim=3, n=300, n_test=300)
    fleet = sb.mlp(task, width=10**6 if fault == "memory" else width, depth=2, runs=4, seed=seed)
    after = poison if fault == "nan" else None
    return sb.fit(fleet, task, lr=lr, steps=9999, stop=None, after_step=after, measure=["reliance"])

panel = sb.lab(fragile, fault=["none", "raise", "memory", "nan"])
panel
"""
STEP = "print(panel.session.run.step)"
COUNTS = """
import comm, gc, threading
from sbkit.lab.session import Session
gc.collect()
sessions = sum(issubclass(type(kept), Session) for kept in gc.get_objects())
print(len(comm.get_comm_manager().comms), threading.active_count(), sessions)
"""
HIDE = """hidden => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


class Own:
    """A notebook with a fragile lesson, a cell to ask Python in below it, and what a reader does there."""

    def __init__(self, notebook: Notebook):
        self.notebook, self.page = notebook, notebook.page
        self.setup, self.cell = notebook.cell("import sbkit as sb"), notebook.cell("def fragile(")
        notebook.write(notebook.insert_below(self.setup), FRAGILE.strip())
        self.scratch = notebook.insert_below(self.cell)
        notebook.run(self.setup)

    def open(self) -> Stage:
        """Run the cell; a slow run draws every step."""
        stage = stage_of(self.notebook, self.cell)
        stage.speed.select_option("slow")
        return stage

    def fault(self, name: str) -> None:
        """Turn the dial to a fault."""
        self.cell.locator(".widget-dropdown select").select_option(name)

    def ask(self, source: str) -> str:
        """What a source prints."""
        return self.notebook.say(self.scratch, source)


@pytest.fixture(scope="module")
def own(open_notebook):
    return Own(open_notebook(PATH))


@pytest.fixture
def stage(own):
    """A new panel, at slow speed."""
    return own.open()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("raise", "KeyError: 'missing' (fragile, line 7 of its cell)"),
        ("memory", "A request takes at most half of the free memory; 4 runs ×"),
    ],
)
def test_a_run_that_cannot_be_built_leaves_the_one_in_hand(own, stage, fault, told):
    stage.train()
    own.fault(fault)
    stage.says("Error")
    expect(stage.root).to_contain_text(told)
    step = stage.number("step")
    assert step > 0 and own.ask(STEP) == str(step)
    stage.press("Run")  # the same again, and it stays in sight
    stage.says("Error")
    own.fault("none")
    stage.says("Ready")
    stage.train()


def test_a_run_that_is_lost_is_named_and_the_others_go_on(own, stage):
    own.fault("nan")
    stage.wait("run", "n > 1")
    stage.press("Run")
    expect(stage.root).to_contain_text("the loss of run 2 is not finite")
    stage.says("Training")
    stage.more("step", by=2)
    own.notebook.picture("14-one-run-lost")
    stage.pause()
    own.fault("none")
    stage.says("Ready")
    stage.train()


def test_a_hidden_tab_trains_nothing_and_says_so(own, stage):
    stage.train()
    own.page.evaluate(HIDE, True)
    stage.says("Paused")
    expect(stage.root).to_contain_text("while it is out of sight")
    step = own.ask(STEP)
    assert own.ask(STEP) == step
    own.page.evaluate(HIDE, False)
    stage.says("Training")
    stage.more("step", by=2)


def test_behind_another_tab_of_jupyterlab_too(own, stage):
    stage.train()
    own.notebook.menu("File", "New Launcher")
    expect(stage.root).to_be_hidden()
    stage.says("Paused")
    own.page.locator(".lm-TabBar-tabLabel", has_text=PATH).click()
    stage.says("Training")
    stage.more("step", by=2)


def test_nobody_there_ends_training_and_says_so(own):
    own.ask("import os; os.environ['SBKIT_IDLE_SECONDS'] = '2'")
    try:
        stage = own.open()
        stage.press("Run")
        stage.says("Stopped")
        expect(stage.root).to_contain_text("nobody touched it for 2 s; press Run to go on")
        step = own.ask(STEP)
        assert int(step) > 0 and own.ask(STEP) == step
        stage.press("Run")
        stage.wait("step", "n > v", int(step))
    finally:
        own.ask("del os.environ['SBKIT_IDLE_SECONDS']")


def test_twenty_runs_of_the_cell_leave_one_panel(own):
    own.open().train(1)
    before = own.ask(COUNTS)
    for _ in range(20):
        own.open().press("Run")
    own.open().train(1)
    assert own.ask(COUNTS) == before, "widgets in the page, threads, runs kept in memory"
    expect(own.page.locator(".sb-stage")).to_have_count(1)
    cards = own.page.locator(".sb-card").count()
    assert canvases(own.page) <= 3 * cards, "of 21 panels that were replaced, almost none is kept"


def canvases(page) -> int:
    """How many canvases the page holds in memory, in sight or not."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    prototype = session.send("Runtime.evaluate", {"expression": "HTMLCanvasElement.prototype"})["result"]
    found = session.send("Runtime.queryObjects", {"prototypeObjectId": prototype["objectId"]})["objects"]
    count = {"objectId": found["objectId"], "functionDeclaration": "function () { return this.length; }"}
    number = session.send("Runtime.callFunctionOn", count)["result"]["value"]
    session.detach()
    return number


def test_a_reloaded_page_tells_to_run_the_cell_again(own, stage):
    stage.train()
    own.notebook.menu("File", "Save Notebook")
    expect(own.page.locator(".jp-mod-dirty")).to_have_count(0)
    own.notebook.load()
    expect(own.cell).to_contain_text("a live panel. No picture? Run this cell again.")
    step = own.ask(STEP)
    assert int(step) > 0 and own.ask(STEP) == step, "the run is kept, and trains no further"
    own.open().train()


def test_a_connection_that_was_lost_comes_back(own):
    sockets, cut = [], False

    def connect(route):
        if cut:
            route.close(code=4000)
        else:
            sockets.append((route, route.connect_to_server()))

    own.page.route_web_socket(re.compile("/api/kernels/"), connect)
    own.notebook.load()
    stage = own.open()
    stage.train()
    cut = True
    for route, server in sockets:
        route.close(code=4000)
        server.close(code=1000)
    stage.says("No answer from the kernel")
    expect(stage.root).to_contain_text("this goes on when it answers")
    expect(stage.root).to_have_class(re.compile("sb-stale"))
    own.notebook.picture("15-cut-off")
    cut = False
    stage.says("Training")
    stage.more("step", by=5)
    stage.pause()


@pytest.mark.parametrize("state", ["Training", "Paused"])
def test_a_killed_kernel_is_told_within_seconds(own, state):
    own.notebook.run(own.setup)
    stage = own.open()
    stage.train()
    pid = int(own.ask("import os; print(os.getpid())"))
    if state == "Paused":
        stage.pause()
    os.kill(pid, signal.SIGKILL)
    expect(stage.root).to_have_attribute("data-state", "Stopped", timeout=15_000)
    expect(stage.root).to_contain_text(
        "the kernel was restarted or shut down; run the notebook's cells again"
    )
    expect(stage.root).to_have_class(re.compile("sb-stale"))
    for name in ("Run", "Step", "Show code"):
        expect(stage.button(name)).to_be_disabled()
    dialog = own.page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("It will restart automatically")
    own.notebook.picture("16-killed")
    dialog.get_by_role("button").last.click()
    own.notebook.run(own.setup)
    again = own.open()
    expect(own.page.locator(".sb-stage")).to_have_count(1)
    again.train()
