"""Core and shortcut against what their definition says: moments, predictivity, embedding, refusals."""

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import sbkit as sb
from sbkit.lessons.simplicity.available_or_predictive import core_and_shortcut

MANY = {"n": 200_000, "n_test": 2, "dim": 2}  # standard error of a mean: 1/√100,000 a class, .0032


def signed(task: sb.Task) -> torch.Tensor:
    """Latents times the label ±1: one normal of mean μ for both classes. (n, 2)"""
    return task.z.double() * (2 * task.y - 1).unsqueeze(1)


@pytest.mark.parametrize("rho", [(0.9, 0.85), (0.9, 0.6), (0.75, 0.95)])
def test_moments_are_those_of_the_paper(rho):
    """Means √2·erf⁻¹(2ρ − 1), variances 1, correlation .6 given the label; 4 standard errors."""
    task = core_and_shortcut(predictivity=rho, seed=3, **MANY)
    means = torch.special.ndtri(torch.tensor(rho, dtype=torch.float64))  # Φ⁻¹(ρ), the same in other words
    assert_close(task.embed.means.double(), means, atol=1e-5, rtol=0)
    for label in (0, 1):
        rows = signed(task)[task.y == label]
        assert_close(rows.mean(0), means, atol=0.013, rtol=0)
        assert_close(rows.T.cov(), torch.tensor([[1, 0.6], [0.6, 1]]).double(), atol=0.02, rtol=0)


@pytest.mark.parametrize("rho", [(0.9, 0.85), (0.99, 0.5), (0.7, 0.8)])
def test_a_latent_has_the_sign_of_the_label_as_often_as_it_is_predictive(rho):
    found = (signed(core_and_shortcut(predictivity=rho, **MANY)) > 0).double().mean(0)
    assert_close(found, torch.tensor(rho).double(), atol=0.005, rtol=0)


def test_labels_are_balanced_on_both_sides():
    task = core_and_shortcut(n=1201, n_test=300)
    assert (
        task.y.bincount().tolist() in ([601, 600], [600, 601])
        and task.y_test.bincount().tolist() == [150] * 2
    )


def test_the_best_direction_is_that_of_many_rows():
    """Σ⁻¹μ in closed form against sklearn's LDA on 200,000 rows: the angle, within half a degree."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    for rho in ((0.9, 0.85), (0.9, 0.6), (0.8, 0.8)):
        task = core_and_shortcut(predictivity=rho, **MANY)
        found = LinearDiscriminantAnalysis(solver="lsqr").fit(task.z, task.y).coef_[0]
        angles = [math.degrees(math.atan2(b, a)) for a, b in (found, task.embed.bayes.tolist())]
        assert abs(angles[0] - angles[1]) < 0.7


def test_weights_of_the_best_classifier():
    """Fact 35: equal where both are as predictive; a negative one for a weak, correlated shortcut."""
    equal = core_and_shortcut(predictivity=(0.9, 0.9), n=10, n_test=10).embed.bayes
    assert_close(equal, torch.tensor([0.801, 0.801]), atol=1e-3, rtol=0)
    weak = core_and_shortcut(predictivity=(0.9, 0.6), n=10, n_test=10).embed.bayes
    assert weak[1].item() == pytest.approx(-0.806, abs=1e-3)


@pytest.mark.parametrize("sizes", [(1, 16), (0.25, 4), (3, 0)])
def test_an_unnested_latent_stands_on_a_line(sizes):
    """x = Σ αᵢ zᵢ wᵢ with unit wᵢ, and none of a latent that is amplified by 0."""
    task = core_and_shortcut(amplification=sizes, n=50, n_test=10, dim=30).to(dtype=torch.float64)
    w = task.embed(torch.eye(2, dtype=torch.float64))  # (2, dim), rows αᵢ wᵢ
    assert_close(w.norm(dim=1), torch.tensor(sizes).double(), atol=1e-5, rtol=1e-5)
    assert_close(task.x, task.z @ w)


def test_a_nested_latent_goes_through_tanh_layers():
    """Layer by layer in numpy; the other latent's part and size stay as they were."""
    task = core_and_shortcut(amplification=(1, 2), nesting=(0, 3), n=20, n_test=10, dim=16)
    task = task.to(dtype=torch.float64)
    core, shortcut = task.embed.nets
    layers = [layer.weight.numpy() for layer in shortcut if hasattr(layer, "weight")]
    assert len(core) == 1 and len(layers) == 3 + 1
    h = task.z[:, 1:].numpy()
    for weight in layers[:-1]:
        h = np.tanh(h @ weight.T)
    wanted = task.z[:, :1].numpy() @ core[0].weight.numpy().T + 2 * h @ layers[-1].T
    assert_close(task.x, torch.tensor(wanted))
    assert np.abs(h / 4).max() <= 0.25  # tanh bounds it: dim⁻½ an entry


def test_only_the_embedding_depends_on_amplification_and_nesting():
    plain, other = (
        core_and_shortcut(n=50, n_test=10, **options)
        for options in ({}, {"amplification": (2, 3), "nesting": (1, 0), "dim": 5})
    )
    assert torch.equal(plain.z, other.z) and torch.equal(plain.y, other.y)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"amplification": 5}, r"amplification is a pair, core and shortcut, got 5; try .*\(1, 16\)"),
        ({"predictivity": 0.9}, r"predictivity is a pair.*got 0.9; try predictivity=\(0.9, 0.85\)"),
        ({"predictivity": (0.9,)}, "predictivity is a pair"),
        ({"nesting": (1, 2, 3)}, r"nesting is a pair.*try nesting=\(0, 0\)"),
        ({"nesting": "ab"}, "nesting is a pair"),
        ({"amplification": None}, "amplification is a pair"),
        ({"predictivity": (0.9, 1)}, "predictivity is a number at least 0.5 and at most 0.999, got 1"),
        ({"predictivity": (0.4, 0.9)}, "predictivity is a number at least 0.5"),
        ({"amplification": (1, -1)}, "amplification is a number at least 0"),
        ({"nesting": (0, 0.5)}, "nesting is a whole number"),
        ({"dim": 1}, "dim is a whole number of at least 2"),
        ({"n": 10**11}, "GB"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_fix(given, said):
    with pytest.raises(sb.SbkitError, match=said):
        core_and_shortcut(**given)


@pytest.mark.parametrize("name", ["predictivity", "amplification", "nesting"])
def test_the_fix_that_an_error_names_works(name):
    with pytest.raises(sb.SbkitError) as error:
        core_and_shortcut(**{name: 5})
    fix = eval(str(error.value).split(f"{name}=")[-1].rstrip("."))
    core_and_shortcut(n=10, n_test=10, **{name: fix})
