"""What cannot be a fleet is refused, in a sentence that names the cause, before anything is trained."""

import copy
import functools
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from cases import DOUBLE, slab_task
from nets import (
    Attention,
    Factory,
    Net,
    average_in_place,
    average_while_training,
    chain,
    changed,
    keeps,
    net,
    over_one_row,
)
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, prune
from torch.testing import assert_close

import sbkit as sb


class OldSquare(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        return 2 * grad * ctx.saved_tensors[0]


def average(s, h):
    s.m = 0.9 * s.m + 0.1 * h.mean(0).detach()
    return h - s.m


def counted(s, h):
    s.k += 1
    return h * s.k


def listed(s, h):
    s.seen.append(h)
    return h


def frames(s, h):
    z = torch.zeros(len(h), 4).double()
    z[:, :2] = h[:, :2]
    return z


def fixed_seed():
    torch.manual_seed(0)
    return Net().double()


def drawn_by_numpy():
    made = Net().double()
    made.l.weight.data = torch.as_tensor(np.random.default_rng().normal(size=(4, 3)))
    return made


ZEROS = {"m": lambda s: torch.zeros(4, dtype=DOUBLE)}
BUFFER = lambda s: s.register_buffer("m", torch.zeros(4))  # noqa: E731
NET, BACK = Net().double(), nn.Linear(3, 3)
REFUSED: list[tuple[str, Factory]] = [
    # what is kept beside the weights
    (
        "m = .* in run 0, .* in run 1; try .*self.register_buffer",
        keeps(lambda s, h: h * s.m[0], m=lambda s: [torch.rand(4)]),
    ),
    ('m = "{.*register_buffer', keeps(lambda s, h: h * s.m["a"], m=lambda s: {"a": torch.rand(4)})),
    (
        "m = .*register_buffer",
        keeps(lambda s, h: h * torch.as_tensor(s.m), m=lambda s: torch.rand(4).numpy()),
    ),
    ("m = '0.*register_buffer", keeps(lambda s, h: h * s.m, m=lambda s: torch.rand(()).item())),
    ("m = '0.*register_buffer", keeps(lambda s, h: h * s.m, m=lambda s: random.random())),
    ("0.negative_slope = '0", chain(lambda: nn.LeakyReLU(torch.rand(()).item()))),
    (
        r"other logits of run 1.*\(f\?\)",
        keeps(lambda s, h: s.f(h), f=lambda s: functools.partial(torch.mul, torch.rand(4))),
    ),
    (
        r"other logits of run 1.*\(f\?\)",
        keeps(lambda s, h: h * s.f.w, f=lambda s: SimpleNamespace(w=torch.rand(4))),
    ),
    (
        r"other logits of run 1.*\(f\?\)",
        keeps(lambda s, h: s.f(h), f=lambda s: lambda h: h * s.l.bias.detach()),
    ),
    (
        r"other gradients of run 0.*\(f\?\).* methods in place of functions",
        keeps(lambda s, h: s.f(h), f=lambda s: lambda h: h * s.l.bias),
    ),
    ("Linear hidden in 'f'; try nn.ModuleList", keeps(lambda s, h: s.f[0](h), f=lambda s: [nn.Linear(4, 4)])),
    (
        "Linear hidden in 'f'; try nn.ModuleList",
        keeps(lambda s, h: s.f["a"][0](h), f=lambda s: {"a": (nn.Linear(4, 4),)}),
    ),
    (
        "hidden in 'f'; try .*nn.Parameter",
        keeps(lambda s, h: h * s.f[0], f=lambda s: [nn.Parameter(torch.rand(4))]),
    ),
    ("hidden in 'f'; try .*nn.Parameter", keeps(lambda s, h: h * s.f[0], f=lambda s: [s.l.bias])),
    (
        "hidden in 'f'; try .*nn.Parameter",
        keeps(lambda s, h: h * s.f, f=lambda s: torch.rand(4, requires_grad=True)),
    ),
    ("hidden in 'f'; try .*nn.Parameter", keeps(lambda s, h: h * s.f.sum(1), f=lambda s: s.o.weight.t())),
    ("its own memory, got .*; try .*clone", changed(lambda s: setattr(s, "f", s.o.weight.detach()[0]))),
    (
        "its own memory, got w and l.weight in the same",
        changed(lambda s: setattr(s, "w", nn.Parameter(s.l.weight.data[1:]))),
    ),
    ("its own memory, got .*; try one nn", changed(lambda s: setattr(s, "w", nn.Parameter(s.l.weight.data)))),
    (
        "weight that a hook computes.*prune.remove",
        changed(lambda s: prune.random_unstructured(s.l, "weight", 0.5)),
    ),
    (
        "hook on the weight .* l.weight; try it after fleet_of",
        changed(lambda s: s.l.weight.register_hook(lambda g: 0 * g)),
    ),
    (
        r"other logits of run 0.*\(m\?\)",
        net(lambda s, h: h if s.m is None else h * s.m, lambda s: setattr(s, "m", torch.rand(4)), m=None),
    ),
    ("__deepcopy__ shares weights", net(__deepcopy__=lambda s, memo: s)),
    # the factory
    ("the same Net at every call; try to build it within", lambda: NET),
    ("3 equal nets; try runs=1", fixed_seed),
    ("3 equal nets; try runs=1", lambda: copy.deepcopy(NET)),
    ("another l.weight for the same seed; try to draw by torch", drawn_by_numpy),
    ("one architecture, got .* in run 1", lambda: nn.Linear(3, int(torch.randint(2, 99, ())))),
    ("one architecture, got .*ReLU", chain(lambda: nn.ReLU() if torch.rand(()) > 0.6 else nn.Tanh())),
    ("one architecture, got .*False", changed(lambda s: s.l.requires_grad_(bool(torch.rand(()) > 0.4)))),
    ("builds a module, got one of MLP", lambda: sb.mlp(slab_task(), runs=3)),
    ("without arguments .*, got .*Linear.*; try lambda", nn.Linear),
    # layers
    ("draws random numbers .*; try nn.Dropout", over_one_row(nn.Dropout1d)),
    ("draws random numbers", chain(nn.AlphaDropout)),
    (
        r"within attention, got MultiheadAttention; try .dropout = 0.0 .*\(self_attn",
        lambda: Attention(nn.TransformerEncoderLayer(1, 1, 4)).double(),
    ),
    ("no projected recurrent layer, got LSTM; try proj_size=0", lambda: nn.LSTM(3, 4, proj_size=2)),
    ("know their sizes, got LazyLinear; try nn.Linear", lambda: nn.LazyLinear(2)),
    ("compiled or parallel module, got DataParallel; try the module itself", lambda: nn.DataParallel(Net())),
    ("compiled or parallel module, got Net", changed(lambda s: s.add_module("_orig_mod", Net()))),
    # the forward
    ("draws random numbers", net(lambda s, h: h + torch.rand(4))),
    ("draws random numbers", net(lambda s, h: F.dropout(h, 0.5))),
    (
        "within attention, got MultiheadAttention; try .dropout = 0.0",
        lambda: Attention(nn.MultiheadAttention(1, 1, dropout=0.1, batch_first=True)).double(),
    ),
    ("draws random numbers", chain(nn.RReLU)),
    ("other logits of run 0.*draws it outside torch", net(lambda s, h: h * np.random.default_rng().random())),
    ("other logits of run 0.*keeps it from call to call", keeps(average, **ZEROS)),
    ("other logits of run 0.*keeps it from call to call", keeps(average_while_training, **ZEROS)),
    ("other logits of run 0.*keeps it from call to call", keeps(counted, k=lambda s: 0)),
    ("while it trains, buffers, got 'm' changed; try .* sb.fit", net(average, BUFFER)),
    ("got 'm' changed", keeps(average_in_place, **ZEROS)),
    ("got 'seen' changed", keeps(listed, seen=lambda s: [])),
    ("got 'o.weight' changed", net(lambda s, h: (s.o.weight.data.clamp_(-0.1, 0.1), h)[1])),
    ("cannot batch .*div.out", changed(lambda s: parametrizations.spectral_norm(s.l))),
    ("decides by the values .* try torch.where", net(lambda s, h: h if h.sum() > 0 else -h)),
    (r"takes a number out .*\.item\(\)", net(lambda s, h: h * h.max().item())),
    (r"takes a number out .*\.item\(\)", net(lambda s, h: h * int(h.argmax()))),
    ("hangs on values; try torch.where", net(lambda s, h: h + h[h > 0].sum())),
    ("hangs on values", net(lambda s, h: h + len(h.nonzero()))),
    ("leaves torch", net(lambda s, h: h * h.detach().numpy().max())),
    ("takes .data", net(lambda s, h: h.data)),
    ("in place a tensor that all runs share", net(frames)),
    ("calls an autograd.Function; try generate_vmap_rule", net(lambda s, h: OldSquare.apply(h))),
    ("looks at each row alone.*try nn.LayerNorm", net(lambda s, h: h - h.mean(0))),
    ("looks at each row alone", chain(lambda: nn.BatchNorm1d(3, track_running_stats=False))),
    ("depend on weights that train", net(forward=lambda s, x: s.o(s.l(x)).detach())),
    (
        "returns its logits alone, got tuple",
        net(forward=lambda s, x: s.o(s.l(x)) if s.training else (s.o(s.l(x)), x)),
    ),
    ("returns its logits alone, got tuple", net(forward=lambda s, x: (s.o(s.l(x)), x))),
    ("returns its logits alone, got dict", net(forward=lambda s, x: {"logits": s.o(s.l(x))})),
    ("returns its logits alone, got NoneType", net(forward=lambda s, x: None)),
    (
        r"its logits alone, got \(2,\).*\(3, outputs\) for 3 rows",
        net(forward=lambda s, x: s.o(s.l(x)).mean(0)),
    ),
    (
        "logits alone, got .*torch.int64; try floats, before any argmax",
        net(forward=lambda s, x: s.o(s.l(x)).argmax(1, keepdim=True)),
    ),
    ("3 columns of torch.float64 .*weights are torch.float32 on cpu, try fleet.to", lambda: nn.Linear(3, 2)),
    ("3 columns of .* e.g. sb.mlp", lambda: nn.Linear(4, 2).double()),
]


@pytest.mark.parametrize(
    ("says", "factory"), REFUSED, ids=[f"{i} {says}" for i, (says, _) in enumerate(REFUSED)]
)
def test_refused_in_a_sentence_before_anything_is_trained(says, factory):
    x = slab_task().x
    with pytest.raises(sb.SbkitError, match=says) as raised:
        sb.models.fleet_of(factory, runs=3, seed=5)(x)
    assert "INTERNAL" not in str(raised.value) and "github" not in str(raised.value)


def test_fit_tries_what_was_not_tried_before():
    """A fleet whose modules are gone, or that was changed, is still tried by itself."""
    task, fleet = slab_task(), sb.models.fleet_of(lambda: Net().double(), runs=2)
    fleet(task.x)
    fleet.net.o = nn.AlphaDropout()
    with pytest.raises(sb.SbkitError, match="draws random numbers"):
        sb.fit(fleet, task)


def test_a_fleet_takes_tensors_of_any_shape_its_nets_take():
    images = sb.models.fleet_of(lambda: nn.Conv2d(1, 2, 3), runs=2)(torch.zeros(4, 1, 5, 5))
    assert images.shape == (2, 4, 2, 3, 3)
    fleet = sb.models.fleet_of(lambda: Net(), runs=2)
    assert fleet(torch.zeros(0, 3)).shape == (2, 0, 2)
    with pytest.raises(sb.SbkitError, match="takes a tensor .*, got a ndarray"):
        fleet(np.zeros((4, 3)))


def test_one_net_and_shared_layers_are_fine():
    x = slab_task().x
    assert_close(sb.models.fleet_of(lambda: NET, runs=1)(x)[0], NET(x))
    mode = NET.training
    fleet = sb.models.fleet_of(lambda: nn.Sequential(BACK.double(), nn.Linear(3, 2).double()), runs=2)
    fleet(x)
    assert NET.training is mode is BACK.training


def test_a_refusal_stands_until_it_is_mended():
    fleet = sb.models.fleet_of(lambda: nn.Linear(3, 2), runs=2)
    for _ in range(2):
        with pytest.raises(sb.SbkitError, match=r"try fleet.to\('cpu', torch.float64\)"):
            fleet(slab_task().x)
    assert fleet.to("cpu", torch.float64)(slab_task().x).shape == (2, 300, 2)


def test_weights_of_two_types_are_refused():
    fleet = sb.models.fleet_of(
        net(lambda s, h: (h * s.w).real, lambda s: setattr(s, "w", nn.Parameter(torch.rand(4) + 1j))), 2
    )
    with pytest.raises(sb.SbkitError, match="real weights of one type, got torch.complex64, torch.float64"):
        sb.fit(fleet, slab_task(), batch=32)


def test_whole_numbers_are_turned_into_the_weights_type():
    fleet, x = sb.models.fleet_of(lambda: nn.Linear(3, 2), runs=2), torch.ones(4, 3, dtype=torch.int64)
    with pytest.raises(sb.SbkitError, match=r"try x.to\(torch.float32\)"):
        fleet(x)
    assert fleet(x.to(torch.float32)).shape == (2, 4, 2)
