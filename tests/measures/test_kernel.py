"""Kernels against derivatives taken one at a time, alignment against its formula; float64."""

import importlib
import math

import pytest
import torch
from cases import DOUBLE, FLEETS, regression, slab_task, three_classes
from torch.testing import assert_close

import sbkit as sb

module = importlib.import_module("sbkit.measures.kernel")  # its name is also that of the function
every_fleet = pytest.mark.parametrize("build", FLEETS)


def derivatives(net: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """d output / d weights, a backward pass each. (n, outputs · weights)"""
    rows = []
    for row in x:
        row_parts = []
        for c in range(net(x[:1]).shape[1]):
            net.zero_grad()
            net(row[None])[0, c].backward()
            row_parts.append(torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None]))
        rows.append(torch.cat(row_parts))
    return torch.stack(rows)


@every_fleet
@pytest.mark.parametrize("task", [slab_task(), three_classes(), regression()], ids=["two", "three", "values"])
def test_the_tangent_kernel_is_that_of_derivatives_one_by_one(build, task):
    fleet, x = FLEETS[build](task, runs=2), task.x[:9]
    found = sb.measures.kernel(fleet, x)
    for r in range(2):
        vectors = derivatives(fleet.run(r), x)
        assert_close(found[r], vectors @ vectors.mT)
        centred = vectors - vectors.mean(0)
        assert_close(sb.measures.kernel(fleet, x, centre=True)[r], centred @ centred.mT)


@pytest.mark.parametrize("build", [name for name in FLEETS if name not in ("layer norm", "convnet")])
@pytest.mark.parametrize("task", [slab_task(), three_classes(), regression()], ids=["two", "three", "values"])
@pytest.mark.parametrize("centre", [False, True])
def test_by_layers_it_is_the_jacobians(build, task, centre):
    fleet, x = FLEETS[build](task, runs=2), task.x[:20]
    fleet.net[0].requires_grad_(build == "linear")  # what is frozen does not count
    vectors = module._derivatives(fleet, x)
    vectors = vectors - vectors.mean(1, keepdim=True) if centre else vectors
    wanted, found = vectors @ vectors.mT, module._by_layers(fleet, x, centre)
    assert found is not None and not found.requires_grad
    assert float((found - wanted).abs().max()) <= 1e-12 * float(wanted.abs().max())
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            assert_close(sb.measures.kernel(fleet, x, centre=centre), found)


def test_a_net_that_was_touched_has_the_kernel_of_what_it_computes_now():
    task, fleet = slab_task(), sb.mlp(slab_task(), depth=2, width=5, runs=2)
    fleet.net[2].register_forward_hook(lambda *call: 3 * call[2])
    found, net = sb.measures.kernel(fleet, task.x[:9]), fleet.run(1)
    vectors = derivatives(net, task.x[:9])
    assert_close(found[1], vectors @ vectors.mT)


def test_gram_of_any_module_is_of_its_last_activations():
    task, fleet = slab_task(), FLEETS["convnet"](slab_task(), runs=2)
    h = fleet.features(task.x[:9])[-1].detach().flatten(2)
    assert_close(sb.measures.kernel(fleet, task.x[:9], "gram"), h @ h.mT)


@pytest.mark.parametrize("make", [slab_task, three_classes, regression])
def test_the_measured_kernel_stands_in_the_order_of_labels(make):
    task, fleet = make(), FLEETS["relu"](make(), runs=2)
    few = task.sample(12)
    order = sorted(range(12), key=lambda i: float(few.y_test[i].flatten()[0]))
    assert_close(sb.measure["kernel"](fleet, task, rows=12), sb.measures.kernel(fleet, few.x_test[order]))


@pytest.mark.parametrize("centre", [False, True])
def test_gram_and_cosine_are_of_the_features(centre):
    task = slab_task()
    fleet = sb.mlp(task, depth=3, width=7, runs=2)
    h = fleet.features(task.x[:20], 1).detach()
    h = h - h.mean(1, keepdim=True) if centre else h
    assert_close(sb.measures.kernel(fleet, task.x[:20], "gram", centre, layer=1), h @ h.mT)
    cosine = sb.measures.kernel(fleet, task.x[:20], "cosine", centre, layer=1)
    lengths = h.norm(dim=-1)
    assert_close(cosine * lengths[:, :, None] * lengths[:, None], h @ h.mT)
    assert_close(
        sb.measures.kernel(fleet, task.x[:20], "gram"),
        sb.measures.kernel(fleet, task.x[:20], "gram", layer=2),
    )


@pytest.mark.parametrize("kind", ["ntk", "gram", "cosine"])
def test_kernels_are_symmetric_and_have_no_negative_eigenvalue(kind):
    task = slab_task()
    found = sb.measures.kernel(FLEETS["relu"](task, runs=3), task.x[:15], kind)
    assert_close(found, found.mT)
    assert torch.linalg.eigvalsh(found).min() >= -1e-10


def test_each_run_may_have_its_own_inputs():
    task = slab_task()
    fleet, x = FLEETS["tanh"](task, runs=2), task.x[:10].unflatten(0, (2, 5))
    found = sb.measures.kernel(fleet, x)
    for r in range(2):
        assert_close(found[r], sb.measures.kernel(fleet, x[r])[r])


def test_alignment_is_its_formula_for_two_classes():
    """Baratin et al. 2021: yᵀKy / (‖K‖·‖y‖²), K and y centred."""
    y = torch.arange(12) % 3 // 2
    root = torch.randn(2, 12, 5, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    kernel, signs = root @ root.mT, 2 * y.double() - 1
    centre = torch.eye(12, dtype=DOUBLE) - 1 / 12
    k, v = centre @ kernel @ centre, centre @ signs
    assert_close(sb.measures.alignment(kernel, y), v @ k @ v / (k.norm(dim=(1, 2)) * v.square().sum()))
    assert_close(sb.measures.alignment(kernel, signs[:, None]), sb.measures.alignment(kernel, y))


def test_alignment_is_one_for_the_labels_own_kernel_and_small_for_other_labels():
    y = torch.arange(300) % 3
    own = (y[:, None] == y).double()
    assert_close(sb.measures.alignment(own, y), torch.tensor(1.0, dtype=DOUBLE))
    other = y[torch.randperm(300, generator=torch.Generator().manual_seed(0))]
    assert abs(sb.measures.alignment(own, other)) <= 0.03
    assert_close(
        sb.measures.alignment(5 * own + 2, y), torch.tensor(1.0, dtype=DOUBLE)
    )  # scale and offset say nothing
    assert math.isnan(sb.measures.alignment(torch.ones(300, 300), y))


@pytest.mark.parametrize("kind", ["ntk", "gram", "cosine"])
@pytest.mark.parametrize("broken", [math.nan, math.inf, 1e200])
def test_a_run_that_diverged_has_no_kernel_and_spares_the_rest(kind, broken):
    task, fleet = slab_task(), FLEETS["relu"](slab_task(), runs=3)
    sound = sb.measures.kernel(fleet, task.x[:9], kind)
    for parameter in fleet.parameters():
        parameter.data[1] = broken
    found = sb.measures.kernel(fleet, task.x[:9], kind)
    assert found[1].isnan().all() and sb.measures.alignment(found, task.y[:9])[1].isnan()
    assert_close(found[::2], sound[::2])


def test_kernels_take_arrays_and_alignment_every_kind_of_numbers():
    task, fleet = sb.slabs(n=20, n_test=20), sb.mlp(sb.slabs(n=20, n_test=20), runs=2)
    kernel = sb.measures.kernel(fleet, task.x)
    assert_close(sb.measures.kernel(fleet, task.x.double().numpy()), kernel)
    wanted = sb.measures.alignment(kernel, task.y)
    for y in (2 * task.y - 1, task.y.int(), task.y.bool(), task.y.numpy(), task.y.tolist(), task.y.half()):
        assert_close(sb.measures.alignment(kernel, y), wanted)
    for given in (kernel.numpy(), kernel.to(torch.complex64)):
        assert_close(sb.measures.alignment(given, task.y), wanted)
    for dtype in (torch.half, torch.bfloat16):
        assert_close(sb.measures.alignment(kernel.to(dtype), task.y), wanted, rtol=2e-2, atol=2e-2)
        assert sb.measures.alignment(kernel.to(dtype), task.y).dtype == torch.float32


def test_alignment_of_a_complex_kernel_is_the_cosine_of_its_real_form():
    """A Hermitian kernel of n rows is the symmetric one [[Re, −Im], [Im, Re]] of 2n."""
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(12, 5, generator=generator, dtype=torch.complex128)
    kernel, y = root @ root.mH, torch.arange(12) % 2
    signs = (2 * y.double() - 1)[:, None]
    own = torch.kron(torch.eye(2, dtype=DOUBLE), signs @ signs.mT)
    centre = torch.eye(12, dtype=DOUBLE) - 1 / 12
    k = (centre.to(kernel) @ kernel @ centre.to(kernel)).resolve_conj()
    real = torch.cat([torch.cat([k.real, -k.imag], 1), torch.cat([k.imag, k.real], 1)])
    assert_close(sb.measures.alignment(kernel, y), (real * own).sum() / (real.norm() * own.norm()))


REFUSED = [
    (lambda f, t: sb.measures.kernel(f, t.x, "ntkk"), "Did you mean 'ntk'"),
    (lambda f, t: sb.measures.kernel(sb.mlp(t, depth=0, runs=2), t.x, "gram"), "got a net without; try kind"),
    (lambda f, t: sb.measures.kernel(f, t.x, "gram", layer=5), "hidden layers 0…1, got 5"),
    (lambda f, t: sb.measures.kernel(f, t.x, "gram", layer=1.0), "hidden layers 0…1, got 1.0; try 0"),
    (
        lambda f, t: sb.measures.kernel(f, t.x, layer=1),
        'of all layers together, got layer=1; try kind="gram"',
    ),
    (
        lambda f, t: sb.measures.kernel(f, torch.zeros(3, 9, dtype=DOUBLE)),
        "does not take the task's inputs, 9 columns",
    ),
    (
        lambda f, t: sb.measures.alignment(torch.eye(3), t.y),
        r"A kernel of 300 labels is \(…, 300, 300\), got \(3, 3\)",
    ),
    (lambda f, t: sb.measures.alignment(torch.eye(3), torch.zeros(3)), "labels that differ"),
]


@pytest.mark.parametrize(("ask", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_refuses(ask, says):
    task = slab_task()
    with pytest.raises(sb.SbkitError, match=says):
        ask(sb.mlp(task, depth=2, runs=2), task)


def test_no_picture_of_a_single_row():
    task = slab_task(n=20, n_test=1)
    run = sb.fit(FLEETS["relu"](task, runs=2), task, steps=1, measure=["kernel"])
    assert sb.plot["kernel"]([run.snapshot()]) is None
