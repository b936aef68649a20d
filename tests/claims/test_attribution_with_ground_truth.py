"""The science of the gallery's heatmaps: Islam and Zhang 2019 on scans whose lesion is known.

Row 17 of the course's sheet. Its line, twenty times luck for each method, is not reached by the plain
gradient in every net, and is reached by nets that were never trained.
"""

import numpy as np
import pytest
import torch

import sbkit as sb
from sbkit.lessons.gallery import attribution_with_ground_truth as extra


def test_a_scan_is_noise_and_a_cube():
    task = extra.scans(contrast=2.5, n=20, n_test=1, seed=7)
    corners = set()
    for z, x, y, mask in zip(task.z, task.x, task.y, extra.lesion(task.z), strict=True):
        corner = tuple(mask.view(8, 8, 8).nonzero()[0].tolist())
        slow = np.zeros((8, 8, 8))
        slow[tuple(slice(at, at + 2) for at in corner)] = 1
        assert np.array_equal(mask.view(8, 8, 8), slow)
        sign = 1 if y else -1
        assert torch.allclose(x, z[512:] + 2.5 * sign * torch.from_numpy(slow).flatten().float())
        corners.add(corner)
    assert len(corners) > 15


def test_what_is_found_is_the_share_of_the_brightest_eight():
    z = extra.scans(n=30, n_test=1, seed=9).z
    heat = torch.randn(2, 30, 512, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    masks = extra.lesion(z)
    slow = [
        [
            np.mean([bool(m[i]) for i in sorted(range(512), key=lambda i: -abs(h[i]))[:8]])
            for h, m in zip(run, masks, strict=True)
        ]
        for run in heat.tolist()
    ]
    assert np.allclose(extra.found(heat, z), slow, atol=1e-6)
    luck = extra.found(torch.randn(4000, 30, 512, generator=torch.Generator().manual_seed(1)), z)
    assert abs(float(luck.mean()) - 8 / 512) < 0.002


def test_occlusion_and_gradient_are_what_they_are_called():
    task = extra.scans(n=4, n_test=4, seed=3).to(dtype=torch.float64)
    fleet, x = extra.readers(runs=2, seed=3).double(), task.x_test
    score = fleet.predict(x)[..., 1]  # (2, 4)
    heat = {how: sb.measures.attribution(fleet, x, 1, how) for how in ("gradient", "occlusion")}
    for i in (0, 100, 511):
        blocked, up, down = x.clone(), x.clone(), x.clone()
        blocked[:, i] = 0
        up[:, i] += 1e-6
        down[:, i] -= 1e-6
        assert torch.allclose(heat["occlusion"][..., i], score - fleet.predict(blocked)[..., 1], atol=1e-10)
        slope = (fleet.predict(up) - fleet.predict(down))[..., 1] / 2e-6
        assert torch.allclose(heat["gradient"][..., i], slope, atol=1e-5)


def test_the_viewer_draws_a_heatmap_of_nothing():
    task = extra.scans(n=4, n_test=4)
    image, bars = extra.viewer(task, 1, torch.zeros(512), 3)
    assert np.isfinite(image.overlay).all() and np.isfinite(bars.values).all()


@pytest.mark.slow
def test_the_gradient_loses_to_no_net_and_untrained_nets_find_some():
    """Two draws of the scans, five nets each; at contrast 3 as in the lesson."""
    gaps, lows, blank, occluded = [], [], [], []
    for seed in (5000, 5100):
        fleet, task = extra.trained(seed=seed)
        assert sb.measures.accuracy(fleet.predict(task.x_test), task.y_test).min() > 0.96
        hit = extra.hits(fleet, task)
        gaps.append(hit["no net"] - hit["gradient"])
        lows.append(hit["gradient"])
        occluded.append(hit["occlusion"])
        blank.append(extra.hits(sb.models.initial(fleet), task)["input × gradient"])
    assert torch.cat(gaps).mean() > 0.03 and torch.cat(lows).min() < 0.31
    assert torch.cat(occluded).mean() > 0.5 and 0.2 < torch.cat(blank).mean() < 0.45


@pytest.mark.slow
def test_on_faint_lesions_a_net_is_worth_asking():
    fleet, task = extra.trained(2.0, seed=5200)
    hit = extra.hits(fleet, task)
    assert (hit["occlusion"] - hit["no net"]).mean() > 0.1
