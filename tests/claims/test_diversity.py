"""The science of the lesson on evading the bias, after Teney et al. 2022: a penalty on aligned gradients.

Facts 33 and 34 of the course's sheet and row 9, at other data and seeds than the lesson's; each was
measured there on one to three seeds. Where arrows are compared decides what happens on images.
"""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import sbkit as sb
from sbkit.lessons.simplicity.evading_the_bias import main_axes, mixed_axes


def slopes(fleet: sb.Fleet, x: Tensor, members: int, rows: int) -> Tensor:
    """Input gradients of all members at the points of their team's first. (teams, members, rows, d)"""
    points = x.unflatten(0, (-1, members))[:, :1, :rows].expand(-1, members, -1, -1)
    points = points.flatten(0, 1).clone().requires_grad_()
    slope = torch.autograd.grad(fleet(points).diff(dim=-1).sum(), points, create_graph=True)[0]
    return slope.unflatten(0, (-1, members))


def diversity(
    strength: float, members: int, product: bool = False, rows: int = 64, axes: Tensor | None = None
):
    """The lesson's penalty: half of each pair's alignment to each of its two members."""

    def penalty(fleet: sb.Fleet, x: Tensor, y: Tensor, logits: Tensor) -> Tensor:
        team = slopes(fleet, x, members, rows)
        team = team if axes is None else team @ axes
        team = team if product else F.normalize(team, dim=-1)
        pairs = torch.einsum("tipd, tjpd -> tijp", team, team)
        pairs = (pairs if product else pairs.square()).mean(-1)  # (teams, members, members)
        return strength * (pairs.sum(2) - pairs.diagonal(dim1=1, dim2=2)).flatten() / 2

    return penalty


def trained(blocks, members, strength, seed, steps, lr, rows=64, product=False, rotate=False, **options):
    """The run of five teams, and each member's accuracy with one feature alone. (teams, members, features)"""
    task = sb.slabs(blocks, n=4000, n_test=4000, rotate=rotate, seed=seed)
    fleet = sb.mlp(task, width=64, runs=5 * members, seed=100 * seed)
    pay = diversity(strength, members, product, rows) if strength else None
    run = sb.fit(
        fleet, task, optimizer="adam", lr=lr, steps=steps, every=steps, stop=None, penalty=pay, **options
    )
    sb.last(run)
    return run, sb.measures.alone(fleet, task).view(5, members, len(blocks))


@pytest.mark.parametrize("product", [False, True])
def test_every_run_feels_all_of_its_pairs(product):
    """The gradient of the sum over runs is that of Σ over pairs, written out; teams do not touch."""
    task = sb.slabs([1, 3], n=64, n_test=8, rotate=False).to(dtype=torch.float64)
    fleet = sb.mlp(task, depth=1, width=6, runs=6)
    x, y = task.x.expand(6, -1, -1), task.y.expand(6, -1)
    with torch.enable_grad():
        bills = diversity(2.0, 3, product, rows=16)(fleet, x, y, fleet(x))
        found = torch.autograd.grad(
            bills.sum(), list(fleet.parameters()), retain_graph=True, allow_unused=True
        )
        team = slopes(fleet, x, 3, 16)
        total = torch.zeros((), dtype=torch.float64)
        for t in range(2):
            for i, j in ((0, 1), (0, 2), (1, 2)):
                a, b = team[t, i], team[t, j]  # (rows, d)
                each = (a * b).sum(-1) if product else F.cosine_similarity(a, b, dim=-1).square()
                total = total + 2.0 * each.mean()
        wanted = torch.autograd.grad(total, list(fleet.parameters()), retain_graph=True, allow_unused=True)
        other = torch.autograd.grad(bills[:3].sum(), list(fleet.parameters()), allow_unused=True)
    for a, b, c in zip(found, wanted, other, strict=True):
        assert (a is None) == (b is None)
        if a is not None and b is not None:
            assert torch.allclose(a, b, atol=1e-10)
            assert c is None or not c[3:].any()  # the second team has no part in the first one's bills


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_without_penalty_nobody_reads_a_slab(seed):
    """Fact 33 and row 9, λ = 0: at most .60 with one slab feature alone."""
    _, alone = trained((1, 3, 5), 4, 0.0, seed, 1500, 0.002)
    assert alone[..., 1:].max() <= 0.6 and alone[..., 0].min() >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("rotate", [False, True])
def test_with_penalty_somebody_reads_three_slabs(rotate):
    """Fact 33 at strength .1: 3-slab ≥ .85 in every team, accuracy ≥ .97; hardly a team reads five."""
    run, alone = trained((1, 3, 5), 4, 0.1, 31_000, 750, 0.002, rows=32, rotate=rotate)
    best = alone.amax(1)  # (teams, features)
    assert best[:, 1].min() >= 0.85 and best[:, 2].mean() <= 0.65
    assert run.snapshot().test_accuracy.view(5, 4).mean(1).min() >= 0.97
    reader = alone[range(5), alone[..., 1].argmax(1)]  # (teams, features)
    assert reader[:, 0].max() <= 0.65  # whoever reads the slabs does not read the line


@pytest.mark.slow
def test_too_much_penalty_costs_accuracy():
    """Fact 34, λ = 5; and the raw product, which has no lower bound."""
    strong, _ = trained((1, 3, 5), 4, 5.0, 2, 500, 0.002)
    raw, _ = trained((1, 3, 5), 4, 1.0, 2, 300, 0.002, product=True)
    assert strong.snapshot().test_accuracy.mean() <= 0.93
    assert raw.snapshot().test_accuracy.mean() <= 0.75


@pytest.mark.slow
def test_two_members_and_three_slabs():
    """Row 9, λ = 10 over ordered pairs, K = 2: slab-only ≥ .72, linear-only ≤ .56; here a little less."""
    _, alone = trained((1, 3), 2, 20.0, 0, 750, 0.003, rows=256)
    reader = alone[range(5), alone[..., 1].argmax(1)]  # (teams, features)
    assert reader[:, 1].min() >= 0.65 and reader[:, 1].mean() >= 0.7 and reader[:, 0].max() <= 0.6


HALVES = [(0, 2, 4, 6, 8), (0, 2, 3, 5, 8), (0, 1, 2, 3, 4)]
BLOCKS = [(0, 1), *((half, tuple(d for d in range(10) if d not in half)) for half in HALVES)]


@pytest.mark.slow
@pytest.mark.parametrize("mixed", [False, True])
def test_images_move_where_they_vary_and_nowhere_else(mixed):
    """Best of four on the three hard blocks: at least .57 in 16 main directions, .55 with pixels mixed."""
    task = sb.data.dominoes(BLOCKS, n=2000, n_test=2, seed=31_000)
    axes = main_axes(task.x, 16)
    pay = diversity(10.0, 4, rows=32, axes=mixed_axes(axes) if mixed else axes)
    fleet = sb.mlp(task, width=64, runs=20, seed=31_000)
    options = {"optimizer": "adam", "lr": 0.003, "batch": 128, "steps": 400, "every": 400}
    sb.last(sb.fit(fleet, task, **options, stop=None, penalty=pay))
    tests = [
        sb.data.dominoes(BLOCKS, correlation=row, n=2, seed=31_000)
        for row in (0.5 + 0.5 * torch.eye(4)).tolist()[1:]
    ]
    right = [(fleet.predict(t.x_test).argmax(-1) == t.y_test).float().mean(-1) for t in tests]
    hard = torch.stack(right, 1).view(5, 4, 3).amax(1).mean(1)  # (teams,)
    assert hard.max() <= 0.55 if mixed else hard.mean() >= 0.57


@pytest.mark.slow
def test_two_members_and_five_slabs():
    """Row 9: no effect on the 5-slab, in most teams."""
    _, alone = trained((1, 5), 2, 20.0, 3, 750, 0.003)
    assert alone[..., 1].amax(1).median() <= 0.65
