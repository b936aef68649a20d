"""The drawn zigzag is a classifier without errors, of as many pieces as the exercise asks for."""

import numpy as np
import pytest

import sbkit as sb
from sbkit.lessons.simplicity.which_feature_will_it_use import two_features, zigzag


@pytest.mark.parametrize("slabs", [3, 5, 7])
def test_the_zigzag_tells_every_point_with_a_piece_a_gap(slabs):
    task = sb.slabs([slabs], n=10, n_test=2000, rotate=False)
    score = zigzag(slabs).lines[-1]
    assert ((np.interp(task.z_test[:, 0], score.x, score.y) > 0) == task.y_test.numpy()).all()
    slopes = np.diff(score.y) / np.diff(score.x)
    assert len(slopes) == slabs - 1 and (np.sign(slopes[1:]) != np.sign(slopes[:-1])).all()
    assert slabs - 1 == sb.check.pieces.want[(1, 3, 5, 7).index(slabs)]


@pytest.mark.parametrize("slabs", [3, 5, 7])
def test_the_bars_cover_the_slabs(slabs):
    task = sb.slabs([slabs], n=10, n_test=2000, rotate=False)
    for label, bars in enumerate(zigzag(slabs).lines[:2]):
        sides = bars.x.reshape(-1, 3)[:, :2]  # left and right of each slab of the class
        z = task.z_test[task.y_test == label].numpy()  # (points, 1)
        assert ((z >= sides[:, 0] - 1e-6) & (z <= sides[:, 1] + 1e-6)).any(1).all()
        assert np.isnan(bars.y[2::3]).all(), "one slab ends where the next has not begun"


def test_the_hook_shows_features_that_each_tell_the_class():
    picture = two_features(7)
    assert picture.x.text == "linear" and picture.y.text == "slab7"
    assert ((picture.points[:, 0] > 0) == (picture.labels == 1)).all()
