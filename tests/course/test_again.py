"""A notebook runs again at other seeds, and on photographs, as the claims table says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import sbkit as sb
from notebooks import ASKED, BY, ON_PHOTOGRAPHS, run_after

SEEDED = """
import numpy as np, torch
import sbkit as sb
own = drawn = seeded = move = None  # names that a lesson may take
task = sb.slabs(n=20, n_test=20, seed=3)
fleet, alone = sb.mlp(task, width=4, runs=3, seed=5), sb.mlp(task, width=4, runs=1, seed=7)
own = sb.models.fleet_of(lambda: torch.nn.Linear(2, 2), runs=2, seed=5)
weights = fleet.weights()[0]
sb.claim("weights", weights.flatten(), (None, None))
sb.claim("alone", alone.weights()[0].flatten() - weights[2].flatten(), (0, 0))
sb.claim("module", own.weights()[0].flatten(), (None, None))
sb.claim("data", task.x.flatten(), (None, None))
sb.claim("torch", torch.rand(4, generator=torch.Generator().manual_seed(1)), (None, None))
sb.claim("numpy", np.random.default_rng(1).random(4), (None, None))
sb.claim("twice", np.random.default_rng((1, 2)).random(4) - np.random.default_rng((1, 2)).random(4), (0, 0))
"""
SHOWN = """
import sbkit as sb
images = None
if images is not None:
    pixels, labels = images
    off = (pixels[:, 0, 0] * 10).round() - labels
    sb.claim("Each lies in its file (10,000 MNIST digits)", off, (0, 0))
"""


def notebook(path, source):
    cell = {"cell_type": "code", "id": "one", "metadata": {}, "outputs": [], "execution_count": None}
    about = {"cells": [cell | {"source": source}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(about))
    return path


@pytest.mark.slow
def test_every_seed_is_moved_and_the_same_again(tmp_path):
    path, found = notebook(tmp_path / "seeded.ipynb", SEEDED), []
    for by in ("0", BY, BY):
        (tmp_path / "seeded-moved.py.json").unlink(missing_ok=True)
        made = run_after("moved.py", path, tmp_path, MOVED_BY=by)
        found.append({row["claim"]: row for row in made})
        notebook(path, SEEDED)
    first, moved, again = found
    assert moved == again
    assert all(first[name]["ours"] != moved[name]["ours"] for name in ("weights", "module", "data", "torch"))
    assert moved["alone"]["verdict"] == moved["twice"]["verdict"] == "holds"
    task = sb.slabs(n=20, n_test=20, seed=3)
    own = sb.claim("weights", sb.mlp(task, width=4, runs=3, seed=5).weights()[0].flatten(), (None, None))
    assert first["weights"]["ours"] == own.digits["ours"], "moved by nothing, nothing moves"
    assert moved["numpy"]["lesson"] == "seeded"
    assert np.random.default_rng(1).random() == np.random.default_rng(1).random() and torch.Generator().device


@pytest.mark.slow
def test_photographs_come_from_the_folder(tmp_path, monkeypatch):
    path = notebook(tmp_path / "shown.ipynb", SHOWN)
    for k in range(10):
        (tmp_path / f"{k}.json").write_text(json.dumps({"data": [k / 10] * 784 * 3}))
    monkeypatch.setenv("PHOTOGRAPHS", str(tmp_path))
    (tmp_path / "other").mkdir()
    (row,) = run_after("photographs.py", path, tmp_path / "other")
    assert row["verdict"] == "holds" and ON_PHOTOGRAPHS in row["claim"] and row["lesson"] == "shown"
    assert "30 runs" in row["ours"]


def test_the_cell_that_asks_for_photographs_is_the_lessons():
    found = Path("notebooks").rglob("*.ipynb")
    asking = [path.stem for path in found if "sb.data.mnist" in path.read_text(encoding="utf-8")]
    assert all(
        ASKED[0] in next(Path("notebooks").rglob(f"{name}.ipynb")).read_text("utf-8") for name in asking
    )
