"""Gradients of plain nets without autograd."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from sbkit.core import Fleet
from sbkit.losses import Gradient
from sbkit.models import MLP, DeepLinear
from sbkit.models.layers import Linear, Scaled, hooked, watched
from sbkit.models.plain import USUAL

Forth = Callable[[np.ndarray, np.ndarray], object]  # (h, zeros) → activation
Back = Callable[[np.ndarray, np.ndarray, np.ndarray], object]  # (gradient after, h after, zeros) → before
# Activations whose derivative follows from their output; both functions write in place.
IN_PLACE: dict[str, tuple[Forth, Back]] = {
    "relu": (lambda h, o: np.maximum(h, o, out=h), lambda g, h, o: np.multiply(g, h > o, out=g)),
    "leaky": (
        lambda h, o: np.maximum(h, 0.01 * h, out=h),
        lambda g, h, o: np.multiply(g, 0.01, out=g, where=h <= o),
    ),
    "tanh": (lambda h, o: np.tanh(h, out=h), lambda g, h, o: np.multiply(g, 1 - h * h, out=g)),
    "linear": (lambda h, o: h, lambda g, h, o: g),
}


class Backpropagation:
    """Gradients of an `MLP` fleet on the CPU for minibatches of one shape, in memory set aside once.

    Equal to autograd (tested) and several times faster: small nets are bound by the cost of each call, which
    is least in NumPy, larger ones by fresh memory at every step. It reads the memory of the weights and
    writes into that of their gradients, which `Fleet.flat` has made before.
    """

    def __init__(self, fleet: Fleet, shape: tuple[int, ...]):
        assert isinstance(fleet, MLP)
        self.activation, self.slope = IN_PLACE[fleet.activation]
        self.shape = shape  # (runs, n, d)
        self.layers = [_Layer(layer, shape[1]) for layer in fleet.linears]  # pyright: ignore
        self.ones = np.ones((1, shape[1]), self.layers[0].weight.dtype)  # (1, n), sums rows

    @staticmethod
    def knows(fleet: Fleet) -> bool:
        """True for fleets whose gradients it can write: as sbkit made them, with no hook or change since."""
        if not isinstance(fleet, MLP) or type(fleet) not in (MLP, DeepLinear):
            return False
        known = fleet.activation in IN_PLACE and not fleet.dropout and type(fleet.net) is nn.Sequential
        return known and _in_turn(fleet, fleet.parts) and _untouched(fleet, fleet.parts)

    def __call__(self, x: np.ndarray, targets: np.ndarray, gradient: Gradient) -> np.ndarray:
        """Write d mean loss / d parameters into every `.grad` and return the logits.

        x (runs, n, d); gradient: logits, targets → d loss of a row / d logits, all (runs, n, outputs).
        """
        *hidden, last = self.layers
        inputs = [x, *(layer.out for layer in hidden)]  # of each layer
        for layer, h in zip(hidden, inputs, strict=False):
            self.activation(layer.forward(h), layer.zeros)
        g = gradient(last.forward(inputs[-1]), targets)
        g /= self.shape[1]
        for i in reversed(range(len(inputs))):
            self.layers[i].gradients(g, inputs[i], self.ones)
            if i:
                before = hidden[i - 1]
                np.matmul(g, self.layers[i].weight, out=before.back)
                self.slope(before.back, before.out, before.zeros)
                g = before.back
        return last.out


def _in_turn(fleet: MLP, parts: list[nn.Module]) -> bool:
    """Whether its net is Linear and its activation in turn, or for products of matrices Linear alone."""
    usual = USUAL[fleet.activation]
    turn = [Linear] if type(fleet) is DeepLinear else [Linear, type(usual)]
    slopes = {vars(part).get("negative_slope") for part in [*parts[1::2], usual]}  # of leaky ones
    types = [Linear if type(part) is Scaled else type(part) for part in parts]
    return types[-1] is Linear and types == (turn * len(types))[: len(types)] and len(slopes) == 1


def _untouched(fleet: MLP, parts: list[nn.Module]) -> bool:
    """Whether each layer has its own weights, in memory that NumPy reads, and no hook sees what passes."""
    held = [part._parameters for part in parts if isinstance(part, Linear)]
    weights = [p for own in held for p in own.values() if p is not None]
    return (
        not nn.modules.module._has_any_global_hook()
        and not any(hooked(part) or "forward" in vars(part) for part in (fleet, fleet.net, *parts))
        and all(list(own) == ["weight", "bias"] for own in held)
        and all(type(p) is nn.Parameter and p.is_cpu and not watched(p) for p in weights)
        and {p.dtype for p in weights} in ({torch.float32}, {torch.float64})
        and len({id(p) for p in weights}) == len(weights)
    )


class _Layer:
    """A layer's weights and gradients as arrays, with room for what it computes from a minibatch."""

    def __init__(self, layer: Linear, rows: int):
        self.layer = layer
        self.weight, self.weight_grad = _pair(layer.weight)  # (runs, out, in) each
        self.turned = self.weight.swapaxes(1, 2)  # (runs, in, out)
        self.bias = self.bias_grad = None
        if layer.bias is not None:
            self.bias, self.bias_grad = (part[:, None] for part in _pair(layer.bias))  # (runs, 1, out) each
        memory = np.zeros((3, len(self.weight), rows, self.weight.shape[1]), self.weight.dtype)
        self.out, self.back, self.zeros = memory  # (runs, n, out) each

    def forward(self, h: np.ndarray) -> np.ndarray:
        """h W + b, scaled as the layer does it. (runs, n, in) → (runs, n, out)"""
        scale, shift = self.layer.scale, self.layer.shift
        np.matmul(h, self.turned, out=self.out)
        if scale != 1.0:
            self.out *= scale
        if self.bias is None:
            return self.out
        return np.add(self.out, self.bias if shift == 1.0 else shift * self.bias, out=self.out)

    def gradients(self, g: np.ndarray, h: np.ndarray, ones: np.ndarray) -> None:
        """Fill those of weight and bias: h (runs, n, in) are inputs, g (runs, n, out) outputs' gradients.

        Afterwards g are those of W h, without the layer's scale.
        """
        if self.bias_grad is not None:
            np.matmul(ones, g, out=self.bias_grad)
            if self.layer.shift != 1.0:
                self.bias_grad *= self.layer.shift
        if self.layer.scale != 1.0:
            g *= self.layer.scale
        np.matmul(g.swapaxes(1, 2), h, out=self.weight_grad)


def _pair(parameter: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """A parameter and its gradient as arrays; a frozen one gets a gradient that nobody reads."""
    if parameter.requires_grad and parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    weight = parameter.detach().numpy()
    return weight, np.empty_like(weight) if parameter.grad is None else parameter.grad.numpy()
