"""The live panel in a real JupyterLab and a real Chromium, against its targets.

    python benchmarks/panel.py                  # --seconds of training to watch, --moves of a dial, --reruns
    python benchmarks/panel.py --against v0.1   # the same of an older commit, by turns with it, and ratios

Eight nets 10-100-100-2 with boundary, curves and bars, batch 256. What a reader waits for is timed in the
page, from the event that caused it to the drawing that answers it; training is timed in the kernel.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from browser.jupyter import ROOT, Notebook, Stage, dial, jupyter_lab, real_browser, stage_of  # noqa: E402
from conftest import ADVICE, find_chromium  # noqa: E402

LESSON = """
import sbkit as sb
def lesson(depth=2, lr=0.1, seed=0):
    task = sb.lms(5, dim=10)
    fleet = sb.mlp(task, depth=depth, seed=seed)
    return sb.fit(fleet, task, lr=lr, steps=10**6, stop=None, measure=["boundary", "reliance"])
"""
PANEL = """
panel = sb.lab(lesson, depth=(1, 8), lr=(1e-3, 1.0, "log"))
panel
"""
CLOCKS = """
import comm, json, threading, time
from sbkit.lab.desk import Desk
from sbkit.training import Run
steps, answers = [], []  # (start, seconds), (start, seconds, bytes)

def clock(function, log, size=lambda result: ()):
    def timed(*given, **named):
        start = time.perf_counter()
        result = function(*given, **named)
        log.append((start, time.perf_counter() - start, *size(result)))
        return result
    return timed

Run._train_step = clock(Run._train_step, steps)
Desk.answer = clock(Desk.answer, answers, lambda r: (len(json.dumps(r[0])) + sum(map(len, r[1])),))
"""
CLEAR = "steps.clear(); answers.clear()"
TELL = "print(json.dumps([steps, answers]))"
COUNTS = "print(len(comm.get_comm_manager().comms), threading.active_count())"

# From the next event of a kind, until `done()` first holds after a change of the document: milliseconds.
TIMER = """([kind, done]) => {
  const holds = new Function(`return (${done})`);
  const once = { capture: true, once: true };
  const start = new Promise((told) => addEventListener(kind, (event) => told(event.timeStamp), once));
  window.timed = start.then((from) => new Promise((told) => {
    const look = () => holds() && (observer.disconnect(), told(performance.now() - from));
    const observer = new MutationObserver(look);
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  }));
}"""
RATE = """async ({ dataset }, seconds) => {
  const [frames, start] = [Number(dataset.frames), performance.now()];
  await new Promise((told) => setTimeout(told, 1000 * seconds));
  return (1000 * (dataset.frames - frames)) / (performance.now() - start);
}"""
LAPTOP = {"width": 1366, "height": 768}
NEW = "document.querySelector('.sb-stage:not([data-old])')"


class Bench:
    """A panel in its page, and stopwatches around it."""

    def __init__(self, notebook: Notebook):
        self.notebook, self.page = notebook, notebook.page
        self.cell, self.scratch = notebook.cell("panel = sb.lab("), notebook.cells.last
        notebook.run(notebook.cell("def lesson("))
        self.ask(CLOCKS)
        self.devtools = self.page.context.new_cdp_session(self.page)

    def ask(self, source: str) -> str:
        return self.notebook.say(self.scratch, source)

    def time(self, kind: str, done: str) -> None:
        self.page.evaluate(TIMER, [kind, done])

    def timed(self) -> float:
        return self.page.evaluate("window.timed")

    def open(self, until: str) -> tuple[Stage, float]:
        """Run the cell; the stage, and milliseconds until something holds."""
        self.page.evaluate("document.querySelectorAll('.sb-stage').forEach(root => (root.dataset.old = 1))")
        index = self.cell.evaluate("cell => [...document.querySelectorAll('.jp-Cell')].indexOf(cell)")
        prompt = (
            f"document.querySelectorAll('.jp-Cell')[{index}].querySelector('.jp-InputPrompt').textContent"
        )
        before = self.notebook.prompt(self.cell)
        returned = f"/\\[\\d+\\]:/.test({prompt}) && {prompt} !== {json.dumps(before)}"
        self.time("keydown", returned if until == "returned" else f"{NEW}?.dataset.frames >= 1")
        stage = stage_of(self.notebook, self.cell)
        stage.code()  # the page is at rest by then: what comes next is timed alone
        return stage, self.timed()

    def heap(self) -> float:
        """Megabytes that the page holds."""
        self.devtools.send("HeapProfiler.collectGarbage")
        return self.devtools.send("Runtime.getHeapUsage")["usedSize"] / 1e6

    def watch(self, stage: Stage, seconds: float) -> dict[str, float]:
        """Frames a second, training's share of wall time and kilobytes a frame, while it trains."""
        stage.press("Run")
        stage.more("frames", by=20)
        self.ask(CLEAR)
        stage.more("frames", by=5)
        frames = stage.root.evaluate(RATE, seconds)
        stage.pause()
        steps, answers = json.loads(self.ask(TELL))
        moving = answers[5:-3]
        low, high = moving[0][0], moving[-1][0]
        inside = [spent for start, spent in steps if low <= start < high]
        return {
            "frames": frames,
            "share": 100 * sum(inside) / (high - low),
            "steps": len(inside) / (high - low),
            "kilobytes": statistics.median(size for *_, size in moving) / 1000,
        }

    def turn(self, stage: Stage, moves: int) -> list[float]:
        """Milliseconds from a key on the dial to the first drawing of the run it starts."""
        stage.press("Run")
        handle = dial(self.cell, "depth")
        found = []
        for move in range(moves):
            stage.more("frames", by=5)
            self.time("keydown", f"{NEW}.dataset.run > {stage.number('run')}")
            handle.press("ArrowRight" if move % 4 < 2 else "ArrowLeft")
            found.append(self.timed())
        stage.pause()
        return found

    def pause(self, stage: Stage, times: int) -> list[float]:
        """Milliseconds from the click on Pause to the word Paused."""
        found = []
        for _ in range(times):
            stage.train(10)
            self.time("click", f"{NEW}.dataset.state === 'Paused'")
            stage.press("Pause")
            found.append(self.timed())
        return found


def measure(bench: Bench, seconds: float, moves: int, reruns: int) -> list[tuple[str, str, str]]:
    """Rows of the table: what, figure, target."""
    bench.open("painted")
    returned = [bench.open("returned")[1] for _ in range(5)]
    opened = [bench.open("painted") for _ in range(5)]
    stage = opened[-1][0]
    training = bench.watch(stage, seconds)
    turned = bench.turn(stage, moves)
    paused = bench.pause(stage, 10)
    counts, heap = bench.ask(COUNTS), bench.heap()
    for _ in range(reruns):
        bench.open("painted")[0].train(3)
    bench.open("painted")
    return [
        ("cell returns (ms, median of 5)", f"{statistics.median(returned):.0f}", "< 200"),
        ("first paint (ms, median of 5)", f"{statistics.median(ms for _, ms in opened):.0f}", "< 400"),
        ("frames a second while training", f"{training['frames']:.1f}", "≥ 30"),
        ("share of wall time that trains (%)", f"{training['share']:.0f}", "≥ 65"),
        ("steps of 8 nets a second", f"{training['steps']:.0f}", ""),
        ("dial to new frame, p50 (ms)", f"{quantile(turned, 0.5):.0f}", "≤ 80"),
        ("dial to new frame, p95 (ms)", f"{quantile(turned, 0.95):.0f}", "≤ 160"),
        ("Pause, longest of 10 (ms)", f"{max(paused):.0f}", "< 50"),
        ("kB a frame", f"{training['kilobytes']:.1f}", "≤ 60"),
        (f"page heap over {reruns} re-runs (MB)", f"{bench.heap() - heap:+.2f}", "< 2"),
        ("comms, threads before the re-runs", counts, "flat"),
        ("comms, threads after them", bench.ask(COUNTS), "flat"),
    ]


def quantile(values: list[float], share: float) -> float:
    """The value below which a share of the values lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def notebook(path: Path) -> None:
    """Write the notebook that is measured: lesson, panel, a cell to ask in."""
    cells: list[Any] = [nbformat.v4.new_code_cell(source.strip()) for source in (LESSON, PANEL, "pass")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


def against(commit: str, rounds: int, options: list[str]) -> None:
    """Print the tables of this tree and of another commit, run by turns, as medians with their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "worktree", "add", "--detach", folder, commit], cwd=ROOT, check=True)
        found: dict[str, dict[str, list[float]]] = {str(ROOT): {}, folder: {}}
        try:
            for tree in list(found) * rounds:
                for name, figure in figures(Path(tree), options):
                    found[tree].setdefault(name, []).append(figure)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", folder], cwd=ROOT, check=True)
    print(f"{'':38}{'here':>12}{commit[:10]:>12}  ratio")
    for name, values in found[str(ROOT)].items():
        here, there = statistics.median(values), statistics.median(found[folder].get(name, [float("nan")]))
        print(f"{name:38}{here:12.1f}{there:12.1f}  {here / there if there else float('nan'):.2f}")


def figures(tree: Path, options: list[str]) -> list[tuple[str, float]]:
    """The lines of a tree's own table, as its own benchmark prints it."""
    command = [sys.executable, "benchmarks/panel.py", *options]
    told = subprocess.run(
        command, cwd=tree, env=os.environ | {"PYTHONPATH": str(tree)}, capture_output=True, text=True
    )
    if told.returncode:
        sys.exit(told.stderr)
    lines = [(line[:38].strip(), line[38:50].split()) for line in told.stdout.splitlines()[1:]]
    return [(name, float(given[0])) for name, given in lines if len(given) == 1]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--moves", type=int, default=24)
    parser.add_argument("--reruns", type=int, default=20)
    parser.add_argument("--against", help="a commit to compare with")
    parser.add_argument("--rounds", type=int, default=3, help="of both trees, with --against")
    given = parser.parse_args()
    if given.against:
        names = ["seconds", "moves", "reruns"]
        return against(given.against, given.rounds, [f"--{name}={getattr(given, name)}" for name in names])
    executable = find_chromium()
    if executable is None:
        sys.exit(ADVICE)
    with tempfile.TemporaryDirectory() as home, jupyter_lab(Path(home)) as address:
        notebook(Path(home) / "notebooks" / "panel.ipynb")
        with real_browser(executable) as browser:
            bench = Bench(Notebook(browser, address, "panel.ipynb", viewport=LAPTOP))
            rows = measure(bench, given.seconds, given.moves, given.reruns)
    print(f"{'':38}{'measured':>12}  target")
    for what, figure, target in rows:
        print(f"{what:38}{figure:>12}  {target}")


if __name__ == "__main__":
    main()
