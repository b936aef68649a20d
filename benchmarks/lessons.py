"""How each lesson's live panel answers: time to build a run for a dial, frames a second, share trained.

python benchmarks/lessons.py            # all notebooks, or those whose path contains a given word

Kernel side only: what the page adds is measured by panel.py. A notebook's cells run up to its first panel
that trains; the panel itself is not opened.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sbkit as sb
from sbkit.training import Run

ROOT = Path(__file__).parents[1]
SLICE, FRAMES, BUILDS = 0.025, 40, 5  # seconds of training a frame, frames, runs built


class Found(Exception):
    """The lesson of the first panel that trains."""

    def __init__(self, lesson: Callable[..., Run]):
        self.lesson = lesson


def meet(lesson: Callable[..., Any], **options: Any) -> None:
    """Stand in for `sb.lab`: raise `Found` for a lesson that trains."""
    if isinstance(lesson(), Run):
        raise Found(lesson)


def first_lesson(path: Path) -> Callable[..., Run] | None:
    """The lesson of a notebook's first panel that trains."""
    space: dict[str, Any] = {"__name__": "__main__"}
    sb.lab = meet
    for cell in json.loads(path.read_text())["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and "%pip" not in source:
            try:
                exec(compile(source, str(path), "exec"), space)
            except Found as found:
                return found.lesson
        else:
            space["sb"] = sb
    return None


def figures(lesson: Callable[..., Run]) -> tuple[float, float, float]:
    """Milliseconds to build a run and look at it, frames a second, share of the time that is training."""
    built = []
    for _ in range(BUILDS):
        began = time.perf_counter()
        run = lesson()
        run.snapshot(glance=True)
        built.append(1000 * (time.perf_counter() - began))
    run.advance(seconds=SLICE, glance=True)
    began, trained = time.perf_counter(), 0.0
    for _ in range(FRAMES):
        run = lesson() if run.finished else run
        before = time.perf_counter()
        run.train(seconds=SLICE)
        trained += time.perf_counter() - before
        run.snapshot(glance=True)
    took = time.perf_counter() - began
    return statistics.median(built), FRAMES / took, trained / took


def main() -> None:
    """Print a row a notebook."""
    print(f"{'lesson':45} {'dial ms':>8} {'frames/s':>9} {'trained':>8}")
    for path in sorted(ROOT.glob("notebooks/**/*.ipynb")):
        if any(word in str(path) for word in sys.argv[1:] or [""]) and ".ipynb_checkpoints" not in path.parts:
            lesson = first_lesson(path)
            if lesson:
                dial, frames, share = figures(lesson)
                print(
                    f"{path.parent.name}/{path.stem[:30]:30} {dial:8.0f} {frames:9.1f} {share:8.0%}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
