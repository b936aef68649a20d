"""The science of the lesson "What is the Hessian made of?", at other seeds than its own.

Row 38 of the course's sheet: Dauphin, Agarwala and Mobahi 2024. Not asserted: what the paper says of gradient
penalties on new data. ReLU nets gained up to 3.6 points at ρ 0.5 in 29 of 30 trials, as GELU nets did.
"""

from functools import cache
from typing import Any

import pytest
import torch
from torch import autograd
from torch.nn.functional import cross_entropy

import sbkit as sb
from sbkit.lessons.sharpness.what_is_the_hessian_made_of import PARTS, one_weight, parts, pooled

SEEDS = [7000, 7100]  # five nets each
DOUBLE = torch.float64


def lesson(activation: str, loss: str = "cross_entropy", seed: int = 7000, steps: int = 800) -> Any:
    """The lesson's run, in double precision."""
    task = pooled(100, seed=seed).to(dtype=DOUBLE)
    fleet = sb.mlp(task, width=12, activation=activation, runs=5, seed=seed)
    return sb.fit(fleet, task, optimizer="momentum", lr=0.05, loss=loss, steps=steps, every=steps, stop=None)


@cache
def trained(activation: str, loss: str = "cross_entropy", seed: int = 7000, steps: int = 800) -> torch.Tensor:
    """Both parts' sizes and traces at its end. (runs, 4)"""
    run = lesson(activation, loss, seed, steps)
    sb.last(run)
    return parts(run.fleet, run.task, loss)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_parts_are_those_of_the_definition(activation):
    """Jᵀ H_z J and the rest, from derivatives that torch takes of one net, weight by weight."""
    task = pooled(12, seed=1).to(dtype=DOUBLE)
    fleet = sb.mlp(task, width=3, activation=activation, runs=2, seed=1)
    one = fleet.only(1)

    def logits(w: torch.Tensor) -> torch.Tensor:
        return one.logits_at(w[None], task.x)[0]  # (n, C)

    w = one.vector()[0].detach()
    J, p = autograd.functional.jacobian(logits, w), logits(w).softmax(-1).detach()  # (n, C, P), (n, C)
    first = (J.mT @ (p.diag_embed() - p.unsqueeze(2) * p.unsqueeze(1)) @ J).mean(0)
    whole = autograd.functional.hessian(lambda w: cross_entropy(logits(w), task.y), w)
    second = whole - first
    slow = torch.stack([first.norm(), second.norm(), first.trace(), second.trace()])
    torch.testing.assert_close(parts(fleet, task)[1], slow, rtol=1e-9, atol=1e-12)
    for kind, part in zip(PARTS, (first, second), strict=True):
        torch.testing.assert_close(sb.measures.hessian(one, task, kind)[0], part, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", ["cross_entropy", "square"])
def test_every_number_on_relus_second_diagonal_is_zero(loss):
    run = lesson("relu", loss, steps=60)
    for steps in (0, 60):
        run.train(steps=steps) if steps else None
        diagonal = sb.measures.hessian(run.fleet, run.task, "nme", loss=loss).diagonal(dim1=1, dim2=2)
        assert diagonal.abs().max() < 1e-13


def test_the_toy_is_as_the_notebook_computes_it():
    """a = b = ½: eigenvalues ½ and 0, and ±¾; at 0.1 the penalty pulls back from ρ 0.144 on."""

    def loss(w: torch.Tensor) -> torch.Tensor:
        return (w[0] * w[1] - 1).square() / 2

    half, tenth = torch.full((2,), 0.5, dtype=DOUBLE), torch.full((2,), 0.1, dtype=DOUBLE)
    whole = autograd.functional.hessian(loss, half)
    first = torch.full((2, 2), 0.25, dtype=DOUBLE)
    values = [torch.linalg.eigvalsh(part) for part in (first, whole - first)]
    torch.testing.assert_close(torch.stack(values), torch.tensor([[0, 0.5], [-0.75, 0.75]], dtype=DOUBLE))
    g, H = autograd.functional.jacobian(loss, tenth), autograd.functional.hessian(loss, tenth)
    assert abs(g.norm() - 0.14) < 0.005 and abs((H @ g / g.norm()).norm() - 0.97) < 0.005
    assert (g + 0.15 * H @ g / g.norm() > 0).all() and (g + 0.14 * H @ g / g.norm() < 0).all()


def test_shaking_feels_the_trace():
    """Mean rise of the loss under noise and its mirror image, over ½ σ² tr H; 4,000 pairs are good to 2 %."""
    task = pooled(50, seed=2).to(dtype=DOUBLE)
    fleet = sb.mlp(task, width=4, activation="tanh", runs=1, seed=2)
    w, sigma = fleet.vector().detach(), 0.003
    noise = sigma * torch.randn(4000, w.shape[1], dtype=DOUBLE, generator=torch.Generator().manual_seed(0))
    many = sb.mlp(task, width=4, activation="tanh", runs=4000, seed=2)

    def mean_loss(weights: torch.Tensor) -> torch.Tensor:
        logits = many.logits_at(weights, task.x)  # (4000, n, C)
        return cross_entropy(logits.mT, task.y.expand(len(logits), -1))

    rise = (mean_loss(w + noise) + mean_loss(w - noise)) / 2 - mean_loss(w.expand(4000, -1))
    found = parts(fleet, task)[0]
    torch.testing.assert_close(rise / (sigma**2 / 2), found[2] + found[3], rtol=0.06, atol=0)


def test_relu_is_straight_between_kinks_and_tanh_is_not():
    bends = {line.name: abs(line.y[2:] - 2 * line.y[1:-1] + line.y[:-2]) for line in one_weight().lines}
    assert (bends["relu"] > 1e-4).sum() < 10 < (bends["tanh"] > 1e-4).sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_share_goes_with_relu_and_stays_with_tanh(seed):
    relu, tanh = trained("relu", seed=seed), trained("tanh", seed=seed)
    assert (relu[:, 1] / relu[:, 0] < 0.02).all()
    assert (tanh[:, 3] / tanh[:, 2] > 0.05).all()


def test_squares_take_tanhs_second_part_away():
    square = trained("tanh", "square")
    assert (square[:, 1] / square[:, 0] < 0.08).all()


@pytest.mark.slow
def test_with_tanh_both_parts_shrink_while_the_share_stays():
    """Sizes at step 4000 over those at 800; the loss falls about tenfold."""
    early, late = trained("tanh"), trained("tanh", steps=4000)
    assert (late[:, :2].mean(0) / early[:, :2].mean(0) < 0.5).all()
    assert (late[:, 3] / late[:, 2] > 0.05).all()


@pytest.mark.slow
def test_who_bears_a_gradient_penalty():
    """A mean over five nets each; without penalty all have 88 to 93 in 100 right."""

    def penalty(fleet: sb.Fleet, x: Any, y: Any, logits: Any, rho: float = 1.0) -> torch.Tensor:
        loss = cross_entropy(logits.mT, y, reduction="none").mean(1)
        slopes = autograd.grad(loss.sum(), [*fleet.parameters()], create_graph=True)
        return rho * (torch.stack([g.flatten(1).square().sum(1) for g in slopes]).sum(0) + 1e-12).sqrt()

    def right(activation: str, rho: float) -> torch.Tensor:
        task = sb.data.digits(150, seed=7000)
        fleet = sb.mlp(task, width=32, activation=activation, runs=5, seed=7000)
        options = {"lr": 0.3, "batch": 64, "steps": 500, "stop": None}
        return sb.last(
            sb.fit(fleet, task, penalty=lambda f, x, y, z: penalty(f, x, y, z, rho), **options)
        ).test_accuracy

    assert right("relu", 0.5).mean() > right("relu", 0.0).mean()
    assert right("relu", 1.0).max() < 0.2 and right("gelu", 1.0).mean() > 0.4
    assert right("tanh", 1.0).mean() > right("tanh", 0.0).mean() - 0.03
