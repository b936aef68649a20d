"""Widths of single layers, and the NTK parameterization: what is drawn, computed and trained."""

import copy

import pytest
import torch
from cases import DOUBLE, assert_bitwise, assert_same_run, regression, slab_task, three_classes
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import sbkit as sb
from sbkit.models import ACTIVATIONS, seeded
from sbkit.training.backpropagation import Backpropagation

NTK = {"parameterization": "ntk", "w_var": 1.7, "b_var": 0.3}


def test_a_width_a_layer():
    task = slab_task()
    assert [w.shape[1] for w in sb.mlp(task, width=(128, 64)).weights()] == [128, 64, 2]
    assert_bitwise(sb.mlp(task, width=[9, 9], runs=2), sb.mlp(task, depth=2, width=9, runs=2))
    assert_bitwise(sb.mlp(task, width=(), runs=2), sb.mlp(task, depth=0, runs=2))
    assert_bitwise(sb.mlp(task, depth=1, width=(9,), runs=2), sb.mlp(task, depth=1, width=9, runs=2))
    assert len(sb.mlp(task).weights()) == 3


def net_of(fleet, seed, sizes, activation="relu", w_var=1.7, b_var=0.3):
    """Weights of N(0, 1) and logits of one net, by hand."""
    layers = [nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False)]

    def draw():
        for layer in layers:
            for p in layer.parameters():
                p.data = torch.randn(p.shape)
        return [layer.to(DOUBLE) for layer in layers]

    def logits(x):
        h = x
        for i, layer in enumerate(layers):
            h = ACTIVATIONS[activation]()(h) if i else h
            h = (w_var / h.shape[1]) ** 0.5 * h @ layer.weight.mT + b_var**0.5 * layer.bias
        return h

    return seeded(draw, seed), logits


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_run_is_the_scaled_net_by_hand(activation):
    task = slab_task()
    fleet = sb.mlp(task, width=(12, 7), activation=activation, runs=3, seed=5, **NTK)
    for r in range(3):
        layers, logits = net_of(fleet, 5 + r, [3, 12, 7, 2], activation)
        for part, layer in zip(fleet.linears, layers, strict=True):
            assert torch.equal(part.weight[r], layer.weight) and torch.equal(part.bias[r], layer.bias)
        for found in (fleet(task.x)[r], fleet.run(r)(task.x), fleet.only(r)(task.x)[0]):
            assert_close(found, logits(task.x))
    assert_close(copy.deepcopy(fleet)(task.x), fleet(task.x))


def free(fleet, x, y, logits):
    """A penalty of nothing, which keeps a fit from writing its gradients out."""
    return 0 * logits.sum((1, 2))


OPTIONS = [NTK, NTK | {"b_var": 0.0}, {"parameterization": "ntk"}, NTK | {"width": ()}]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("make", [slab_task, three_classes, regression])
def test_written_gradients_are_autograds(activation, options, make):
    task, options = make(), {"width": (9, 5), "activation": activation, "runs": 2} | options
    one, other = sb.mlp(task, **options), sb.mlp(task, **options)
    assert Backpropagation.knows(one) == (activation != "gelu")
    for fleet, penalty in ((one, None), (other, free)):
        sb.last(sb.fit(fleet, task, lr=0.1, batch=32, steps=7, stop=None, penalty=penalty))
    for p, q in zip(one.parameters(), other.parameters(), strict=True):
        assert_close(p, q)


def test_it_trains_as_the_net_by_hand():
    task = slab_task(n=40)
    fleet = sb.mlp(task, width=(12, 7), runs=2, seed=5, **NTK)
    sb.last(sb.fit(fleet, task, optimizer="gd", lr=0.5, steps=4, stop=None))
    for r in range(2):
        layers, logits = net_of(fleet, 5 + r, [3, 12, 7, 2])
        optimizer = torch.optim.SGD([p for layer in layers for p in layer.parameters()], lr=0.5)
        for _ in range(4):
            optimizer.zero_grad()
            F.cross_entropy(logits(task.x), task.y).backward()
            optimizer.step()
        assert_close(fleet(task.x)[r], logits(task.x))


def test_a_scale_changed_by_hand_counts():
    task = slab_task()
    fleets = [sb.mlp(task, width=(9,), runs=2, **NTK) for _ in range(2)]
    for fleet, penalty in zip(fleets, (None, free), strict=True):
        run = sb.fit(fleet, task, batch=32, steps=10, stop=None, penalty=penalty)
        run.advance(steps=5)
        fleet.linears[0].scale, fleet.linears[1].shift = 0.2, 2.0
        sb.last(run)
    for r in range(2):
        assert_same_run(fleets[0], r, fleets[1], r)


def test_wide_nets_have_the_infinite_kernels():
    """|x|² = d, w_var 2, ReLU, two hidden layers: NNGP 2 and NTK 6 (Jacot et al. 2018; Lee et al. 2019)."""
    x = F.normalize(torch.randn(4, 5, dtype=DOUBLE), dim=1) * 5**0.5
    y = torch.tensor([0, 1, 0, 1])
    fleet = sb.mlp(sb.Task(x, y, x, y, {"x": sb.Feature((0,))}), width=400, runs=40, parameterization="ntk")
    logits, ntk = fleet(x), []
    for i in range(4):
        grads = torch.autograd.grad(logits[:, i, 0].sum(), list(fleet.parameters()), retain_graph=True)
        ntk.append(sum(g.square().flatten(1).sum(1) for g in grads))  # (runs,)
    assert_close(torch.stack(ntk).mean(), torch.tensor(6.0, dtype=DOUBLE), rtol=0.05, atol=0)
    assert_close(logits.square().mean(), torch.tensor(2.0, dtype=DOUBLE), rtol=0.25, atol=0)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"width": (8, 8), "depth": 3},
            r"sets 2 hidden layers, got depth=3; leave depth out, or try width=8",
        ),
        ({"width": (8, 0)}, "width is a whole number of at least 1, got 0"),
        ({"width": (8.0,)}, "width is a whole number of at least 1, got 8.0; try 8"),
        ({"width": "8"}, "width is a whole number"),
        ({"width": (10**6, 10**6)}, "weights × 8 bytes × 5 copies .* times smaller"),
        ({"depth": 10**12}, "layers × 6,000 bytes"),
        ({"parameterization": "NTK"}, "No parameterization named 'NTK'.* 'ntk'"),
        ({"parameterization": "ntk", "w_var": 0}, "w_var is a number above 0"),
        ({"parameterization": "ntk", "b_var": -1.0}, "b_var is a number at least 0"),
        ({"parameterization": "ntk", "w_var": "2"}, "w_var is a number above 0 .* got '2'"),
        ({"w_var": 1.0}, "belong to the parameterization 'ntk', .* got w_var=1.0, .*parameterization='ntk'"),
        ({"w_var": torch.ones(2)}, "w_var is a number above 0"),
        ({"b_var": 0.1}, "try parameterization='ntk'"),
    ],
)
def test_refuses(options, says):
    with pytest.raises(sb.SbkitError, match=says):
        sb.mlp(slab_task(), **options)
