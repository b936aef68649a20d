"""The Hessian and its parts against torch's own, one net after another, and against differences."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from cases import DOUBLE, FLEETS, TASKS, net, regression, slab_task, three_classes
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils import parameters_to_vector, prune
from torch.testing import assert_close

import sbkit as sb
from sbkit.lessons.sharpness.what_is_the_hessian_made_of import pooled
from sbkit.losses import loss_for
from sbkit.measures import eigenvalues, hessian, hvp, landscape, sharpness, trace

KINDS = ["hessian", "gauss_newton", "nme"]
exact = partial(assert_close, rtol=1e-10, atol=1e-12)


def quartic(logits, y):
    """A loss of one's own, of labels or values as the task has them."""
    targets = y if y.is_floating_point() else torch.nn.functional.one_hot(y, logits.shape[-1])
    return (logits - targets).pow(4).mean(-1)


def obvious(fleet, r, task, loss=None) -> dict[str, torch.Tensor]:
    """Each kind of run r's curvature (P, P), from Jacobians and Hessians of its own module.

    By torch.autograd, for torch.func.hessian is wrong about layer norms (by 0.1, in torch 2.13).
    """
    own, of = fleet.run(r).train(), loss_for(task, loss)
    shapes = {name: p.shape for name, p in own.named_parameters()}
    targets = of.encode(task.y, task.outputs)

    def logits(w):
        parts = w.split([shape.numel() for shape in shapes.values()])
        state = {name: part.view(shapes[name]) for name, part in zip(shapes, parts, strict=True)}
        return torch.func.functional_call(own, state, (task.x,))

    def mean(z):
        return of(z[None], targets[None]).mean()

    at = parameters_to_vector(own.parameters()).detach()
    z = logits(at)
    jacobian = torch.autograd.functional.jacobian(logits, at).flatten(0, 1)  # (n · outputs, P)
    outer = torch.autograd.functional.hessian(mean, z).reshape(z.numel(), z.numel())
    whole = torch.autograd.functional.hessian(lambda w: mean(logits(w)), at)
    part = jacobian.T @ outer @ jacobian
    return {"hessian": whole, "gauss_newton": part, "nme": whole - part}


def few(task: sb.Task, n: int = 25) -> sb.Task:
    return sb.Task(task.z[:n], task.y[:n], task.z_test, task.y_test, task.features, task.embed)


CASES = [(build, make, None) for build in ("tanh", "gelu", "layer norm") for make in TASKS]
CASES += [("relu", "slabs", loss) for loss in ("hinge", "logistic", "square", quartic)]
CASES += [("deep linear", "regression", quartic), ("convnet", "three classes", None)]
CASES += [("dropout", "slabs", None), ("linear", "regression", None)]


@pytest.mark.parametrize(("build", "make", "loss"), CASES)
def test_is_that_of_each_net_alone(build, make, loss):
    """Dense, as a product with one direction and with several; three kinds, run by run."""
    task = few(TASKS[make]())
    fleet = FLEETS[build](task, runs=2, seed=3)
    along = torch.randn(2, 3, fleet.vector().shape[1], dtype=DOUBLE)
    for kind in KINDS:
        dense, products = hessian(fleet, task, kind, loss=loss), hvp(fleet, task, along, kind, loss)
        for r in range(2):
            wanted = obvious(fleet, r, task, loss)[kind]
            exact(dense[r], wanted)
            exact(products[r], along[r] @ wanted)
        exact(hvp(fleet, task, along[:, 0], kind, loss), products[:, 0])


class Attends(nn.Module):
    """Attention, a cell with a state and a buffer that differs from net to net, over three numbers."""

    def __init__(self):
        super().__init__()
        self.embed, self.attention = nn.Linear(1, 4), nn.MultiheadAttention(4, 2, batch_first=True)
        self.cell, self.out = nn.GRUCell(4, 3), nn.Linear(3, 2)
        self.register_buffer("shift", torch.randn(3))

    def forward(self, x):
        h = self.embed(x.unsqueeze(-1))
        h = self.attention(h, h, h, need_weights=False)[0]
        state = self.shift.expand(len(x), -1)
        for i in range(x.shape[1]):
            state = self.cell(h[:, i], state)
        return self.out(state)


def test_is_that_of_other_modules():
    task = few(slab_task(), 10)
    fleet = sb.models.fleet_of(lambda: Attends().double(), runs=2)
    with sdpa_kernel(SDPBackend.MATH):
        parts = obvious(fleet, 1, task)
    for kind, wanted in parts.items():
        exact(hessian(fleet, task, kind)[1], wanted)
        exact(eigenvalues(fleet, task, 2, kind)[1], torch.linalg.eigvalsh(wanted).flip(0)[:2])


@pytest.mark.parametrize("build", FLEETS)
def test_is_the_sum_of_its_parts_and_symmetric(build):
    task = slab_task(n=60)
    fleet = FLEETS[build](task, runs=2)
    whole, part, rest = (hessian(fleet, task, kind) for kind in KINDS)
    assert float((whole - part - rest).abs().max()) <= 1e-12
    assert_close(whole, whole.mT, rtol=0, atol=1e-12)
    assert float(torch.linalg.eigvalsh(part).min()) > -1e-12


def test_is_how_the_gradient_changes():
    task, step = slab_task(n=50), 1e-5
    fleet = FLEETS["tanh"](task, runs=2)
    at, along = fleet.vector().detach(), torch.randn_like(fleet.vector()).detach()

    def gradient(weights):
        weights = weights.requires_grad_()
        logits = fleet.logits_at(weights, task.x)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), task.y.repeat(2), reduction="sum") / 50
        return torch.autograd.grad(loss, weights)[0]

    wanted = (gradient(at + step * along) - gradient(at - step * along)) / (2 * step)
    assert_close(hvp(fleet, task, along), wanted, rtol=1e-6, atol=1e-8)


def test_relu_has_a_modelling_error_without_a_trace():
    task = slab_task(n=60)
    rest = hessian(FLEETS["relu"](task, runs=2), task, "nme")
    assert not rest.diagonal(dim1=1, dim2=2).any() and float(rest.norm()) > 0.01


@pytest.mark.parametrize("build", ["tanh", "convnet"])
def test_rows_come_some_at_a_time(build, monkeypatch):
    task = slab_task(n=60)
    fleet = FLEETS[build](task, runs=2)
    whole = [hessian(fleet, task, kind) for kind in KINDS]
    monkeypatch.setattr(landscape, "AT_ONCE", 2 * 100 * 7)
    for kind, wanted in zip(KINDS, whole, strict=True):
        exact(hessian(fleet, task, kind), wanted)


def test_layer_is_a_block():
    task = slab_task(n=50)
    fleet, sizes = sb.mlp(task, depth=2, width=5, runs=2), [3 * 5 + 5, 5 * 5 + 5, 5 * 2 + 2]
    whole = hessian(fleet, task)
    for layer, place in enumerate(torch.arange(whole.shape[1]).split(sizes)):
        exact(hessian(fleet, task, layer=layer), whole[:, place][:, :, place])
    bare = sb.models.deep_linear(task, 2, 3, runs=2)  # no biases
    exact(hessian(bare, task, layer=1), hessian(bare, task)[:, -6:, -6:])


def test_weights_that_do_not_train_are_left_out():
    task = slab_task(n=40)
    fleet = FLEETS["tanh"](task, runs=2)
    wanted = hessian(fleet, task)
    fleet.linears[0].requires_grad_(False)
    left = fleet.vector().shape[1]
    exact(hessian(fleet, task), wanted[:, -left:, -left:])


def test_pruned_layers_keep_their_own_weight():
    """Of a masked weight nothing is left; the others bend the loss as in a net with zeros in its place."""
    task = slab_task(n=40)
    fleet, zeros = (FLEETS["tanh"](task, runs=2) for _ in range(2))
    mask = fleet.net[0].weight.detach().abs() > 0.2
    prune.custom_from_mask(fleet.net[0], "weight", mask)
    with torch.no_grad():
        zeros.net[0].weight.mul_(mask)
    found, kept = hessian(fleet, task), fleet.net[0].weight
    assert kept.grad_fn is None or torch.equal(kept, fleet.net[0].weight_orig * mask)
    own = [mask.flatten(1), *(torch.ones_like(p.flatten(1)).bool() for p in list(zeros.parameters())[1:])]
    names = [name for name, _ in fleet.named_parameters()]
    place = names.index("net.0.weight_orig")
    parts = found.diagonal(dim1=1, dim2=2).split([p[0].numel() for p in fleet.parameters()], dim=1)
    wanted = hessian(zeros, task).diagonal(dim1=1, dim2=2) * torch.cat(own, dim=1)
    order = [place, *(i for i in range(len(names)) if i != place)]
    exact(torch.cat([parts[i] for i in order], dim=1), wanted)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", TASKS)
@pytest.mark.parametrize("build", ["relu", "gelu", "convnet"])
def test_eigenvalues_are_those_of_the_matrix(build, make, kind):
    """As often as they come: Gauss–Newton of few outputs has zeros, ReLU's NME pairs."""
    task = few(TASKS[make](), 30)
    fleet = FLEETS[build](task, runs=2)
    wanted = torch.linalg.eigvalsh(hessian(fleet, task, kind)).flip(-1)
    for k in (1, 7):
        assert_close(eigenvalues(fleet, task, k, kind), wanted[:, :k], rtol=1e-8, atol=1e-9)
    assert_close(eigenvalues(fleet, task, wanted.shape[1], kind), wanted, rtol=1e-8, atol=1e-9)


def test_sharpness_of_a_quadratic_is_known():
    """Square loss, a mean over n rows and C values, of a linear model: H = 2/(nC) · I ⊗ XᵀX."""
    task = regression()
    fleet = sb.models.deep_linear(task, factors=1, runs=3)
    values = torch.linalg.eigvalsh(task.x.T @ task.x) * 2 / (200 * 2)
    wanted = values.repeat_interleave(2).flip(0).expand(3, -1)  # each value twice
    assert_close(eigenvalues(fleet, task, 6), wanted)
    assert_close(sharpness(fleet, task), wanted[:, 0])


def test_trace_is_within_its_own_error():
    """The variance of vᵀHv over signs v is 2 Σ H_ij² off the diagonal (Hutchinson 1990)."""
    task = slab_task(n=50)
    fleet = FLEETS["tanh"](task, runs=4)
    matrix = hessian(fleet, task)
    diagonal = matrix.diagonal(dim1=1, dim2=2)  # (runs, P)
    spread = (2 * (matrix.square().sum((1, 2)) - diagonal.square().sum(1))).sqrt()
    found, error = trace(fleet, task, probes=400)
    assert ((found - diagonal.sum(1)).abs() < 5 * error).all()
    assert_close(error, spread / 400**0.5, rtol=0.3, atol=0)
    assert not torch.equal(trace(fleet, task, seed=1)[0], trace(fleet, task)[0])


def test_runs_are_those_of_fleets_of_one():
    task = slab_task(n=50)
    fleet, one = (FLEETS["gelu"](task, runs=runs, seed=seed) for runs, seed in ((3, 5), (1, 7)))
    for ask in (sharpness, partial(eigenvalues, k=3), lambda *given: trace(*given, probes=5)[0]):
        assert_close(ask(fleet, task)[2:], ask(one, task))
        assert torch.equal(ask(fleet, task), ask(fleet, task))


def test_single_precision_and_losses_near_zero():
    """What is left of a loss at 1e-7 is rounding: it ends nevertheless."""
    task = slab_task(n=100).to(dtype=torch.float32)
    fleet = sb.mlp(task, width=10, runs=2)
    wanted = sharpness(FLEETS["relu"](slab_task(n=100), runs=2), slab_task(n=100))
    assert_close(sharpness(FLEETS["relu"](task, runs=2), task), wanted.float(), rtol=1e-4, atol=0)
    sb.last(sb.fit(fleet, task, lr=0.5, steps=2000, stop=None))
    with torch.no_grad():
        fleet.linears[-1].weight.mul_(20)
        fleet.linears[-1].bias.mul_(20)
    assert sharpness(fleet, task).isfinite().all()


@pytest.mark.parametrize("build", ["tanh", "linear"])
def test_a_run_that_diverged_is_nan_alone(build):
    """Also where nothing is left to differentiate, as of the NME of a linear net."""
    task = slab_task(n=40)
    fleet = FLEETS[build](task, runs=3)
    whole = sharpness(fleet, task)
    with torch.no_grad():
        fleet.linears[0].weight[1, 0, 0] = torch.nan
    found = [sharpness(fleet, task), *trace(fleet, task), hessian(fleet, task), eigenvalues(fleet, task, 2)]
    found += [hvp(fleet, task, torch.zeros_like(fleet.vector())), *sb.measure["hessian"](fleet, task)]
    for values in found:
        assert values[1].isnan().all() and values[[0, 2]].isfinite().all()
    assert_close(found[0][[0, 2]], whole[[0, 2]])


def test_measures_of_a_panel():
    task = slab_task(n=300)
    fleet = net(depth=1, width=4)(task, runs=2)
    run = sb.fit(fleet, task, steps=20, measure=["sharpness", "hessian"])
    seen = run.snapshot()
    assert_close(seen.values["sharpness"], sharpness(fleet, task))
    for kind, values in zip(("gauss_newton", "nme"), seen.values["hessian"], strict=True):
        assert_close(values, torch.linalg.eigvalsh(hessian(fleet, task, kind)))
    square = partial(sharpness, loss="square")
    assert_close(square(fleet, task), eigenvalues(fleet, task, loss="square")[:, 0])
    sb.last(sb.fit(fleet, task, loss="square", steps=5, measure=[square]))


REFUSED = [
    (lambda f, t: hvp(t, f, f.vector()), "takes the fleet first.* try sb.measures.hvp"),
    (lambda f, t: hvp(f, t, torch.ones(3)), r"\(2, 50\) or \(2, k, 50\), got \(3,\).* try torch.randn_like"),
    (lambda f, t: hvp(f, t, torch.ones(3, 50)), r"got \(3, 50\), torch.float32; try"),
    (lambda f, t: hvp(f, t, [1.0]), "got a float; try"),
    (lambda f, t: hvp(f, t, f.vector(), kind="gn"), "No kind of curvature named 'gn'; there are hessian"),
    (lambda f, t: sharpness(f, t, loss="hing"), "No loss named 'hing'.*Did you mean 'hinge'"),
    (lambda f, t: sharpness(f, t, loss=lambda z, y: z.mean()), r"a number a row, \(2, 3\).*got \(\).* try"),
    (lambda f, t: sharpness(f, t, loss=lambda z: z), "a number a row.*got TypeError"),
    (lambda f, t: sharpness(f, t, loss=lambda z, y: z.sum(-1) * z.mean()), "mixes runs; sum or average"),
    (lambda f, t: hessian(f, t, layer=2), "layer is one of 0…1, got 2; try layer=0"),
    (lambda f, t: hessian(f, t, layer=0.5), "layer is a whole number of at least 0, got 0.5"),
    (lambda f, t: eigenvalues(f, t, k=51), "50 weights has as many eigenvalues, got k=51; try k=50"),
    (lambda f, t: eigenvalues(f, t, k=0), "k is a whole number of at least 1, got 0; try 1"),
    (lambda f, t: trace(f, t, probes=1), "probes is a whole number of at least 2, got 1; try 2"),
    (lambda f, t: sharpness(f.requires_grad_(False), t), "got none that do; try fleet.requires_grad_"),
    (lambda f, t: sharpness(f, three_classes()), "does not take the task's inputs"),
    (
        lambda f, t: sharpness(sb.mlp(t, width=3), replace(t, y=t.y + 1)),
        "each of the task's 3, got one of 2; try",
    ),
    (lambda f, t: sharpness(f.run(0), t), "A fleet is many nets in one, got a Sequential; try sb.models"),
    (lambda f, t: hessian(sb.mlp(t, width=9000, depth=1, runs=9), t), r"9 runs × .*² weights × 8 bytes = "),
    (
        lambda f, t: sb.measure["hessian"](sb.mlp(t, width=200), t),
        r"up to 1,000 weights a net, got 41,402.*eigenvalues",
    ),
    (lambda f, t: f.logits_at(torch.ones(2, 3), t.x), r"are \(2, 50\), .*64, a row a run, got \(2, 3\), "),
    (
        lambda f, t: f.logits_at(f.vector().float(), t.x),
        r"got \(2, 50\), torch.float32; try fleet.vector\(\)",
    ),
    (lambda f, t: f.logits_at(None, t.x), "a row a run, got None; try"),
]


@pytest.mark.parametrize(("ask", "told"), REFUSED)
def test_refused(ask, told):
    task = few(slab_task())
    with pytest.raises(sb.SbkitError, match=told):
        ask(FLEETS["tanh"](task, runs=2), task)


@pytest.mark.slow
def test_gradient_descent_ends_at_the_edge_of_stability():
    """Cohen et al. 2021: sharpness rises to 2/lr and stays about there. Five seeds, digits, square loss."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))[:250]
    z, y = torch.from_numpy(x[order] / 16), torch.from_numpy(y[order]).long()
    task = sb.Task(z[:200], y[:200], z[200:], y[200:], {})
    fleet = sb.mlp(task, width=20, activation="tanh", runs=5)
    run = sb.fit(fleet, task, optimizer="gd", loss="square", lr=0.4, steps=1500, stop=None)
    assert float(sharpness(fleet, task, loss="square").max()) * 0.4 / 2 < 0.7
    run.train(steps=1500)
    found = sharpness(fleet, task, loss="square") * 0.4 / 2
    assert_close(found, torch.ones(5, dtype=DOUBLE), rtol=0, atol=0.1)


@pytest.mark.parametrize("seed", [150, 295])
def test_spectra_with_many_zeros_are_found(seed):
    """In single precision LAPACK gave up on these: most of NME's eigenvalues are 0 in a ReLU net at birth."""
    task = pooled(100, seed=seed)
    fleet = sb.mlp(task, width=12, runs=5, seed=seed)
    found = sb.measure["hessian"](fleet, task)[1]  # of NME, (runs, P)
    table = sb.measures.hessian(fleet, task, kind="nme").double().numpy()  # (runs, P, P)
    want = torch.from_numpy(np.linalg.eigvalsh(table))
    assert_close(found.double().sort(1).values, want, atol=1e-5, rtol=1e-5)
