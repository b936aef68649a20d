"""Which inputs a net's answer hangs on, row by row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sbkit.core import LAYERS, Fleet, activates, check_fleet, check_memory, numbers, told
from sbkit.core.names import SbkitError, between, one_of, whole

# What may stand beside layers and ReLU: parts of these and, by their file, all pools.
RECTIFIED = (nn.Identity, nn.Flatten, nn.Unflatten, nn.Dropout)
POOLS = nn.AvgPool2d.__module__
INPUT = {"input_x_gradient", "integrated", "lrp"}  # the methods whose answer is times x
METHODS = "gradient", "input_x_gradient", "guided", "integrated", "occlusion", "lrp"
Score = Callable[[Tensor], Tensor]


def attribution(
    fleet: Fleet,
    x: Tensor,
    target: Any = None,
    method: str = "gradient",
    steps: int = 64,
    epsilon: float = 1e-9,
) -> Tensor:
    """How much each input counts for an output of each net, f, per row. (runs, n, d)

    target: which output, one for all rows, or (n,), or (runs, n); None for the one that each run predicts.

    - "gradient": ∂f/∂x, signed; its size is the saliency map (Simonyan et al. 2014).
    - "input_x_gradient": x · ∂f/∂x.
    - "guided": the gradient without what is negative behind each ReLU (Springenberg et al. 2015).
    - "integrated": x · the mean of ∂f/∂x on the way from 0 to x (Sundararajan et al. 2017) at `steps` Gauss
      points. It sums to f(x) − f(0), to rounding for smooth nets, to about 1/steps of it where ReLUs bend.
    - "occlusion": what f loses when the input is set to 0 (Zeiler and Fergus 2014).
    - "lrp": relevance handed back in proportion to what each input of a layer gave, z = Wh + b in its
      denominator moved off 0 by `epsilon` (Bach et al. 2015). With a small one it is x · ∂f/∂x, and without
      biases it sums to f(x).

    x (n, d), or (runs, n, d). NaN for a run that diverged. "guided" and "lrp" know nn.ReLU, called as a
    module; "lrp" beside it linear and convolutional layers and pools. Raises `SbkitError` on nets of others
    for these two, and on unknown methods, outputs and inputs.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=6, n_test=6)
    >>> attribution(mlp(task, runs=3), task.x, method="occlusion").shape
    torch.Size([3, 6, 2])
    """
    check_fleet(fleet, trains=True)
    one_of("method", method, METHODS)
    steps, epsilon = whole("steps", steps), between("epsilon", epsilon, 0, math.inf, open_low=True)
    x = numbers("The input of an attribution", x, next(fleet.parameters()))
    logits = fleet.predict(x)  # (runs, n, outputs); it also refuses inputs of another task
    chosen = _outputs(target, logits).unsqueeze(2)  # (runs, n, 1)
    rows = x.detach().expand(fleet.runs, *x.shape[-2:])  # (runs, n, d)
    check_memory(4 * rows.numel() * x.element_size(), f"{told(rows)} × 4 copies", x.device)

    def score(rows: Tensor) -> Tensor:
        return fleet(rows.clone()).gather(2, chosen).squeeze(2)  # (runs, n)

    if method in ("guided", "lrp"):
        _check_rectified(fleet.net, method)
    hooks = {"guided": _guided, "lrp": lambda *call: _shared(call[2], epsilon)}
    with _hooked(fleet.net, nn.ReLU if method == "guided" else LAYERS, hooks.get(method)):
        way = {"integrated": partial(_integrated, steps=steps), "occlusion": _occlusion}.get(
            method, _gradient
        )
        found = rows * way(score, rows) if method in INPUT else way(score, rows)
    alive = logits.isfinite().flatten(1).all(1).view(-1, 1, 1)
    return found.where(alive, math.nan)


def _outputs(target: Any, logits: Tensor) -> Tensor:
    """The output that is asked about, (runs, n), of logits (runs, n, outputs)."""
    runs, n, outputs = logits.shape
    if target is None:
        return logits.argmax(-1)
    try:
        asked = np.asarray(target.cpu() if isinstance(target, Tensor) else target)
    except ValueError:  # rows of several lengths
        asked = np.empty(0)
    fits = asked.shape in ((), (n,), (runs, n)) and asked.dtype.kind in "iu"
    if not fits or asked.min(initial=0) < 0 or asked.max(initial=0) >= outputs:
        rule = f"target is an output, 0…{outputs - 1}, one for all rows, ({n},) or ({runs}, {n})"
        raise SbkitError(f"{rule}, got {target!r:.60}; try None, what each run predicts.")
    return torch.from_numpy(asked.astype(np.int64)).to(logits.device).expand(runs, n)


def _check_rectified(net: nn.Module, method: str) -> None:
    """Refuse nets for which the rules of ReLU nets mean something else."""
    parts = [part for part in net.modules() if not list(part.children())]
    relu = any(isinstance(part, nn.ReLU) for part in parts)
    for part in net.modules():
        strange = activates(part) and not isinstance(part, nn.ReLU)
        if method == "lrp":
            inner = bool(list(part.children()))
            own = inner and not (relu or isinstance(part, nn.Sequential))  # its forward may hide functions
            known = isinstance(part, (*LAYERS, *RECTIFIED)) or type(part).__module__ == POOLS
            strange |= own or not (inner or activates(part) or known)
        if strange:
            rule = f"{method!r} is for nets of linear and convolutional layers and nn.ReLU"
            raise SbkitError(f"{rule}, got {type(part).__name__}; try method='integrated'.")
    if method == "guided" and not relu:
        raise SbkitError("'guided' is for nets with nn.ReLU in them, got none; try method='gradient'.")


@contextmanager
def _hooked(net: nn.Module, layers: Any, hook: Callable[..., Tensor] | None) -> Iterator[None]:
    """With what such layers of a net answer replaced by hook(layer, given, answer) inside the block."""
    handles = [m.register_forward_hook(hook) for m in net.modules() if hook and isinstance(m, layers)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class _Positive(torch.autograd.Function):
    """The same numbers, and of their gradient what is positive."""

    generate_vmap_rule = True

    @staticmethod
    def forward(h: Tensor) -> Tensor:
        return h.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        return slopes[0].clamp_min(0)


def _guided(layer: nn.Module, given: Any, answer: Tensor) -> Tensor:
    return _Positive.apply(answer)  # pyright: ignore[reportReturnType]


def _shared(z: Tensor, epsilon: float) -> Tensor:
    """z, its gradient |z| / (|z| + ε) times as large, as in the ε-rule (Ancona et al. 2018, table 1)."""
    part = z * (z.abs() / (z.abs() + epsilon)).detach()
    return part + (z - part).detach()


def _gradient(score: Score, x: Tensor) -> Tensor:
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        return torch.autograd.grad(score(x).sum(), x)[0]


def _integrated(score: Score, x: Tensor, steps: int) -> Tensor:
    places, weights = np.polynomial.legendre.leggauss(steps)  # of −1 … 1, with the sum 2
    both = zip(places.tolist(), weights.tolist(), strict=True)
    return sum((w / 2 * _gradient(score, (1 + place) / 2 * x) for place, w in both), torch.zeros_like(x))


@torch.no_grad()
def _occlusion(score: Score, x: Tensor) -> Tensor:
    columns = torch.eye(x.shape[2], dtype=torch.bool, device=x.device)  # (d, d)
    before = score(x)
    return torch.stack([before - score(x.masked_fill(column, 0)) for column in columns], dim=2)
