"""Attributions against differences, sums and rules written out for one row at a time; float64."""

import math

import pytest
import torch
from cases import DOUBLE, FLEETS, convnet, of, regression, slab_task, three_classes
from torch import nn
from torch.testing import assert_close

import sbkit as sb
from sbkit.measures import attribution
from sbkit.measures.attribution import METHODS

every_fleet = pytest.mark.parametrize("build", FLEETS)
every_method = pytest.mark.parametrize("method", METHODS)


def volumes(inputs: int, outputs: int):
    """Convolutions in three dimensions, with pools and an activation in place, without biases."""
    return lambda: nn.Sequential(
        nn.Unflatten(1, (1, 2, 2, inputs // 4)),
        nn.Conv3d(1, 4, 2, padding=1, bias=False),
        nn.ReLU(inplace=True),
        nn.AvgPool3d(2),
        nn.Flatten(),
        nn.Linear(4 * (inputs // 8), outputs, bias=False),
    ).double()


def wide_task() -> sb.Task:
    return sb.slabs([1] * 16, n=40, n_test=20).to(dtype=DOUBLE)


RECTIFIED = {
    "mlp": lambda: (sb.mlp(slab_task(), depth=3, width=9, runs=2), slab_task().x[:6]),
    "convnet": lambda: (of(convnet)(slab_task(), runs=2), slab_task().x[:6]),
    "volumes": lambda: (of(volumes)(wide_task(), runs=2), wide_task().x[:6]),
}


def score(net, row, c):
    return net(row[None])[0, c]


@every_fleet
@pytest.mark.parametrize("task", [slab_task(), three_classes(), regression()], ids=["two", "three", "values"])
def test_gradients_and_occlusion_are_those_of_each_row_alone(build, task):
    fleet, x = FLEETS[build](task, runs=2), task.x[:5]
    predicted = fleet.predict(x).argmax(-1)
    found = {
        method: attribution(fleet, x, method=method)
        for method in ("gradient", "input_x_gradient", "occlusion")
    }
    for r in range(2):
        net = fleet.run(r)
        for i, row in enumerate(x):
            c, own = int(predicted[r, i]), row.clone().requires_grad_()
            (slope,) = torch.autograd.grad(score(net, own, c), own)
            assert_close(found["gradient"][r, i], slope)
            assert_close(found["input_x_gradient"][r, i], row * slope)
            for j in range(len(row)):
                without = torch.where(torch.arange(len(row)) == j, 0, row)
                assert_close(found["occlusion"][r, i, j], score(net, row, c) - score(net, without, c))


@every_method
def test_targets_are_one_for_all_one_a_row_or_one_a_run_and_row(method):
    task, fleet = three_classes(), FLEETS["relu"](three_classes(), runs=2)
    x, each = task.x[:4], torch.tensor([[0, 1, 2, 0], [2, 2, 1, 0]])
    by_class = torch.stack([attribution(fleet, x, c, method) for c in range(3)])  # (classes, runs, n, d)
    for target in (each, each[0], each[0].numpy(), each[0].tolist()):
        wanted = torch.as_tensor(target).expand(2, 4)
        index = torch.arange(2)[:, None], torch.arange(4)[None]
        assert_close(attribution(fleet, x, target, method), by_class[wanted, *index])
    predicted = fleet.predict(x).argmax(-1)
    assert_close(attribution(fleet, x, None, method), attribution(fleet, x, predicted, method))


@every_method
def test_inputs_of_each_run_are_its_own_and_nothing_is_left_behind(method):
    task, fleet = slab_task(), FLEETS["convnet"](slab_task(), runs=2)
    own, before = task.x[:10].unflatten(0, (2, 5)), task.x.clone()
    found = attribution(fleet, own, method=method)
    for r in range(2):
        assert_close(found[r], attribution(fleet, own[r], method=method)[r])
    assert not any(part._forward_hooks for part in fleet.net.modules()) and torch.equal(task.x, before)
    assert all(p.grad is None for p in fleet.parameters())


@pytest.mark.parametrize("build", ["tanh", "gelu", "deep linear", "layer norm", "relu", "convnet"])
def test_integrated_gradients_sum_to_what_the_output_gained(build):
    """To rounding for smooth nets; where ReLUs bend on the way, to a part in hundreds."""
    task = slab_task()
    fleet = FLEETS[build](task, runs=3)
    gained = (fleet.predict(task.x) - fleet.predict(0 * task.x))[..., 1]  # (runs, n)
    missed = (attribution(fleet, task.x, 1, "integrated").sum(-1) - gained).abs().max()
    bends = build in ("relu", "convnet", "layer norm")
    assert float(missed) <= (0.05 if bends else 1e-9) * float(gained.abs().max())
    if bends:
        fine = attribution(fleet, task.x[:50], 1, "integrated", steps=1000).sum(-1) - gained[:, :50]
        assert float(fine.abs().max()) <= 0.01 * float(gained.abs().max())


@pytest.mark.parametrize("net", RECTIFIED)
def test_guided_is_backpropagation_that_lets_pass_what_is_positive(net):
    """Against full backward hooks on each run's own module, the usual way."""
    fleet, x = RECTIFIED[net]()
    found = attribution(fleet, x, 1, "guided")
    for r in range(2):
        one = fleet.run(r)
        for part in one.modules():
            if isinstance(part, nn.ReLU):
                part.inplace = False
                part.register_full_backward_hook(lambda part, into, out: (into[0].clamp_min(0),))
        own = x.clone().requires_grad_()
        (wanted,) = torch.autograd.grad(one(own)[:, 1].sum(), own)
        assert_close(found[r], wanted)
    assert not torch.allclose(found, attribution(fleet, x, 1))


def relevance(net: nn.Sequential, row: torch.Tensor, c: int, epsilon: float) -> torch.Tensor:
    """The ε-rule, layer by layer and number by number, of a net of Linear and ReLU. (d,)"""
    given = [row]
    for part in net:
        given.append(part(given[-1].clone()))
    r = torch.zeros_like(given[-1])
    r[c] = given[-1][c]
    for part, h, z in reversed([*zip(net, given, given[1:], strict=False)]):
        if isinstance(part, nn.Linear):
            r = sum(h * part.weight[k] * r[k] / (z[k] + epsilon * z[k].sign()) for k in range(len(z)))
    return r


@pytest.mark.parametrize("epsilon", [1e-9, 0.01, 1.0])
def test_lrp_is_the_rule_written_out(epsilon):
    task = slab_task()
    fleet = sb.mlp(task, depth=2, width=6, runs=2)
    found = attribution(fleet, task.x[:5], 1, "lrp", epsilon=epsilon)
    for r in range(2):
        for i, row in enumerate(task.x[:5]):
            assert_close(found[r, i], relevance(fleet.run(r), row, 1, epsilon).detach(), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("net", RECTIFIED)
def test_lrp_of_nets_without_biases_is_input_times_gradient_and_sums_to_the_output(net):
    fleet, x = RECTIFIED[net]()
    for part in fleet.net.modules():
        if getattr(part, "bias", None) is not None:
            part.bias.data.zero_()
    found = attribution(fleet, x, 0, "lrp")
    assert_close(found, attribution(fleet, x, 0, "input_x_gradient"), rtol=1e-6, atol=1e-8)
    assert_close(found.sum(-1), fleet.predict(x)[..., 0], rtol=1e-6, atol=1e-8)
    assert_close(found, attribution(fleet, x, 0, "integrated"), rtol=1e-6, atol=1e-8)


@every_method
@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_run_that_diverged_is_nan_and_spares_the_rest(method, broken):
    task, fleet = slab_task(), FLEETS["relu"](slab_task(), runs=3)
    sound = attribution(fleet, task.x[:4], method=method)
    for parameter in fleet.parameters():
        parameter.data[1] = broken
    found = attribution(fleet, task.x[:4], method=method)
    assert found[1].isnan().all()
    assert_close(found[::2], sound[::2])


class Hidden(nn.Module):
    """An activation that nobody sees from outside."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(3, 4).double(), nn.Linear(4, 2).double()

    def forward(self, x):
        return self.last(self.first(x).tanh())


REFUSED = [
    (lambda f, t: attribution(f, t.x, method="lrpp"), "No method named 'lrpp'.*Did you mean 'lrp'"),
    (lambda f, t: attribution(f.run(0), t.x), "many nets in one, got a Sequential"),
    (lambda f, t: attribution(f, t.x[:, :2]), "does not take the task's inputs, 2 columns"),
    (lambda f, t: attribution(f, t.x, 2), r"target is an output, 0…1.*got 2; try None"),
    (lambda f, t: attribution(f, t.x, -1), "target is an output, 0…1.*got -1"),
    (lambda f, t: attribution(f, t.x, 0.5), "target is an output, 0…1.*got 0.5"),
    (lambda f, t: attribution(f, t.x, t.y[:4]), r"\(300,\) or \(2, 300\), got tensor"),
    (lambda f, t: attribution(f, t.x, object()), "target is an output, 0…1.*got <object"),
    (lambda f, t: attribution(f, t.x, [[0], [1, 1]]), "target is an output, 0…1.*got"),
    (lambda f, t: attribution(f, t.x, torch.zeros(300).half()), "target is an output, 0…1.*got tensor"),
    (lambda f, t: attribution(f, t.x + 0j), r"of real numbers, got \(300, 3\).*try its .real"),
    (lambda f, t: attribution(f, t.x, "one"), "target is an output, 0…1.*got 'one'"),
    (lambda f, t: attribution(f, t.x, method="integrated", steps=0), "steps is a whole number of at least 1"),
    (lambda f, t: attribution(f, t.x, method="lrp", epsilon=0), "epsilon is a number above 0, got 0"),
    (lambda f, t: attribution(FLEETS["tanh"](t), t.x, method="lrp"), "got Tanh; try method='integrated'"),
    (lambda f, t: attribution(FLEETS["gelu"](t), t.x, method="guided"), "nn.ReLU, got GELU"),
    (lambda f, t: attribution(FLEETS["layer norm"](t), t.x, method="lrp"), "nn.ReLU, got LayerNorm"),
    (lambda f, t: attribution(FLEETS["linear"](t), t.x, method="guided"), "got none; try method='gradient'"),
    (lambda f, t: attribution(sb.models.fleet_of(Hidden), t.x, method="lrp"), "nn.ReLU, got Hidden"),
    (lambda f, t: attribution(sb.models.fleet_of(Hidden), t.x, method="guided"), "in them, got none"),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_refuses(ask, says):
    task = slab_task()
    with pytest.raises(sb.SbkitError, match=says):
        ask(FLEETS["relu"](task, runs=2), task)
