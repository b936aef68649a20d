"""Which weights are left."""

import pytest
import torch
from cases import slab_task

import sbkit as sb
from sbkit.measures import mask

TASK = slab_task()


@pytest.mark.parametrize("layer", [None, 0, 1, 2])
def test_it_tells_what_fit_masks(layer):
    fleet = sb.mlp(TASK, width=8, runs=3)
    kept = sb.models.prune(fleet, 0.7)
    run = sb.fit(fleet, TASK, mask=kept, steps=20, measure=["mask"])
    assert torch.equal(mask(fleet, TASK, layer).bool(), kept[1 if layer is None else layer])
    assert torch.equal(sb.last(run).values["mask"].bool(), kept[1])


def test_of_a_convolution_a_kernel_is_a_row():
    fleet = sb.models.fleet_of(
        lambda: torch.nn.Sequential(
            torch.nn.Unflatten(1, (1, 3)), torch.nn.Conv1d(1, 4, 2), torch.nn.Flatten(), torch.nn.Linear(8, 2)
        ).double(),
        runs=2,
    )
    assert mask(fleet, TASK, 0).shape == (2, 4, 2)


def test_it_is_drawn_of_one_run():
    from sbkit.plots import pictures

    fleet = sb.mlp(TASK, width=8, runs=3)
    run = sb.fit(fleet, TASK, mask=sb.models.prune(fleet, 0.5), measure=["mask"])
    picture = next(one for one in pictures([run.snapshot()]) if one.name == "mask")
    assert picture.values.shape == (8, 8) and set(picture.values.ravel()) == {0.0, 1.0}
    assert picture.caption == "Weights of a layer in run 0; dark: those that are not 0."


@pytest.mark.parametrize(
    ("layer", "says"), [(3, "layer is one of 0…2, got 3"), (-1, "layer"), ("first", "layer"), (1.0, "layer")]
)
def test_refused(layer, says):
    with pytest.raises(sb.SbkitError, match=says):
        mask(sb.mlp(TASK, width=8), TASK, layer)
