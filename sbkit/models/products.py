"""Layers as products of layers: more parameters, the same functions."""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn
from torch.nn.utils import parametrize

from sbkit.core import LAYERS, SbkitError, check_memory, whole


class Product(nn.Module):
    """The weight that a product of factors amounts to; `torch.nn.utils.parametrize` calls it.

    Linear factors W₁, W₂, … multiply to …W₂W₁, (runs, out, in) or (out, in). Factors of a convolution
    are kernels (out, in / groups, …), one convolved after the other, all padding before the first, the
    stride after the last. The sum of kernel sizes less (factors − 1) is the size of the layer's own.
    """

    def __init__(self, shapes: Sequence[tuple[int, ...]], groups: int, rng: Generator | None):
        super().__init__()
        self.shapes, self.groups, self.rng = shapes, groups, rng

    def forward(self, *factors: Tensor) -> Tensor:
        """The product of the factors, first to last."""
        if len(self.shapes[0]) == 2:
            return functools.reduce(lambda first, second: second @ first, factors)
        return functools.reduce(functools.partial(_convolved, groups=self.groups), factors)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, ...]:
        """New factors, of normal entries, whose product has entries as large as the weight's on average."""
        made = [torch.randn(shape, generator=self.rng).to(weight) for shape in self.shapes]
        made = [factor / math.prod(factor.shape[1:]) ** 0.5 for factor in made]  # by the inputs it sums over
        made[0] *= weight.square().mean().sqrt() * math.prod(weight.shape[1:]) ** 0.5
        return tuple(made)


def _convolved(first: Tensor, second: Tensor, groups: int) -> Tensor:
    """One kernel for two convolutions, `first` and then `second`, with no stride or padding between."""
    convolve = {3: nn.functional.conv1d, 4: nn.functional.conv2d, 5: nn.functional.conv3d}[first.ndim]
    flipped, reach = second.flip(*range(2, second.ndim)), [size - 1 for size in second.shape[2:]]
    pairs = zip(first.chunk(groups), flipped.chunk(groups), strict=True)
    return torch.cat([convolve(a.transpose(0, 1), b, padding=reach).transpose(0, 1) for a, b in pairs])


class Overparameterized(nn.Module):
    """A module whose linear and convolutional weights are products; `overparameterize` makes it."""

    def collapse(self) -> nn.Module:
        """A copy with ordinary weights that computes the same: each product multiplied out."""
        made = copy.deepcopy(self)
        made.__class__ = type(self).__bases__[1]
        for layer in [part for part in made.modules() if isinstance(part, LAYERS)]:
            _multiply_out(layer)
        return made


def _multiply_out(layer: nn.Module) -> None:
    """Give a layer its own class and weight again. (torch's own would take it from copies, too.)"""
    weight, bias = layer.weight, layer.bias
    del layer.parametrizations, layer.bias
    layer.__class__ = type(layer).__bases__[0]
    layer.weight = nn.Parameter(torch.as_tensor(weight).detach().clone())
    layer.register_parameter("bias", bias)  # pyright: ignore[reportArgumentType]


def overparameterize(
    module: nn.Module,
    factors: int = 2,
    width: int | None = None,
    kernel_sizes: Sequence[int] | None = None,
    rng: Generator | None = None,
) -> Overparameterized:
    """A copy of a module in which every linear and convolutional weight is a product of `factors` others.

    It can compute what the module can, with more parameters (Huh et al. 2021, section 4). Train it; then
    `.collapse()` gives an ordinary module that computes the same. `layer.weight` is the product, and
    gradients flow through it.
    width: the size between two factors; None is the larger of the layer's inputs and outputs. kernel_sizes:
    one for each factor of a convolution, which sum to the layer's own size + factors − 1; None is its own
    for the first and 1 for the others. rng draws the factors, torch's own generator by default. They are
    normal, scaled so that outputs vary as those of the layer did; its weights are forgotten, its bias kept.
    Raises `SbkitError` if there is no such layer, and on sizes that do not fit.

    >>> net = overparameterize(nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2)), factors=4)
    >>> len(list(net.parameters())), len(list(net.collapse().parameters()))
    (10, 4)
    """
    made = copy.deepcopy(module) if isinstance(module, nn.Module) else nn.Module()
    layers = [part for part in made.modules() if isinstance(part, LAYERS)]
    if not layers:
        rule = "overparameterize needs a linear or convolutional layer"
        raise SbkitError(f"{rule}, got {type(module).__name__}; try nn.Linear(2, 2).")
    for layer in layers:
        groups = getattr(layer, "groups", 1)
        shapes = _shapes(layer.weight.shape, groups, whole("factors", factors), width, kernel_sizes)
        parametrize.register_parametrization(layer, "weight", Product(shapes, groups, rng))
    cls = type(made)
    made.__class__ = type(f"Overparameterized{cls.__name__}", (Overparameterized, cls), {})
    return made  # pyright: ignore[reportReturnType]


def _shapes(
    weight: Sequence[int], groups: int, factors: int, width: int | None, kernel_sizes: Sequence[int] | None
) -> list[tuple[int, ...]]:
    """Shapes of the factors of a weight (out, in / groups, …)."""
    out, into, own = weight[0], weight[1] * groups, tuple(weight[2:])
    inner = max(out, into) if width is None else whole("width", width)
    if inner % groups:
        raise SbkitError(f"width is a multiple of the {groups} groups, got {inner}; try {groups * inner}.")
    numbers = inner * (into + out) + inner**2 * max(factors - 2, 0) + factors
    check_memory(numbers * 4 * 4, f"{factors:,} factors, {numbers:,} numbers × 4 bytes × 4 copies")
    kernels = [own] + [(1,) * len(own)] * (factors - 1)
    if own and kernel_sizes is not None:
        kernels = [(whole("kernel_sizes", size),) * len(own) for size in kernel_sizes]
        spans = tuple(sum(sizes) - factors + 1 for sizes in zip(*kernels, strict=True))
        if len(kernels) != factors or spans != own:
            rule = f"kernel_sizes are {factors} that sum to {own[0] + factors - 1}, for a kernel of {own}"
            raise SbkitError(f"{rule}, got {tuple(kernel_sizes)}.")
    sizes = [into, *[inner] * (factors - 1), out]
    return [(b, a // groups, *kernel) for a, b, kernel in zip(sizes, sizes[1:], kernels, strict=False)]
