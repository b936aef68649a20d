"""A real JupyterLab and a real Chromium, for the browser tests, the benchmark and the pictures."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
ARTEFACTS = ROOT / "artefacts"  # playwright makes the folder
PATIENCE = 30_000  # ms; generous, since a busy machine is no fault
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-precise-memory-info",
]
RAN = re.compile(r"\[\d+\]:")  # the prompt of a cell that has returned


# The server


@contextmanager
def jupyter_lab(home: Path) -> Iterator[str]:
    """A JupyterLab of its own, with a copy of the notebooks; its address, up to and with the token's value.

    home: an empty folder for notebooks, settings and whatever JupyterLab writes.
    """
    notebooks, token = home / "notebooks", secrets.token_hex(16)
    shutil.copytree(ROOT / "notebooks", notebooks, ignore=shutil.ignore_patterns(".*"))
    _quiet(home / "settings")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1"]
    command += [
        "--ServerApp.port=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={notebooks}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    with open(home / "jupyter.log", "wb") as log:
        process = subprocess.Popen(
            command, env=_environment(home), cwd=notebooks, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield f"{_address(process, home)}lab?token={token}"
        finally:
            end(process.pid)
            process.wait()


def _quiet(settings: Path) -> None:
    """No question about news on the first start, and no autosave: several pages may share a notebook."""
    _prefer(settings, "apputils-extension/notification", {"fetchNews": "false", "checkForUpdates": False})
    _prefer(settings, "docmanager-extension/plugin", {"autosave": False})


def _prefer(settings: Path, extension: str, wanted: dict[str, Any]) -> Path:
    """Write a setting of JupyterLab's, for pages that are opened from now on; its file."""
    file = settings / "@jupyterlab" / f"{extension}.jupyterlab-settings"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(wanted))
    return file


@contextmanager
def prefer(settings: Path, extension: str, **wanted: Any) -> Iterator[None]:
    """Another setting for the pages that are opened meanwhile."""
    file = _prefer(settings, extension, wanted)
    yield
    file.unlink()


def _environment(home: Path) -> dict[str, str]:
    ours = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
        "XDG_DATA_HOME": "data",
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith("SBKIT_")}
    return others | {name: str(home / folder) for name, folder in ours.items()} | {"PYTHONPATH": str(ROOT)}


def _address(process: subprocess.Popen, home: Path) -> str:
    """Where the server listens, once its own API answers."""
    for _ in range(600):
        for file in (home / "runtime").glob("jpserver-*.json"):
            try:
                about = json.loads(file.read_text())
                request = urllib.request.Request(
                    f"{about['url']}api/status", headers={"Authorization": f"token {about['token']}"}
                )
                with urllib.request.urlopen(request, timeout=10):
                    return about["url"]
            except (OSError, ValueError):
                pass
        try:
            process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            continue
        break
    raise RuntimeError("JupyterLab did not start:\n" + (home / "jupyter.log").read_text()[-3000:])


def end(pid: int) -> None:
    """End a process that we started and its children: kernels live in process groups of their own."""
    parent = psutil.Process(pid)
    family = [*parent.children(recursive=True), parent]
    for process in family:
        try:
            process.terminate()
        except psutil.NoSuchProcess:
            pass
    _, left = psutil.wait_procs(family, timeout=10)
    for process in left:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            pass


# The page


@contextmanager
def real_browser(executable: str) -> Iterator[Browser]:
    """Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=SWITCHES)
        yield browser
        browser.close()


class Notebook:
    """A notebook open in JupyterLab, or in Notebook 7.

    app: "lab/tree" or "notebooks". errors: what the page said went wrong, console and exceptions.
    blocked: addresses that the page does not get.
    """

    def __init__(
        self,
        browser: Browser,
        address: str,
        path: str,
        app: str = "lab/tree",
        blocked: str = "",
        **options: Any,
    ):
        size = {"width": 1500, "height": 1700}
        self.page: Page = browser.new_page(**({"viewport": size, "accept_downloads": True} | options))
        self.page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(f"{error}\n{error.stack}"))
        self.page.on("console", self._heard)
        if blocked:
            self.page.route(blocked, lambda route: route.abort())
        self.address = address.replace("/lab?", f"/{app}/{path}?reset&")
        self.cells = self.page.locator(".jp-Notebook .jp-Cell")
        self.load()

    def load(self) -> None:
        """Load the page, or load it anew."""
        self.page.goto(self.address)
        expect(self.page.locator(".jp-Toolbar-kernelName")).to_contain_text("Python")
        expect(self.page.locator(".jp-Notebook-ExecutionIndicator")).to_have_attribute("data-status", "idle")

    def _heard(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url')})")

    def cell(self, text: str) -> Locator:
        """The code cell whose source has this text."""
        return self.cells.filter(has=self.page.locator(".jp-Cell-inputArea", has_text=text)).filter(
            has=self.page.locator(".jp-InputPrompt")
        )

    def run(self, cell: Locator, wait: bool = True) -> None:
        """Run a cell by keyboard, and wait until it has returned."""
        prompt = cell.locator(".jp-InputPrompt")
        prompt.evaluate("prompt => prompt.textContent = ''")  # a number may come again, as after a restart
        cell.locator(".cm-content").focus()
        self.page.keyboard.press("Control+Enter")
        if wait:
            expect(prompt).to_have_text(RAN)

    def prompt(self, cell: Locator) -> str:
        """`[3]:` for a cell that ran as the third."""
        return cell.locator(".jp-InputPrompt").inner_text()

    def insert_below(self, cell: Locator) -> Locator:
        """An empty cell below another one."""
        index = cell.evaluate("cell => [...document.querySelectorAll('.jp-Notebook .jp-Cell')].indexOf(cell)")
        cell.locator(".cm-content").focus()
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("b")
        below = self.cells.nth(index + 1)
        expect(below.locator(".cm-content")).to_have_text("")  # others may still be on their way to the page
        return below

    def write(self, cell: Locator, source: str) -> None:
        """Replace the source of a cell, as a paste does."""
        cell.locator(".cm-content").focus()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)

    def say(self, cell: Locator, source: str) -> str:
        """What a source prints when it is run in a cell."""
        self.write(cell, source)
        self.run(cell)
        return "\n".join(cell.locator(".jp-OutputArea-output").all_inner_texts()).strip()

    def menu(self, first: str, *path: str) -> None:
        """Choose from the menu bar, as in menu("Kernel", "Interrupt Kernel")."""
        self.page.get_by_role("menuitem", name=first, exact=True).click()
        for item in path:
            self.page.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True).click()

    def picture(self, name: str) -> None:
        """A screenshot for whoever reads the results, in artefacts/."""
        self.page.screenshot(path=ARTEFACTS / f"{name}.png")


class Stage:
    """The stage of a panel as a reader meets it: roles, names, words."""

    def __init__(self, root: Locator):
        self.root, self.page = root, root.page
        self.slider = root.get_by_role("slider", name="Recorded steps")
        self.speed = root.get_by_role("combobox", name="Speed")

    def button(self, name: str) -> Locator:
        """The button of this accessible name."""
        return self.root.get_by_role("button", name=name, exact=True)

    def press(self, name: str) -> None:
        """Click the button of this name."""
        self.button(name).click()

    def says(self, word: str) -> None:
        """Wait for a state word."""
        expect(self.root).to_have_attribute("data-state", word)

    def number(self, name: str) -> int:
        """data-step, data-run or data-frames."""
        return int(self.root.get_attribute(f"data-{name}") or 0)

    def wait(self, name: str, fits: str, value: Any = None) -> int:
        """Wait until a number fits, as in wait("step", "n > v", 3); the number then."""
        script = f"([root, name, v]) => {{ const n = Number(root.dataset[name] || 0); return {fits}; }}"
        root = self.root.element_handle()
        self.page.wait_for_function(script, arg=[root, name, value])
        root.dispose()  # a handle would keep a replaced stage in memory
        return self.number(name)

    def more(self, name: str, by: int = 1) -> int:
        """Wait until a number has grown."""
        return self.wait(name, "n >= v", self.number(name) + by)

    def train(self, frames: int = 5) -> None:
        """Press Run and watch some frames arrive."""
        before = self.number("frames")
        self.press("Run")
        self.wait("frames", "n >= v", before + frames)

    def step(self) -> int:
        """Press Step and wait until it is drawn; the step."""
        before = self.number("step")
        self.press("Step")
        return self.wait("step", "n > v", before)

    def pause(self) -> int:
        """Press Pause and wait until nothing is under way; the step."""
        self.press("Pause")
        self.says("Paused")
        self.code()
        return self.number("step")

    def code(self) -> str:
        """The text of Show code. Answers come in order, so every earlier request is answered by then."""
        pre = self.root.locator(".sb-code pre")
        pre.evaluate("pre => (pre.textContent = '')")
        self.press("Show code")
        expect(pre).not_to_be_empty()
        self.press("Hide code")
        return pre.text_content() or ""


def stage_of(notebook: Notebook, cell: Locator) -> Stage:
    """Run a panel's cell; its new stage, once the first frame is drawn."""
    notebook.page.evaluate("document.querySelectorAll('.sb-stage').forEach(root => (root.dataset.old = 1))")
    notebook.run(cell)
    root = cell.locator(".sb-stage:not([data-old])")
    expect(root).to_have_count(1)
    stage = Stage(root)
    stage.wait("frames", "n >= 1")
    return stage


def dial(around: Locator, name: str) -> Locator:
    """What takes the keyboard of an ipywidgets dial: the handle of a slider, a drop-down, a check box."""
    row = around.locator(".widget-inline-hbox", has=around.page.locator(".widget-label", has_text=name))
    return row.locator(".noUi-handle, select, input[type=checkbox]").first
