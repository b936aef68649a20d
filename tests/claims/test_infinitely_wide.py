"""The science of the lesson "Infinitely wide", at other seeds than its own.

Row 31 of the course's sheet: Novak et al. 2020, Jacot et al. 2018 and Lee et al. 2019 without JAX. Not
asserted: that the error falls eightfold from width 16 to 1,024, as theory says of its limit; in trials it
was 4.6 to 10 times.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

import sbkit as sb
from sbkit.lessons.wide import infinitely_wide as extra
from sbkit.measures import infinite_kernel

NOTEBOOK = Path(__file__).parents[2] / "notebooks/6-wide/01-infinitely-wide.ipynb"
SEEDS = [7000, 7100, 7200]


@cache
def lesson() -> dict[str, Any]:
    """The functions of the lesson: born, from_zero, threes, apart."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {"sb": sb, "extra": extra, "torch": torch}
    for cell in cells:
        if cell["id"] in ("forecast", "friend", "threes", "held"):
            code = "".join(cell["source"])
            for rest in ("\nfleet, task =", "\nfriend =", "\nseeds ="):
                code = code.split(rest)[0]
            exec(code, names)  # noqa: S102
    return names


def exact(depth: int, width: int = 8, runs: int = 3) -> tuple[sb.Fleet, sb.Task]:
    """Nets on the circle in float64."""
    task = extra.circle().to(dtype=torch.float64)
    return sb.mlp(task, depth=depth, width=width, parameterization="ntk", runs=runs, seed=40), task


@pytest.mark.parametrize("depth", [1, 3])
def test_the_forecast_is_gradient_descent_step_by_step(depth):
    fleet, task = exact(depth)
    f, new = fleet.predict(task.x)[..., 0], fleet.predict(task.x_test)[..., 0]  # (runs, n), (runs, places)
    own, cross = infinite_kernel(task.x, depth=depth), infinite_kernel(task.x_test, task.x, depth=depth)
    after, y = extra.foretell(fleet, task, lr=0.05), task.y[:, 0]
    for step in range(30):
        assert torch.allclose(after(step), new, rtol=0, atol=1e-10)
        f, new = f - 0.05 * 2 / len(y) * (f - y) @ own, new - 0.05 * 2 / len(y) * (f - y) @ cross.T


def test_a_net_without_hidden_layers_does_what_is_foretold_at_every_width():
    """It's linear in its weights: the kernel is that of infinite width, and every step as foretold."""
    fleet, task = exact(0)
    assert (extra.off(fleet, task) < 1e-10).all()
    run = sb.fit(fleet, task, steps=40, every=10, **extra.watch(fleet, task, 0.1))
    for snapshot in run:
        answers, foretold = snapshot.values["forecast"].unbind(1)
        assert torch.allclose(answers, foretold, rtol=0, atol=1e-10)
        assert (snapshot.values["far_off"] < 1e-9).all()
    assert snapshot.step == 40


def test_what_is_shown_at_a_step_was_foretold_for_that_step():
    fleet, task = exact(2)
    after, task_of = extra.foretell(fleet, task, 0.05), task.sample(3)
    for snapshot in sb.fit(fleet, task, steps=30, every=10, **extra.watch(fleet, task, 0.05)):
        assert torch.allclose(snapshot.values["forecast"][:, 1], after(snapshot.step), rtol=0, atol=1e-10)
        gap = (snapshot.values["forecast"][:, 0] - after(snapshot.step)).square().mean(1).sqrt()
        assert torch.allclose(snapshot.values["far_off"][:, 0], gap, rtol=1e-9)
    assert len(task_of.z_test) == 3


def test_the_recursion_of_the_lesson_is_the_kernel():
    x = extra.circle().x.double()
    x = 2**0.5 * x / x.norm(dim=1, keepdim=True)  # to the last bit
    sigma = theta = x @ x.T
    for depth in (1, 2, 3):
        each = [extra._layer(s, t) for s, t in zip(sigma.clamp(-2, 2), theta, strict=True)]
        sigma, theta = torch.stack(each, 1)
        for kind, found in (("nngp", sigma), ("ntk", theta)):
            assert torch.allclose(found, infinite_kernel(x, depth=depth, kind=kind), rtol=0, atol=1e-6)
        assert torch.allclose(theta.diag(), torch.full((4,), 2.0 + 2 * depth).double(), rtol=0, atol=1e-6)


def test_the_end_of_the_forecast_is_the_mean_of_all_nets_when_born_at_zero():
    fleet, task = exact(2)
    with torch.no_grad():
        fleet.weights()[-1].zero_()
    ended = extra.foretell(fleet, task, 0.2)(4000)
    assert torch.allclose(ended, lesson()["from_zero"](task).expand(3, -1), rtol=0, atol=1e-6)


def test_the_kernel_of_narrow_nets_is_right_on_average():
    """One hidden layer of 16 units: 400 nets are off by a half each, their mean by a twentieth of that."""
    fleet, task = exact(1, width=16, runs=400)
    limit = infinite_kernel(task.x, depth=1)
    found = sb.measures.kernel(fleet, task.x)
    assert (found.mean(0) - limit).norm() / limit.norm() < 0.12
    assert ((found - limit).norm(dim=(1, 2)) / limit.norm()).mean() > 0.25


@pytest.mark.slow
def test_wider_nets_are_nearer_and_the_mean_of_all_foretells_none():
    apart = lesson()["apart"]
    narrow, wide = (torch.stack([apart(width, seed) for seed in SEEDS]).mean(0) for width in (16, 1024))
    assert narrow[1] / wide[1] > 4 and narrow[0] / wide[0] > 2.5
    assert wide[0] < 0.15 and wide[3] > 0.2 and narrow[2] / wide[2] > 8


@pytest.mark.slow
def test_deeper_nets_are_further_off():
    off = {
        depth: torch.cat([extra.off(*lesson()["born"](256, depth, seed)) for seed in SEEDS]).mean()
        for depth in (1, 2, 8)
    }
    assert off[1] < off[2] < off[8] and off[8] / off[1] > 1.5
