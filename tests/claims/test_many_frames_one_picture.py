"""The science of the gallery's many frames: Deudon et al. 2019 on small pictures, at other seeds.

Row 28 of the course's sheet. Its control, a camera at rest, is asserted: there more frames gain more.
"""

import numpy as np
import pytest
import torch

import sbkit as sb
from sbkit.lessons.gallery import many_frames_one_picture as extra


def trained(frames: int, moves: bool, noise: float, steps: int, seed: int) -> torch.Tensor:
    """PSNR of five nets on new pictures. (5,)"""
    task, fleet = (
        extra.shots(frames, moves, noise, seed=seed),
        sb.models.fleet_of(lambda: extra.Fusing(frames), 5, seed),
    )
    sb.last(sb.fit(fleet, task, optimizer="adam", lr=0.01, batch=32, steps=steps, stop=None))
    return extra.psnr(fleet, task)[:, 0]


def test_without_noise_a_resting_camera_sees_one_frame_four_times():
    task = extra.shots(4, False, 0.0, n=20, seed=3)
    frames = task.x.view(20, 4, 6, 6)
    assert torch.equal(frames, frames[:, :1].expand_as(frames))


def test_frames_are_pictures_moved_and_made_coarse():
    task = extra.shots(4, True, 0.0, n=50, seed=4)
    for x, y in zip(task.x.view(-1, 4, 6, 6).numpy(), task.y.view(-1, 12, 12).numpy(), strict=True):
        coarse = y.reshape(6, 2, 6, 2).mean((1, 3))
        assert np.allclose(x[0], coarse, atol=1e-5)
        ends = y[:, 1:11].reshape(6, 2, 5, 2).mean((1, 3))  # without what a step to a side shows anew
        for frame in x[1:]:
            near = [np.allclose(part, ends, atol=1e-5) for part in (frame[:, :5], frame[:, 1:])]
            assert any(near) or np.allclose(frame, coarse, atol=1e-5)
    assert abs(float(task.y.var()) - 1) < 0.1


def test_quality_is_what_it_is_called():
    task, fleet = extra.shots(2, n=8, seed=5), sb.models.fleet_of(lambda: extra.Fusing(2), 2, 5)
    error = (fleet.predict(task.x_test).double() - task.y_test).square().mean((1, 2))
    assert torch.allclose(extra.psnr(fleet, task)[:, 0].double(), 10 * torch.log10(16 / error), atol=1e-4)
    assert extra.views(fleet, task).shape == (2, 4, 12, 12)


@pytest.mark.slow
def test_with_noise_nets_average_and_a_resting_camera_gains_more():
    one, four, rest = (trained(*world, 1.0, 200, 5000) for world in ((1, True), (4, True), (4, False)))
    assert (four - one).mean() > 0.6 and ((rest - one) / (four - one)).mean() > 1.2


@pytest.mark.slow
def test_without_noise_nets_register_late():
    one = trained(1, True, 0.0, 300, 5100)  # which stands still from step 100 on
    assert (trained(4, True, 0.0, 200, 5100) - one).abs().max() < 0.3
    assert (trained(4, True, 0.0, 700, 5100) - one).mean() > 0.3
