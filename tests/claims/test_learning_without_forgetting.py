"""The science of the lesson "Can a net learn without forgetting?", at other seeds than its own.

Row 4 of the course's sheet: Kirkpatrick et al. 2017 on shuffled 8 × 8 digits. Not asserted: that nothing is
lost (A falls by some 17 points), or levels at one strength, which differ between shuffles.
"""

import dataclasses
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

import sbkit as sb
from sbkit.lessons.training import learning_without_forgetting as extra

NOTEBOOK = Path(__file__).parents[2] / "notebooks/7-training/02-learning-without-forgetting.ipynb"
SEEDS = [7000, 7100, 7200]  # two nets each


@cache
def lesson() -> dict[str, Any]:
    """The functions of the lesson: remember, pull, in_a_row."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    source = {cell["id"]: "".join(cell["source"]) for cell in cells}
    names: dict[str, Any] = {"sb": sb, "extra": extra}
    for cell in ("images", "remember", "in-a-row"):
        exec(source[cell].split("\nsb.lab")[0], names)  # noqa: S102
    return names


@cache
def ends(way: str, strength: float) -> torch.Tensor:
    """Accuracy on A, B and C at the end. (seeds, 3)"""
    runs = [lesson()["in_a_row"](way, strength, seed=seed, runs=2, every=300) for seed in SEEDS]
    return torch.stack([sb.last(run).values["recalled"].mean(0) for run in runs])


def double(task: sb.Task) -> sb.Task:
    return dataclasses.replace(task, z=task.z.double(), z_test=task.z_test.double())


def test_importance_is_the_mean_squared_gradient_of_each_row():
    """In float64, of outer products against each row's own gradient by autograd."""
    task = double(extra.three(7000, n=30)[1])
    fleet = sb.mlp(task, width=7, runs=2, seed=7000)
    y = torch.randint(10, (2, 30), generator=torch.Generator().manual_seed(0))
    found = sb.measures.fisher(fleet, task.x, labels=y)
    slow = [torch.zeros_like(p) for p in fleet.parameters()]
    for row in range(30):
        chances = fleet(task.x[row : row + 1].expand(2, 1, 64)).log_softmax(-1)  # (runs, 1, 10)
        said = chances.gather(-1, y[:, row].view(2, 1, 1)).sum()
        for total, g in zip(slow, torch.autograd.grad(said, [*fleet.parameters()]), strict=True):
            total += g.square() / 30
    for one, other in zip(found, slow, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_equal_bands_have_the_same_sum():
    parts = [torch.rand(2, 3, 4), torch.rand(2, 5)]
    found = extra.alike(parts)
    for r in range(2):
        sums = [sum(float(part[r].sum()) for part in some) for some in (parts, found)]
        assert sums[0] == pytest.approx(sums[1], rel=1e-5)
        assert len({round(float(v), 6) for part in found for v in part[r].flatten()}) == 1


def test_the_pull_lands_where_the_penalised_loss_is_least():
    """The step w + ηλF w* over 1 + ηλF makes ½(v − w)² + ηλ/2 Σ F(v − w*)² least, for two old tasks."""
    names = lesson()
    task = double(extra.three(7000, n=100)[0])
    fleet = sb.mlp(task, width=5, runs=2, seed=7000)
    kept, old = [], []
    for seed in (1, 2):
        with torch.no_grad():
            for p in fleet.parameters():
                p += torch.randn(p.shape, generator=torch.Generator().manual_seed(seed)).to(p)
        kept = names["remember"](fleet, task, "what matters", kept)
        homes = [p.detach().clone() for p in fleet.parameters()]
        old.append([*zip(sb.measures.fisher(fleet, task.x), homes, strict=True)])
    before = [p.detach().clone() + 0.3 for p in fleet.parameters()]
    with torch.no_grad():
        for p, w in zip(fleet.parameters(), before, strict=True):
            p.copy_(w)
        names["pull"](kept, 50.0)(fleet, 0)
    rate = names["options"]["lr"] * 50
    for i, (p, w) in enumerate(zip(fleet.parameters(), before, strict=True)):
        pulls = sum(one[i][0] * (p - one[i][1]) for one in old)
        torch.testing.assert_close((p - w + rate * pulls).detach(), torch.zeros_like(w), rtol=0, atol=1e-9)


def test_shuffles_keep_every_image_and_label():
    tasks = extra.three(7000, n=50)
    for task in tasks[1:]:
        assert torch.equal(task.y, tasks[0].y) and not torch.equal(task.z, tasks[0].z)
        torch.testing.assert_close(task.z.sort(1).values, tasks[0].z.sort(1).values)
        torch.testing.assert_close(task.z_test.sort(1).values, tasks[0].z_test.sort(1).values)


def test_what_is_recalled_is_of_every_task():
    tasks = extra.three(7000, n=100)
    fleet = sb.mlp(tasks[0], width=5, runs=2, seed=7000)
    found = extra.watch(tasks)(fleet, tasks[0].sample(10))
    right = [(fleet.predict(t.x_test).argmax(-1) == t.y_test).float().mean(1) for t in tasks]
    torch.testing.assert_close(found, torch.stack(right, 1).to(found))


@pytest.mark.slow
def test_what_matters_beats_equal_bands_and_nothing():
    ewc, weak, nothing = ends("what matters", 300), ends("all alike", 30), ends("nothing", 0)
    assert ((ewc - nothing).mean(1) > 0.06).all() and ((ewc - weak).mean(1) > 0.04).all()
    assert (nothing[:, 0] < 0.75).all()


@pytest.mark.slow
def test_strong_equal_bands_hold_a_and_learn_nothing_else():
    strong = ends("all alike", 10000)
    assert (strong[:, 0] > 0.85).all() and (strong[:, 1:].mean(1) < 0.45).all()


@pytest.mark.slow
def test_mixed_together_all_three_are_learned():
    tasks = extra.three(7000)
    z, y = torch.cat([t.z for t in tasks]), torch.cat([t.y for t in tasks])
    mixed = dataclasses.replace(tasks[0], z=z, y=y, corrupted=None)
    fleet = sb.mlp(mixed, width=200, runs=2, seed=7000)
    sb.last(sb.fit(fleet, mixed, **lesson()["options"] | {"steps": 900}))
    assert (extra.watch(tasks)(fleet, mixed) > 0.85).all()
