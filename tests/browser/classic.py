"""The classic front end, as on Colab: Notebook 6 with ipywidgets 7, in a real Chromium."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from browser.jupyter import PATIENCE, Stage, end
from playwright.sync_api import Browser, Error, Page

ROOT = Path(__file__).parents[2]


@contextmanager
def classic_notebook(home: Path, sources: list[str]) -> Iterator[str]:
    """Notebook 6 of this environment with one notebook of these cells; the address of its page."""
    folder, token = home / "notebooks", secrets.token_hex(16)
    folder.mkdir()
    cells: Any = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "panel.ipynb")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "notebook", "--no-browser", "--ip=127.0.0.1", "--allow-root"]
    command += [f"--port={port}", f"--NotebookApp.token={token}", f"--notebook-dir={folder}"]
    with open(home / "jupyter.log", "wb") as log:
        process = subprocess.Popen(
            command, env=_environment(home), cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield f"{_address(process, home)}notebooks/panel.ipynb?token={token}"
        finally:
            end(process.pid)
            process.wait()


def _environment(home: Path) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("SBKIT_")}
    folders = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    return others | folders | {"IPYTHONDIR": str(home / "ipython"), "PYTHONPATH": str(ROOT)}


def _address(process: subprocess.Popen, home: Path) -> str:
    """Where the server listens, once it says so."""
    until = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < until and process.poll() is None:
        for file in (home / "runtime").glob("nbserver-*.json"):
            try:
                return json.loads(file.read_text())["url"]
            except ValueError:  # half written
                pass
        try:
            process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            pass
    raise RuntimeError("Notebook 6 did not start:\n" + (home / "jupyter.log").read_text()[-3000:])


class Classic:
    """A notebook open in the classic front end."""

    def __init__(self, browser: Browser, address: str, blocked: str = ""):
        self.page: Page = browser.new_page(viewport={"width": 1300, "height": 1500})
        self.page.set_default_timeout(PATIENCE)
        if blocked:
            self.page.route(blocked, lambda route: route.abort())
        self.page.goto(address)
        self.page.wait_for_function("window.Jupyter?.notebook?.kernel?.is_connected?.()")

    def run(self, k: int) -> None:
        """Run cell k and wait until it has returned."""
        self.page.evaluate("k => Jupyter.notebook.execute_cells([k])", k)
        ready = "k => Number(Jupyter.notebook.get_cell(k).input_prompt_number) > 0"
        self.page.wait_for_function(ready, arg=k)

    def show(self, k: int, what: str) -> Any:
        """Run cell k until its output holds `what`: this front end forgets widgets made while it starts."""
        found = self.page.locator(".output").nth(k).locator(what)
        for _ in range(5):
            self.run(k)
            try:
                found.first.wait_for(state="attached", timeout=PATIENCE / 5)
                break
            except Error:
                continue
        return found

    def stage(self, k: int) -> Stage:
        """The stage below cell k, its first frame drawn."""
        stage = Stage(self.show(k, ".sb-stage"))
        stage.wait("frames", "n >= 1")
        return stage
