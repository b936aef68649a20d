"""Optimizers that treat every weight alike: torch's own, on all runs as one flat vector."""

from __future__ import annotations

import functools
from collections.abc import Callable

from torch import Tensor, optim

from sbkit.core import Fleet, SbkitError, optimizers

Closure = Callable[[], Tensor | None]


SGD = functools.partial(optim.SGD, foreach=False)  # one vector: there is nothing to group


@optimizers("sgd")
def sgd(fleet: Fleet, lr: float = 0.1, weight_decay: float = 0.0, momentum: float = 0.0) -> optim.Optimizer:
    """Stochastic gradient descent."""
    return SGD([fleet.flat()], lr=lr, momentum=momentum, weight_decay=weight_decay)


@optimizers("gd", full_batch=True)
def gd(fleet: Fleet, lr: float = 0.1, weight_decay: float = 0.0) -> optim.Optimizer:
    """Gradient descent on all rows at every step."""
    return SGD([fleet.flat()], lr=lr, weight_decay=weight_decay)


@optimizers("momentum")
def momentum(
    fleet: Fleet, lr: float = 0.02, weight_decay: float = 0.0, momentum: float = 0.9
) -> optim.Optimizer:
    """SGD with heavy-ball momentum."""
    return SGD([fleet.flat()], lr=lr, momentum=momentum, weight_decay=weight_decay)


@optimizers("nesterov")
def nesterov(
    fleet: Fleet, lr: float = 0.02, weight_decay: float = 0.0, momentum: float = 0.9
) -> optim.Optimizer:
    """SGD with Nesterov's momentum."""
    if not momentum:
        raise SbkitError("nesterov has a momentum above 0, got 0; try 0.9, or the optimizer 'sgd'.")
    return SGD([fleet.flat()], lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=True)


@optimizers("adam")
def adam(
    fleet: Fleet, lr: float = 1e-3, weight_decay: float = 0.0, betas: tuple[float, float] = (0.9, 0.999)
) -> optim.Optimizer:
    """Adam."""
    return optim.Adam([fleet.flat()], lr=lr, betas=betas, weight_decay=weight_decay, fused=True)


@optimizers("adamw")
def adamw(
    fleet: Fleet, lr: float = 1e-3, weight_decay: float = 0.0, betas: tuple[float, float] = (0.9, 0.999)
) -> optim.Optimizer:
    """Adam with decoupled weight decay."""
    return optim.AdamW([fleet.flat()], lr=lr, betas=betas, weight_decay=weight_decay, fused=True)


@optimizers("rmsprop")
def rmsprop(
    fleet: Fleet, lr: float = 1e-3, weight_decay: float = 0.0, alpha: float = 0.99
) -> optim.Optimizer:
    """RMSProp, without momentum: torch's cannot take it up while it trains."""
    return optim.RMSprop([fleet.flat()], lr=lr, alpha=alpha, weight_decay=weight_decay)


@optimizers("adagrad")
def adagrad(fleet: Fleet, lr: float = 0.01, weight_decay: float = 0.0) -> optim.Optimizer:
    """Adagrad."""
    return optim.Adagrad([fleet.flat()], lr=lr, weight_decay=weight_decay)


class SignSGD(optim.SGD):
    """SGD on the sign of the gradient."""

    def step(self, closure: Closure) -> Tensor | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Step along the gradient's signs; the loss before."""
        loss = closure()
        for p in self.param_groups[0]["params"]:
            p.grad.sign_()
        super().step()
        return loss


@optimizers("signsgd")
def signsgd(
    fleet: Fleet, lr: float = 1e-3, weight_decay: float = 0.0, momentum: float = 0.0
) -> optim.Optimizer:
    """Every weight moves by lr a step, only the sign of its gradient counts (Bernstein et al. 2018)."""
    return SignSGD([fleet.flat()], lr=lr, momentum=momentum, weight_decay=weight_decay)
