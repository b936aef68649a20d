"""The science of the lesson on votes and adversaries: Shah et al. 2020, appendix E.1 and AdvMS.

Fact 31 of the course's sheet, its noisy twin and row 1 (iv), at other data, seeds and sizes than the
lesson's. AdvMS with the paper's twenty features and 2 × 1,000 units is tried once, at radius .15; its border
between .25 and .3, for its time, with 100 units a layer and at .3 only.
"""

import pytest
import torch
from torch import Tensor

import sbkit as sb

pytestmark = pytest.mark.slow
ADAM = {"optimizer": "adam", "stop": None}


def right(logits: Tensor, task: sb.Task) -> Tensor:
    """Share of test rows right. (…, n, C) → (…)"""
    return (logits.argmax(-1) == task.y_test).float().mean(-1)


def vote(logits: Tensor, size: int) -> Tensor:
    """Mean logits of ensembles that share no member. (runs, n, C) → (runs // size, n, C)"""
    return logits[: len(logits) // size * size].unflatten(0, (-1, size)).mean(1)


def together(logits: Tensor, task: sb.Task) -> Tensor:
    """Mean correlation of the errors of two networks."""
    wrong = (logits.argmax(-1) != task.y_test).float()  # (runs, n)
    return (torch.corrcoef(wrong).nan_to_num().sum(1) - 1).mean() / (len(wrong) - 1)


def trained(task: sb.Task, width=5, runs=50, seed=0, **options) -> tuple[sb.Fleet, Tensor]:
    """A fleet after training, and its logits of test rows. (runs, n, C)"""
    fleet = sb.mlp(task, width=width, runs=runs, seed=seed)
    sb.last(sb.fit(fleet, task, **{"every": 10_000} | options))
    return fleet, fleet.predict(task.x_test)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    "options", [ADAM | {"lr": 0.01, "steps": 100}, {"width": 10, "lr": 0.3, "steps": 500, "stop": None}]
)
def test_independent_errors_cancel(options, seed):
    """MS-5: about 75 % alone, 15 points more with 5, 20 more with 10 (appendix E.1)."""
    task = sb.slabs([5] * 10, n=4000, seed=seed)
    _, logits = trained(task, seed=100 * seed, **options)
    alone = right(logits, task).mean()
    assert 0.65 <= alone <= 0.85
    assert 0.1 <= right(vote(logits, 5), task).mean() - alone <= 0.22
    assert 0.15 <= right(vote(logits, 10), task).mean() - alone <= 0.27
    assert together(logits, task) <= 0.15


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_five_that_are_nearly_there(seed):
    """Fact 31: .75 to .90 alone, at least .98 with 5; whose feature counts most differs by seed."""
    task = sb.slabs([5] * 10, n=4000, seed=seed)
    fleet, logits = trained(task, width=4, seed=100 * seed, lr=0.01, steps=200, **ADAM)
    assert 0.75 <= right(logits, task).mean() <= 0.9
    fives = right(vote(logits, 5), task)  # (10,)
    assert fives.mean() >= 0.98 and fives.min() >= 0.9  # one of thirty: .946
    assert len(sb.reliance(fleet, task).argmax(1).unique()) >= 8


@pytest.mark.parametrize("dim", [10, 20])
@pytest.mark.parametrize("seed", [1, 2])
def test_shared_errors_do_not(dim, seed):
    """Noisy LMS-7, p = .5: 75 % with 3, 5 and 10 (appendix E.1)."""
    task = sb.lms(7, dim=dim, noise=0.5, n=4000, seed=seed)
    fleet, logits = trained(task, seed=100 * seed, lr=0.01, steps=100, **ADAM)
    for size in (1, 3, 5, 10):
        assert (right(vote(logits, size), task).mean() - 0.75).abs() <= 0.02
    assert together(logits, task) >= 0.5
    assert (sb.reliance(fleet, task).argmax(1) == 0).all()


@pytest.mark.parametrize("size", [3, 5])
def test_a_vote_relies_on_what_its_members_rely_on(size):
    """Notebook 04: LMS-5, ensemble of 3, S-randomized .507, Sᶜ 1.000; row 1 (iv)."""
    task = sb.lms(5, dim=10, n=5000, seed=4)
    fleet, _ = trained(task, width=100, runs=5 * size, seed=40, lr=0.1, steps=1500)
    order = torch.randperm(len(task.z_test), generator=torch.Generator().manual_seed(1))
    for columns, low, high in (([0], 0.47, 0.53), (list(range(1, 10)), 0.99, 1.0)):
        z = task.z_test.clone()
        z[:, columns] = z[order][:, columns]
        found = right(vote(fleet.predict(task.embed(z)), size), task)
        assert low <= found.min() and found.max() <= high


def adversary(radius: float, steps: int = 3):
    """A batch moved to where each run errs most, within `radius`."""

    def transform(fleet: sb.Fleet, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        moved, side = x, 2 * y - 1
        for _ in range(steps):
            moved = moved.detach().requires_grad_()
            with torch.enable_grad():
                logits = fleet(moved)
                odds = (side * (logits[..., 0] - logits[..., 1])).sum()
            step = torch.nn.functional.normalize(torch.autograd.grad(odds, moved)[0], dim=-1)
            change = moved.detach() + 2.5 * radius / steps * step - x
            moved = x + change * (radius / change.norm(dim=-1, keepdim=True).clamp_min(1e-12)).clamp_max(1)
        return moved, y

    return transform


def margin(task: sb.Task, columns: list[int]) -> Tensor:
    """Half the least distance of two training rows of different class in these columns."""
    return torch.cdist(*(task.z[task.y == c][:, columns] for c in (0, 1))).min() / 2


def hardened(pairs: int, radius: float, seed: int, width=50, runs=5, steps=1200, **options):
    """AdvMS with so many pairs: the task, accuracy under attack, and with S or Sᶜ shuffled. (runs,) each"""
    task = sb.slabs([5] * pairs + [7] * pairs, margin=[0.05] * pairs + [0.15] * pairs, n=6000, seed=seed)
    options = ADAM | {"lr": 0.005, "batch": 128, "steps": steps} | options
    fleet, _ = trained(task, width, runs, 10 * seed, transform=adversary(radius), **options)
    attacked = fleet.predict(sb.measures.attack(fleet, task, radius=radius, rows=1000))
    robust = (attacked.argmax(-1) == task.y_test[:1000]).float().mean(-1)
    return task, robust, *(sb.randomized(fleet, task, names, "accuracy") for names in task.kinds.values())


@pytest.mark.parametrize("seed", [1, 2])
def test_eight_features_are_robust_by_the_narrow_slabs_or_not_at_all(seed):
    for radius in (0.1, 0.15):
        _, robust, without_s, without_others = hardened(4, radius, seed)
        assert robust.min() >= 0.95
        assert (without_s - 0.5).abs().max() <= 0.05 and without_others.min() >= 0.97
    task, robust, *_ = hardened(4, 0.3, seed)
    assert robust.max() <= 0.55  # one class, whatever comes, or worse
    assert margin(task, list(range(8))) >= 0.34  # and the data allow more


def test_four_features_change_to_the_wide_slabs():
    """Where the paper's sentence is false."""
    task, robust, without_s, without_others = hardened(2, 0.2, 3, steps=1800)
    assert margin(task, [0, 1]) < 0.1 and robust.min() >= 0.97
    assert without_s.min() >= 0.85 and without_others.max() <= 0.7


def test_the_papers_twenty_features():
    """AdvMS: margins about .30 and .62; robust by S alone at .15, a coin at .3 (paper: ε ≤ .25, ε ≥ .3)."""
    wide = {"width": 100, "runs": 3, "lr": 0.003, "batch": 256}
    task, robust, without_s, without_others = hardened(10, 0.15, 0, **wide)
    assert 0.25 <= margin(task, list(range(10))) <= 0.4
    assert 0.55 <= margin(task, list(range(20))) <= 0.7
    assert robust.min() >= 0.9
    assert (without_s - 0.5).abs().max() <= 0.03 and without_others.min() >= 0.98
    _, robust, *_ = hardened(10, 0.3, 0, **wide | {"steps": 600})
    assert (robust - 0.5).abs().max() <= 0.05


def test_the_papers_width():
    """AdvMS, 2 × 1,000 units: robust by S alone (paper: 1.00 for ε ≤ .25)."""
    wide = {"width": 1000, "runs": 1, "lr": 0.001, "steps": 600}
    _, robust, without_s, without_others = hardened(10, 0.15, 1, **wide)
    assert robust.min() >= 0.97
    assert (without_s - 0.5).abs().max() <= 0.03 and without_others.min() >= 0.98


@pytest.mark.parametrize("radius", [0.05, 0.1])
def test_an_adversary_does_not_make_the_slabs_count(radius):
    """Row 1 (iv): LMS-5, S-randomized ½, Sᶜ as before."""
    task = sb.lms(5, dim=10, n=6000, seed=5)
    options = ADAM | {"lr": 0.005, "steps": 400, "transform": adversary(radius)}
    fleet, _ = trained(task, width=50, runs=5, seed=50, **options)
    assert (sb.randomized(fleet, task, "linear", "accuracy") - 0.5).abs().max() <= 0.03
    assert sb.randomized(fleet, task, list(task.features)[1:], "accuracy").min() >= 0.98
