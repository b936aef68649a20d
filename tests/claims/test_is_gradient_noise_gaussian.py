"""The science of the lesson "Is gradient noise Gaussian?", at other seeds than its own.

Row 25 of the course's sheet: Panigrahi et al. 2019 and the law of batches. Not asserted: how many directions
pass a test of normality for one number of draws (it hangs on the number), and where the kurtosis peaks.
"""

import itertools
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

import sbkit as sb
from sbkit.lessons.sharpness.is_gradient_noise_gaussian import batches, kurtosis, loudness, noise, standard

NOTEBOOK = Path(__file__).parents[2] / "notebooks/3-sharpness/05-is-gradient-noise-gaussian.ipynb"
ROWS = torch.randn(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) ** 3  # (n, k)


@cache
def lesson() -> Any:
    """The lesson's own function."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {"sb": sb}
    exec("".join(next(cell["source"] for cell in cells if cell["id"] == "lesson")), names)  # noqa: S102
    return names["lesson"]


def means(rows: torch.Tensor, drawn: Any) -> torch.Tensor:
    """Means of all the batches given as lists of rows. (batches, k)"""
    return torch.stack([rows[list(batch)].mean(0) for batch in drawn])


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_the_law_holds_of_all_batches_of_six_rows(size):
    """Every one of the 6^B, in float64."""
    every = means(ROWS, itertools.product(range(6), repeat=size))
    law = 3 + (kurtosis(ROWS) - 3) / size
    torch.testing.assert_close(kurtosis(every), law, rtol=1e-12, atol=0)


@pytest.mark.parametrize("size", [1, 2])
def test_dealt_batches_have_the_kurtosis_of_those_left_out(size):
    small, large = (means(ROWS, itertools.combinations(range(6), n)) for n in (size, 6 - size))
    torch.testing.assert_close(kurtosis(large), kurtosis(small), rtol=1e-12, atol=0)


def test_kurtosis_is_three_for_a_bell_and_three_over_p_for_few_that_speak():
    bell = torch.special.ndtri((torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000)[:, None]
    assert abs(float(kurtosis(bell)) - 3) < 0.01
    few = torch.cat([bell, torch.zeros_like(bell).repeat(19, 1)])  # p = 1/20
    assert float(kurtosis(few)) == pytest.approx(20 * float(kurtosis(bell)), rel=1e-10)


def test_noise_and_loudness_are_of_each_rows_own_gradient():
    """Against autograd, row by row, in float64."""
    task = sb.data.digits(20, seed=1).to(dtype=torch.float64)
    fleet, slow = sb.mlp(task, width=5, runs=2, seed=4), []
    for x, y in zip(task.x, task.y, strict=True):
        fleet.zero_grad()
        torch.nn.functional.cross_entropy(fleet(x[None])[:, 0], y.expand(2), reduction="sum").backward()
        slow.append(torch.cat([torch.as_tensor(p.grad).flatten(1) for p in fleet.parameters()], 1))
    off = torch.stack(slow, 1) - torch.stack(slow, 1).mean(1, keepdim=True)  # (runs, n, P)
    size = off.square().sum(2)
    torch.testing.assert_close(loudness(fleet, task), size / size.sum(1, keepdim=True), rtol=1e-9, atol=0)
    along = noise(fleet, task)  # (runs, n, 50)
    found = torch.linalg.pinv(off) @ along  # the directions, as far as the rows span them
    torch.testing.assert_close(off @ found, along, rtol=1e-6, atol=1e-9)


def test_batches_are_means_of_rows_drawn():
    x = ROWS.expand(3, 6, 2)
    assert batches(x, 1) is x and batches(x, 4).shape == (3, 1000, 2)
    torch.testing.assert_close(batches(x, 6, replace=False), x.mean(1, keepdim=True).expand(3, 1000, 2))
    torch.testing.assert_close(standard(x).square().mean(1), torch.ones(3, 2, dtype=torch.float64))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7000, 7100])
def test_tails_grow_late_and_batches_divide_them(seed):
    run, moments = lesson()(seed=seed, measure=()), []
    assert (kurtosis(noise(run.fleet, run.task)) < 3.3).all()
    for _ in run:
        moments.append(batches(noise(run.fleet, run.task), 256))
    late = noise(run.fleet, run.task)
    k, above = kurtosis(late), kurtosis(batches(late, 16, draws=4000)) - 3
    assert (k > 20).all() and (16 * above / (k - 3)).log().abs().max() < 0.4
    assert loudness(run.fleet, run.task).topk(10)[0].sum(1).min() > 0.2
    dealt = kurtosis(batches(late, 984, replace=False, draws=4000)) - 3
    assert (dealt / above).log().abs().max() < 0.5
    assert (kurtosis(moments[0]) - 3).abs().max() < 0.4 and kurtosis(torch.cat(moments, 1)).min() > 6


@pytest.mark.slow
def test_where_many_go_on_talking_tails_stay_light():
    assert (sb.last(lesson()(lr=0.001, seed=7200)).values["tails"][:, 0] < 4).all()
    flipped = sb.last(lesson()(lr=0.01, flip=0.5, seed=7200))
    assert (flipped.values["tails"][:, 0] < 7).all() and (flipped.test_accuracy > 0.7).all()
