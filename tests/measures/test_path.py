"""Paths between fleets against nets mixed by hand, barriers of toys, and the noise that a known net bears."""

import math

import pytest
import torch
from cases import DOUBLE, FLEETS, regression, slab_task, three_classes
from torch import nn
from torch.testing import assert_close

import sbkit as sb
from sbkit.measures import accuracy, barrier, path, perturbation_radius


class Scaled(nn.Module):
    """A net with statistics of its own: a float buffer that differs, and a count."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 3).double()
        self.register_buffer("scale", torch.rand(2, dtype=DOUBLE))
        self.register_buffer("count", torch.tensor(3))

    def forward(self, x):
        return self.layer(x * self.scale)


BUILDS = {name: FLEETS[name] for name in ("relu", "deep linear", "layer norm", "convnet")}
BUILDS["buffers"] = lambda task, **options: sb.models.fleet_of(Scaled, **options)


@pytest.mark.parametrize("build", BUILDS)
def test_path_is_that_of_nets_mixed_by_hand(build):
    task = three_classes()
    a, b = (BUILDS[build](task, runs=2, seed=seed) for seed in (0, 7))
    errors = path(a, b, task, points=5)
    assert errors.shape == (5, 2)
    for r in range(2):
        ends = [fleet.run(r).state_dict() for fleet in (a, b)]
        for i, t in enumerate((0, 0.25, 0.5, 0.75, 1)):
            net = a.run(r)
            state = {
                n: (1 - t) * p + t * ends[1][n] if p.is_floating_point() else p for n, p in ends[0].items()
            }
            net.load_state_dict(state)
            wrong = net(task.x_test).argmax(1) != task.y_test
            assert float(errors[i, r]) == pytest.approx(float(wrong.double().mean()), abs=1.01 / len(wrong))


def test_ends_are_the_fleets_and_both_stay_as_they_were():
    task = three_classes()
    a, b = (FLEETS["relu"](task, runs=3, seed=seed) for seed in (0, 5))
    before = [p.detach().clone() for fleet in (a, b) for p in fleet.parameters()]
    errors = path(a, b, task, points=2)
    for fleet, found in zip((a, b), errors, strict=True):
        assert torch.equal(found, 1 - accuracy(fleet.predict(task.x_test), task.y_test))
    assert all(map(torch.equal, before, [p for fleet in (a, b) for p in fleet.parameters()]))
    assert (path(a, a, task) == path(a, a, task)[0]).all() and (barrier(path(a, a, task)) == 0).all()


def test_the_way_over_a_net_of_no_weights_is_a_barrier():
    """From w to −w with classes told apart either way: halfway all logits are 0."""
    z = torch.linspace(-1, 1, 40, dtype=DOUBLE)[:, None]
    y = (z[:, 0] > 0).long()
    task = sb.Task(z, y, z, y, {"sign": sb.Feature((0,))})
    ends = [
        sb.models.fleet_of(lambda: nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 2)).double(), 1)
        for _ in "ab"
    ]
    for side, fleet in zip((1, -1), ends, strict=True):
        for p, value in zip(fleet.parameters(), (side, 0, side, 0), strict=True):
            p.data.fill_(value)
        last = list(fleet.parameters())[2]
        last.data[:, 0] *= -1
    errors = path(*ends, task, points=3)
    assert errors[:, 0].tolist() == [0, 0.5, 0] and barrier(errors).tolist() == [0.5]


@pytest.mark.parametrize(
    ("errors", "wanted"),
    [
        ([[0.1, 0.0], [0.5, 0.1], [0.3, 0.4]], [0.3, 0.2]),
        ([[0.2], [0.1], [0.2]], [0.0]),
        ([[0.1], [math.nan], [0.2]], [math.nan]),
        ([0.0, 1.0, 0.5], 0.75),
    ],
)
def test_barrier_toys(errors, wanted):
    assert_close(barrier(errors), torch.tensor(wanted, dtype=DOUBLE), equal_nan=True)


def one_weight(runs: int = 2) -> tuple[sb.Fleet, sb.Task]:
    """Nets with logits (0, w·x) of weight w = 1, 2, …, on rows of x = 1 that are all of class 1."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.randn(1, dtype=DOUBLE))

        def forward(self, x):
            return torch.cat([0 * x, self.w * x], dim=1)

    z = torch.ones(4, 1, dtype=DOUBLE)
    task = sb.Task(
        z, torch.ones(4, dtype=torch.int64), z, torch.ones(4, dtype=torch.int64), {"one": sb.Feature((0,))}
    )
    fleet = sb.models.fleet_of(Net, runs)
    fleet.predict(task.x)
    next(fleet.parameters()).data[:, 0] = torch.arange(1, runs + 1, dtype=DOUBLE) / 10
    return fleet, task


def test_radius_is_where_the_draws_flip_the_sign():
    """w + σe < 0 for e below −w/σ: a drop of .1 is the most negative of ten draws, of .2 the next."""
    fleet, task = one_weight()
    for drop, place in ((0.1, 0), (0.2, 1)):
        found = perturbation_radius(fleet, task, drop)
        for r in range(2):
            draws = torch.randn(10, 1, generator=sb.core.generator(0, r))
            lowest = float(draws.flatten().sort().values[place])
            assert lowest < 0
            assert float(found[r]) == pytest.approx((r + 1) / 10 / -lowest, abs=1e-4)


def test_radius_is_the_law_of_a_linear_net():
    """Rows w·x > 0 on a sphere, noise in k weights: the mean accuracy is that of the angle it turns by."""
    k, n = 50, 400
    x = torch.randn(n, k, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    w = torch.zeros(k, dtype=DOUBLE)
    w[0] = 1.0
    y = (x @ w > 0).long()
    task = sb.Task(x, y, x, y, {"all": sb.Feature(tuple(range(k)))})
    fleet = sb.models.fleet_of(lambda: nn.Linear(k, 2, bias=False).double(), 4)
    fleet.predict(x[:3])
    next(fleet.parameters()).data[:] = torch.stack([0 * w, w])
    # logit₁ − logit₀ has weights w + √2·σe, turned by atan(σ√(2(k − 1))): a share angle / π of rows is wrong
    wanted = math.tan(0.1 * math.pi) / math.sqrt(2 * (k - 1))
    assert (perturbation_radius(fleet, task) / wanted - 1).abs().max() < 0.25


def test_runs_are_those_of_a_fleet_alone():
    task = three_classes()
    fleet = FLEETS["relu"](task, runs=3, seed=4)
    task = sb.Task(task.z, fleet.predict(task.x)[1].argmax(1), task.z_test, task.y_test, task.features)
    found = perturbation_radius(fleet, task, 0.05)
    alone = FLEETS["relu"](task, runs=1, seed=5)
    assert float(found[1]) < 2 and torch.equal(perturbation_radius(alone, task, 0.05), found[1:2])
    assert not torch.equal(perturbation_radius(alone, task, 0.05, seed=1), found[1:2])


def test_a_run_that_noise_cannot_hurt_and_one_that_diverged():
    fleet, task = one_weight(runs=3)
    next(fleet.parameters()).data[:, 0] = torch.tensor([1e6, math.nan, 0.1], dtype=DOUBLE)
    found = perturbation_radius(fleet, task)
    assert found[0] == math.inf and found[1].isnan() and 0 < found[2] < 1
    errors = path(fleet, fleet, task)
    assert errors.isnan().all(0).tolist() == [False, True, False]


@pytest.mark.parametrize("build", BUILDS)
def test_weights_stay_as_they_were(build):
    task = three_classes()
    fleet = BUILDS[build](task, runs=2)
    before = {name: t.clone() for name, t in fleet.state_dict().items()}
    perturbation_radius(fleet, task)
    assert all(torch.equal(before[name], t) for name, t in fleet.state_dict().items())


def nets(**shape) -> sb.Fleet:
    return sb.mlp(TASK, **({"depth": 1, "width": 8, "runs": 2} | shape))


TASK = three_classes()
REFUSED = [
    (lambda: path(nets(), nets(width=9), TASK), "one architecture and as many runs, got .*=8.* and .*=9"),
    (lambda: path(nets(), nets(runs=3), TASK), r"as many runs, got .*\(2, 8, 2\).* and .*\(3, 8, 2\)"),
    (
        lambda: path(nets(), nets(activation="tanh"), TASK),
        r"got '\(1\): ReLU.*' and '\(1\): Tanh\(\)'; build both with one function",
    ),
    (lambda: path(nets(), nets(depth=2), TASK), "one architecture"),
    (lambda: path(nets(), nets().float(), TASK), "weights are torch.float32.*try fleet.to"),
    (lambda: path(nets(), TASK, TASK), "A fleet is many nets in one, got a Task"),
    (lambda: path(TASK, nets(), nets()), "sb.measures.path takes the fleet first"),
    (lambda: path(nets(), nets(), TASK, points=1), "points is a whole number of at least 2, got 1; try 2"),
    (lambda: path(nets(), nets(), TASK, points=2.5), "points is a whole number"),
    (lambda: path(*[sb.mlp(regression())] * 2, regression()), "got a regression task"),
    (lambda: path(nets(), nets(), slab_task()), "does not take the task's inputs, 3 columns"),
    (
        lambda: barrier([[0.1, 0.2]]),
        r"two points or more, errors \(points, runs\), got .*; try sb.measures",
    ),
    (lambda: barrier(0.5), "two points or more"),
    (lambda: barrier("high"), "A barrier is of numbers"),
    (lambda: perturbation_radius(nets(), TASK, drop=0), "drop is a number above 0 and at most 1, got 0"),
    (lambda: perturbation_radius(nets(), TASK, drop=10), "drop is a number above 0 and at most 1, got 10"),
    (lambda: perturbation_radius(nets(), TASK, seed=-1), "seed is a whole number of at least 0"),
    (lambda: perturbation_radius(TASK, nets()), "takes the fleet first"),
    (lambda: perturbation_radius(sb.mlp(regression()), regression()), "got a regression task"),
]


@pytest.mark.parametrize(("ask", "says"), REFUSED)
def test_refuses(ask, says):
    with pytest.raises(sb.SbkitError, match=says):
        ask()
