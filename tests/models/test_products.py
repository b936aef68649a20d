"""Layers as products: against the layers one after the other, before and after collapsing."""

import copy

import pytest
import torch
from cases import DOUBLE, slab_task
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import sbkit as sb

CONVS = {
    "the fact's": ({"kernel_size": 7, "padding": 3}, [5, 3, 1]),
    "stride": ({"kernel_size": 3, "stride": 2, "padding": 1}, None),
    "groups and dilation": ({"kernel_size": 3, "groups": 2, "dilation": 2, "padding": 2}, None),
    "all": ({"kernel_size": 5, "groups": 2, "dilation": 2, "padding": 1, "stride": 3}, [3, 2, 2]),
    "no bias": ({"kernel_size": 3, "bias": False}, None),
}


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


def factors(layer: nn.Module) -> list[torch.Tensor]:
    return list(layer.parametrizations["weight"].parameters())  # pyright: ignore


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize(("dtype", "within"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_a_linear_product_collapses_to_what_it_computes(depth, dtype, within):
    """Fact 14: the factors one after the other, the product, and the plain layer agree."""
    layer = sb.models.overparameterize(nn.Linear(6, 5).to(dtype), depth)
    x = normal(40, 6).to(dtype)
    step = x
    for factor in factors(layer):
        step = step @ factor.mT
    assert len(factors(layer)) == depth
    plain = layer.collapse()
    assert type(plain) is nn.Linear
    for y in (layer(x), plain(x)):
        assert_close(y, step + layer.bias, atol=within, rtol=0)


@pytest.mark.parametrize("name", CONVS)
@pytest.mark.parametrize(("dtype", "within"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_a_convolution_collapses_borders_and_all(name, dtype, within):
    """Fact 15: all padding before the first factor, the stride after the last."""
    options, sizes = CONVS[name]
    own = nn.Conv2d(4, 6, **options).to(dtype)
    layer = sb.models.overparameterize(own, 3, kernel_sizes=sizes)
    x = normal(2, 4, 15, 16).to(dtype)
    step, parts = x, factors(layer)
    for i, part in enumerate(parts):
        first, last = i == 0, i == len(parts) - 1
        stride = own.stride if last else 1
        padding = own.padding if first else 0
        step = F.conv2d(step, part, None, stride, padding, own.dilation, own.groups)  # pyright: ignore
    step = step if layer.bias is None else step + layer.bias[:, None, None]
    plain = layer.collapse()
    assert type(plain) is nn.Conv2d and plain.weight.shape == own.weight.shape
    for y in (layer(x), plain(x)):
        assert_close(y, step, atol=within, rtol=0)


@pytest.mark.parametrize(
    "own", [nn.Conv1d(2, 4, 3, padding="same", padding_mode="circular"), nn.Conv3d(2, 2, (3, 1, 2))]
)
def test_other_convolutions_too(own):
    layer = sb.models.overparameterize(own.double(), 2)
    x = normal(2, 2, *[6] * (own.weight.ndim - 2))
    assert_close(layer(x), layer.collapse()(x))


def net():
    return nn.Sequential(
        nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2)
    )


def test_a_whole_model_is_converted_in_one_call_and_back():
    plain = net()
    made = sb.models.overparameterize(plain, 3)
    assert sum(p.numel() for p in made.parameters()) > sum(p.numel() for p in plain.parameters())
    assert isinstance(made, nn.Sequential) and len(factors(made[1])) == len(factors(made[4])) == 3
    back = made.collapse()
    assert {n: p.shape for n, p in back.named_parameters()} == {
        n: p.shape for n, p in plain.named_parameters()
    }
    assert list(back.state_dict()) == list(plain.state_dict())
    plain.load_state_dict(back.state_dict())
    x = torch.randn(5, 16)
    assert_close(plain(x), made(x))


def test_the_module_given_is_not_touched_and_collapsing_keeps_the_product():
    plain, before = net(), copy.deepcopy(net().state_dict())
    plain.load_state_dict(before)
    made = sb.models.overparameterize(plain, 2)
    made.collapse()
    assert all(torch.equal(plain.state_dict()[key], value) for key, value in before.items())
    assert made(torch.ones(1, 16)).shape == (1, 2) and made[4].weight.requires_grad


def test_modes_return_the_module_and_keep_its_state():
    made = sb.models.overparameterize(nn.Linear(3, 2, bias=False), 3)
    keys = list(made.state_dict())
    assert made.eval() is made and made.train() is made
    assert list(made.eval().state_dict()) == keys
    fresh = sb.models.overparameterize(nn.Linear(3, 2, bias=False), 3)
    fresh.load_state_dict(made.state_dict())
    assert torch.equal(fresh.weight, made.weight)


def test_the_product_follows_its_factors_at_once_and_gradients_flow_through_it():
    made = sb.models.overparameterize(nn.Linear(3, 2), 3).double().eval()
    made.weight.square().sum().backward()
    assert all(factor.grad is not None and factor.grad.abs().sum() > 0 for factor in factors(made))
    first = factors(made)[0]
    with torch.no_grad():
        first.mul_(2)
    one, two, three = factors(made)
    assert_close(made.weight, three @ two @ one)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_outputs_vary_as_those_of_the_layer_replaced(depth):
    """Over 400 draws the mean square of the product's entries is that of the weight's, within 15 %."""
    layer, rng = nn.Linear(20, 10), torch.Generator().manual_seed(0)
    made = [sb.models.overparameterize(layer, depth, rng=rng).weight.square().mean() for _ in range(400)]
    assert_close(torch.stack(made).mean(), layer.weight.square().mean(), rtol=0.15, atol=0)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_untrained_products_have_the_effective_rank_of_the_fuss_catalan_law(depth):
    """Fact 7: erank / n → M(1) exp(−M′(1) / M(1)), M(t) the moments of the singular values, within 1 %."""
    t = torch.ones((), dtype=DOUBLE, requires_grad=True)
    log = torch.lgamma((depth + 1) * t / 2 + 1) - torch.lgamma(t / 2 + 1) - torch.lgamma(depth * t / 2 + 2)
    (slope,) = torch.autograd.grad(log, t)  # M′ / M
    rng = torch.Generator().manual_seed(depth)
    made = [sb.models.overparameterize(nn.Linear(200, 200).double(), depth, rng=rng).weight for _ in range(3)]
    found = sb.measures.effective_rank(torch.stack(made).detach()).mean() / 200
    assert_close(found, (log - slope).exp().detach(), rtol=0.01, atol=0)


def test_a_fleet_of_products_trains_and_its_runs_collapse():
    task = slab_task()
    fleet = sb.models.fleet_of(lambda: sb.models.overparameterize(nn.Linear(3, 2), 3), runs=4).double()
    alone = sb.models.fleet_of(
        lambda: sb.models.overparameterize(nn.Linear(3, 2), 3), runs=1, seed=2
    ).double()
    for each in (fleet, alone):
        sb.last(sb.fit(each, task, batch=32, steps=60, stop=None))
    assert fleet.weights()[0].shape == (4, 2, 3)
    plain = fleet.run(2).collapse()
    assert_close(plain(task.x), fleet(task.x)[2])
    assert_close(alone(task.x)[0], fleet(task.x)[2])


REFUSED = [
    (nn.ReLU(), {}, "needs a linear or convolutional layer, got ReLU"),
    (3, {}, "needs a linear or convolutional layer, got int"),
    (nn.Linear(3, 2), {"factors": 0}, "factors is a whole number of at least 1, got 0"),
    (nn.Linear(3, 2), {"width": 0}, "width is a whole number of at least 1"),
    (nn.Conv2d(4, 4, 3, groups=2), {"width": 5}, "width is a multiple of the 2 groups, got 5; try 10"),
    (nn.Conv2d(1, 1, 3), {"kernel_sizes": [3, 3]}, r"sum to 4, for a kernel of \(3, 3\), got \(3, 3\)"),
    (nn.Conv2d(1, 1, 3), {"kernel_sizes": [2, 2, 1]}, "kernel_sizes are 2 that sum to 4"),
]


@pytest.mark.parametrize(("module", "options", "says"), REFUSED, ids=[says for *_, says in REFUSED])
def test_refuses(module, options, says):
    with pytest.raises(sb.SbkitError, match=says):
        sb.models.overparameterize(module, **options)
