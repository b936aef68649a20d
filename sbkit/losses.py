"""Losses as functions of logits, with the gradient written out for the fast path; lessons from a teacher."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.core import Fleet, SbkitError, Task, between, check_fleet, registries, told

Gradient = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Loss:
    """A loss of logits (runs, n, outputs) against targets (runs, n, outputs), as encoded from labels.

    value → (runs, n), one a row. gradient → d value / d logits (runs, n, outputs), of and in NumPy arrays;
    None where only autograd knows it. signed: labels are told by ±1 instead of 1 and 0. many: each output
    has a label of its own, 0 or 1. labels: it takes y as the task has it, classes (runs, n).
    """

    value: Callable[[Tensor, Tensor], Tensor]
    gradient: Gradient | None = None
    signed: bool = False
    many: bool = False
    labels: bool = False

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        return self.value(logits, targets)

    def encode(self, y: Tensor, outputs: int) -> Tensor:
        """Labels (…, n) as rows of one 1, else 0 or −1; many labels likewise; values as they are.

        Shape (…, n, outputs).
        """
        if self.labels or y.is_floating_point():
            return y
        rows = (y if self.many else F.one_hot(y, outputs)).to(torch.get_default_dtype())
        return 2 * rows - 1 if self.signed else rows


def _margin(logits: Any, targets: Any) -> Any:
    """y·(logit₁ − logit₀), positive where the row is right. (runs, n)"""
    return targets[..., 1] * (logits[..., 1] - logits[..., 0])


def _hinge(logits: Tensor, targets: Tensor) -> Tensor:
    return F.relu(1 - _margin(logits, targets))


def _hinge_gradient(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.where(_margin(logits, targets) < 1, -1, 0).astype(logits.dtype)[..., None] * targets


SUMS = 1e-4  # how far from 1 chances may sum to


def _plus_exp(minus: np.ndarray) -> np.ndarray:
    """1 + exp(minus) in its place, 1 / sigmoid(−minus), exact to rounding; of no more than 80."""
    np.exp(np.minimum(minus, 80, out=minus), out=minus)
    minus += 1
    return minus


def _softmax_gradient(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(Σt)·softmax − t; for two classes by the sigmoid, which is several times faster."""
    if logits.shape[-1] != 2:
        chance = np.exp(logits - logits.max(-1, keepdims=True))
        chance /= chance.sum(-1, keepdims=True)
        chance *= targets.sum(-1, keepdims=True)
        return chance - targets
    found, of_1 = np.empty_like(logits), targets[..., 1]
    over = _plus_exp(logits[..., 0] - logits[..., 1])  # 1 / P(class 1), (runs, n)
    np.divide(targets[..., 0] + of_1, over, out=over)
    np.subtract(over, of_1, out=found[..., 1])
    np.subtract(of_1, over, out=found[..., 0])
    return found


def _softmax(logits: Tensor, targets: Tensor) -> Tensor:
    """−Σ t·log p, also of targets that are no one-hot row, as a teacher's chances or mixed labels."""
    return logits.logsumexp(-1) * targets.sum(-1) - (logits * targets).sum(-1)


def _binary(logits: Tensor, targets: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none").mean(-1)


def _binary_gradient(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return (1 / _plus_exp(-logits) - targets) / targets.shape[-1]


def _square(logits: Tensor, targets: Tensor) -> Tensor:
    return (logits - targets).square().mean(-1)


def _square_gradient(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return 2 * (logits - targets) / targets.shape[-1]


CROSS_ENTROPY = Loss(_softmax, _softmax_gradient)
registries.loss("cross_entropy")(CROSS_ENTROPY)
registries.loss("logistic", classes=2)(CROSS_ENTROPY)  # log(1 + exp(−margin)), for two classes the same
registries.loss("hinge", classes=2)(Loss(_hinge, _hinge_gradient, signed=True))
BINARY = Loss(_binary, _binary_gradient)  # each output by itself, the mean over them
registries.loss("bce")(BINARY)
SQUARE = Loss(_square, _square_gradient, signed=True)
registries.loss("square", regression=True)(SQUARE)
USUAL = {"class": "cross_entropy", "many-label": "bce", "regression": "square"}


Named = str | Callable[[Tensor, Tensor], Tensor] | None  # as users name a loss


def loss_for(task: Task, name: Named, y: Tensor | None = None) -> Loss:
    """The loss of this name, or the usual one: cross-entropy for classes, "bce" for many labels, or squares.

    Cross-entropy and "bce" take float targets that are chances. name may be a function of one's own, (logits,
    y) → (runs, n), which takes labels (runs, n), or values (runs, n, outputs), as they are. y: what training
    rows are told, (n,) or (n, outputs), if not the task's. Raises `SbkitError` on an unknown name, on a loss
    that does not fit the task's labels, and on one of one's own that does not give one number a row, a run
    apart from the others.
    """
    if y is None:
        y = task.y if task.z.ndim == 2 else task.y[0]  # of a stack
    if callable(name) and not registries.loss.of(name):
        made = Loss(name, many=task.many, labels=True)
        _check(getattr(name, "__name__", type(name).__name__), made, y[:3], task)
        return made
    name = USUAL[task.sort] if name is None else registries.loss.of(name) or str(name)
    found, about = registries.loss[name], registries.loss.about[name]
    if not (task.classes or about.regression or _chances(found, task)):
        rule = "Many labels a row have" if task.many else "Float targets are regression, which has"
        more = "" if task.many else "; rows of chances that sum to 1 have 'cross_entropy' too"
        raise SbkitError(f"{rule} loss={USUAL[task.sort]!r}, got {name!r}{more}.")
    if about.classes == 2 and task.outputs != 2:
        raise SbkitError(f"loss={name!r} is for two classes, got {task.outputs}; try 'cross_entropy'.")
    if isinstance(found, Loss):
        return replace(found, many=True) if task.many else found
    made = Loss(found, many=task.many)
    _check(name, made, made.encode(y[:3], task.outputs).to(task.x.dtype), task)
    return made


def _chances(found: Any, task: Task) -> bool:
    """Whether targets that are no classes are chances, as this loss takes them."""
    if found is CROSS_ENTROPY and not task.many:
        return bool((task.y >= 0).all() and ((task.y.sum(-1) - 1).abs() < SUMS).all())
    return found is BINARY and bool(((task.y >= 0) & (task.y <= 1)).all())


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


def odds(logits: Tensor, y: Tensor) -> Tensor:
    """Log odds against the label: logsumexp of the other logits − its own. (runs, n)

    Logits (runs, n, C), y (n,) or (runs, n). Its gradient has the direction of the cross-entropy's, and does
    not vanish where a net is sure.
    """
    own = F.one_hot(y, logits.shape[-1]).bool()  # (…, n, C)
    return logits.masked_fill(own, -math.inf).logsumexp(-1) - logits.masked_fill(~own, 0).sum(-1)


def against(logits: Tensor, y: Tensor) -> Tensor:
    """How wrong the logits (runs, n, outputs) of each row are, by what kind of labels y (runs, n, …) is.

    (runs, n): log odds against a class, binary cross-entropy of many labels, squares of values.
    """
    if y.ndim < logits.ndim:
        return odds(logits, y)
    loss = _usual(y, logits)
    return loss.value(logits, loss.encode(y, logits.shape[-1]).to(logits))


def _usual(y: Tensor, logits: Tensor) -> Loss:
    """The loss that goes with such labels y (runs, n, …)."""
    if y.is_floating_point():
        return SQUARE
    return CROSS_ENTROPY if y.ndim < logits.ndim else replace(BINARY, many=True)


Penalty = Callable[..., Tensor]  # (fleet, x, y, logits[, loss, weight]) → (runs,)
# What a teacher's logits are as targets of a loss.
TAUGHT: dict[Callable[..., Tensor], Callable[[Tensor], Tensor]] = {
    _softmax: lambda logits: logits.softmax(-1),
    _binary: torch.sigmoid,
    _square: lambda logits: logits,
}


def _taught(teacher: Fleet, fleet: Fleet, x: Tensor, logits: Tensor) -> Tensor:
    """What the teacher answers to x (runs, n, d), as logits; run r of it, or its only one, to run r."""
    if teacher is fleet:
        raise SbkitError("A teacher is another fleet, got the one that learns; try copy.deepcopy(fleet).")
    if fleet.place is not None and teacher.runs > 1:
        teacher = teacher.only(fleet.place)
    if teacher.runs not in (1, fleet.runs):
        rule, got = "A teacher has one run or as many as the fleet that learns", f"{teacher.runs} for"
        raise SbkitError(f"{rule}, got {got} {fleet.runs}; try sb.mlp(task, runs={fleet.runs}).")
    alone = teacher.runs < len(x)
    taught = teacher.predict(x.flatten(0, 1) if alone else x).reshape(*x.shape[:2], -1)
    if taught.shape != logits.shape:
        rule, got = f"A teacher answers as the fleet does, {tuple(logits.shape)}", tuple(taught.shape)
        raise SbkitError(f"{rule}, got {got}; try one of the same task.")
    return taught.to(logits)


def distil(teacher: Fleet, temperature: float = 1.0, alpha: float = 1.0) -> Penalty:
    """What makes a fleet learn from a teacher's answers instead of the labels: a penalty for `sb.fit`.

    With it the loss is (1 − α)·L(y) + α·T²·L_T, where L is the fit's own loss and L_T compares logits and the
    teacher's, both divided by the temperature T: by cross-entropy with the teacher's chances (Hinton et al.
    2015, section 2), by "bce" label by label, by squares as they are, where T cancels. In both, rows count as
    sample_weight says. A snapshot's loss, and `stop`, are those of the labels. teacher: a fleet with as many
    runs as the one that learns, run r from run r, or with one for all; it sees the rows as they are learnt
    from, and is not trained. alpha from 0 to 1. Called by itself, the penalty takes the usual loss of such
    labels. Raises `SbkitError` on numbers out of range, and in `sb.fit` on another loss, or a teacher of
    other runs, inputs or outputs.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> from sbkit.training import fit, last
    >>> task = slabs(n=256, n_test=64)
    >>> teacher, student = mlp(task, runs=1), mlp(task, width=8, runs=3)
    >>> last(fit(student, task, penalty=distil(teacher, temperature=2.0), steps=50)).state
    ('finished', 'finished', 'finished')
    """
    check_fleet(teacher, trains=True)
    t = between("temperature", temperature, 0, math.inf, open_low=True)
    share = between("alpha", alpha, 0, 1)

    def penalty(
        fleet: Fleet, x: Tensor, y: Tensor, logits: Tensor, loss: Any = None, weight: Any = 1
    ) -> Tensor:
        loss = loss or _usual(y, logits)
        if loss.value not in TAUGHT:
            rule = "A teacher's answers are targets of cross_entropy, bce or square"
            raise SbkitError(f"{rule}, got another loss; try loss='cross_entropy'.")
        hard = loss.encode(y, logits.shape[-1]).to(logits)  # (runs, n, outputs)
        soft = TAUGHT[loss.value](_taught(teacher, fleet, x, logits) / t)
        change = t**2 * loss.value(logits / t, soft) - loss.value(logits, hard)  # (runs, n)
        return share * (change * (1 if weight is None else weight)).mean(-1)

    return penalty
