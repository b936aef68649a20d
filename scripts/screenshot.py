"""Take docs/panel.png, the README's picture: lesson 1's panel in JupyterLab, after some training.

python scripts/screenshot.py          # --frames, --depth choose what is seen, --out where
"""

from __future__ import annotations

import argparse
import base64
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from browser.jupyter import Notebook, dial, jupyter_lab, real_browser, stage_of  # noqa: E402
from conftest import ADVICE, find_chromium  # noqa: E402

LESSON = "1-simplicity/01-which-feature-will-it-use.ipynb"
WIDTH, EDGE, LARGEST = 1400, 8, 300_000  # pixels of the picture and around the panel, bytes of its file
SHRINK = """async ([data, width]) => {
  const image = new Image();
  image.src = "data:image/png;base64," + data;
  await image.decode();
  const height = Math.round((image.height * width) / image.width);
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const ctx = canvas.getContext("2d");
  ctx.imageSmoothingQuality = "high";
  ctx.drawImage(image, 0, 0, width, height);
  return canvas.toDataURL("image/png").split(",")[1];
}"""


def shrunk(notebook: Notebook, png: bytes) -> bytes:
    """The picture, at most WIDTH wide and LARGEST big, scaled by the browser."""
    for width in range(WIDTH, 600, -100):
        small = base64.b64decode(notebook.page.evaluate(SHRINK, [base64.b64encode(png).decode(), width]))
        if len(small) <= LARGEST:
            break
    return small


def shot(notebook: Notebook, frames: int, depth: int) -> bytes:
    """The panel and its dials at twice the pixels, paused after some frames."""
    for text in ["import sbkit as sb", "def lesson("]:
        notebook.run(notebook.cell(text))
    question = notebook.cell("sb.predict(")
    notebook.run(question)
    question.get_by_role("button", name="Commit").click()
    cell = notebook.cell("panel = sb.lab(")
    stage = stage_of(notebook, cell)
    stage.speed.select_option("slow")
    for _ in range(abs(depth - 2)):
        dial(cell, "depth").press("ArrowRight" if depth > 2 else "ArrowLeft")
    stage.train(frames)
    stage.pause()
    notebook.page.mouse.move(0, 0)
    notebook.page.evaluate("document.activeElement.blur()")
    panel = cell.locator(".sb-panel")
    panel.scroll_into_view_if_needed()
    box = panel.bounding_box() or {}
    clip = {"x": box["x"] - EDGE, "y": box["y"] - EDGE, "width": box["width"] + 2 * EDGE}
    return notebook.page.screenshot(clip=clip | {"height": box["height"] + 2 * EDGE}, animations="disabled")


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--frames", type=int, default=90, help="steps trained before the picture")
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "panel.png")
    given = parser.parse_args()
    executable = find_chromium()
    if executable is None:
        sys.exit(ADVICE)
    view = {"viewport": {"width": WIDTH + 400, "height": 2400}, "device_scale_factor": 2}
    with tempfile.TemporaryDirectory() as home, jupyter_lab(Path(home)) as address:
        with real_browser(executable) as browser:
            notebook = Notebook(browser, address, LESSON, **view)
            given.out.write_bytes(shrunk(notebook, shot(notebook, given.frames, given.depth)))
    print(f"{given.out}: {given.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
