"""Gradients by example and by layer against backward passes one at a time; float64."""

import math

import pytest
import torch
from cases import DOUBLE, FLEETS, TASKS, regression, slab_task, three_classes
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import sbkit as sb
from sbkit.measures import example_gradients, fisher, gradient_norms
from sbkit.measures import gradients as module

every_fleet = pytest.mark.parametrize("build", FLEETS)
every_task = pytest.mark.parametrize("task", TASKS)


def row_loss(net, x, y):
    """fit's own loss of one row."""
    logits = net(x[None])
    return F.mse_loss(logits, y[None]) if y.is_floating_point() else F.cross_entropy(logits, y[None])


def one_by_one(net, x, y):
    """The gradient of each row's loss, a backward pass each. A list of the parameters' a row."""
    return [torch.autograd.grad(row_loss(net, *row), [*net.parameters()]) for row in zip(x, y, strict=True)]


def flat(rows):
    return torch.stack([torch.cat([part.flatten() for part in row]) for row in rows])


@every_fleet
@every_task
def test_example_gradients_are_those_of_backward_passes(build, task, monkeypatch):
    """Also in chunks, with labels and inputs of each run's own."""
    task = TASKS[task]()
    fleet, x, y = FLEETS[build](task, runs=2), task.x[:7], task.y[:7]
    found = example_gradients(fleet, x, y)
    for r in range(2):
        assert_close(found[r], flat(one_by_one(fleet.run(r), x, y)))
    monkeypatch.setattr(module, "AT_ONCE", 1)
    assert_close(example_gradients(fleet, x, y), found)
    own_x, own_y = torch.stack([x, x.flip(0)]), torch.stack([y, y.flip(0)])
    own = example_gradients(fleet, own_x, own_y)
    assert_close(own[0], found[0])
    assert_close(own[1], found[1].flip(0))


def test_projected_gradients_are_products_and_frozen_weights_have_none():
    task, fleet = three_classes(), FLEETS["relu"](three_classes(), runs=2)
    fleet.net[0].requires_grad_(False)
    whole = example_gradients(fleet, task.x[:9], task.y[:9])
    size = sum(p[0].numel() for p in fleet.parameters() if p.requires_grad)
    assert whole.shape == (2, 9, size)
    rng = torch.Generator().manual_seed(0)
    one, own = (torch.randn(*shape, generator=rng, dtype=DOUBLE) for shape in ((size, 4), (2, size, 4)))
    assert_close(example_gradients(fleet, task.x[:9], task.y[:9], one), whole @ one)
    assert_close(example_gradients(fleet, task.x[:9], task.y[:9], own.numpy()), whole @ own)
    some = example_gradients(fleet, task.x[:9], task.y[:9], 4000)
    assert_close(some.norm(dim=2) / whole.norm(dim=2), torch.ones(2, 9, dtype=DOUBLE), rtol=0.1, atol=0.1)
    again = [example_gradients(fleet, task.x[:9], task.y[:9], 5, seed=s) for s in (0, 0, 1)]
    assert torch.equal(again[0], again[1]) and not torch.equal(again[0], again[2])


@every_fleet
@every_task
def test_fisher_is_the_mean_of_squared_gradients(build, task, monkeypatch):
    task = TASKS[task]()
    fleet, x, y = FLEETS[build](task, runs=2), task.x[:7], task.y[:7]
    next(fleet.parameters()).requires_grad_(False)
    found = fisher(fleet, x, y)
    for r in range(2):
        net = fleet.run(r).requires_grad_()
        for part, rows in zip(found, zip(*one_by_one(net, x, y), strict=True), strict=True):
            assert_close(part[r], torch.stack(rows).square().mean(0))
    monkeypatch.setattr(module, "AT_ONCE", 1)
    for part, own in zip(fisher(fleet, x, y), found, strict=True):
        assert_close(part, own)


def test_sampled_fisher_is_the_expectation_over_the_nets_own_classes():
    """Many copies of each row: the mean over draws comes near Σ p(c) g(c)²; each run draws its own."""
    task, fleet = three_classes(), sb.mlp(three_classes(), depth=1, width=6, init=3.0, runs=2, seed=3)
    x = task.x[:4]
    found = fisher(fleet, x.repeat_interleave(4000, 0))
    for r in range(2):
        net, chances = fleet.run(r), fleet.predict(x)[r].softmax(-1)
        parts = [one_by_one(net, x, torch.full((4,), c)) for c in range(3)]
        for i, part in enumerate(found):
            squares = [torch.stack([row[i] for row in rows]).square() for rows in parts]
            weights = [chances[:, c].view(-1, *[1] * (part.ndim - 1)) for c in range(3)]
            wanted = sum((w * s).mean(0) for w, s in zip(weights, squares, strict=True))
            assert_close(part[r], wanted, rtol=0.1, atol=0.02 * float(wanted.max()))
    alone = fisher(sb.mlp(task, depth=1, width=6, init=3.0, runs=1, seed=4), x.repeat_interleave(4000, 0))
    for part, own in zip(found, alone, strict=True):
        assert_close(part[1], own[0])
    other = fisher(fleet, x, seed=1)
    assert any(not torch.equal(a, b) for a, b in zip(fisher(fleet, x), other, strict=True))


@every_fleet
@every_task
def test_gradient_norms_are_of_the_full_batch_gradient(build, task, monkeypatch):
    task = TASKS[task]()
    fleet = FLEETS[build](task, runs=2)
    next(fleet.parameters()).requires_grad_(False)
    found = gradient_norms(fleet, task)
    assert found.shape == (2, len(fleet.weights()))
    for r in range(2):
        net = fleet.run(r).requires_grad_()
        logits = net(task.x)
        loss = F.cross_entropy(logits, task.y) if task.classes else F.mse_loss(logits, task.y)
        layers = [p for p in net.parameters() if p.ndim > 1]
        wanted = torch.stack([g.norm() for g in torch.autograd.grad(loss, layers)])
        assert_close(found[r], wanted)
    monkeypatch.setattr(module, "AT_ONCE", 100_000)
    assert_close(gradient_norms(fleet, task), found)
    few = gradient_norms(fleet, task, rows=20)
    assert_close(few, gradient_norms(fleet, task.sample(20)))


class Encodes(nn.Module):
    """Attention over three numbers."""

    def __init__(self):
        super().__init__()
        self.embed, self.out = nn.Linear(1, 4), nn.Linear(4, 2)
        self.encoder = nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True)

    def forward(self, x):
        return self.out(self.encoder(self.embed(x.unsqueeze(-1))).mean(1))


def test_attention_has_gradients_too():
    task = slab_task(n=5)
    fleet = sb.models.fleet_of(lambda: Encodes().double(), runs=2)
    wanted = flat(one_by_one(fleet.run(1).train(), task.x, task.y))
    assert_close(example_gradients(fleet, task.x, task.y)[1], wanted)
    sizes = [p[0].numel() for p in fleet.parameters()]
    parts = zip(wanted.mean(0).split(sizes), fleet.parameters(), strict=True)
    layers = [part for part, p in parts if p.ndim > 2]
    assert_close(gradient_norms(fleet, task)[1], torch.stack([layer.norm() for layer in layers]))
    assert fisher(fleet, task.x)[0].isfinite().all()


def test_gradients_vanish_on_their_way_through_a_deep_tanh_net():
    task = slab_task()
    norms = gradient_norms(sb.mlp(task, depth=20, width=16, activation="tanh", runs=3), task)
    assert norms.shape == (3, 21) and (norms[:, 0] < 1e-3 * norms[:, -1]).all()


@pytest.mark.parametrize("measure", [
    lambda f, t: example_gradients(f, t.x, t.y),
    lambda f, t: example_gradients(f, t.x, t.y, 3),
    lambda f, t: fisher(f, t.x, t.y),
    lambda f, t: fisher(f, t.x),
    gradient_norms,
])  # fmt: skip
@pytest.mark.parametrize("build", ["relu", "convnet"])
@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_run_that_diverged_is_nan_and_spares_the_rest(measure, build, broken):
    task, fleet = slab_task(n=20), FLEETS[build](slab_task(), runs=3)
    listed = lambda found: found if isinstance(found, list) else [found]  # noqa: E731
    sound = listed(measure(fleet, task))
    for parameter in fleet.parameters():
        parameter.data[1] = broken
    for found, own in zip(listed(measure(fleet, task)), sound, strict=True):
        assert found[1].isnan().all()
        assert_close(found[::2], own[::2])


def test_labels_of_any_integer_kind_and_arrays_will_do():
    task, fleet = slab_task(n=20), FLEETS["relu"](slab_task(), runs=2)
    wanted = example_gradients(fleet, task.x, task.y)
    for y in (task.y.int(), task.y.numpy(), task.y.tolist()):
        assert torch.equal(example_gradients(fleet, task.x.numpy(), y), wanted)


REFUSED = [
    (lambda f, t: example_gradients(f.run(0), t.x, t.y), "many nets in one, got a Sequential.*fleet_of"),
    (lambda f, t: example_gradients(f, t.x[:, :1], t.y), "does not take the task's inputs, 1 columns"),
    (lambda f, t: example_gradients(f, t.x, t.y[:5]), r"Labels of 300 rows are \(300,\).*got \(5,\)"),
    (lambda f, t: example_gradients(f, t.x[:0], t.y[:0]), r"Labels of 0 rows"),
    (lambda f, t: example_gradients(f, t.x, t.y + 5), r"classes 0…1, got torch.int64 \[5, 6\]; try task.y"),
    (lambda f, t: example_gradients(f, t.x, -t.y), "classes 0…1, got"),
    (lambda f, t: example_gradients(f, t.x, t.y == 1), "classes 0…1, got torch.bool"),
    (lambda f, t: example_gradients(f, t.x, t.y + 0j), "Labels are numbers, one a row, got tensor"),
    (lambda f, t: example_gradients(f, t.x, t.y, torch.ones(122, 2) + 0j), "real numbers.*try its .real"),
    (lambda f, t: example_gradients(f.requires_grad_(False), t.x, t.y), "got none that do; try fleet.requ"),
    (lambda f, t: example_gradients(f, t.x, "labels"), "Labels are numbers, one a row, got 'labels'"),
    (lambda f, t: example_gradients(f, t.x, t.y, 0), "project is a whole number of at least 1, got 0"),
    (lambda f, t: example_gradients(f, t.x, t.y, 2.5), "project is a whole number of at least 1, got 2.5"),
    (lambda f, t: example_gradients(f, t.x, t.y, torch.ones(4, 122)), r"\(122, k\), got \(4, 122\); .*mT"),
    (lambda f, t: example_gradients(f, t.x, t.y, torch.ones(4)), r"\(122, k\), got \(4,\); try .*randn"),
    (lambda f, t: fisher(f, t.x, "sample"), "No kind of labels named 'sample'.*Did you mean 'sampled'"),
    (lambda f, t: fisher(f, t.x, seed=-1), "seed is a whole number of at least 0, got -1"),
    (lambda f, t: fisher(FLEETS["relu"](one_value()), one_value().x), "two or more outputs, got one.*task.y"),
    (lambda f, t: gradient_norms(t, f), "takes the fleet first"),
    (lambda f, t: gradient_norms(f, t, rows=0), "rows is a whole number of at least 1, got 0"),
    (lambda f, t: gradient_norms(f, three_classes()), "does not take the task's inputs, 2 columns"),
    (lambda f, t: gradient_norms(f, six_classes()), "classes 0…1, got"),
]  # fmt: skip


def one_value() -> sb.Task:
    task = regression()
    return sb.Task(task.z, task.y[:, :1], task.z_test, task.y_test[:, :1], task.features)


def six_classes() -> sb.Task:
    task, y = slab_task(), torch.arange(300) % 6
    return sb.Task(task.z, y, task.z_test, y[:200], task.features)


@pytest.mark.parametrize(("ask", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_refuses(ask, says):
    task = slab_task()
    with pytest.raises(sb.SbkitError, match=says):
        ask(FLEETS["relu"](task, runs=2), task)


def test_what_does_not_fit_into_memory_is_refused_with_the_arithmetic(monkeypatch):
    monkeypatch.setenv("SBKIT_MAX_MEMORY", "4GB")
    task = sb.slabs(n=4000, n_test=10)
    fleet = sb.mlp(task, width=300, runs=2)
    with pytest.raises(sb.SbkitError, match="2 runs × 4,000 rows × 91,802 numbers × 4 bytes"):
        example_gradients(fleet, task.x, task.y)
    assert example_gradients(fleet, task.x[:9], task.y[:9], 2).shape == (2, 9, 2)
