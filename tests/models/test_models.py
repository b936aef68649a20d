"""Fleets of plain nets and of any module against the same nets one by one."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from cases import FLEETS, TASKS, convnet, layer_norm, regression, slab_task, three_classes, weights
from torch import nn
from torch.nn.utils import parametrize, prune
from torch.testing import assert_close

import sbkit as sb
from sbkit.models import ACTIVATIONS, seeded

every_fleet = pytest.mark.parametrize("build", FLEETS)


def plain(sizes: list[int], activation: type[nn.Module]) -> nn.Sequential:
    """The net that any PyTorch tutorial would write."""
    layers = []
    for a, b in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(a, b), activation()]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("depth", range(4))
def test_a_run_is_the_plain_net_of_its_seed(activation, depth):
    """Weight for weight and bit for bit, and torch's own generator is left alone."""
    task = sb.slabs([1, 5, 5], n=20, n_test=10)
    state = torch.random.get_rng_state()
    fleet = sb.mlp(task, depth=depth, width=7, activation=activation, runs=3, seed=11)
    assert torch.equal(state, torch.random.get_rng_state())
    for r in range(3):
        with torch.random.fork_rng():
            torch.manual_seed(11 + r)
            net = plain([3, *[7] * depth, 2], ACTIVATIONS[activation])
        for name, weight in net.state_dict().items():
            assert torch.equal(weight, fleet.run(r).state_dict()[name])
        assert_close(fleet(task.x)[r], net(task.x))


def test_init_multiplies():
    task = slab_task()
    for one, three in zip(sb.mlp(task).parameters(), sb.mlp(task, init=3.0).parameters(), strict=True):
        assert_close(3 * one, three)


@every_fleet
@pytest.mark.parametrize("task", TASKS)
def test_logits_are_those_of_the_nets_one_by_one(build, task):
    task = TASKS[task]()
    fleet = FLEETS[build](task, runs=3, seed=2)
    own = torch.stack([task.x.roll(r, 0) for r in range(3)])
    shared_logits, own_logits = fleet(task.x), fleet(own)
    assert shared_logits.shape == (3, len(task.x), task.outputs)
    for r in range(3):
        assert_close(fleet.run(r)(task.x), shared_logits[r])
        assert_close(fleet.run(r)(own[r]), own_logits[r])


@pytest.mark.parametrize("build", [layer_norm, convnet])
def test_fleet_of_holds_what_the_factory_builds(build):
    task, factory = slab_task(), build(3, 2)
    fleet = sb.models.fleet_of(factory, runs=3, seed=4)
    for r in range(3):
        assert_close(fleet(task.x)[r], seeded(factory, 4 + r)(task.x))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_features_are_what_hidden_layers_make(activation):
    task = slab_task()
    fleet = sb.mlp(task, depth=3, width=6, activation=activation, runs=2)
    for layer in range(3):
        for r in range(2):
            assert_close(fleet.features(task.x, layer)[r], fleet.run(r)[: 2 * layer + 2](task.x))


def residual(inputs: int, outputs: int):
    """Functions in place of activations, a layer used twice."""

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.inner, self.last = nn.Linear(inputs, 4), nn.Linear(4, 4), nn.Linear(4, outputs)

        def forward(self, x):
            h = self.first(x).tanh()
            h = h + self.inner(h).relu()
            h = h + self.inner(h).relu()
            return self.last(h)

    return lambda: Residual().double()


def test_features_of_any_module_are_what_its_activations_answer_in_one_pass():
    task, own = slab_task(), slab_task().x[:12].unflatten(0, (2, 6))
    fleet = FLEETS["convnet"](task, runs=2)
    (found,), (each,) = fleet.features(task.x[:5]), fleet.features(own)
    assert found.shape == (2, 5, 4, 1, 3)
    for r in range(2):
        assert_close(found[r], fleet.run(r)[:3](task.x[:5]))
        assert_close(each[r], fleet.run(r)[:3](own[r]))
    assert torch.equal(fleet.features(task.x[:5], 0), found)
    assert not any(part._forward_hooks for part in fleet.net.modules())


def test_features_without_activations_are_what_later_layers_are_given():
    task = slab_task()
    fleet = sb.models.fleet_of(residual(3, 2), runs=2)
    found = fleet.features(task.x)
    assert len(found) == 3  # the inner layer answers twice
    for r in range(2):
        net = fleet.run(r)
        h = net.first(task.x).tanh()
        for features in found:
            assert_close(features[r], h)
            h = h + net.inner(h).relu()


def test_features_of_a_plain_net_that_was_changed_are_those_of_the_new_one():
    task, fleet = slab_task(), sb.mlp(slab_task(), depth=2, width=6, runs=2)
    fleet.net[1] = nn.SiLU()
    for layer, found in enumerate(fleet.features(task.x)):
        assert_close(found[1], fleet.run(1)[: 2 * layer + 2](task.x))


def test_weights_of_convolutions_are_kernels_and_have_a_spectrum():
    task = slab_task()
    fleet = FLEETS["convnet"](task, runs=3)
    assert [tuple(w.shape) for w in fleet.weights()] == [(3, 4, 1, 1, 3), (3, 2, 12)]
    assert_close(sb.measure["spectrum"](fleet, task)[0], sb.spectrum(fleet.weights()[0].detach().flatten(2)))


@pytest.mark.parametrize("build", [name for name in FLEETS if name not in ("layer norm", "convnet")])
def test_passes_are_what_layers_are_given_and_make(build):
    task, fleet = slab_task(), FLEETS[build](slab_task(), runs=2)
    passes = fleet.passes(task.x)
    assert_close(passes[-1][2], fleet(task.x))
    for layer, given, made in passes:
        bias = 0 if layer.bias is None else layer.bias.unsqueeze(1)
        assert_close(made, given @ layer.weight.mT + bias)


@pytest.mark.parametrize(
    "touch",
    [
        lambda net: net[2].register_forward_hook(lambda *call: 2 * call[2]),
        lambda net: net.register_forward_hook(lambda *call: 2 * call[2]),
        lambda net: parametrize.register_parametrization(net[0], "weight", nn.Tanh()),
        lambda net: prune.l1_unstructured(net[0], "weight", 0.5),
        lambda net: net.insert(2, net[2]),
        lambda net: setattr(net, "1", nn.Softmax(-1)),
    ],
    ids=["hook", "hook on the net", "parametrized", "pruned", "called twice", "not elementwise"],
)
def test_passes_are_known_of_plain_layers_only(touch):
    """Otherwise what is computed by outer products would be wrong; the tangent kernel is right anyway."""
    task, fleet = slab_task(), sb.mlp(slab_task(), depth=2, width=3, runs=2)
    touch(fleet.net)
    assert fleet.passes(task.x) == []


@pytest.mark.parametrize(("task", "outputs"), [(slab_task, 2), (three_classes, 3), (regression, 2)])
def test_weights_are_the_matrices_first_to_last(task, outputs):
    fleet = sb.mlp(task(), depth=2, width=6, runs=4)
    inputs = task().x.shape[1]
    assert [tuple(w.shape) for w in fleet.weights()] == [(4, 6, inputs), (4, 6, 6), (4, outputs, 6)]


REFUSED = [
    (lambda task: sb.mlp(task, runs=0), "runs is a whole number of at least 1, got 0"),
    (lambda task: sb.mlp(task, runs=2.0), "runs is a whole number of at least 1, got 2.0"),
    (lambda task: sb.mlp(task, width=0), "width is a whole number of at least 1, got 0"),
    (lambda task: sb.mlp(task, depth=-1), "depth is a whole number of at least 0, got -1"),
    (lambda task: sb.mlp(task, seed=-1), "seed is a whole number of at least 0, got -1"),
    (lambda task: sb.mlp(task, init=-1), "init is a number at least 0.*, got -1"),
    (lambda task: sb.mlp(task, activation="rel"), "No activation named 'rel'.*Did you mean 'relu'"),
    (lambda task: sb.mlp(task, depth=2).features(task.x, 2), "hidden layers 0…1, got 2"),
    (lambda task: sb.mlp(task, runs=2).run(2), "runs 0…1, got 2; try 0"),
    (lambda task: sb.mlp(task, runs=2).run(1.0), "runs 0…1, got 1.0; try 0"),
    (lambda task: sb.mlp(task, runs=2).only(2), "runs 0…1, got 2; try 0"),
    (lambda task: sb.mlp(task, runs=2).only("all"), "runs 0…1, got 'all'; try 0"),
    (lambda task: sb.mlp(task, runs=2).logits_at(None, task.x), r"a row a run, got None; try fleet.vector"),
    (
        lambda task: sb.models.fleet_of(nn.Linear(2, 2)),
        "function without arguments that builds a module, got Linear.*; try lambda",
    ),
    (lambda task: sb.models.fleet_of(lambda: None), "builds a module, got one of NoneType"),
    (lambda task: sb.models.fleet_of(nn.Identity), "weights to train, got none"),
    (lambda task: FLEETS["convnet"](task).features(task.x, 1), "hidden layers 0…0, got 1.*try 0"),
    (lambda task: FLEETS["relu"](task).features(task.x, True), "hidden layers 0…1, got True"),
    (lambda task: FLEETS["relu"](task).features(task.x, 0.0), "hidden layers 0…1, got 0.0"),
    (lambda task: FLEETS["linear"](task).features(task.x, 0), "hidden layers none, got 0.*depth 1"),
    (lambda task: FLEETS["relu"](task).features(task.x[:, :1]), "does not take the task's inputs, 1 columns"),
    (lambda task: FLEETS["convnet"](task).features("x"), "A fleet takes a tensor"),
    (lambda task: next(FLEETS["convnet"](task).layers(task.x)), "sb.mlp fleets, got Fleet"),
]


@pytest.mark.parametrize(("ask", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_refuses(ask, says):
    with pytest.raises(sb.SbkitError, match=says):
        ask(slab_task())


def test_fleets_built_in_threads_at_once_are_those_built_in_turn():
    task = slab_task()
    build = lambda seed: weights(sb.mlp(task, width=8, depth=3, runs=20, seed=seed))  # noqa: E731
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(build, range(40)))
    for seed, found in enumerate(together):
        assert all(torch.equal(a, b) for a, b in zip(found, build(seed), strict=True))
