"""Plain nets: linear layers and activations in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from sbkit.core import Fleet, SbkitError, Task, between, check_memory, check_task, generator, one_of, whole
from sbkit.models.modules import seeded

# Name → module and, where the derivative can be told from the activation's output, both for NumPy, in place:
# (h, zeros) → activation, (gradient after, h after, zeros) → gradient before. The others train by autograd.
Forth = Callable[[np.ndarray, np.ndarray], object]
Back = Callable[[np.ndarray, np.ndarray, np.ndarray], object]
ACTIVATIONS: dict[str, tuple[Callable[[], nn.Module], tuple[Forth, Back] | None]] = {
    "relu": (
        lambda: nn.ReLU(inplace=True),
        (lambda h, o: np.maximum(h, o, out=h), lambda g, h, o: np.multiply(g, h > o, out=g)),
    ),
    "leaky": (
        nn.LeakyReLU,
        (
            lambda h, o: np.maximum(h, 0.01 * h, out=h),
            lambda g, h, o: np.multiply(g, 0.01, out=g, where=h <= o),
        ),
    ),
    "tanh": (nn.Tanh, (lambda h, o: np.tanh(h, out=h), lambda g, h, o: np.multiply(g, 1 - h * h, out=g))),
    "gelu": (nn.GELU, None),
    "linear": (nn.Identity, (lambda h, o: h, lambda g, h, o: g)),
}
LAYER = 6_000  # bytes that Python takes for a layer, however small


class MLP(Fleet):
    """A fleet of plain nets, Linear and activation in turn, as batched matrix products."""

    def __init__(
        self, modules: list[nn.Module], seed: int, activation: str, init: float, dropout: float = 0.0
    ):
        super().__init__(modules, seed)
        self.kind, self.activation, self.init = activation, ACTIVATIONS[activation][0](), init
        self.dropout = dropout

    @property
    def in_place(self) -> tuple[Forth, Back] | None:
        """The activation and its derivative in NumPy; None where it is unknown, or units drop out."""
        return None if self.dropout else ACTIVATIONS[self.kind][1]

    @property
    def linears(self) -> list[nn.Linear]:
        """The layers, their weights (runs, out, in) and biases (runs, out) or None."""
        return [layer for layer in self.net.children() if isinstance(layer, nn.Linear)]

    def _hidden(self, x: Tensor) -> Iterator[Tensor]:
        """x, then what each hidden layer makes of it. (runs, n, width)"""
        h = x if x.ndim == 3 else x.expand(self.runs, *x.shape)
        yield h
        for i, layer in enumerate(self.linears[:-1]):
            h = self.activation(_affine(layer, h))
            if self.training and self.dropout:
                h = h * self._mask(h, i)
            yield h

    def _mask(self, h: Tensor, layer: int) -> Tensor:
        """0 where a unit of h (runs, n, width) is dropped, 1 / (1 − dropout) where it stays; the same all
        through a step, also where the optimizer asks for the gradient twice."""
        rngs = [generator(*self.moment, self.seed + r, layer) for r in range(self.runs)]
        kept = torch.stack([torch.rand(h.shape[1:], generator=rng) >= self.dropout for rng in rngs])
        return kept.to(h) / (1 - self.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (runs, n, outputs) of x (n, d), shared by the runs, or (runs, n, d), each its own."""
        *_, h = self._hidden(x)
        return _affine(self.linears[-1], h)

    def features(self, x: Tensor, layer: int) -> Tensor:
        """What hidden layer `layer` (0 … depth − 1) makes of x, after the activation. (runs, n, width)"""
        depth = len(self.linears) - 1
        if not 0 <= layer < depth:
            raise SbkitError(f"This fleet has hidden layers 0…{depth - 1}, got {layer}.")
        return list(self._hidden(x))[layer + 1]


def _affine(layer: nn.Linear, h: Tensor) -> Tensor:
    """Each run's own W h + b, or W h. (runs, n, in) → (runs, n, out)"""
    w = layer.weight.mT  # (runs, in, out)
    return h @ w if layer.bias is None else torch.baddbmm(layer.bias.unsqueeze(1), h, w)


def mlp(
    task: Task,
    depth: int = 2,
    width: int = 100,
    activation: str = "relu",
    runs: int = 8,
    init: float = 1.0,
    seed: int = 0,
    dropout: float = 0.0,
) -> Fleet:
    """`runs` fully connected nets for a task, seeds seed … seed + runs − 1.

    depth: hidden layers, 0 = linear model. init multiplies torch's own Linear initialization.
    activation: relu, leaky, tanh, gelu or linear. dropout: chance of a hidden unit to be 0 on a row, the
    others 1 / (1 − dropout) times as large, in the gradients of `fit` only (Srivastava et al. 2014).
    Run r is, weight for weight, the plain torch net made after `torch.manual_seed(seed + r)`. It stands
    on the task's device, in its float type.
    Raises `SbkitError` on other names, numbers out of range, or nets too large for the memory.

    >>> from sbkit.data import slabs
    >>> task = slabs(n=10, n_test=10)
    >>> mlp(task, depth=1, runs=3)(task.x).shape
    torch.Size([3, 10, 2])
    """
    check_task(task)
    depth, width, runs, seed = (
        whole("depth", depth, 0),
        whole("width", width),
        whole("runs", runs),
        whole("seed", seed, 0),
    )
    init, dropout = between("init", init, 0, 1e6), between("dropout", dropout, 0, 0.99)
    activation = one_of("activation", activation, ACTIVATIONS)
    _check_size(task.x.shape[1], width, depth + 1, runs, task)
    sizes = [task.x.shape[1], *[width] * depth, task.outputs]

    def net() -> nn.Sequential:
        layers: list[nn.Module] = []
        for a, b in zip(sizes, sizes[1:], strict=False):
            layers += [nn.Linear(a, b), ACTIVATIONS[activation][0]()]
        return nn.Sequential(*layers[:-1])

    fleet = MLP([seeded(net, seed + r) for r in range(runs)], seed, activation, init, dropout)
    with torch.no_grad():
        for parameter in fleet.parameters():
            parameter.mul_(init)
    return fleet.to(device=task.x.device, dtype=task.x.dtype)


def _check_size(inputs: int, width: int, layers: int, runs: int, task: Task) -> None:
    """Refuse nets of so many layers, biases included, that would not fit into memory."""
    ends = [inputs, task.outputs] if layers == 1 else [inputs, width, task.outputs]
    weights = sum((a + 1) * b for a, b in zip(ends, ends[1:], strict=False))
    weights += max(layers - 2, 0) * (width + 1) * width
    size = task.x.element_size()
    what = f"{runs} runs × {weights:,} weights × {size} bytes × 4 copies (net, gradient, optimizer)"
    check_memory(runs * weights * size * 4, what, task.x.device)
    check_memory(runs * layers * LAYER, f"{runs} runs × {layers:,} layers × {LAYER:,} bytes")


class DeepLinear(MLP):
    """A fleet of products of matrices; `deep_linear` makes it."""


def deep_linear(
    task: Task, factors: int = 2, width: int | None = None, init: float = 1.0, runs: int = 8, seed: int = 0
) -> Fleet:
    """`runs` linear models as products W_factors ⋯ W₁ of matrices, without biases; one factor is the model.

    They compute what a linear model does, and learn it otherwise (Huh et al. 2021; Saxe et al. 2014). width:
    of the matrices between, by default the larger of inputs and outputs, so that every rank is in reach.
    Entries are N(0, init²/columns): with init 1 every factor keeps the mean square length of what it gets.
    Run r is drawn from seed + r. The product: `effective_weight`. Raises `SbkitError` on numbers out of
    range, or nets too large for the memory.

    >>> from sbkit.data import low_rank_task
    >>> fleet = deep_linear(low_rank_task(dim=8, outputs=5), factors=3, runs=2)
    >>> [tuple(weight.shape) for weight in fleet.weights()]
    [(2, 8, 8), (2, 8, 8), (2, 5, 8)]
    """
    check_task(task)
    inputs, factors, runs = task.x.shape[1], whole("factors", factors), whole("runs", runs)
    init, seed = between("init", init, 0, 1e6), whole("seed", seed, 0)
    inner = max(inputs, task.outputs) if width is None else whole("width", width)
    _check_size(inputs, inner, factors, runs, task)
    sizes = [inputs, *[inner] * (factors - 1), task.outputs]

    def net() -> nn.Sequential:
        layers = [nn.Linear(a, b, bias=False) for a, b in zip(sizes, sizes[1:], strict=False)]
        for layer in layers:
            nn.init.normal_(layer.weight, std=init / layer.in_features**0.5)
        return nn.Sequential(*layers)

    fleet = DeepLinear([seeded(net, seed + r) for r in range(runs)], seed, "linear", init)
    return fleet.to(device=task.x.device, dtype=task.x.dtype)
