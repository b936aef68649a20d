"""Plain nets: linear layers and activations in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from sbkit.core import Fleet, SbkitError, Task, between, check_memory, check_task, generator, one_of, whole
from sbkit.core.rules import kept
from sbkit.models.layers import Linear, Scaled, hooked, turned
from sbkit.models.modules import seeded

Make = Callable[[], nn.Sequential]
Draw = Callable[[nn.Sequential], object]  # changes the weights that torch drew, in place
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "leaky": nn.LeakyReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "linear": nn.Identity,
}
LAYER = 6_000  # bytes that Python takes for a layer, however small
USUAL = {name: make() for name, make in ACTIVATIONS.items()}  # whether one was changed is seen by these
ELEMENTWISE = {type(activation) for activation in USUAL.values()}


class MLP(Fleet):
    """A fleet of nets of Linear and activation in turn, as batched matrix products.

    make: builds such a net; draw: changes its weights, which torch draws anew for each run. The fleet stands
    on the task's device, in its float type. What torch hangs on its layers or net (hooks, parametrizations,
    masks of pruning) acts on all runs at once: `fleet.net[0].weight` is (runs, out, in). Another module in
    `net` acts on each run apart.
    """

    def __init__(
        self, task: Task, make: Make, draw: Draw, runs: int, seed: int, activation: str, dropout: float = 0.0
    ):
        super().__init__([net := seeded(make, seed)], seed)
        self.runs, self.own, self.activation, self.dropout = runs, (), activation, dropout
        for parameter, values in zip(self.parameters(), _drawn(net, draw, runs, seed), strict=True):
            parameter.data = values
        turned(self.net, nn.Linear, Linear)
        self.birth = self.owned()
        self.to(device=task.x.device, dtype=task.x.dtype)

    @property
    def linears(self) -> list[nn.Linear]:
        """The layers, their weights (runs, out, in) and biases (runs, out) or None."""
        return [part for part in self.parts if isinstance(part, nn.Linear)]

    @property
    def parts(self) -> list[nn.Module]:
        """What its net calls, first to last; a part that is called twice stands there twice."""
        return [part for part in self.net._modules.values() if part is not None]

    def run(self, i: int) -> nn.Module:
        """Run i alone as an ordinary module with its own copy of the weights."""
        return turned(super().run(i), Linear, nn.Linear)

    @property
    def in_turn(self) -> bool:
        """Whether its net still is made of parts that take all runs at once."""
        batched = (isinstance(part, Linear) or type(part) in ELEMENTWISE for part in self.parts)
        return type(self.net) is nn.Sequential and all(batched)

    def _hidden(self, h: Tensor) -> Iterator[Tensor]:
        """What each hidden layer makes of h (runs, n, d), after the activation, and the logits."""
        layers = 0
        for part in self.parts:
            if isinstance(part, nn.Linear):
                if layers > 0:
                    h = h * self._mask(h, layers - 1) if self.training and self.dropout else h
                    yield h
                layers += 1
            h = part(h)
        yield h

    def _mask(self, h: Tensor, layer: int) -> Tensor:
        """0 where a unit of h (runs, n, width) is dropped, 1 / (1 − dropout) where it stays.

        It is the same all through a step, for an optimizer that asks for the gradient twice, too.
        """
        rngs = [generator(*self.moment, self.seed + r, layer) for r in range(self.runs)]
        return torch.stack([kept(h.shape[1:], self.dropout, rng) for rng in rngs]).to(h)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (runs, n, outputs) of x (n, d), shared by the runs, or (runs, n, d), each its own."""
        x = self._each(x)
        if not (self.training and self.dropout):
            return self.net(x) if self.in_turn else super().forward(x)
        if not self.in_turn or hooked(self.net):
            words = "Dropout falls between the layers that sb.mlp made, got another net or hooks on it"
            raise SbkitError(f"{words}; try hooks on the layers, or sb.mlp(task, dropout=0.0).")
        *_, logits = self._hidden(x)
        return logits

    def _each(self, x: Tensor) -> Tensor:
        """Inputs of every run, (runs, n, d), for a net that writes over nothing a hook has seen."""
        in_place = not any(map(hooked, self.parts))
        for part in self.parts:
            if type(part) is nn.ReLU:
                part.inplace = in_place
        if len(self._modules) > 1:
            rule = f"An sb.mlp fleet computes by its net alone, got also {', '.join([*self._modules][1:])}"
            raise SbkitError(f"{rule}; change the net, as in fleet.net[1] = torch.nn.Tanh().")
        return x if x.ndim == 3 else x.expand(self.runs, *x.shape)

    def layers(self, x: Tensor) -> Iterator[Tensor]:
        """What each hidden layer makes of x, after the activation, (runs, n, width), and last the logits."""
        if not self.in_turn:
            raise SbkitError("Hidden layers are known of the net that sb.mlp made, got one changed since.")
        return self._hidden(self._each(x))

    def hidden(self, x: Tensor) -> list[Tensor]:
        """What each hidden layer makes of x, after the activation, (runs, n, width) each."""
        return [*self.layers(x)][:-1] if self.in_turn else super().hidden(x)

    def passes(self, x: Tensor) -> list[tuple[Any, Tensor, Tensor]]:
        """Each layer, what it is given and what it makes, h and scale·W h + shift·b, (runs, n, …) each.

        The last makes the logits. [] if layers share weights, or something hangs on them that changes what
        they make.
        """
        own = [p for layer in self.linears for p in layer.parameters(recurse=False)]
        touched = any(is_parametrized(m) or hooked(m) or "forward" in vars(m) for m in self.linears)
        if touched or hooked(self.net) or not self.in_turn or len(own) != len([*self.parameters()]):
            return []
        found, h = [], self._each(x)
        for part in self.parts:
            before, h = h, part(h if isinstance(part, Linear) else h.clone())
            if isinstance(part, Linear):
                found.append((part, before, h))
        return found


def _drawn(net: nn.Sequential, draw: Draw, runs: int, seed: int) -> list[Tensor]:
    """The weights (runs, …) of runs: run r's are those of a new net after `torch.manual_seed(seed + r)`.

    As torch's own `reset_parameters` draws them, layer by layer, and then `draw` changes them.
    """

    @torch.no_grad()
    def drawn() -> list[Tensor]:
        for layer in net:
            if isinstance(layer, nn.Linear):
                layer.reset_parameters()
        draw(net)
        return [p.clone() for p in net.parameters()]

    found = [seeded(drawn, seed + r) for r in range(runs)]
    return [torch.stack(values) for values in zip(*found, strict=True)]


def mlp(
    task: Task,
    depth: int | None = None,
    width: int | Sequence[int] = 100,
    activation: str = "relu",
    runs: int = 8,
    init: float = 1.0,
    seed: int = 0,
    dropout: float = 0.0,
    parameterization: str = "standard",
    w_var: float = 2.0,
    b_var: float = 0.0,
) -> Fleet:
    """`runs` fully connected nets for a task, seeds seed … seed + runs − 1.

    depth: hidden layers, 0 = linear model; None is 2. width: of each, or one width a layer, as (128, 64),
    which sets the depth. init multiplies the weights and biases as drawn.
    activation: relu, leaky, tanh, gelu or linear. dropout: chance of a hidden unit to be 0 on a row, the
    others 1 / (1 − dropout) times as large, in the gradients of `fit` only (Srivastava et al. 2014).
    parameterization: "standard" draws as torch's own Linear does. "ntk" draws all entries from N(0, 1), and
    every layer, the output's too, computes √(w_var/inputs) W h + √b_var b (Jacot et al. 2018): the finite
    nets of `sb.measures.infinite_kernel` with the same w_var and b_var, which "standard" does not know.
    Run r is, weight for weight, the torch net made after `torch.manual_seed(seed + r)`. The fleet stands
    on the task's device, in its float type.
    Raises `SbkitError` on other names, numbers out of range, another depth than there are widths, variances
    that nothing reads, or nets too large for the memory.

    >>> from sbkit.data import slabs
    >>> task = slabs(n=10, n_test=10)
    >>> mlp(task, depth=1, runs=3)(task.x).shape
    torch.Size([3, 10, 2])
    >>> [tuple(weight.shape) for weight in mlp(task, width=(64, 32), runs=3).weights()]
    [(3, 64, 2), (3, 32, 64), (3, 2, 32)]
    """
    check_task(task)
    runs, seed = whole("runs", runs), whole("seed", seed, 0)
    init, dropout = between("init", init, 0, 1e6), between("dropout", dropout, 0, 0.99)
    activation = one_of("activation", activation, ACTIVATIONS)
    layer = _layer(parameterization, w_var, b_var)
    widths = _widths(depth, width, runs)
    check_size(widths, runs, task)

    def net() -> nn.Sequential:
        sizes = pairwise([task.x.shape[-1], *widths, task.outputs])
        layers = [(layer(a, b), ACTIVATIONS[activation]()) for a, b in sizes]
        return nn.Sequential(*[part for pair in layers for part in pair][:-1])

    def scale(net: nn.Sequential) -> None:
        for parameter in net.parameters():
            parameter.mul_(init)

    return MLP(task, net, scale, runs, seed, activation, dropout)


def _layer(parameterization: str, w_var: float, b_var: float) -> Callable[[int, int], nn.Linear]:
    """What makes a layer of so many inputs and outputs."""
    w_var, b_var = between("w_var", w_var, 0, 1e6, open_low=True), between("b_var", b_var, 0, 1e6)
    if one_of("parameterization", parameterization, ("standard", "ntk")) == "ntk":
        return lambda a, b: Scaled(a, b, w_var, b_var)
    if (w_var, b_var) != (2.0, 0.0):
        rule = "w_var and b_var belong to the parameterization 'ntk', init to 'standard'"
        raise SbkitError(f"{rule}, got w_var={w_var!r}, b_var={b_var!r}; try parameterization='ntk'.")
    return nn.Linear


def _widths(depth: int | None, width: int | Sequence[int], runs: int) -> list[int]:
    """The width of each hidden layer."""
    if isinstance(width, list | tuple):
        widths = [whole("width", each) for each in width]
        if depth not in (None, len(widths)):
            rule = f"width={width!r:.60} sets {len(widths)} hidden layers"
            raise SbkitError(
                f"{rule}, got depth={depth!r}; leave depth out, or try width={widths[0] if widths else 100}."
            )
        return widths
    depth, width = whole("depth", 2 if depth is None else depth, 0), whole("width", width)
    check_depth(depth + 1, runs)
    return [width] * depth


def check_depth(layers: int, runs: int) -> None:
    """Refuse more layers than Python has memory for."""
    check_memory(runs * layers * LAYER, f"{runs} runs × {layers:,} layers × {LAYER:,} bytes")


def check_size(widths: Sequence[int], runs: int, task: Task) -> None:
    """Refuse nets of these hidden layers, biases included, that would not fit into memory."""
    sizes = pairwise([task.x.shape[-1], *widths, task.outputs])
    check_weights(sum((a + 1) * b for a, b in sizes), runs, task)


def check_weights(weights: int, runs: int, task: Task) -> None:
    """Refuse nets of so many weights that would not fit into memory."""
    size = task.x.element_size()
    what = f"{runs} runs × {weights:,} weights × {size} bytes × 5 copies (net, birth, gradient, optimizer)"
    check_memory(runs * weights * size * 5, what, task.x.device)
