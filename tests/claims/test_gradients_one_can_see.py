"""The science of the lesson "Can you see what a net looks for?", at other seeds than its own.

Row 15 of the course's sheet: Kaur, Cohen and Lipton 2019 on digits. Not asserted: how many walks
of plain nets arrive at steps of 0.1 to 0.2, which hangs on the step, and what averaging does to noisy nets.
"""

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy.stats import binom, binomtest, norm

import sbkit as sb
from sbkit.lessons.training import gradients_one_can_see as extra

NOTEBOOK = Path(__file__).parents[2] / "notebooks/7-training/03-gradients-one-can-see.ipynb"
SEEDS = [20_000, 20_100]  # four nets each


@cache
def lesson() -> dict[str, Any]:
    """The functions of the lesson: net, judged."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {"sb": sb, "extra": extra, "torch": torch}
    for cell in cells:
        if cell["id"] in ("plain", "held"):
            exec("".join(cell["source"]), names)  # noqa: S102
    return names


@pytest.mark.parametrize(("yes", "n"), [(980, 1000), (1000, 1000), (700, 1000), (80, 100)])
def test_the_radius_holds_where_so_many_votes_are_one_in_a_thousand(yes, n):
    """P(votes ≥ yes) is 0.001 at the bound, by the binomial law itself."""
    p = norm.cdf(float(extra.radius(yes, n, 1.0)))
    assert p > 0.5 and binom.sf(yes - 1, n, p) == pytest.approx(0.001, rel=1e-6)
    low = binomtest(yes, n, alternative="greater").proportion_ci(0.999).low
    assert float(extra.radius(yes, n, 0.5)) == pytest.approx(0.5 * norm.ppf(low), rel=1e-9)


def test_a_radius_by_hand_and_none_below_a_half():
    assert float(extra.radius(980, 1000, 0.5)) == pytest.approx(0.88902, abs=1e-5)
    assert extra.radius([0, 300, 500, 540], 1000, 0.5).tolist() == [0, 0, 0, 0]


def test_a_linear_vote_turns_at_its_radius_and_not_before():
    """Two classes by the sign of x₀: the share of noisy copies right of 0 is Φ(x₀/σ), so the radius is x₀."""
    task = sb.slabs([1], n=10, n_test=10)
    fleet = sb.mlp(task, depth=0, runs=1)
    with torch.no_grad():
        (weight,) = fleet.weights()
        weight.zero_()[:, 1, 0] = 1
        for name, values in fleet.named_parameters():
            if "bias" in name:
                values.zero_()
    x = torch.tensor([[0.8]]).expand(1, task.x.shape[1]).clone()
    yes = int(extra.votes(fleet, x, 0.5, 20_000)[0, 0, 1])
    assert float(extra.radius(yes, 20_000, 0.5)) == pytest.approx(0.8, abs=0.05)
    assert extra.radius(yes, 20_000, 0.5) < 0.8


def test_a_step_follows_the_gradient_of_each_net_alone():
    task = sb.data.digits(50)
    fleet = sb.mlp(task, width=32, runs=3, seed=5).double()
    x, target = (part[:4] for part in extra.asked(task))
    way = extra.walk(fleet, x.double(), target, step=0.2)  # (3, 31, 4, 64)
    assert torch.allclose((way[:, 1:] - way[:, :-1]).norm(dim=-1), torch.tensor(0.2).double(), rtol=1e-9)
    for r in range(3):
        at = way[r, 7].clone().requires_grad_()
        p = fleet.only(r)(at[None])[0].softmax(-1)
        (slope,) = torch.autograd.grad(p[torch.arange(4), target].log().sum(), at)
        torch.testing.assert_close(way[r, 8] - at.detach(), 0.2 * slope / slope.norm(dim=-1, keepdim=True))
    alone = extra.walk(fleet.only(1), x.double(), target, average=0.3)[0]
    torch.testing.assert_close(extra.walk(fleet, x.double(), target, average=0.3)[1], alone)


def test_the_judge_by_loops():
    task = sb.data.digits(1500)
    images = task.x_test[:6].view(2, 3, 64) + 0.1
    real, shows = task.x_test[100:], task.y_test[100:]
    for image, said in zip(images.flatten(0, 1), extra.judge(images, task).flatten(), strict=True):
        apart = [float((image - other).square().sum()) for other in real]
        assert shows[apart.index(min(apart))] == said


def test_what_diverged_is_not_drawn_as_a_digit():
    found = torch.full((2, 24, 66), math.nan)
    assert "nan" in extra.strip(found).labels[0] and len(extra.strip(found).pixels) == 24


@pytest.mark.slow
def test_noise_in_training_makes_walks_arrive():
    names, found = lesson(), {}
    for name, how in {
        "plain": {},
        "noisy": {"change": sb.transforms.noise(0.5)},
        "young": {"steps": 100},
    }.items():
        each = [names["judged"](seed=seed, **how) for seed in SEEDS]
        found[name] = {what: torch.cat([one[what] for one in each]) for what in each[0]}
    plain, noisy = found["plain"], found["noisy"]
    assert noisy["arrive"].mean() > 0.85 and plain["arrive"].mean() < 0.4
    assert found["young"]["arrive"].mean() > plain["arrive"].mean() + 0.15
    assert (noisy["cosine"] - plain["cosine"]).min() > 0.15
    assert plain["fooled"].mean() > 0.9
    assert plain["averaged"].mean() < plain["arrive"].mean() + 0.05 and plain["long"].mean() > 0.9
    assert (noisy["safe"] - plain["safe"]).min() > 0.3
    assert noisy["turned"].max() <= 0.01


@pytest.mark.slow
def test_an_adversary_in_training_does_it_too():
    hardened, task = lesson()["net"](sb.transforms.adversary("l2", 1.0, 2), seed=SEEDS[0])
    assert extra.arrived(hardened, task).mean() > 0.75
