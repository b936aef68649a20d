"""The boundary against one point at a time: values, orientation, the plane it goes through."""

import pytest
import torch
from cases import DOUBLE, FLEETS, regression, slab_task, three_classes
from torch import nn
from torch.testing import assert_close

import sbkit as sb
from sbkit.core import window


@pytest.mark.parametrize("build", ["relu", "layer norm", "convnet"])
@pytest.mark.parametrize(("axes", "at"), [((0, 1), None), ((2, 0), 3), ((1, 2), 0)])
def test_is_the_probability_point_by_point(build, axes, at):
    """Entry [r, i, j]: axes[1] ascends with i, axes[0] with j, the other columns are those of a test row."""
    task = slab_task(n_test=20)
    fleet = FLEETS[build](task, runs=2)
    found = sb.boundary(fleet, task, axes=axes, at=at, resolution=7)
    (left, right), (bottom, top) = window(task, axes)
    assert found.shape == (2, 7, 7)
    for i in range(7):
        for j in range(7):
            z = task.z_test[at or 0].clone()
            z[axes[0]] = left + (right - left) * j / 6
            z[axes[1]] = bottom + (top - bottom) * i / 6
            for r in range(2):
                chance = fleet.run(r)(task.embed(z[None])).softmax(-1)[0, 1]
                assert_close(found[r, i, j], chance.detach())


@pytest.mark.parametrize(("column", "direction"), [(0, 1), (1, 0)])
def test_orientation(column, direction):
    """A net that reads axes[0] changes along a row of the image, one that reads axes[1] along a column."""
    task = sb.slabs((1, 3), n=20, n_test=20, rotate=False)
    fleet = sb.models.fleet_of(lambda: nn.Linear(2, 2, bias=False), runs=1)
    with torch.no_grad():
        fleet.weights()[0].zero_()[0, 1, column] = 5
    image = sb.boundary(fleet, task, resolution=9)[0]
    assert (image.diff(dim=direction) > 0).all() and (image.diff(dim=1 - direction) == 0).all()
    assert_close(image[4, 4], torch.tensor(0.5))


def test_window_holds_what_a_picture_shows_and_a_little_more():
    """The rows of a snapshot's sample: else the axes of a picture would not be those of its values."""
    whole = sb.planar("moons", noise=0.5, n_test=5000)
    snapshot = sb.fit(sb.mlp(whole, runs=1), whole).snapshot()
    assert window(whole) == window(snapshot.sample)
    task = slab_task((1, 3, 5), n_test=200)
    for axes in ((0, 1), (2, 1)):
        for low, high in window(task, axes):
            assert low == -high and high == pytest.approx(1.05 * task.z_test[:, axes].abs().max().item())


def test_probabilities_of_certain_nets_are_finite():
    task = slab_task()
    image = sb.boundary(sb.mlp(task, init=1e4, runs=2), task, resolution=5)
    assert image.isfinite().all() and image.min() >= 0 and image.max() <= 1


def test_three_classes_show_the_second():
    task = three_classes()
    fleet = sb.mlp(task, runs=2)
    image = sb.boundary(fleet, task, resolution=2)
    (left, _), (bottom, _) = window(task)
    corner = torch.tensor([[left, bottom]], dtype=DOUBLE)
    assert_close(image[:, 0, 0], fleet(corner).softmax(-1)[:, 0, 1].detach())


REFUSED = [
    ({"axes": (0, 3)}, r"two different columns of z, 0…2, got \(0, 3\); try \(0, 1\)"),
    ({"axes": (1, 1)}, r"two different columns of z, 0…2, got \(1, 1\)"),
    ({"axes": (0, 1, 2)}, "two different columns of z"),
    ({"axes": (-1, 0)}, "two different columns of z"),
    ({"at": 200}, "at is a test row, 0…199, got 200"),
    ({"at": -1}, "at is a whole number of at least 0, got -1"),
    ({"resolution": 1}, "resolution is a whole number of at least 2, got 1"),
    ({"resolution": 10**6}, "at most half of the free memory"),
]


@pytest.mark.parametrize(("options", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_refuses(options, says):
    task = slab_task()
    with pytest.raises(sb.SbkitError, match=says):
        sb.boundary(FLEETS["relu"](task, runs=2), task, **options)


def test_regression_has_no_boundary():
    task = regression()
    with pytest.raises(sb.SbkitError, match="boundary needs classes, got a regression task"):
        sb.boundary(sb.mlp(task), task)
