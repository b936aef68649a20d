"""Losses as functions of logits, with the gradient written out for the fast path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.core import SbkitError, Task, registries


@dataclass(frozen=True)
class Loss:
    """A loss of logits (runs, n, outputs) against targets (runs, n, outputs), as encoded from labels.

    value → (runs, n), one a row. gradient → d value / d logits (runs, n, outputs), of and in NumPy arrays.
    """

    encode: Callable[[Tensor, int], Tensor]
    value: Callable[[Tensor, Tensor], Tensor]
    gradient: Callable[[np.ndarray, np.ndarray], np.ndarray]


def one_hot(y: Tensor, outputs: int) -> Tensor:
    """Labels (…, n) as rows of one 1. (…, n, outputs)"""
    return F.one_hot(y, outputs).to(torch.get_default_dtype())


def values(y: Tensor, outputs: int) -> Tensor:
    """Regression values as they are; labels as +1 on their own output, −1 elsewhere. (…, n, outputs)"""
    return y if y.is_floating_point() else 2 * one_hot(y, outputs) - 1


def _margin(logits: Any, targets: Any) -> Any:
    """y·(logit₁ − logit₀), positive where the row is right. (runs, n)"""
    return targets[..., 1] * (logits[..., 1] - logits[..., 0])


def _of_margin(
    name: str, value: Callable[[Tensor], Tensor], slope: Callable[[np.ndarray], np.ndarray]
) -> None:
    """Register a loss of the two-class margin with its slope."""

    def gradient(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return slope(_margin(logits, targets))[..., None] * targets

    registries.loss(name, classes=2)(Loss(values, lambda logits, t: value(_margin(logits, t)), gradient))


SIGNS = np.array([-1, 1], np.float32)  # of the two classes


def _sigmoid(minus: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(minus)), exact to rounding; beyond 80 it is 0 to float32."""
    over = np.exp(np.minimum(minus, 80))
    over += 1
    return np.reciprocal(over, out=over)


def _softmax_gradient(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """softmax − one-hot; for two classes by the sigmoid, which is several times faster."""
    if logits.shape[-1] != 2:
        chance = np.exp(logits - logits.max(-1, keepdims=True))
        chance /= chance.sum(-1, keepdims=True)
        return chance - targets
    over = _sigmoid(logits[..., 0] - logits[..., 1])  # P(class 1), (runs, n)
    over -= targets[..., 1]
    return over[..., None] * SIGNS


registries.loss("cross_entropy", classes=None)(
    Loss(one_hot, lambda logits, t: logits.logsumexp(-1) - (logits * t).sum(-1), _softmax_gradient)
)
_of_margin("logistic", lambda m: F.softplus(-m), lambda m: -_sigmoid(m))
_of_margin("hinge", lambda m: F.relu(1 - m), lambda m: -(m < 1).astype(m.dtype))
registries.loss("square", classes=None, regression=True)(
    Loss(
        values,
        lambda logits, t: (logits - t).square().mean(-1),
        lambda logits, t: 2 * (logits - t) / t.shape[-1],
    )
)


def loss_for(task: Task, name: str | None) -> Loss:
    """The loss of this name, or the usual one: cross-entropy for classes, squares for values.

    Raises `SbkitError` on an unknown name or a loss that does not fit the task's labels.
    """
    name = name if name is not None else ("cross_entropy" if task.classes else "square")
    loss, about = registries.loss[name], registries.loss.about[name]
    if not task.classes and not about.regression:
        raise SbkitError(f"Float targets are regression, which has loss='square', got {name!r}.")
    if about.classes == 2 and task.outputs != 2:
        raise SbkitError(f"loss={name!r} is for two classes, got {task.outputs}; try 'cross_entropy'.")
    return loss
