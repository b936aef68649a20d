"""Any module as a fleet: every run is its own module, at birth and in training."""

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from cases import DOUBLE, assert_bitwise, slab_task
from nets import (
    Attention,
    Cell,
    Factory,
    Net,
    Sequence,
    average_in_place,
    average_while_training,
    born,
    chain,
    changed,
    keeps,
    net,
    over_one_row,
)
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, parametrize, prune
from torch.testing import assert_close

import sbkit as sb
from sbkit.core import Fleet


def used_twice():
    layer = nn.Linear(3, 3)
    return nn.Sequential(layer, nn.Tanh(), layer, nn.Tanh(), layer, nn.Linear(3, 2)).double()


def tied(s):
    s.up, s.down = nn.Linear(4, 3), nn.Linear(3, 4)
    s.down.weight = s.l.weight


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mask", (torch.rand(4, 3) > 0.5).double())

    def forward(self, w):
        return w * self.mask


class Square(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return x * x

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx, grad):
        return 2 * grad * ctx.saved_tensors[0]


def cached(s, h):
    s.h = h
    return h.tanh()


def in_place(s, x):
    x += s.l.bias[:3]
    return s.o(s.l(x))


FLEETS: dict[str, Factory] = {
    "plain tensor": keeps(lambda s, h: (h @ s.B).cos(), B=lambda s: torch.randn(4, 4, dtype=DOUBLE)),
    "plain mask": keeps(lambda s, h: h * s.m, m=lambda s: torch.rand(4) > 0.3),
    "plain order": keeps(lambda s, h: h[:, s.m], m=lambda s: torch.randperm(4)),
    "plain number as a tensor": keeps(lambda s, h: h * s.m, m=lambda s: torch.rand((), dtype=DOUBLE)),
    "plain tensor of a layer": net(
        lambda s, h: h * s.o.B, lambda s: setattr(s.o, "B", torch.randn(4).double())
    ),
    "plain name of a buffer": net(
        lambda s, h: h * s.B, lambda s: (s.l.register_buffer("b", torch.randn(4)), setattr(s, "B", s.l.b))
    ),
    "plain and equal": keeps(
        lambda s, h: h * s.a * s.b[0], a=lambda s: torch.ones(4), b=lambda s: [torch.ones(4)]
    ),
    "copy of a weight": keeps(lambda s, h: h * s.B, B=lambda s: s.o.weight.detach()[0].clone().double()),
    "method kept": keeps(lambda s, h: s.f(h), f=lambda s: s.scaled),
    "list of known layers": keeps(lambda s, h: h * s.all[0].bias, all=lambda s: [s.l]),
    "ParameterList": keeps(lambda s, h: h * s.w[0], w=lambda s: nn.ParameterList([torch.randn(4)])),
    "ParameterDict": keeps(lambda s, h: h * s.w["a"], w=lambda s: nn.ParameterDict({"a": torch.randn(4)})),
    "ModuleDict": keeps(lambda s, h: s.w["a"](h), w=lambda s: nn.ModuleDict({"a": nn.Linear(4, 4)})),
    "parameter without axes": keeps(lambda s, h: h * s.w, w=lambda s: nn.Parameter(torch.rand(()))),
    "empty parameter": keeps(lambda s, h: h + s.w.sum(), w=lambda s: nn.Parameter(torch.rand(0))),
    "unused parameter": keeps(None, w=lambda s: nn.Parameter(torch.rand(3))),
    "frozen layer": changed(lambda s: s.l.requires_grad_(False)),
    "buffers": net(
        lambda s, h: h * s.a * s.b,
        lambda s: (s.register_buffer("a", torch.randn(4)), s.register_buffer("b", torch.randint(9, (4,)))),
    ),
    "tied weights": net(lambda s, h: s.down(s.up(h)).tanh(), tied),
    "layer used thrice": used_twice,
    "weights in one vector": changed(
        lambda s: nn.utils.vector_to_parameters(torch.randn(26).double(), s.parameters())
    ),
    "weight norm": changed(lambda s: parametrizations.weight_norm(s.l)),
    "orthogonal": changed(lambda s: parametrizations.orthogonal(s.l)),
    "parametrized mask": changed(lambda s: parametrize.register_parametrization(s.l, "weight", Masked())),
    "pruned for good": changed(
        lambda s: prune.remove(prune.random_unstructured(s.l, "weight", 0.5), "weight")
    ),
    "overparameterized": lambda: sb.models.overparameterize(Net().double(), 3),
    "lazy, but initialized": lambda: (made := nn.Sequential(nn.LazyLinear(2)), made(torch.ones(1, 3)))[
        0
    ].double(),
    "forward hooks": changed(lambda s: s.l.register_forward_hook(lambda m, i, out: out * 2)),
    "left behind": net(cached),
    "input changed in place": net(forward=in_place),
    "relu of the input in place": chain(lambda: nn.ReLU(inplace=True)),
    "in place within": net(lambda s, h: h.add_(s.l.bias).masked_fill_(h < 0, 0)),
    "own autograd": net(lambda s, h: Square.apply(h)),
    "dropout of nothing": chain(lambda: nn.Dropout(0.0)),
    "layer norm, PReLU, softmax": chain(lambda: nn.LayerNorm(3), nn.PReLU, lambda: nn.Softmax(1)),
    "convolution": over_one_row(lambda: nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular")),
    "instance and group norm": over_one_row(lambda: nn.InstanceNorm1d(1), lambda: nn.GroupNorm(1, 1)),
    "upsampled": over_one_row(lambda: nn.Upsample(scale_factor=2.0), lambda: nn.MaxPool1d(2)),
    "RNNCell": lambda: Cell(nn.RNNCell(1, 4)).double(),
    "GRUCell": lambda: Cell(nn.GRUCell(1, 4)).double(),
    "attention": lambda: Attention(nn.MultiheadAttention(1, 1, batch_first=True)).double(),
    "transformer": lambda: Attention(
        nn.TransformerEncoderLayer(1, 1, 4, dropout=0, batch_first=True)
    ).double(),
    "embedding": keeps(lambda s, h: h + s.e((h > 0).long()).sum(1), e=lambda s: nn.Embedding(2, 4)),
    "constant": changed(lambda s: [nn.init.zeros_(p) for p in s.parameters()]),
    "cancelling": changed(
        lambda s: (
            s.l.weight.data[2:].copy_(s.l.weight.data[:2]),
            s.l.bias.data.zero_(),
            s.o.weight.data[:, 2:].copy_(-s.o.weight.data[:, :2]),
            s.o.bias.data.zero_(),
        )
    ),
    "BatchNorm1d": chain(lambda: nn.BatchNorm1d(3)),
    "BatchNorm1d used twice": chain(lambda: nn.Sequential(*[nn.BatchNorm1d(3)] * 2)),
    "BatchNorm1d used twice, of all steps": chain(
        lambda: nn.Sequential(*[nn.BatchNorm1d(3, momentum=None)] * 2)
    ),
    "InstanceNorm1d": over_one_row(lambda: nn.InstanceNorm1d(1, track_running_stats=True)),
    "InstanceNorm1d of the first step": over_one_row(
        lambda: nn.InstanceNorm1d(1, track_running_stats=True, momentum=None)
    ),
    "running mean": net(average_while_training, lambda s: s.register_buffer("m", torch.zeros(4).double())),
    "running mean in place": net(average_in_place, lambda s: s.register_buffer("m", torch.zeros(4).double())),
    "LSTMCell": lambda: Cell(nn.LSTMCell(1, 4)).double(),
    "RNNCell of ReLU": lambda: Cell(nn.RNNCell(1, 4, nonlinearity="relu", bias=False)).double(),
    "GRU": lambda: Sequence(nn.GRU).double(),
    "LSTM": lambda: Sequence(nn.LSTM, layers=2, bidirectional=True).double(),
    "RNN": lambda: Sequence(nn.RNN, layers=2, bias=False).double(),
    "Conv2d": chain(
        lambda: nn.Conv2d(1, 3, (1, 3), padding="same"),
        lambda: nn.BatchNorm2d(3),
        before=lambda: [nn.Unflatten(1, (1, 1, 3))],
        after=lambda: [nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()],
    ),
    "Conv3d": chain(
        lambda: nn.Conv3d(1, 3, (1, 1, 2), stride=2, bias=False),
        before=lambda: [nn.Unflatten(1, (1, 1, 1, 3))],
        after=lambda: [nn.Flatten()],
    ),
}
every_factory = pytest.mark.parametrize("factory", FLEETS.values(), ids=FLEETS)


@every_factory
def test_every_run_is_its_own_module(factory):
    """However it is asked, and asking changes nothing."""
    task = slab_task()
    x, fleet = task.x.clone(), sb.models.fleet_of(factory, runs=3, seed=5)
    own, state, rng = born(factory), copy.deepcopy(fleet.state_dict()), torch.get_rng_state()
    expected = torch.stack([module(x.clone()) for module in own])
    other = sb.models.fleet_of(factory, runs=3, seed=50)
    other.load_state_dict(fleet.state_dict())
    for each in (fleet, copy.deepcopy(fleet), other):
        assert_close(each(x), expected)
        assert_close(each.predict(x), expected)
        assert_close(each(x.expand(3, -1, -1)), expected)
    for r in range(3):
        assert_close(fleet.run(r)(x.clone()), expected[r])
        assert_close(fleet.only(r)(x)[0], expected[r])
    assert torch.equal(x, task.x) and torch.equal(rng, torch.get_rng_state())
    assert all(torch.equal(value, state[name]) for name, value in fleet.state_dict().items())


@every_factory
def test_every_run_trains_as_its_own_module(factory):
    task, fleet = slab_task(n=40), sb.models.fleet_of(factory, runs=2, seed=5)
    sb.last(sb.fit(fleet, task, optimizer="gd", lr=0.1, steps=3, stop=None))
    for r, module in enumerate(born(factory, runs=2)):
        module.train()
        optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(module(task.x.clone()), task.y).backward()
            optimizer.step()
        assert_close(fleet(task.x)[r], module.eval()(task.x.clone()))


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_the_first_call_may_be_anywhere(context):
    fleet, x = sb.models.fleet_of(lambda: Net(), runs=2).train(), torch.randn(5, 3)
    with context():
        assert fleet(x).shape == (2, 5, 2) and not fleet.own and fleet.net.training
    fleet = sb.models.fleet_of(lambda: Net(), runs=2)
    slopes = torch.func.jacrev(lambda row: fleet(row[None])[:, 0])(x[0])
    assert slopes.shape == (2, 2, 3)


def test_threads_at_once_batch_as_one():
    """And leave torch's settings, which are of all threads, as they were."""
    task = slab_task()
    fleets = [sb.models.fleet_of(FLEETS["transformer"], runs=2, seed=5) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(lambda fleet: [fleet.predict(task.x) for _ in range(5)][-1], fleets)
    assert all(torch.equal(first, other) for other in others)
    assert torch.backends.mha.get_fastpath_enabled()


def test_modules_as_a_fleet_without_a_factory():
    modules = born(lambda: Net().double())
    fleet, x = Fleet(modules, seed=5), slab_task().x
    assert_bitwise(fleet, sb.models.fleet_of(lambda: Net().double(), runs=3, seed=5))
    assert_close(fleet(x), torch.stack([module(x) for module in modules]))


@pytest.mark.parametrize("name", ["GRU", "LSTM", "LSTMCell", "Conv3d", "BatchNorm1d"])
def test_measures_differentiate_it(name):
    """Gradients by weights of each run, as of its module."""
    task, fleet = slab_task(n=4), sb.models.fleet_of(FLEETS[name], runs=2, seed=5)
    found = sb.measures.kernel(fleet, task.x, kind="ntk")  # (runs, n, n)
    for r, module in enumerate(born(FLEETS[name], runs=2)):
        logits, weights = module(task.x), list(module.parameters())
        rows = [torch.autograd.grad(logit, weights, retain_graph=True) for logit in logits.flatten()]
        slopes = torch.stack([torch.cat([g.flatten() for g in row]) for row in rows]).view(4, -1)
        assert_close(found[r], slopes @ slopes.mT)
