"""The loss of a fleet as a function of its weights, and its curvature there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from sbkit.core import Fleet, SbkitError, Task, check_pair, one_of
from sbkit.losses import Loss, Named, loss_for

KINDS = ("hessian", "gauss_newton", "nme")
AT_ONCE = 2**21  # hidden units times rows times runs whose derivatives stand in memory, some 50 times over
Chain = list[tuple[Tensor, Tensor]]  # what is differentiated, by what, in turn
Product = Callable[[Tensor], Tensor]  # directions (runs, k, P) → curvature times each, the same shape


@dataclass(frozen=True)
class Landscape:
    """The mean loss of each run over all training rows, at any weights.

    parts: some rows at a time, x (n, d) with what the loss takes, (n,) or (n, outputs).
    """

    fleet: Fleet
    loss: Loss
    parts: list[tuple[Tensor, Tensor]]

    def at(self, weights: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Logits (runs, n, outputs) of some rows at weights (runs, P), and their part of the loss (runs,)."""
        rows = sum(len(x) for x, _ in self.parts)
        for x, targets in self.parts:
            with sdpa_kernel(SDPBackend.MATH):  # other attention has no second derivative
                logits = self.fleet.logits_at(weights, x)
            losses = self.loss(logits, targets.expand(len(logits), *targets.shape))
            yield logits, losses.sum(1) / rows


def landscape(name: str, fleet: Fleet, task: Task, loss: Named) -> Landscape:
    """The mean loss of a fleet on a task's training rows, for the measure `name`.

    loss: as `fit` takes it. Raises `SbkitError` on another loss, on what is no fleet or task, and on nets
    that do not take the task's inputs.
    """
    check_pair(f"sb.measures.{name}", fleet, task, trains=True)
    found, one = loss_for(task, loss), task.x[:1]
    if (outputs := fleet.predict(one).shape[-1]) != task.outputs:  # it also refuses inputs of another task
        rule = f"A fleet has an output for each of the task's {task.outputs}"
        raise SbkitError(f"{rule}, got one of {outputs}; try the task it was made for.")
    width = sum(h[0].numel() for h in fleet.features(one))
    targets = found.encode(task.y, task.outputs)
    targets = targets.to(task.x.dtype) if targets.is_floating_point() else targets
    rows = max(1, AT_ONCE // (fleet.runs * max(width, 100)))
    return Landscape(fleet, found, list(zip(task.x.split(rows), targets.split(rows), strict=True)))


def curvature(of: Landscape, kind: str) -> Product:
    """The second derivative of the loss by the weights, as a function that multiplies directions with it.

    "hessian": H of the mean loss; "gauss_newton": Jᵀ H_L J, J the derivative of the logits, H_L the Hessian
    of the loss by them; "nme", the nonlinear modelling error, what is left of H: Σ over logits of the slope
    of the loss times the Hessian of the logit (Dauphin et al. 2024). None of them is ever built: it is a
    gradient of a gradient (Pearlmutter 1994), each run's of its own loss alone. NaN for a run that diverged.
    """
    one_of("kind of curvature", kind, KINDS)
    weights = of.fleet.vector().detach().requires_grad_()  # (runs, P)

    def chains() -> Iterator[tuple[Chain, Tensor]]:
        with torch.enable_grad():
            for logits, losses in of.at(weights):
                yield _chain(kind, weights, logits, losses.sum()), 0 * losses.detach()

    kept = list(chains()) if len(of.parts) == 1 else []  # of few rows, for all the products to come

    def product(directions: Tensor) -> Tensor:
        total = torch.zeros_like(directions)
        for chain, nothing in kept or chains():
            total += nothing.view(-1, 1, 1)  # NaN where the loss is not finite
            for along, found in zip(directions.unbind(1), total.unbind(1), strict=True):  # (runs, P) each
                found += _multiplied(along, chain)
        finite = total.isfinite().flatten(1).all(1)  # (runs,)
        return total.where(finite.view(-1, 1, 1), torch.nan)

    return product


def _chain(kind: str, weights: Tensor, logits: Tensor, loss: Tensor) -> Chain:
    """What to differentiate in turn, each multiplied with the result before, the first with a direction v."""
    (slope,) = torch.autograd.grad(loss, logits, create_graph=True)  # (runs, n, outputs)
    free = torch.zeros_like(logits, requires_grad=True)
    push = {"hessian": slope, "gauss_newton": free, "nme": slope.detach()}[kind]
    (gradient,) = torch.autograd.grad(logits, weights, push, create_graph=True)  # Jᵀ push, (runs, P)
    if push is free:  # J v, as Jᵀ push is linear in push; H_L J v; Jᵀ H_L J v
        return [(gradient, free), (slope, logits), (logits, weights)]
    return [(gradient, weights)]


def _multiplied(along: Tensor, chain: Chain) -> Tensor:
    """A direction v (runs, P) times the curvature. (runs, P)"""
    for of, by in chain:
        if not of.requires_grad:  # it is linear, as the slope of a hinge is
            return torch.zeros_like(chain[-1][1])
        options = {"retain_graph": True, "allow_unused": True, "materialize_grads": True}
        (along,) = torch.autograd.grad(of, by, along, **options)
    return along
