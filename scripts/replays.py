"""Write the replays of the lessons to site/replays: a file for every panel up to the one to predict.

python scripts/replays.py                       # all of them, two at a time
python scripts/replays.py --only 0-start-here   # those whose path begins so

The notebooks' own cells run, in order and without a page, until the panel that waits for a prediction has
been shown; what comes after it is not run.
"""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from sbkit.lab.still import REPLAY

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
SITE = ROOT / "site"
LAST = "after=prediction"  # in the source of the last cell that runs
HEADLESS = {"SBKIT_HEADLESS": "1", "SBKIT_REPLAY": "1", "OMP_NUM_THREADS": "1"}


def notebooks(only: str = "") -> list[Path]:
    """The notebooks of the course, or those whose path begins so, in the order of the course."""
    paths = [path.relative_to(NOTEBOOKS) for path in NOTEBOOKS.rglob("*.ipynb")]
    kept = [p for p in paths if p.as_posix().startswith(only) and ".ipynb_checkpoints" not in p.parts]
    return sorted(kept, key=lambda path: (path.as_posix()[0], len(path.parts), path))


def replays(path: Path, folder: Path) -> list[Path]:
    """Run a notebook up to its panel and write the replays of its cells, `<cell>.html`; their paths."""
    notebook = nbformat.read(NOTEBOOKS / path, 4)
    places = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and LAST in cell.source]
    if not places:
        raise ValueError(f"{path} has a panel that waits for its prediction ({LAST}), found none.")
    notebook.cells = notebook.cells[: places[0] + 1]
    place = {"path": str((NOTEBOOKS / path).parent)}
    options = {"kernel_name": "python3", "extra_arguments": ["--log-level=ERROR"]}
    NotebookClient(notebook, timeout=300, resources={"metadata": place}, **options).execute()
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if REPLAY in output.get("data", {}):
                made.append(folder / f"{cell.id}.html")
                made[-1].write_text(output.data[REPLAY], encoding="utf-8")
    return made


def main() -> None:
    """Write the replays and say what was written."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="how the notebooks' paths begin")
    parser.add_argument("--out", type=Path, default=SITE, help="folder of the site")
    parser.add_argument("--jobs", type=int, default=2, help="notebooks at a time")
    given = parser.parse_args()
    os.environ.update(HEADLESS | {"SBKIT_CLAIMS": os.devnull})

    def one(path: Path) -> str:
        start = time.perf_counter()
        made = replays(path, given.out / "replays" / path.with_suffix(""))
        sizes = ", ".join(f"{file.stem} {file.stat().st_size / 1000:.0f} kB" for file in made)
        return f"{path}: {sizes} ({time.perf_counter() - start:.0f} s)"

    with ThreadPoolExecutor(given.jobs) as pool:
        for line in pool.map(one, notebooks(given.only)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
