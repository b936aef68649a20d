"""Which layers matter? Layers taken back to birth, the valleys they lie in, and two exercises."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sbkit.core import Fleet, Snapshot, Task, check_pair, generator
from sbkit.core.registries import measure, plot
from sbkit.course.exercise import exercise, normal
from sbkit.measures import accuracy
from sbkit.models import initial, seeded
from sbkit.plots import Axis, Bars, Field, Lines
from sbkit.plots.bands import band_line, finite, middle, shown

FAR = 10**6  # from a run's seed to that of the stranger beside it
ALPHAS = torch.linspace(0, 1, 11).double()  # shares of the way from birth to now
SIGMAS = 2 ** torch.linspace(-8, 0, 17).double()  # of noise
DRAWS, ROWS = 3, 300  # of noise, and training rows that it is tried on
ERROR = Axis("error", low=0, high=1)
BACK = (
    "Error on new digits when one layer gets first weights back; dots: nets. See which layers can be spared."
)
CLIFF = "Colour: error on training digits. Go left, back to birth, or up, to more noise; see where it rises."


def layers(fleet: Fleet) -> list[nn.Linear]:
    """Its layers, first to last, with weights (runs, out, in) and biases (runs, out)."""
    return [part for part in fleet.modules() if isinstance(part, nn.Linear)]


def strangers(fleet: Fleet) -> Fleet:
    """The fleet of `sb.mlp` as other seeds would have drawn it: run r by that of 10⁶ + seed + r."""
    other = copy.deepcopy(fleet)
    sizes: Any = [layer.weight.shape[:0:-1] for layer in layers(other)]
    for r in range(fleet.runs):
        drawn = seeded(lambda: [nn.Linear(*size) for size in sizes], FAR + fleet.seed + r)
        for layer, one in zip(layers(other), drawn, strict=True):
            layer.weight.data[r], layer.bias.data[r] = one.weight.data, one.bias.data
    return other


def swapped(fleet: Fleet, other: Fleet, *numbers: int) -> Fleet:
    """A copy of the fleet with some layers of another, run by run; the first layer is number 1."""
    made = copy.deepcopy(fleet)
    for number in numbers:
        layers(made)[number - 1].load_state_dict(layers(other)[number - 1].state_dict())
    return made


def freeze(fleet: Fleet, *numbers: int) -> None:
    """Let these layers keep their weights from now on, in place."""
    for number in numbers:
        layers(fleet)[number - 1].requires_grad_(False)


def error(fleet: Fleet, task: Task) -> Tensor:
    """Share of new rows that get another label than their own. (runs,)"""
    return 1 - accuracy(fleet.predict(task.x_test), task.y_test)


@measure("rewound", classes=True)
def rewound(fleet: Fleet, task: Task) -> Tensor:
    """Error on new rows with one layer as at birth, its own or a stranger's. (runs, 2, 1 + layers)

    The first is that of the net as it is. NaN for a run that diverged.

    >>> from sbkit.data import digits
    >>> from sbkit.models import mlp
    >>> task = digits(50)
    >>> rewound(mlp(task, width=4, runs=3), task).shape
    torch.Size([3, 2, 4])
    """
    check_pair("rewound", fleet, task)
    each = [[], *([number + 1] for number in range(len(layers(fleet))))]
    births = [[swapped(fleet, born, *some) for some in each] for born in (initial(fleet), strangers(fleet))]
    found = torch.stack([torch.stack([error(net, task) for net in nets], 1) for nets in births], 1)
    return found + 0 * found[:, :1, :1]


@plot("rewound")
def rewound_bars(history: Sequence[Snapshot]) -> Bars:
    """Errors with one layer as at birth, side by side with those as at a stranger's."""
    values = shown(history[-1], history[-1].values["rewound"])  # (runs, 2, 1 + layers)
    names = ["none", *(f"layer {number}" for number in range(1, values.shape[2]))] * 2
    values = values.reshape(len(values), len(names))
    about: Any = {"caption": BACK, "sides": ("its own birth", "a stranger's"), "dots": values.T}
    y = Axis("error", low=0, high=1.3)  # with room for the legend
    return Bars("rewound", "One layer taken back", y, names, middle(values)[0], **about)


def distance(fleet: Fleet, other: Fleet) -> Tensor:
    """How far apart the weights and biases of two fleets are, layer by layer. (runs, layers)"""
    pairs = zip(layers(fleet), layers(other), strict=True)
    ways = [torch.cat([(a.weight - b.weight).flatten(1), a.bias - b.bias], 1).norm(dim=1) for a, b in pairs]
    return torch.stack(ways, 1).detach()


def _astray(now: Tensor, birth: Tensor, noise: Tensor) -> Tensor:
    return now + noise * (birth - now).norm() / noise.norm()


@torch.no_grad()
def elsewhere(fleet: Fleet) -> Fleet:
    """The fleet with all weights moved in random directions, in each layer as far as they are from birth."""
    other, rngs = copy.deepcopy(fleet), [generator(fleet.seed + r, 8) for r in range(fleet.runs)]
    for r, rng in enumerate(rngs):
        for p, born in zip(other.parameters(), initial(fleet).parameters(), strict=True):
            p[r] = _astray(p[r], born[r], torch.randn(p[r].shape, generator=rng).to(p))
    return other


@torch.no_grad()
def valley(fleet: Fleet, task: Task, number: int) -> Tensor:
    """Training error with one layer a share α of the way from birth to now, plus noise σ. (runs, α, σ)"""
    x = task.x[:ROWS]
    h = [x.expand(fleet.runs, -1, -1), *fleet.features(x)][number - 1]  # (runs, n, d)
    moved = copy.deepcopy(fleet).net[2 * number - 2 :]  # type: ignore
    ends = [[*layers(one)[number - 1].parameters()] for one in (initial(fleet), fleet)]
    rngs = [generator(fleet.seed + r, number) for r in range(fleet.runs)]
    noise = [torch.stack([torch.randn(DRAWS, *p.shape[1:], generator=g) for g in rngs], 1) for p in ends[0]]

    def tried(alpha: float, sigma: float, *noises: Tensor) -> Tensor:
        for p, born, now, u in zip(moved[0].parameters(), *ends, noises, strict=True):
            p.copy_(born.lerp(now, alpha) + sigma * u)
        return 1 - accuracy(moved(h), task.y[:ROWS])  # (runs,)

    places = torch.cartesian_prod(ALPHAS, SIGMAS).tolist()
    found = [torch.stack([tried(*at, *draw) for draw in zip(*noise, strict=True)]).mean(0) for at in places]
    return torch.stack(found, 1).view(-1, len(ALPHAS), len(SIGMAS))


def valleys(errors: Mapping[str, Tensor]) -> list[Field]:
    """The means over runs of what `valley` gives of some layers, by their names."""
    x, y = Axis("share of the way, α", low=0, high=1), Axis("noise σ, power of 2", low=-8, high=0)
    about: Any = {"scale": Axis("error", low=0, high=0.9), "caption": CLIFF}
    return [Field(k, f"The valley of {k}", x, y, finite(e.mean(0).T), **about) for k, e in errors.items()]


def curves(title: str, x: Axis, at: Any, each: Mapping[str, Tensor], caption: str) -> Lines:
    """Errors (points, runs) over x, a line with its band each; dashed if its name says "never"."""
    lines = [band_line(name, at, finite(errors).T, "never" in name) for name, errors in each.items()]
    return Lines("curves", title, x, ERROR, lines, caption)


def _critical(errors: Tensor, alphas: Tensor, sigmas: Tensor, far: Any) -> Tensor:
    return (alphas[:, None] * far / sigmas).square()[errors <= 0.1].min()


def criticality(errors: Tensor, far: Tensor) -> Tensor:
    """μ of a layer of each run, from the errors (runs, α, σ) of its valley and its way (runs,). (runs,)"""
    return torch.stack([_critical(e, ALPHAS, SIGMAS, way) for e, way in zip(errors, far, strict=True)])


# A function of the errors (A, S) of a valley, its α (A,) and σ (S,), and the way from birth → criticality.
critical = exercise(
    "errors, alphas, sigmas and far",
    tries=[((1 - ALPHAS)[:, None] ** 2 + 0.2 * normal(11, 17).abs(), ALPHAS, SIGMAS, 5.0)],
    want=_critical,
    wrong={
        "Only places count where the error is at most 0.1.": lambda errors, *others: 0 * others[-1],
        "Almost: square the whole fraction.": lambda *given: _critical(*given).sqrt(),
    },
    right="Short way, wide valley, small number: such a layer hardly needed its training.",
    rest="For each α and σ compute (α · far / σ)², keep those whose error is at most 0.1, take the least.",
)

# A function of a layer's weights now and at birth, and of noise → weights as far from now as those at birth.
astray = exercise(
    "now, birth and noise",
    tries=[(normal(4, 3, seed=s), normal(4, 3, seed=s + 1), 3 * normal(4, 3, seed=s + 2)) for s in (0, 7)],
    want=_astray,
    keeps=True,
    wrong={
        "Your way is as long as the noise. Make it as long as the way back to birth.": lambda w, b, u: w + u,
        "Divide the noise by its own length first.": lambda w, b, u: w + u * (b - w).norm(),
        "Set out from where the layer is now.": lambda w, b, u: b + u * (b - w).norm() / u.norm(),
    },
    right="The same layer, the same length, another direction: what differs is the direction alone.",
    rest="now + step, where the step points along the noise and is as long as birth − now.",
)
