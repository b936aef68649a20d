"""The science of the lesson "Which attack teaches best?", at other seeds than its own.

Row 44 of the course's sheet: Luo, Mobahi and Bengio 2020 on a hundred digits. Not asserted: which way is best
on digits as they are, where no way that helps differs from another by more than its spread.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy.ndimage import affine_transform

import sbkit as sb
from sbkit.lessons.training import attacks_that_teach as extra

NOTEBOOK = Path(__file__).parents[2] / "notebooks/7-training/04-attacks-that-teach.ipynb"
SEEDS = [20_000, 20_100, 20_200]  # four nets each


@cache
def lesson() -> dict[str, Any]:
    """The lesson's own way to teach: net."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {"sb": sb, "extra": extra}
    exec("".join(next(cell["source"] for cell in cells if cell["id"] == "plain")), names)  # noqa: S102
    return names


@cache
def taught(*way: Any) -> torch.Tensor:
    """Mean shares read over nets and draws, as they are and warped. (2,)"""
    return torch.cat([lesson()["net"](way, seed) for seed in SEEDS]).mean(0)


def test_a_warp_is_an_affine_map_by_scipy():
    """In float64, with zeros around: torch's −1…1 is half a pixel outside the outer centres."""
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(4, 64, dtype=torch.float64, generator=rng)
    p = 0.2 * torch.randn(4, 6, dtype=torch.float64, generator=rng)
    for image, one, found in zip(images, p, extra.warp(images, p), strict=True):
        a, b, c, d, e, f = (one + torch.tensor(extra.STAY, dtype=torch.float64)).tolist()
        matrix, shift = [[e, d], [b, a]], [f, c]  # rows first
        offset = [3.5 + 4 * t - 3.5 * (r[0] + r[1]) for t, r in zip(shift, matrix, strict=True)]
        padded = torch.zeros(40, 40, dtype=torch.float64)
        padded[16:24, 16:24] = image.view(8, 8)  # so that the border fades to 0 as torch's does
        offset = [16 + o - 16 * (r[0] + r[1]) for o, r in zip(offset, matrix, strict=True)]
        want = affine_transform(padded.numpy(), matrix, offset, order=1, mode="constant")[16:24, 16:24]
        assert found.view(8, 8).numpy() == pytest.approx(want, abs=1e-9)


def test_a_quarter_is_one_pixel():
    x = torch.rand(1, 64, dtype=torch.float64)
    p = torch.zeros(1, 6, dtype=torch.float64)
    p[0, 2] = 0.25
    moved = extra.warp(x, p).view(8, 8)
    torch.testing.assert_close(moved[:, :-1], x.view(8, 8)[:, 1:])


@pytest.mark.parametrize("kind", ["pixels", "warp"])
def test_an_attack_climbs_by_finite_differences(kind):
    """The step raises the loss by size × slope, and no random direction raises it more."""
    task = sb.data.digits(30)
    fleet = sb.mlp(task, width=32, runs=2, activation="tanh").double()
    x, y = task.x[:5].double().expand(2, -1, -1), task.y[:5].expand(2, -1)

    def images(p):
        return extra.warp(x, p) if kind == "warp" else x + p

    start = torch.zeros(2, 5, 6 if kind == "warp" else 64, dtype=torch.float64)
    up = extra.climbed(fleet, y, start + 0.01, images)
    assert torch.allclose(up.norm(dim=-1), torch.ones(2, 5, dtype=torch.float64))

    def rise(way):
        ends = [sb.losses.against(fleet(images(start + 0.01 + sign * 1e-5 * way)), y) for sign in (1, -1)]
        return ends[0] - ends[1]  # (2, 5)

    for seed in range(10):
        away = torch.randn(start.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        assert (rise(away / away.norm(dim=-1, keepdim=True)) < rise(up)).all()


@pytest.mark.parametrize("kind", extra.KINDS)
def test_a_run_alone_is_the_run_in_a_fleet(kind):
    task = sb.data.digits(60)
    ends = []
    for runs, seed in ((3, 0), (1, 2)):
        fleet = sb.mlp(task, width=8, runs=runs, seed=seed)
        sb.last(sb.fit(fleet, task, transform=extra.attack(kind, 0.3), steps=5, stop=None, seed=0))
        ends.append(fleet.weights()[0][-1])
    torch.testing.assert_close(*ends, rtol=1e-3, atol=1e-5)


def test_a_kind_that_is_not_known_is_refused():
    with pytest.raises(sb.core.SbkitError, match="wrap"):
        extra.attack("wrap", 0.2)


@pytest.mark.slow
def test_the_aim_adds_to_warps_and_the_strongest_attack_teaches_nothing():
    none, random, aimed = taught("none", 0), taught("random warp", 0.2), taught("warp", 0.2)
    assert random[1] > none[1] + 0.1 and aimed[1] > random[1] + 0.02
    assert abs(aimed[0] - random[0]) < 0.03 and aimed[0] > none[0] - 0.02
    assert aimed[1] > taught("pixels", 1)[1] + 0.12
    assert taught("warp", 0.8, 0, True)[0] < 0.3 < none[0]
