"""The bias to a shortcut: closed forms, fleets whose answer is known, and a slow obvious version."""

import math

import pytest
import torch
from cases import DOUBLE, FLEETS, slab_task
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import nn
from torch.testing import assert_close

import sbkit as sb
from sbkit.lessons.simplicity.available_or_predictive import (
    _leaning,
    _probes,
    core_and_shortcut,
    shortcut_bias,
)

BAYES = {0.6: -1.0, 0.7: -1.0, 0.8: -0.938, 0.85: -0.689}  # reliance of the best classifier, fact 35


def made(shortcut: float = 0.85, **options) -> sb.Task:
    """A task in float64 whose core is right on 90 %."""
    return core_and_shortcut((0.9, shortcut), n=40, n_test=20, **{"dim": 6} | options).to(dtype=DOUBLE)


def leaning_by_hand(answer, task: sb.Task) -> float:
    """Mean of ŷ(sign z_s − sign z_c), one probe after the other; answer: latents (z_c, z_s) → ŷ."""
    core, shortcut = (3 * float(mean) for mean in task.embed.means)
    places = [-1 + 2 * i / 29 for i in range(30)]
    total = 0.0
    for z_c in (core * place for place in places):
        for z_s in (shortcut * place for place in places):
            total += answer(z_c, z_s) * (math.copysign(1, z_s) - math.copysign(1, z_c))
    return total / 900


def reading(task: sb.Task, core: float, shortcut: float) -> sb.Fleet:
    """One linear net whose answer is sign(core·z_c + shortcut·z_s)."""
    fleet = sb.mlp(task, depth=0, runs=1)
    directions = task.embed(torch.eye(2, dtype=DOUBLE))  # (2, dim), rows αᵢ wᵢ
    weight, bias = fleet.parameters()
    with torch.no_grad():
        weight[0, 1] = torch.linalg.pinv(directions) @ torch.tensor([core, shortcut], dtype=DOUBLE)
        weight[0, 0], bias[0] = 0, 0
    return fleet


@pytest.mark.parametrize(("shortcut", "wanted"), BAYES.items())
def test_reliance_of_the_best_classifier(shortcut, wanted):
    """Fact 35, ±.001; a net that reads the core alone has reliance −1, so its bias tells the rest."""
    task = made(shortcut)
    core, weight = task.embed.bayes.tolist()
    by_hand = leaning_by_hand(lambda z_c, z_s: math.copysign(1, core * z_c + weight * z_s), task)
    assert by_hand == pytest.approx(wanted, abs=1e-3)
    assert_close(
        shortcut_bias(reading(task, 1, 0), task),
        torch.tensor([-1 - by_hand], dtype=DOUBLE),
    )


@pytest.mark.parametrize("shortcut", [0.6, 0.85, 0.9])
def test_core_and_shortcut_alone_differ_by_two(shortcut):
    """Fact 36: reliance of sign(z_c) is −1 and of sign(z_s) +1, exactly."""
    task = made(shortcut)
    z = _probes(task.embed.means)
    assert _leaning(z[:, 0].sign(), z) == -1 and _leaning(z[:, 1].sign(), z) == 1
    apart = shortcut_bias(reading(task, 0, 1), task) - shortcut_bias(reading(task, 1, 0), task)
    assert_close(apart, torch.tensor([2.0], dtype=DOUBLE))


@pytest.mark.parametrize("shortcut", [0.6, 0.8, 0.85])
def test_the_best_classifier_is_unbiased(shortcut):
    """Not asked at .9: there the boundary runs through 30 of the probes, which rounding decides."""
    task = made(shortcut, amplification=(1, 16))
    assert shortcut_bias(reading(task, *task.embed.bayes.tolist()), task).abs() < 1e-12


def test_lda_on_many_rows_is_unbiased():
    """The paper's own yardstick, sklearn's LDA, comes within .02 of the closed form on 400,000 rows."""
    task = core_and_shortcut(n=400_000, n_test=2, dim=2)
    lda = LinearDiscriminantAnalysis(solver="lsqr").fit(task.z, task.y)
    assert shortcut_bias(reading(task.to(dtype=DOUBLE), *lda.coef_[0]), task.to(dtype=DOUBLE)).abs() < 0.02


@pytest.mark.parametrize("build", ["relu", "tanh", "layer norm"])
def test_is_what_a_loop_over_probes_says(build):
    task = made(amplification=(1, 4), nesting=(0, 1))
    fleet = FLEETS[build](task, runs=3)
    core, shortcut = task.embed.bayes.tolist()
    best = leaning_by_hand(lambda z_c, z_s: math.copysign(1, core * z_c + shortcut * z_s), task)
    for r, found in enumerate(shortcut_bias(fleet, task)):
        net = fleet.run(r)

        def answer(z_c: float, z_s: float, net=net) -> int:
            logits = net(task.embed(torch.tensor([[z_c, z_s]], dtype=DOUBLE)))[0]
            return 1 if logits[1] > logits[0] else -1

        assert float(found) == pytest.approx(leaning_by_hand(answer, task) - best)


def test_does_not_depend_on_the_scale_of_logits_or_the_rows():
    task = made()
    fleet, other = (
        sb.mlp(task, runs=3),
        core_and_shortcut(n=9, n_test=7, dim=6).to(dtype=DOUBLE),
    )
    before = shortcut_bias(fleet, task)
    assert len(before.unique()) == 3
    with torch.no_grad():
        for layer in list(fleet.parameters())[-2:]:
            layer.mul_(7)
    assert_close(shortcut_bias(fleet, task), before)
    moved = sb.Task(other.z, other.y, other.z_test, other.y_test, other.features, task.embed)
    assert_close(shortcut_bias(fleet, moved), before)


def test_a_constant_answer_has_reliance_zero():
    """The grid is symmetric; so does a net whose answer is a tie everywhere."""
    task = made()
    for constant in (0.0, 1.0):
        fleet = sb.models.fleet_of(lambda: nn.Linear(6, 2).double(), runs=1)
        with torch.no_grad():
            weight, bias = fleet.parameters()
            weight.zero_(), bias.copy_(torch.tensor([[0.0, constant]]))
        assert shortcut_bias(fleet, task).item() == pytest.approx(0.689, abs=1e-3)


def test_a_diverged_run_has_no_bias():
    task = made()
    fleet = sb.mlp(task, runs=3)
    sound = shortcut_bias(fleet, task)
    with torch.no_grad():
        next(fleet.parameters())[1] = math.nan
    found = shortcut_bias(fleet, task)
    assert found.isnan().tolist() == [False, True, False] and torch.equal(found[::2], sound[::2])


def test_a_task_without_a_best_classifier_is_refused():
    with pytest.raises(sb.SbkitError, match=r"try core_and_shortcut"):
        shortcut_bias(sb.mlp(slab_task()), slab_task())
