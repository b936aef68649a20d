"""The layer of a plain fleet, and what torch's users may have hung on layers and weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Linear(nn.Linear):
    """torch's, which takes all runs at once, too: h (runs, n, in) → (runs, n, out), each its own."""

    scale = shift = 1.0  # of W h and of b

    def forward(self, h: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """W h + b or W h, by the weight as it is at this call."""
        w, b = self.weight, self.bias  # (runs, out, in), (runs, out); one net's (out, in), (out,)
        if w.ndim == 2:
            return nn.functional.linear(h, w, b)
        return h @ w.mT if b is None else torch.baddbmm(b.unsqueeze(1), h, w.mT)


class Scaled(Linear):
    """A layer in the NTK parameterization, √(w_var/in) W h + √b_var b (Jacot et al. 2018)."""

    def __init__(self, inputs: int, outputs: int, w_var: float, b_var: float):
        self.scale, self.shift = (w_var / inputs) ** 0.5, b_var**0.5
        super().__init__(inputs, outputs)

    def reset_parameters(self) -> None:
        """Draw all entries from N(0, 1)."""
        for parameter in self.parameters():
            nn.init.normal_(parameter)

    def forward(self, h: Tensor) -> Tensor:
        """√(w_var/in) W h + √b_var b, as `Linear`."""
        w, b = self.weight, self.bias
        if w.ndim == 2:
            return nn.functional.linear(h, self.scale * w, self.shift * b)
        return torch.baddbmm(b.unsqueeze(1), h, w.mT, beta=self.shift, alpha=self.scale)


def turned(net: nn.Module, kind: type[nn.Linear], into: type[nn.Linear]) -> nn.Module:
    """The same net, its layers of exactly this kind now of another."""
    for layer in net.modules():
        if type(layer) is kind:
            layer.__class__ = into
    return net


def hooked(part: nn.Module) -> bool:
    """Whether something is called whenever this module is."""
    return bool(part._forward_hooks or part._forward_pre_hooks) or hooked_back(part)


def hooked_back(part: nn.Module) -> bool:
    """Whether something sees the gradient that passes this module."""
    return bool(part._backward_hooks or part._backward_pre_hooks)


def watched(weight: Tensor) -> bool:
    """Whether something is called whenever this weight gets its gradient."""
    return bool(weight._backward_hooks or weight._post_accumulate_grad_hooks)
