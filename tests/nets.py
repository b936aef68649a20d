"""Nets out of the ordinary, for tables of what a fleet takes and what it refuses."""

from collections.abc import Callable

import torch
from torch import nn

Factory = Callable[[], nn.Module]


class Net(nn.Module):
    """x (n, 3) → logits (n, 2); `mid` is what the tables change."""

    def __init__(self):
        super().__init__()
        self.l, self.o = nn.Linear(3, 4), nn.Linear(4, 2)

    def mid(self, h):
        return h.tanh()

    def scaled(self, h):
        return h * self.l.bias

    def forward(self, x):
        return self.o(self.mid(self.l(x)))


def net(mid=None, init=lambda s: None, **more) -> Factory:
    """A factory of nets that keep what `init` gives them and forward by these functions."""

    def start(self):
        Net.__init__(self)
        init(self)

    made = type("Made", (Net,), {"__init__": start} | ({"mid": mid} if mid else {}) | more)
    return lambda: made().double()


def keeps(mid, **values) -> Factory:
    """Nets that keep what these functions return as attributes."""
    return net(mid, lambda s: [setattr(s, name, value(s)) for name, value in values.items()])


def chain(*layers: Callable[[], nn.Module], before=lambda: [], after=lambda: []) -> Factory:
    return lambda: nn.Sequential(
        *before(), *(layer() for layer in layers), *after(), nn.Linear(3, 2)
    ).double()


def over_one_row(*layers: Callable[[], nn.Module]) -> Factory:
    """Layers that see (n, 1, 3)."""
    return chain(*layers, before=lambda: [nn.Unflatten(1, (1, 3))], after=lambda: [nn.Flatten()])


def changed(change: Callable[[Net], object]) -> Factory:
    def made():
        one = Net().double()
        change(one)
        return one

    return made


class Cell(nn.Module):
    """A recurrent cell, three steps over one column each."""

    def __init__(self, cell):
        super().__init__()
        self.cell, self.o = cell, nn.Linear(4, 2)

    def forward(self, x):
        h = None
        for t in range(3):
            h = self.cell(x[:, t : t + 1], h)
        return self.o(h[0] if isinstance(h, tuple) else h)


class Sequence(nn.Module):
    """A recurrent layer, three steps over one column each."""

    def __init__(self, layer, layers=1, **options):
        super().__init__()
        self.layer = layer(1, 4, layers, batch_first=True, **options)
        self.o = nn.Linear(8 if self.layer.bidirectional else 4, 2)

    def forward(self, x):
        return self.o(self.layer(x[..., None])[0][:, -1])


class Attention(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer, self.o = layer, nn.Linear(3, 2)

    def forward(self, x):
        out = self.layer(*[x[..., None]] * (3 if isinstance(self.layer, nn.MultiheadAttention) else 1))
        return self.o((out[0] if isinstance(out, tuple) else out)[..., 0])


def average_while_training(s, h):
    if s.training:
        s.m = 0.9 * s.m + 0.1 * h.mean(0).detach()
    return h - s.m


def average_in_place(s, h):
    if s.training:
        s.m.mul_(0.9).add_(0.1 * h.mean(0).detach())
    return h - s.m


def born(factory: Factory, runs=3, seed=5) -> list[nn.Module]:
    """The modules that a fleet's runs are, in eval mode as it is."""
    with torch.random.fork_rng():
        return [(torch.manual_seed(seed + r), factory())[1].eval() for r in range(runs)]
