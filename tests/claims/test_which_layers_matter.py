"""The science of the lesson "Which layers matter?", at other seeds than its own.

Row 30 of the course's sheet: Zhang et al. 2022 on layers taken back to birth, Chatterji et al. 2020 on module
criticality, whose formula is taken from summaries. Not asserted: nets of more than five layers, which at this
rate do not train reliably, and what the criticality of whole nets says of their error on new digits.
"""

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

import sbkit as sb
from sbkit.lessons.prediction.which_layers_matter import (
    ALPHAS,
    ROWS,
    SIGMAS,
    criticality,
    distance,
    elsewhere,
    error,
    freeze,
    rewound,
    strangers,
    swapped,
    valley,
)

SEEDS = [50, 150]  # five nets each


def small(runs: int = 3, seed: int = 0, dtype: Any = torch.float64) -> tuple[sb.Fleet, sb.Task]:
    """A small fleet in float64 whose weights have left their birth."""
    task = sb.data.digits(400, seed=seed).to(dtype=dtype)
    fleet = sb.mlp(task, width=(12, 8), runs=runs, seed=seed)
    sb.last(sb.fit(fleet, task, optimizer="momentum", lr=0.1, batch=50, steps=60, stop=None))
    return fleet, task


@cache
def trained(seed: int, frozen: tuple[int, ...] = (), width: int = 64) -> tuple[sb.Fleet, sb.Task]:
    """The lesson's nets, trained."""
    task = sb.data.digits(1000, seed=seed)
    fleet = sb.mlp(task, depth=4, width=width, runs=5, seed=seed)
    freeze(fleet, *frozen)
    sb.last(sb.fit(fleet, task, optimizer="momentum", lr=0.1, batch=64, steps=1500, stop=0.003))
    return fleet, task


def test_strangers_are_the_nets_of_other_seeds():
    fleet, task = small(seed=3)
    other = sb.mlp(task, width=(12, 8), runs=3, seed=10**6 + 3)
    assert all(
        torch.equal(a, b) for a, b in zip(strangers(fleet).parameters(), other.parameters(), strict=True)
    )


def test_rewound_is_each_net_with_one_layer_of_its_own_or_a_strangers():
    """Net by net, in plain torch."""
    fleet, task = small()
    for side, births in enumerate((sb.models.initial(fleet), strangers(fleet))):
        for r in range(3):
            slow = []
            for layer in (None, 0, 1, 2):
                net: Any = fleet.run(r)
                if layer is not None:
                    net[2 * layer].load_state_dict(births.run(r)[2 * layer].state_dict())  # type: ignore
                slow.append((net(task.x_test).argmax(-1) != task.y_test).double().mean())
            found = rewound(fleet, task)[r, side].double()
            assert torch.allclose(found, torch.stack(slow), rtol=0, atol=1e-6)


def test_swapping_changes_that_layer_alone_and_no_fleet():
    fleet, task = small()
    before, birth = fleet.predict(task.x_test), sb.models.initial(fleet)
    made = swapped(fleet, birth, 2)
    far = distance(fleet, made)
    assert (
        torch.equal(far[:, 1], distance(fleet, birth)[:, 1]) and not far[:, [0, 2]].any() and far[:, 1].all()
    )
    assert torch.equal(fleet.predict(task.x_test), before)


def test_elsewhere_is_as_far_as_birth():
    fleet, _ = small()
    ways = distance(fleet, elsewhere(fleet)), distance(fleet, sb.models.initial(fleet))
    assert torch.allclose(*ways, rtol=1e-10)


@pytest.mark.parametrize("number", [1, 3])
def test_a_valley_is_the_error_of_mixed_weights(number):
    """Without noise to speak of, against fleets whose layer was mixed by hand."""
    fleet, task = small()
    found, mixed = valley(fleet, task, number), swapped(fleet, fleet)
    i = 2 * number - 2
    ends = [[*one.parameters()][i : i + 2] for one in (sb.models.initial(fleet), fleet)]
    for k, alpha in enumerate(ALPHAS.tolist()):
        for p, born, now in zip([*mixed.parameters()][i : i + 2], *ends, strict=True):
            p.data = ((1 - alpha) * born + alpha * now).detach()
        slow = (mixed.predict(task.x[:ROWS]).argmax(-1) != task.y[:ROWS]).double().mean(-1)
        assert (found[:, k, 0].double() - slow).abs().max() < 0.02


def test_criticality_by_hand():
    """One allowed place at α = 0.5, σ = 2⁻²: (0.5 · 3 / 0.25)² = 36; at birth, 0."""
    errors = torch.ones(2, 11, 17, dtype=torch.float64)
    errors[0, 5, 12] = errors[1, 0, 0] = 0.1
    assert ALPHAS[5] == 0.5 and SIGMAS[12] == 0.25
    assert torch.allclose(
        criticality(errors, torch.tensor([3.0, 3.0]).double()), torch.tensor([36.0, 0]).double()
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_some_layers_can_go_back_to_their_own_birth_alone(seed):
    """In 25 trials: layer 1 at least .63, the best layer .09 ± .06, a stranger's .69 at least."""
    fleet, task = trained(seed)
    own, other = rewound(fleet, task).unbind(1)
    assert (own[:, 1] > 0.4).all() and own[:, 1:].amin(1).mean() < 0.25
    assert (other[:, 1:].mean(0) > 0.5).all()
    net = swapped(fleet, strangers(fleet), 4)
    freeze(net, 4)
    sb.last(sb.fit(net, task, optimizer="momentum", lr=0.1, batch=64, steps=60, stop=None))
    assert not distance(net, strangers(fleet))[:, 3].any() and (error(net, task) < 0.1).all()


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_criticality_orders_layers_and_distance_alone_breaks_none(seed):
    """By criticality .89 ± .19, by distance .89 ± .13 in 40 nets; 3 of them had .3 at most."""
    fleet, task = trained(seed)
    own, far = rewound(fleet, task)[:, 0], distance(fleet, sb.models.initial(fleet))
    mu = torch.stack([criticality(valley(fleet, task, k + 1), far[:, k]) for k in range(5)], 1)
    orders = [[spearmanr(*pair)[0] for pair in zip(by, own[:, 1:], strict=True)] for by in (mu, far)]
    assert np.mean(orders[0]) > 0.6 and np.mean(orders[1]) > 0.5
    assert (error(swapped(fleet, elsewhere(fleet), 1), task) < own[:, 1] - 0.3).all()


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_two_layers_cannot_go_back_at_once_but_need_no_training(seed):
    fleet, task = trained(seed)
    own, birth = rewound(fleet, task)[:, 0], sb.models.initial(fleet)
    assert (error(swapped(fleet, birth, 3, 4), task) - own[:, 3] - own[:, 4]).mean() > 0.1
    never, _ = trained(seed, frozen=(3, 4))
    assert not distance(never, sb.models.initial(never))[:, 2:4].any()
    assert (error(never, task) < own[:, 0] + 0.05).all()
    narrow, _ = trained(seed, width=16)
    assert rewound(narrow, task)[:, 0, 1:].amin(1).mean() > 0.1
