"""Weights that are 0 while the others train, as after pruning."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from sbkit.core import Fleet, SbkitError, told

Mask = Sequence[Tensor] | Callable[[int], Sequence[Tensor]]
ALL = slice(None)


class Masks:
    """Keeps masked weights at 0, and their gradients: as if the nets multiplied weights by masks in forward.

    given: a bool tensor (runs, out, in) for each of `fleet.weights()`, True = kept, or a function step → such
    a list, which holds for the gradients of that step and until the next. A weight that comes back begins at
    0. Masking weights alone would change every optimizer that looks at a norm or a curvature.
    """

    def __init__(self, fleet: Fleet, given: Mask, start: int):
        self.fleet, self.given = fleet, given
        self._parts: list[tuple[Tensor, Tensor | None, Tensor]] = []  # weight, gradient, kept: (runs, …)
        self._take(given(start) if callable(given) else given)

    def at(self, step: int) -> None:
        """Take the masks of a step, and mask the weights."""
        if callable(self.given):
            self._take(self.given(step))
        self.weights()

    def weights(self, rows: slice = ALL) -> None:
        """Set the masked weights of these runs to 0."""
        for weight, _, kept in self._parts:
            weight[rows].mul_(kept[rows])

    def gradients(self, rows: slice = ALL) -> None:
        """Set the gradients of the masked weights of these runs to 0."""
        for _, grad, kept in self._parts:
            if grad is not None:
                grad[rows].mul_(kept[rows])

    def _take(self, masks: Any) -> None:
        weights = self.fleet.weights()
        shapes = [tuple(weight.shape) for weight in weights]
        several = isinstance(masks, list | tuple) and all(isinstance(mask, Tensor) for mask in masks)
        if not several or [(tuple(m.shape), m.dtype) for m in masks] != [(s, torch.bool) for s in shapes]:
            rule = f"A mask is a bool tensor for each of fleet.weights(), here {shapes}"
            way = "sb.models.prune(fleet, 0.5), or [weight != 0 for weight in fleet.weights()]"
            raise SbkitError(f"{rule}, got {told(masks)}; try {way}.")
        places = {p.data_ptr(): p for p in self.fleet.parameters()}
        self._parts = []
        for weight, mask in zip(weights, masks, strict=True):
            p = places.get(weight.data_ptr())
            if p is None or p.numel() != weight.numel():
                words = "A mask is of weights that train as they stand, got one that its layer computes"
                raise SbkitError(f"{words}; build the nets without, as overparameterize(net).collapse().")
            self._parts.append((p.data, p.grad, mask.reshape(p.shape).to(p)))
