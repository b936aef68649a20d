"""What bfloat16 products do to every claim of the course; a page of Markdown.

    python benchmarks/precision.py > docs/precision.md      # 20 minutes on two cores

Every notebook runs twice, as it is and with every `fit` at precision="medium". Where torch has no units
to use for that, the factors of each product are rounded to bfloat16 by hand and the products summed in
float32, as such units do: the numbers are those of a processor that has them, the speed is not.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import nbformat
import torch
from nbclient import NotebookClient
from torch.utils._python_dispatch import TorchDispatchMode
from turns import table

from sbkit.course.claims import SIGNS

HERE = Path(__file__).parent
NOTEBOOKS = HERE.parent / "notebooks"
WAYS = ("highest", "medium")
FACTORS = {"mm": (0, 1), "bmm": (0, 1), "addmm": (1, 2), "baddbmm": (1, 2)}  # which arguments are multiplied
ABOUT = ("lesson", "claim", "tolerance")
PAGE = """# The claims at a lower precision

Every notebook ran twice: as it is, and with `precision="medium"` in every `fit`{how}.
Measures look at full precision in both. Numbers are mean (smallest … largest) over runs; a chaotic training
ends elsewhere after any rounding. Made by `benchmarks/precision.py`.

{verdict}

{table}
"""


class Bfloat16(TorchDispatchMode):
    """Rounds the factors of torch's float32 matrix products to bfloat16."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        which = FACTORS.get(func.overloadpacket.__name__, ())
        wide = [i in which and a.dtype == torch.float32 for i, a in enumerate(args)]
        rounded = [a.bfloat16().float() if is_wide else a for a, is_wide in zip(args, wide, strict=True)]
        return func(*rounded, **(kwargs or {}))


@contextmanager
def by_hand(name: str) -> Iterator[None]:
    """In place of `sbkit.core.precision`, where nothing in the processor rounds."""
    with Bfloat16():
        yield


def lower() -> None:
    """Let every `fit` of this process train at precision="medium"; called in a notebook's kernel."""
    from sbkit.core import lowers

    fit = sys.modules["sbkit.training.fit"].fit  # type: ignore[attr-defined]
    fit.__kwdefaults__["precision"] = "medium"
    if not lowers("medium"):
        sys.modules["sbkit.training.gradients"].lowers = lambda name: name == "medium"  # type: ignore[attr-defined]
        sys.modules["sbkit.training.run"].precision = by_hand  # type: ignore[attr-defined]


def claims(path: Path, way: str) -> list[dict[str, str]]:
    """Rows of the claims that a notebook states, trained this way."""
    notebook = nbformat.read(path, 4)
    if way == "medium":
        code = f"import sys; sys.path.insert(0, {str(HERE)!r}); import sbkit, precision; precision.lower()"
        notebook.cells.insert(0, nbformat.v4.new_code_cell(code))
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "claims.json"
        ours = {"SBKIT_HEADLESS": "1", "SBKIT_CLAIMS": str(kept), "SBKIT_LESSON": str(path)}
        client = NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(path.parent)}})
        client.execute(env=os.environ | ours | {"OMP_NUM_THREADS": "1"})
        return json.loads(kept.read_text()) if kept.exists() else []


def main() -> None:
    from sbkit.core import lowers

    word = next(iter(sys.argv[1:]), "")
    paths = [p for p in sorted(NOTEBOOKS.glob("**/*.ipynb")) if word in str(p) and ".ipynb_" not in str(p)]
    work = list(product(paths, WAYS))
    with ProcessPoolExecutor(2) as pool:
        found = dict(zip(work, pool.map(claims, *zip(*work, strict=True)), strict=True))
    pairs = [pair for path in paths for pair in zip(*(found[path, way] for way in WAYS), strict=True)]
    other = [f"{low['lesson']}: {low['claim']}" for full, low in pairs if full["verdict"] != low["verdict"]]
    rows = [[*map(full.get, ABOUT), full["ours"], low["ours"], low["verdict"]] for full, low in pairs]
    rows = [[SIGNS.sub(r"\\\g<0>", text) for text in row] for row in rows]
    how = "" if lowers("medium") else ",\nthe factors of every product rounded to bfloat16 by hand"
    which = f": {'; '.join(other)}" if other else ""
    verdict = f"Of {len(pairs)} claims {len(other)} have another verdict at medium{which}."
    head = ["lesson", "claim", "tolerance, every run", *(f"at {way}" for way in WAYS), "verdict at medium"]
    print(PAGE.format(how=how, verdict=verdict, table=table(head, rows)))


if __name__ == "__main__":
    main()
