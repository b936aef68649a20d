"""Transforms of minibatches: each run's own draws, and adversaries against slow loops and closed forms."""

import pytest
import torch
from cases import DOUBLE, FLEETS, assert_bitwise, assert_same_run, regression, slab_task, three_classes
from torch.nn import functional as F
from torch.testing import assert_close

import sbkit as sb

PLAIN = {"batch": 32, "steps": 12, "stop": None}


def jitter(fleet, x, y, step, generators):
    """Another scale for each run at every step."""
    scales = torch.stack([torch.rand(1, 1, generator=rng, dtype=DOUBLE) for rng in generators])
    return x * (1 + scales / (1 + step)), y


TRANSFORMS = {
    "noise": sb.transforms.noise(0.3),
    "linf": sb.transforms.adversary("linf", 0.1, 3),
    "l2": sb.transforms.adversary("l2", 0.1, 3),
    "own": jitter,
}
every_transform = pytest.mark.parametrize("name", TRANSFORMS)


@every_transform
@pytest.mark.parametrize("build", ["relu", "dropout", "layer norm"])
def test_run_r_alone_is_run_r_of_a_fleet(build, name):
    task, options = slab_task(), PLAIN | {"transform": TRANSFORMS[name], "seed": 3}
    fleet = FLEETS[build](task, runs=3, seed=1)
    sb.last(sb.fit(fleet, task, **options))
    for r in range(3):
        alone = FLEETS[build](task, runs=1, seed=1 + r)
        sb.last(sb.fit(alone, task, **options))
        assert_same_run(fleet, r, alone, atol=1e-10, rtol=1e-8)


@every_transform
def test_two_runs_by_turns_are_two_one_after_the_other(name):
    task, options = slab_task(), PLAIN | {"transform": TRANSFORMS[name]}
    fleets = [FLEETS["relu"](task, runs=2, seed=seed) for seed in (0, 0, 5, 5)]
    runs = [sb.fit(fleet, task, **options) for fleet in fleets]
    for _ in range(6):
        runs[0].train(2)
        runs[2].train(2)
    sb.last(runs[1])
    sb.last(runs[3])
    assert_bitwise(fleets[0], fleets[1])
    assert_bitwise(fleets[2], fleets[3])


def test_draws_leave_torchs_generator_alone():
    before = torch.get_rng_state()
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=2)
    sb.last(sb.fit(fleet, task, transform=sb.transforms.noise(1.0), **PLAIN))
    after = FLEETS["relu"](task, runs=2)
    assert not torch.equal(fleet.flat(), after.flat())
    torch.set_rng_state(before)


def test_noise_is_normal_and_other_for_every_run_and_step():
    seen = {}

    def spy(fleet, x, y, step, generators):
        noised, _ = sb.transforms.noise(0.5)(fleet, x, y, generators)
        seen[step] = (noised - x) / 0.5  # (runs, n, d)
        return noised, y

    task = slab_task(n=400)
    sb.last(sb.fit(FLEETS["relu"](task, runs=2), task, transform=spy, batch=400, steps=30, stop=None))
    drawn = torch.stack(list(seen.values()))  # (steps, runs, n, d)
    assert list(seen) == list(range(30))
    assert_close(drawn.mean(), torch.zeros((), dtype=DOUBLE), atol=0.02, rtol=0)
    assert_close(drawn.std(), torch.ones((), dtype=DOUBLE), atol=0.02, rtol=0)
    each = drawn.flatten(2).flatten(0, 1)  # (steps · runs, n · d)
    alike = torch.corrcoef(each) - torch.eye(len(each), dtype=DOUBLE)
    assert alike.abs().max() < 0.2


@pytest.mark.parametrize(
    "own",
    [
        lambda fleet, x, y: (x, y),
        lambda fleet, x, y, step: (x + 0 * step, y),
        lambda fleet, x, y, generators: (x[:, : 30 + len(generators)], y[:, : 30 + len(generators)]),
        lambda fleet, x, y, *, generators, step: (x, y),
        lambda fleet, x, y, scale=1.0: (scale * x, y),
    ],
)
def test_a_transform_takes_what_it_names(own):
    task = slab_task()
    fleets = [FLEETS["relu"](task, runs=2) for _ in range(2)]
    for fleet, transform in zip(fleets, (own, None), strict=True):
        sb.last(sb.fit(fleet, task, transform=transform, **PLAIN))
    assert_bitwise(*fleets)


def slowly_moved(net, x, y, norm, radius, steps):
    """The worst of one row x (d,) by the cross-entropy, step by step."""
    moved = x.clone()
    for _ in range(steps):
        moved.requires_grad_()
        F.cross_entropy(net(moved[None]), y[None]).backward()
        slope = moved.grad
        moved = moved.detach()
        if norm == "linf":
            moved = moved + 2.5 * radius / steps * slope.sign()
            moved = torch.minimum(torch.maximum(moved, x - radius), x + radius)
        else:
            moved = moved + 2.5 * radius / steps * slope / slope.norm()
            if (length := (moved - x).norm()) > radius:
                moved = x + (moved - x) * radius / length
    return moved


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_an_adversary_is_the_slow_loop(norm, steps):
    task = three_classes()
    fleet = sb.mlp(task, width=8, activation="tanh", runs=2)
    x = torch.stack([task.x[:6], task.x[6:12]])
    y = torch.stack([task.y[:6], task.y[6:12]])
    found, labels = sb.transforms.adversary(norm, 0.2, steps)(fleet, x, y)
    assert torch.equal(labels, y)
    assert found.requires_grad is False
    for r in range(2):
        net = fleet.run(r)
        slow = [slowly_moved(net, *row, norm, 0.2, steps) for row in zip(x[r], y[r], strict=True)]
        assert_close(found[r], torch.stack(slow))


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_a_linear_net_is_worst_against_its_weights(norm):
    task = slab_task()
    fleet = sb.mlp(task, depth=0, runs=3)
    x, y = task.x.expand(3, -1, -1), task.y.expand(3, -1)
    found, _ = sb.transforms.adversary(norm, 0.25, 5)(fleet, x, y)
    w = fleet.weights()[0]
    w = w[:, 1:] - w[:, :1]  # (runs, 1, d), of logit₁ − logit₀
    along = w.sign() if norm == "linf" else w / w.norm(dim=-1, keepdim=True)
    assert_close(found, x - 0.25 * (2.0 * y - 1).unsqueeze(2) * along)


def test_values_and_many_labels_have_adversaries_too():
    task = regression()
    many = sb.Task(task.z, (task.y > 0).long(), task.z_test, (task.y_test > 0).long(), task.features)
    for each in (task, many):
        fleet = sb.mlp(each, width=8, runs=2)
        x, y = each.x.expand(2, -1, -1), each.y.expand(2, -1, -1)
        found, _ = sb.transforms.adversary("l2", 0.1, 5)(fleet, x, y)
        loss = torch.nn.MSELoss() if each is task else torch.nn.BCEWithLogitsLoss()
        assert loss(fleet.predict(found), y.to(DOUBLE)) > loss(fleet.predict(x), y.to(DOUBLE))
        assert (found - x).norm(dim=-1).max() < 0.1 + 1e-9
        sb.last(sb.fit(fleet, each, transform=sb.transforms.adversary("linf", 0.1, 2), **PLAIN))


def test_a_label_beyond_many_is_refused():
    task = regression()
    many = sb.Task(task.z, (task.y > 0).long(), task.z_test, (task.y_test > 0).long(), task.features)
    with pytest.raises(sb.SbkitError, match="and the rows' y, classes 0…1"):
        sb.fit(sb.mlp(many, runs=2), many, transform=lambda fleet, x, y: (x, 2 * y))


@pytest.mark.parametrize(
    ("make", "given", "says"),
    [
        (sb.transforms.noise, (-1,), "std is a number at least 0, got -1; try 0"),
        (sb.transforms.noise, ("much",), "std is a number at least 0, got 'much'"),
        (sb.transforms.adversary, ("l1", 0.1, 5), "No norm named 'l1'; there are l2, linf. Did you mean"),
        (sb.transforms.adversary, ("l2", -0.1, 5), "radius is a number at least 0, got -0.1; try 0"),
        (sb.transforms.adversary, ("l2", 0.1, 0), "steps is a whole number of at least 1, got 0; try 1"),
        (sb.transforms.adversary, ("l2", 0.1, 2.5), "steps is a whole number of at least 1, got 2.5; try 2"),
    ],
)
def test_what_is_no_setting_is_refused(make, given, says):
    with pytest.raises(sb.SbkitError, match=says):
        make(*given)


def test_a_transform_of_other_arguments_is_refused():
    task = slab_task()
    with pytest.raises(
        sb.SbkitError, match=r"transform is a function of \(fleet, x, y\), got one of .*epoch"
    ):
        sb.fit(sb.mlp(task, runs=2), task, transform=lambda fleet, x, y, step, epoch: (x, y))
