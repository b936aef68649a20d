"""Gradients of plain nets without autograd."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from sbkit.models.plain import MLP


class Backpropagation:
    """Gradients of an `MLP` fleet for minibatches of one shape, without autograd, in memory set aside once.

    Equal to autograd (tested) and faster: small nets are bound by the cost of each operation, larger
    ones by fresh memory at every step. Begins where `Fleet.flat` has set the gradients aside.
    """

    def __init__(self, fleet: MLP, x: Tensor):
        assert fleet.slope is not None
        self.slope, self.activation, self.shape = fleet.slope, fleet.activation, x.shape
        self.first = fleet.linears[0].weight
        self.place = self.first.data_ptr()
        parts = [(layer.weight, layer.bias) for layer in fleet.linears]
        self.forward = [
            (w.data.mT, None if b is None else b.data.unsqueeze(1), x.new_empty(*x.shape[:2], w.shape[1]))
            for w, b in parts
        ]
        self.back = [
            (w.data, w.grad, None if b is None else b.grad, x.new_empty(x.shape[:2] + w.shape[2:]))
            for w, b in parts
        ]

    def fits(self, x: Tensor) -> bool:
        """False once the minibatch has another shape or the weights have moved in memory."""
        return self.shape == x.shape and self.place == self.first.data_ptr()

    @torch.no_grad()
    def __call__(self, x: Tensor, gradient: Callable[[Tensor], Tensor]) -> Tensor:
        """Write d loss / d parameters into every `.grad` and return the logits.

        x (runs, n, d); gradient: logits → d loss / d logits, both (runs, n, outputs).
        """
        hidden = [x]
        for weight, bias, out in self.forward[:-1]:
            hidden.append(self.activation(_affine(bias, hidden[-1], weight, out)))
        weight, bias, logits = self.forward[-1]
        g = gradient(_affine(bias, hidden[-1], weight, logits))
        for i in reversed(range(len(hidden))):
            weight, weight_grad, bias_grad, out = self.back[i]
            torch.bmm(g.mT, hidden[i], out=weight_grad)
            if bias_grad is not None:
                torch.sum(g, 1, out=bias_grad)
            if i:
                g = self.slope(torch.bmm(g, weight, out=out), hidden[i])
        return logits


def _affine(bias: Tensor | None, h: Tensor, weight: Tensor, out: Tensor) -> Tensor:
    """h W + b, or h W, written to `out`. (runs, n, in), (runs, in, out) → (runs, n, out)"""
    return torch.bmm(h, weight, out=out) if bias is None else torch.baddbmm(bias, h, weight, out=out)
