"""Losses as functions of logits, with the gradient written out for the fast path."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.core import SbkitError, Task, registries, told

Gradient = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Loss:
    """A loss of logits (runs, n, outputs) against targets (runs, n, outputs), as encoded from labels.

    value → (runs, n), one a row. gradient → d value / d logits (runs, n, outputs), of and in NumPy arrays;
    None where only autograd knows it. signed: labels are told by ±1 instead of 1 and 0. labels: it takes y
    as the task has it, classes (runs, n).
    """

    value: Callable[[Tensor, Tensor], Tensor]
    gradient: Gradient | None = None
    signed: bool = False
    labels: bool = False

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        return self.value(logits, targets)

    def encode(self, y: Tensor, outputs: int) -> Tensor:
        """Labels (…, n) as rows of one 1, else 0 or −1; values as they are. (…, n, outputs)"""
        if self.labels or y.is_floating_point():
            return y
        rows = F.one_hot(y, outputs).to(torch.get_default_dtype())
        return 2 * rows - 1 if self.signed else rows


def _margin(logits: Any, targets: Any) -> Any:
    """y·(logit₁ − logit₀), positive where the row is right. (runs, n)"""
    return targets[..., 1] * (logits[..., 1] - logits[..., 0])


def _hinge(logits: Tensor, targets: Tensor) -> Tensor:
    return F.relu(1 - _margin(logits, targets))


def _hinge_gradient(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.where(_margin(logits, targets) < 1, -1, 0).astype(logits.dtype)[..., None] * targets


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


def _softmax(logits: Tensor, targets: Tensor) -> Tensor:
    return logits.logsumexp(-1) - (logits * targets).sum(-1)


def _square(logits: Tensor, targets: Tensor) -> Tensor:
    return (logits - targets).square().mean(-1)


def _square_gradient(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return 2 * (logits - targets) / targets.shape[-1]


CROSS_ENTROPY = Loss(_softmax, _softmax_gradient)
registries.loss("cross_entropy")(CROSS_ENTROPY)
registries.loss("logistic", classes=2)(CROSS_ENTROPY)  # log(1 + exp(−margin)), for two classes the same
registries.loss("hinge", classes=2)(Loss(_hinge, _hinge_gradient, signed=True))
registries.loss("square", regression=True)(Loss(_square, _square_gradient, signed=True))


Named = str | Callable[[Tensor, Tensor], Tensor] | None  # as users name a loss


def loss_for(task: Task, name: Named, y: Tensor | None = None) -> Loss:
    """The loss of this name, or the usual one: cross-entropy for classes, squares for values.

    name may be a function (logits, y) → (runs, n) of one's own, which takes labels (runs, n), or values
    (runs, n, outputs), as they are. y: what training rows are told, (n,) or (n, outputs), if not the task's.
    Raises `SbkitError` on an unknown name, on a loss that does not fit the task's labels, and on one of one's
    own that does not give one number a row, a run apart from the others.
    """
    y = task.y if y is None else y
    if callable(name) and not registries.loss.of(name):
        made = Loss(name, labels=True)
        _check(getattr(name, "__name__", type(name).__name__), made, y[:3], task)
        return made
    usual = "cross_entropy" if task.classes else "square"
    name = usual if name is None else registries.loss.of(name) or str(name)
    found, about = registries.loss[name], registries.loss.about[name]
    if not task.classes and not about.regression:
        raise SbkitError(f"Float targets are regression, which has loss='square', got {name!r}.")
    if about.classes == 2 and task.outputs != 2:
        raise SbkitError(f"loss={name!r} is for two classes, got {task.outputs}; try 'cross_entropy'.")
    if isinstance(found, Loss):
        return found
    made = Loss(found)
    _check(name, made, made.encode(y[:3], task.outputs).to(task.x.dtype), task)
    return made


def _check(name: str, loss: Loss, targets: Tensor, task: Task) -> None:
    """Refuse a loss of one's own that is not a number a row, from its own run; targets (n, …)."""
    shape = 2, len(targets), task.outputs
    logits = torch.linspace(-1, 1, math.prod(shape)).to(task.x).view(shape).requires_grad_()
    rule = f"loss={name!r} is a number a row, {shape[:2]} of logits {shape}, with a gradient, each run apart"
    values, labels = "(logits - targets).abs().mean(-1)", "F.cross_entropy(logits.mT, y, reduction='none')"
    way = f"try return {values if targets.ndim > 1 else labels}"
    both = targets.expand(2, *targets.shape)
    try:
        with torch.enable_grad():
            found, alone = loss.value(logits, both), loss.value(logits[:1], both[:1])
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise SbkitError(f"{rule}, got {type(error).__name__}: {error}; {way}.") from error
    if not (isinstance(found, Tensor) and found.shape == shape[:2] and found.requires_grad):
        raise SbkitError(f"{rule}, got {told(found)}; {way}.")
    if alone.shape != found[:1].shape or not torch.allclose(alone, found[:1], equal_nan=True):
        raise SbkitError(f"{rule}, got one that mixes runs; sum or average over the last axis alone.")
