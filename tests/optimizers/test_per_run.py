"""SAM, Muon and L-BFGS against slow obvious versions of one net at a time."""

import numpy as np
import pytest
import torch
from cases import DOUBLE, FLEETS, slab_task
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from torch import optim
from torch.nn import functional as F
from torch.testing import assert_close

import sbkit as sb
from sbkit.batches import Batches
from sbkit.lessons.simplicity.available_or_predictive import core_and_shortcut
from sbkit.optimizers.per_run import orthogonal

both = pytest.mark.parametrize("build", ["relu", "layer norm", "convnet"])


def gradients(net, x, y) -> list[torch.Tensor]:
    return list(torch.autograd.grad(F.cross_entropy(net(x), y), list(net.parameters())))


@both
@pytest.mark.parametrize("rho", [0.05, 0.5])
def test_sam_is_the_gradient_uphill(build, rho):
    """w ← w − lr ∇L(w + ρ g/‖g‖), a norm a net (Foret et al. 2021, eq. 2)."""
    task = slab_task()
    fleet = FLEETS[build](task, runs=3, seed=2)
    nets = [fleet.run(r) for r in range(3)]
    sb.last(sb.fit(fleet, task, optimizer="sam", lr=0.1, rho=rho, batch=32, steps=20, stop=None))
    for r, net in enumerate(nets):
        batches = Batches(task.x, task.y, 32, 0, [2 + r])
        for step in range(20):
            x, y = (part[0] for part in batches(step))
            here = [p.detach().clone() for p in net.parameters()]
            g = gradients(net, x, y)
            norm = torch.cat([part.flatten() for part in g]).norm()
            with torch.no_grad():
                for p, part in zip(net.parameters(), g, strict=True):
                    p += rho * part / norm
            uphill = gradients(net, x, y)
            with torch.no_grad():
                for p, start, part in zip(net.parameters(), here, uphill, strict=True):
                    p.copy_(start - 0.1 * part)
        for mine, theirs in zip(fleet.run(r).parameters(), net.parameters(), strict=True):
            assert_close(mine, theirs)


@pytest.mark.parametrize("shape", [(4, 4), (3, 8), (8, 3), (2, 5, 6, 4), (1, 9)])
@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e3])
def test_orthogonal_keeps_the_directions_and_evens_the_values(shape, scale):
    """Of U Σ Vᵀ it is U D Vᵀ with D within 0.7 … 1.2, the polar factor roughly."""
    matrix = scale * torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    middle = u.mT @ orthogonal(matrix) @ vh.mT
    values = middle.diagonal(dim1=-2, dim2=-1)
    assert_close(middle, torch.diag_embed(values))
    assert values.min() > 0.65 and values.max() < 1.25


@both
def test_muon_is_the_same_one_matrix_at_a_time(build):
    task, lr, decay = slab_task(), 0.02, 0.1
    fleet = FLEETS[build](task, runs=2, seed=2)
    nets = [fleet.run(r) for r in range(2)]
    options = {"lr": lr, "weight_decay": decay, "momentum": 0.9}
    sb.last(sb.fit(fleet, task, optimizer="muon", batch=32, steps=20, stop=None, **options))
    for r, net in enumerate(nets):
        matrices = [p for p in net.parameters() if p.ndim >= 2]
        vectors = optim.AdamW([p for p in net.parameters() if p.ndim < 2], lr=lr, weight_decay=decay)
        momenta = [torch.zeros_like(p) for p in matrices]
        batches = Batches(task.x, task.y, 32, 0, [2 + r])
        for step in range(20):
            x, y = (part[0] for part in batches(step))
            net.zero_grad()
            F.cross_entropy(net(x), y).backward()
            vectors.step()
            for p, momentum in zip(matrices, momenta, strict=True):
                momentum.mul_(0.9).add_(p.grad)
                ahead = (p.grad + 0.9 * momentum).flatten(1)
                rows, columns = ahead.shape
                step_size = lr * 0.2 * max(rows, columns) ** 0.5
                with torch.no_grad():
                    p.mul_(1 - lr * decay).sub_(step_size * orthogonal(ahead).view_as(p))
        for mine, theirs in zip(fleet.run(r).parameters(), net.parameters(), strict=True):
            assert_close(mine, theirs)


def test_lbfgs_finds_the_optimum_of_a_convex_problem():
    """Ridge logistic regression, every run, against scipy from a start of its own."""
    task, decay = slab_task((1, 3), noise=0.3), 0.1
    fleet = FLEETS["linear"](task, runs=3)
    sb.last(sb.fit(fleet, task, optimizer="lbfgs", weight_decay=decay, steps=100, stop=None))

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        w = torch.tensor(flat, requires_grad=True)
        loss = F.cross_entropy(task.x @ w[:4].view(2, 2).mT + w[4:], task.y) + decay / 2 * w.square().sum()
        loss.backward()
        return loss.item(), w.grad.numpy()

    best = minimize(objective, np.zeros(6), jac=True, method="BFGS", options={"gtol": 1e-9})
    for r in range(3):
        found = torch.cat([p.flatten() for p in fleet.run(r).parameters()])
        # torch's stands still once a step along the gradient would win less than 1e-9
        assert_close(found.detach(), torch.tensor(best.x), atol=1e-4, rtol=0)
        assert objective(found.detach().numpy())[0] - best.fun < 1e-9


def test_lbfgs_searches_until_it_finds_a_step():
    """Inputs 64 times larger one way than the other: a search that is cut short stands still half way."""
    task = core_and_shortcut(amplification=(1, 64), n=600, n_test=100).to(dtype=DOUBLE)
    run = sb.fit(FLEETS["linear"](task, runs=3), task, optimizer="lbfgs", steps=100, stop=None)
    plain = LogisticRegression(C=1e9, max_iter=10_000, tol=1e-10).fit(task.z, task.y)
    margin = (2 * task.y - 1) * torch.tensor(plain.decision_function(task.z))  # (n,)
    best = F.softplus(-margin).mean()
    assert_close(sb.last(run).loss, best.expand(3), atol=1e-5, rtol=0)


def test_muon_needs_a_matrix():
    task = slab_task()
    fleet = FLEETS["linear"](task)
    next(fleet.parameters()).requires_grad_(False)
    with pytest.raises(sb.SbkitError, match="weight matrices.*try 'adamw'"):
        sb.fit(fleet, task, optimizer="muon", batch=32)


def test_lbfgs_does_not_stand_still():
    """Its line search has evaluations to spend: with one a step most of these runs stayed put."""
    task = sb.lms(7, dim=10, n=1000, n_test=1000)
    run = sb.fit(sb.mlp(task, width=50, runs=5), task, optimizer="lbfgs", steps=100)
    assert set(sb.last(run).state) == {"converged"}
