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


def hooked(part: nn.Module) -> bool:
    """Whether something is called whenever this module is."""
    return bool(part._forward_hooks or part._forward_pre_hooks) or hooked_back(part)


def hooked_back(part: nn.Module) -> bool:
    """Whether something sees the gradient that passes this module."""
    return bool(part._backward_hooks or part._backward_pre_hooks)


def watched(weight: Tensor) -> bool:
    """Whether something is called whenever this weight gets its gradient."""
    return bool(weight._backward_hooks or weight._post_accumulate_grad_hooks)
