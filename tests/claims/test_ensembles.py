"""The science of the lesson on votes and adversaries: Shah et al. 2020, appendix E.1 and AdvMS.

Fact 31 of the course's sheet, its noisy twin and row 1 (iv), at other data, seeds and sizes than the
lesson's. AdvMS has the paper's twenty features, once with its 2 × 1,000 units (at radius .15).
"""

import pytest
import torch
from torch import Tensor

import sbkit as sb
from sbkit.lessons.simplicity.what_does_not_help import apart, lead, right, ten_features
from sbkit.lessons.simplicity.what_does_not_help import together as errors_together

pytestmark = pytest.mark.slow
ADAM = {"optimizer": "adam", "stop": None}


def vote(logits: Tensor, size: int) -> Tensor:
    """Mean logits of ensembles that share no member. (runs, n, C) → (runs // size, n, C)"""
    return logits[: len(logits) // size * size].unflatten(0, (-1, size)).mean(1)


def together(logits: Tensor, task: sb.Task) -> Tensor:
    """Mean correlation of the errors of two networks."""
    return errors_together((logits.argmax(-1) != task.y_test).float()).mean()


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
    task = ten_features("one simplest", seed) if dim == 10 else sb.lms(7, dim, 0.5, n=4000, seed=seed)
    fleet, logits = trained(task, seed=100 * seed, lr=0.01, steps=100, **ADAM)
    for size in (1, 3, 5, 10):
        assert (right(vote(logits, size), task).mean() - 0.75).abs() <= 0.02
    assert together(logits, task) >= 0.5
    assert apart(lead(logits, task)[:10]) >= 0.98  # the same networks, their errors on other rows
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


def hardened(pairs: int, radius: float, seed: int, width=100, runs=5, slowly=True, steps=900, **options):
    """AdvMS with so many pairs: accuracy under attack, and with S or Sᶜ shuffled. (runs,) each"""
    task = sb.slabs([5, 7] * pairs, margin=[0.05, 0.15] * pairs, n=6000, seed=seed)
    until = iter(range(1, steps + 1))

    def attack(fleet: sb.Fleet, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        now = radius * min(1, next(until) / (2 / 3 * steps)) if slowly else radius
        return sb.transforms.adversary("l2", now, 3)(fleet, x, y)

    options = ADAM | {"lr": 0.003, "batch": 128, "steps": steps} | options
    fleet, _ = trained(task, width, runs, 10 * seed, transform=attack, **options)
    attacked = fleet.predict(sb.measures.attack(fleet, task, radius=radius, rows=1000))
    robust = (attacked.argmax(-1) == task.y_test[:1000]).float().mean(-1)
    return robust, *(sb.randomized(fleet, task, names, "accuracy") for names in task.kinds.values())


@pytest.mark.parametrize(("radius", "least"), [(0.15, 0.9), (0.3, 0.65)])
def test_twenty_features_are_robust_by_the_narrow_slabs(radius, least):
    """Raised slowly; the paper's bound between .25 and .3 is one of its training, at once."""
    robust, without_s, without_others = hardened(10, radius, 5)
    assert robust.min() >= least
    assert (without_s - 0.5).abs().max() <= 0.04 and without_others.min() >= 0.98


def test_at_once_the_larger_radius_is_too_much():
    """AdvMS: a coin for ε ≥ .3 (paper), after as many steps."""
    robust, *_ = hardened(10, 0.3, 5, slowly=False)
    assert (robust - 0.5).abs().max() <= 0.05


def test_four_features_change_to_the_wide_slabs():
    """Our extension; the paper has twenty."""
    robust, without_s, without_others = hardened(2, 0.2, 3, slowly=False)
    assert robust.min() >= 0.97
    assert without_s.min() >= 0.85 and without_others.max() <= 0.7


def test_the_papers_width():
    """AdvMS, 2 × 1,000 units: robust by S alone (paper: 1.00 for ε ≤ .25)."""
    wide = {"width": 1000, "runs": 1, "lr": 0.001, "steps": 600, "slowly": False}
    robust, without_s, without_others = hardened(10, 0.15, 1, **wide)
    assert robust.min() >= 0.97
    assert (without_s - 0.5).abs().max() <= 0.03 and without_others.min() >= 0.98


@pytest.mark.parametrize("radius", [0.05, 0.1])
def test_an_adversary_does_not_make_the_slabs_count(radius):
    """Row 1 (iv): LMS-5, S-randomized ½, Sᶜ as before."""
    task = sb.lms(5, dim=10, n=6000, seed=5)
    options = ADAM | {"lr": 0.005, "steps": 400, "transform": sb.transforms.adversary("l2", radius, 3)}
    fleet, _ = trained(task, width=50, runs=5, seed=50, **options)
    assert (sb.randomized(fleet, task, "linear", "accuracy") - 0.5).abs().max() <= 0.03
    assert sb.randomized(fleet, task, list(task.features)[1:], "accuracy").min() >= 0.98
