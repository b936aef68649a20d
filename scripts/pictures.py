"""Take the pictures of README and docs from the lab at work: lesson 1, in JupyterLab, in Chromium.

python scripts/pictures.py                     # all of them, into docs/
python scripts/pictures.py --only panel.png    # one of them; --quick takes them small, to see that it works
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from browser.jupyter import Notebook, Stage, jupyter_lab, real_browser, stage_of  # noqa: E402
from conftest import ADVICE, find_chromium  # noqa: E402

LESSON = "1-simplicity/01-which-feature-will-it-use.ipynb"
WIDTH, EDGE, LARGEST = 1400, 8, 300_000  # pixels of a picture and around the panel, bytes of its file
SWEEP = 300_000  # ms that a map's sweep may take
WIDE, FRAMES, STANDS, LAST = (
    860,
    40,
    110,
    2500,
)  # of the film: pixels, frames, ms of each, of the last
COMPARE = 'sb.lab(lesson, compare="optimizer", optimizer=["sgd", "muon"], slabs=[5, 7])'
MAP = 'grid = {"noise": [0.0, 0.3, 0.6], "slabs": [3, 7]}\nsb.map(lesson, value="kinds[S]", **grid)'
QUICK_MAP = "sb.map(lesson, lr=[0.3, 0.6], slabs=[5])"  # trained in a moment


@dataclass
class Lab:
    """Lesson 1, open and set up: its panel's cell, below it an empty one, and how long to train."""

    notebook: Notebook
    quick: bool

    def __post_init__(self) -> None:
        for text in ["import sbkit as sb", "def lesson("]:
            self.notebook.run(self.notebook.cell(text))
        self.question = self.notebook.cell("sb.predict(")
        self.notebook.run(self.question)
        self.cell = self.notebook.cell("panel = sb.lab(")
        self.frames = 6 if self.quick else 90

    def shown(self, source: str) -> Locator:
        """A cell below the panel's that ran a source."""
        cell = self.notebook.insert_below(self.cell)
        self.notebook.write(cell, source)
        return cell

    def commit(self) -> None:
        """Commit the prediction, once."""
        button = self.question.get_by_role("button", name="Commit")
        if button.is_enabled():
            button.click()

    def trained(self, cell: Locator, speed: str = "slow") -> Stage:
        """The stage of a panel after some training, paused."""
        stage = stage_of(self.notebook, cell)
        stage.speed.select_option(speed)
        stage.train(self.frames)
        stage.pause()
        return stage


def predict(lab: Lab) -> bytes:
    """The question, and the panel below it that waits for the answer."""
    stage_of(lab.notebook, lab.cell)
    return png(
        lab.notebook.page,
        lab.question.locator(".jp-OutputArea"),
        below=lab.cell.locator(".sb-controls").first,
    )


def panel(lab: Lab) -> bytes:
    """The panel and its dials."""
    lab.commit()
    lab.trained(lab.cell)
    return png(lab.notebook.page, lab.cell.locator(".sb-panel"))


def compare(lab: Lab) -> bytes:
    """Two runs in lock-step, and their difference."""
    lab.commit()
    cell = lab.shown(COMPARE)
    lab.trained(cell)
    return png(lab.notebook.page, cell.locator(".sb-panel"))


def chart(lab: Lab) -> bytes:
    """A sweep as a map, one of its cells open."""
    lab.commit()
    cell = lab.shown(QUICK_MAP if lab.quick else MAP)
    lab.notebook.page.set_default_timeout(SWEEP)
    lab.notebook.run(cell, wait=False)
    canvas = cell.get_by_role("application")
    expect(canvas).to_have_count(1, timeout=SWEEP)
    canvas.press("ArrowRight")
    canvas.press("Enter")
    expect(cell.locator(".sb-stage")).to_have_count(2)
    opened = Stage(cell.locator(".sb-stage").nth(1))
    opened.wait("frames", "n >= 1")
    opened.train(lab.frames // 3)
    opened.pause()
    return png(lab.notebook.page, cell.locator(".sb-panel").first)


def film(lab: Lab) -> bytes:
    """The panel's own replay, played frame by frame, as a GIF."""
    lab.commit()
    stage = lab.trained(lab.cell, "normal")
    with tempfile.TemporaryDirectory() as folder:
        with lab.notebook.page.expect_download() as download:
            stage.press("Save replay")
        file = Path(folder) / "replay.html"
        download.value.save_as(file)
        browser = lab.notebook.page.context.browser
        return gif(played(browser, file, 6 if lab.quick else FRAMES)) if browser else b""


def played(browser: Browser, file: Path, count: int) -> list[Image.Image]:
    """Some frames of a replay, evenly spaced, as it draws them."""
    page = browser.new_page(viewport={"width": 1240, "height": 1000})
    page.goto(file.as_uri())
    stage = Stage(page.locator(".sb-stage"))
    stage.wait("frames", "n >= 1")
    last, seen = int(stage.slider.get_attribute("max") or 0), []
    for index in sorted({k * last // (count - 1) for k in range(count)}):
        before = stage.number("frames")
        stage.slider.fill(str(index))
        stage.slider.blur()
        if index:
            stage.wait("frames", "n > v", before)
        seen.append(Image.open(io.BytesIO(stage.root.screenshot())).convert("RGB"))
    page.close()
    return seen


def gif(frames: list[Image.Image]) -> bytes:
    """The frames as one animated picture of few colours that repeats."""
    wide, high = frames[-1].size
    small = [frame.crop((0, 0, wide, high)) for frame in frames]
    for frame in small:
        frame.thumbnail((WIDE, high))
    colours = small[-1].quantize(96, dither=Image.Dither.NONE)
    first, *rest = [frame.quantize(palette=colours, dither=Image.Dither.NONE) for frame in small]
    file, stands = io.BytesIO(), [STANDS] * len(rest) + [LAST]
    first.save(file, "GIF", save_all=True, append_images=rest, duration=stands, loop=0, optimize=True)
    return file.getvalue()


def png(page: Page, part: Locator, below: Locator | None = None) -> bytes:
    """Part of a page, and what stands below it up to another, at most WIDTH wide and LARGEST big."""
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    part.evaluate("part => part.scrollIntoView({ block: 'start' })")
    box, end = part.bounding_box() or {}, (below or part).bounding_box() or {}
    right, bottom = (
        max(b[at] + b[size] for b in (box, end)) for at, size in (("x", "width"), ("y", "height"))
    )
    clip = {"x": min(box["x"], end["x"]) - EDGE, "y": box["y"] - EDGE}
    clip |= {"width": right - clip["x"] + EDGE, "height": bottom - clip["y"] + EDGE}
    image = Image.open(io.BytesIO(page.screenshot(clip=clip, animations="disabled"))).convert("RGB")
    data = b""
    for width in range(WIDTH, 600, -100):
        small, file = image.copy(), io.BytesIO()
        small.thumbnail((width, image.height))
        small.save(file, "PNG", optimize=True)
        data = file.getvalue()
        if len(data) <= LARGEST:
            break
    return data


PICTURES: dict[str, Callable[[Lab], bytes]] = {
    "predict.png": predict,  # first: what follows commits
    "panel.png": panel,
    "compare.png": compare,
    "map.png": chart,
    "panel.gif": film,
}


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", choices=PICTURES, help="one of them")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="the folder to write to")
    parser.add_argument("--quick", action="store_true", help="after little training, at half the pixels")
    given = parser.parse_args()
    executable = find_chromium()
    if executable is None:
        sys.exit(ADVICE)
    view = {
        "viewport": {"width": WIDTH + 400, "height": 2400},
        "device_scale_factor": 1 if given.quick else 2,
    }
    with tempfile.TemporaryDirectory() as home, jupyter_lab(Path(home)) as address:
        with real_browser(executable) as browser:
            lab = Lab(Notebook(browser, address, LESSON, **view), given.quick)
            for name in [given.only] if given.only else PICTURES:
                data = PICTURES[name](lab)
                (given.out / name).write_bytes(data)
                print(f"{given.out / name}: {len(data) / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
