"""Depth lowers the rank of features, where inputs share no direction: row 2 (c) and fact 13 of the sheet.

Other seeds, splits, widths and ways to train than the lesson's; the last hidden layer, on test images.
"""

import functools
import math

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.testing import assert_close

import sbkit as sb
from sbkit.lessons.rank import which_rank
from sbkit.measures import effective_rank, entropy_rank, kernel, pca_rank, stable_rank

PIXELS, DIGIT = (torch.tensor(each) for each in load_digits(return_X_y=True))
PIXELS = PIXELS / 16
MEAN = PIXELS.mean(0)
STRANGER = MEAN[torch.randperm(64, generator=torch.Generator().manual_seed(5))]
IMAGES = {
    "raw": PIXELS,
    "less": PIXELS - MEAN,
    "standard": (PIXELS - MEAN) / (PIXELS.std(0) + 1e-9),
    "stranger": PIXELS - MEAN + STRANGER,
}
HE = 6**0.5  # times torch's own weights
WAYS = {
    "wide": {"width": 100},
    "He": {"init": HE},
    "momentum": {"optimizer": "momentum", "lr": 0.02, "init": HE},
}


@functools.cache
def trained(images: str, depth: int, way: str = "", seed: int = 60) -> tuple[Tensor, Tensor]:
    """Features of 100 test images at birth and trained, of length 1, (runs, images, width) each."""
    options = {"width": 64, "init": 1.0, "optimizer": "adam", "lr": 0.003} | WAYS.get(way, {})
    task = sb.data.table(IMAGES[images], DIGIT, seed=seed)
    fleet = sb.mlp(task, depth=depth, runs=5, seed=seed, **{k: options.pop(k) for k in ("width", "init")})
    before = features(fleet, task)
    assert sb.last(sb.fit(fleet, task, steps=2000, **options)).accuracy.min() >= 0.95, "they learn the digits"
    return before, features(fleet, task)


def features(fleet: sb.Fleet, task: sb.Task) -> Tensor:
    with torch.no_grad():
        found = fleet.features(task.x_test[:100], len(fleet.weights()) - 2)
    return torch.nn.functional.normalize(found, dim=-1)


def rho(features: Tensor) -> Tensor:
    return entropy_rank(features @ features.mT)


def share(images: str, way: str = "") -> Tensor:
    """What eight trained layers keep of one layer's rank. (runs,)"""
    return rho(trained(images, 8, way)[1]) / rho(trained(images, 1, way)[1])


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_less_the_mean_image_deep_nets_have_the_lower_rank(way):
    """Huh et al. 2021 in their own measure; with the mean image left in it doesn't show."""
    assert share("less", way).max() <= 0.72
    assert share("raw", way).mean() >= share("less", way).mean() + 0.2


@pytest.mark.slow
def test_by_standard_pixels_too_and_a_stranger_undoes_it():
    assert share("standard").max() <= 0.65
    assert (share("stranger") - share("less")).min() >= 0.1


@pytest.mark.slow
def test_the_line_moves_the_shallow_nets():
    """One layer gains a nat by it, eight layers stay where they are; means of five."""
    gained = {d: rho(trained("less", d)[1]) - rho(trained("raw", d)[1]) for d in (1, 8)}
    assert gained[1].min() >= 0.7 and abs(gained[8].mean()) <= 0.3


@pytest.mark.slow
def test_training_raises_one_rank_and_lowers_another():
    """Eight layers: ρ rises from nothing, that of the centred kernel falls; one layer: ρ falls."""
    before, after = trained("less", 8)
    assert (rho(after) - rho(before)).min() >= 0.5
    centred = [each - each.mean(1, keepdim=True) for each in (before, after)]
    assert (rho(centred[1]) - rho(centred[0])).mean() <= -0.2
    before, after = trained("less", 1)
    assert (rho(after) - rho(before)).max() <= -0.15


@pytest.mark.slow
def test_five_rulers_agree_less_the_mean_image_only():
    rulers = [rho, stable_rank, effective_rank, lambda found: pca_rank(found, centre=False).double()]
    less, raw = (
        torch.stack([ruler(trained(name, 8)[1]) / ruler(trained(name, 1)[1]) for ruler in rulers])
        for name in ("less", "raw")
    )
    assert less.max() <= 0.85
    assert raw[1].mean() > 1 and raw[2].mean() <= 0.6


def test_a_kernel_squares():
    """The effective rank of F Fᵀ is that of σ², float64."""
    found = torch.randn(3, 20, 8, generator=torch.Generator().manual_seed(1)).double()
    squares = sb.spectrum(found).square().diag_embed()
    assert_close(effective_rank(found @ found.mT), effective_rank(squares), rtol=1e-9, atol=0)


def test_alike_is_a_mean_over_pairs_of_images():
    task = sb.data.table(PIXELS, DIGIT)
    fleet = sb.mlp(task, depth=2, width=8, runs=2)
    cosines, y = kernel(fleet, task.x_test[:100], "cosine"), task.y_test[:100]
    slow = [[cosines[:, y == a][:, :, y == b].mean((1, 2)) for b in range(10)] for a in range(10)]
    slow = torch.stack([torch.stack(row) for row in slow]).movedim(2, 0)  # (runs, 10, 10)
    assert_close(which_rank.alike(fleet, task), slow)


def by_formula(depth: int, rows: int) -> Tensor:
    """Effective rank of the cosine kernel of inputs at right angles, in float64."""
    c = torch.zeros((), dtype=torch.float64)
    for _ in range(depth):
        c = ((1 - c**2).sqrt() + (math.pi - torch.arccos(c)) * c) / math.pi
    values = torch.cat([(1 + (rows - 1) * c).view(1), (1 - c).expand(rows - 1)]) / rows
    return torch.special.entr(values).sum().exp()


def test_the_map_of_cosines():
    """Fact 13: 32 inputs at right angles: 18.33, 10.77, 5.36, 2.69, 1.62 directions after 1 … 16 layers."""
    closed = torch.stack([by_formula(depth, 32) for depth in (1, 2, 4, 8, 16)])
    assert_close(closed, torch.tensor([18.33, 10.77, 5.36, 2.69, 1.62]).double(), atol=0.006, rtol=0)


@pytest.mark.parametrize("images", ["raw", "less"])
def test_wide_nets_pull_digits_together_as_the_formula_says(images):
    rows, halves = IMAGES[images][200:300].float(), torch.arange(100) % 2
    nets = sb.mlp(sb.data.table(rows, halves, test=(rows, halves)), 8, 512, init=HE, runs=4)
    with torch.no_grad():
        [p.zero_() for name, p in nets.named_parameters() if "bias" in name]
    found = [kernel(nets, rows, "cosine", layer=layer).mean() for layer in range(8)]
    cosines = torch.nn.functional.normalize(rows, dim=1) @ torch.nn.functional.normalize(rows, dim=1).T
    for mean in found:
        angle = cosines.clamp(-1, 1).arccos()
        cosines = (angle.sin() + (math.pi - angle) * angle.cos()) / math.pi
        assert abs(cosines.mean() - mean) <= 0.05
