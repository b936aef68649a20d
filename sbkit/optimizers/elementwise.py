"""Optimizers that treat every weight alike: torch's own, on all runs as one flat vector."""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, optim
from torch.optim import Optimizer

from sbkit.core import Fleet, SbkitError, optimizer

Closure = Callable[..., Tensor | None]
Pair = tuple[float, float]


def bare(step: Callable[..., Tensor | None]) -> Callable[..., Tensor | None]:
    """A step without the profiler's hook, which costs small nets as much as the step itself."""
    step.hooked = True  # pyright: ignore[reportFunctionMemberAccess]
    return step


def eager(torchs: type[Optimizer]) -> Any:
    """An optimizer of torch without the wrappers that import torch's compiler, which takes seconds."""
    step, add = inspect.unwrap(torchs.step), inspect.unwrap(torchs.add_param_group)
    return type(torchs.__name__, (torchs,), {"step": torch.no_grad()(step), "add_param_group": add})


class SGD(eager(optim.SGD)):
    """torch's SGD with its simplest step written out: one vector needs no grouping and no look-up."""

    def __init__(self, *given: Any, **options: Any):
        super().__init__(*given, foreach=False, **options)

    @bare
    def step(self, closure: Closure) -> Tensor | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Step against the gradient; the loss before."""
        loss, group = closure(), self.param_groups[0]
        if group["momentum"] or group["weight_decay"]:
            super().step()
        else:
            group["params"][0].data.add_(group["params"][0].grad, alpha=-group["lr"])
        return loss


class Adam(eager(optim.Adam)):
    """torch's fused Adam, called without grouping: there is one vector."""

    fused = staticmethod(torch._fused_adam_)  # pyright: ignore[reportPrivateImportUsage]
    usual: dict[str, Any] = {"amsgrad": False, "maximize": False}

    def __init__(self, *given: Any, **options: Any):
        super().__init__(*given, fused=True, **options)

    @bare
    def step(self, closure: Closure) -> Tensor | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Step as torch does; the loss before."""
        loss, group = closure(), self.param_groups[0]
        flat, state = group["params"][0], self.state[group["params"][0]]
        if not state or flat.is_cuda:
            super().step()
            return loss
        state["step"].numpy()[...] += 1
        moments, (first, second) = ([state["exp_avg"]], [state["exp_avg_sq"]], []), group["betas"]
        given = {"lr": group["lr"], "weight_decay": group["weight_decay"], "eps": group["eps"]} | self.usual
        self.fused([flat.data], [flat.grad], *moments, [state["step"]], beta1=first, beta2=second, **given)
        return loss


class AdamW(Adam, eager(optim.AdamW)):
    """The same with decoupled weight decay."""

    fused = staticmethod(torch._fused_adamw_)  # pyright: ignore[reportPrivateImportUsage]


class SignSGD(eager(optim.SGD)):
    """SGD on the sign of the gradient."""

    def step(self, closure: Closure) -> Tensor | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Step along the gradient's signs; the loss before."""
        loss = closure()
        self.param_groups[0]["params"][0].grad.sign_()
        super().step()
        return loss


@optimizer("sgd")
def sgd(fleet: Fleet, lr: float = 0.1, weight_decay: float = 0.0, momentum: float = 0.0) -> Optimizer:
    """Stochastic gradient descent."""
    return SGD([fleet.flat()], lr=lr, momentum=momentum, weight_decay=weight_decay)


@optimizer("gd", full_batch=True)
def gd(fleet: Fleet, lr: float = 0.1, weight_decay: float = 0.0) -> Optimizer:
    """Gradient descent on all rows at every step."""
    return SGD([fleet.flat()], lr=lr, weight_decay=weight_decay)


@optimizer("momentum")
def momentum(fleet: Fleet, lr: float = 0.02, weight_decay: float = 0.0, momentum: float = 0.9) -> Optimizer:
    """SGD with heavy-ball momentum."""
    return SGD([fleet.flat()], lr=lr, momentum=momentum, weight_decay=weight_decay)


@optimizer("nesterov")
def nesterov(fleet: Fleet, lr: float = 0.02, weight_decay: float = 0.0, momentum: float = 0.9) -> Optimizer:
    """SGD with Nesterov's momentum."""
    if not momentum:
        raise SbkitError("nesterov has a momentum above 0, got 0; try 0.9, or the optimizer 'sgd'.")
    return SGD([fleet.flat()], lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=True)


@optimizer("adam")
def adam(fleet: Fleet, lr: float = 1e-3, weight_decay: float = 0.0, betas: Pair = (0.9, 0.999)) -> Optimizer:
    """Adam."""
    return Adam([fleet.flat()], lr=lr, betas=betas, weight_decay=weight_decay)


@optimizer("adamw")
def adamw(fleet: Fleet, lr: float = 1e-3, weight_decay: float = 0.0, betas: Pair = (0.9, 0.999)) -> Optimizer:
    """Adam with decoupled weight decay."""
    return AdamW([fleet.flat()], lr=lr, betas=betas, weight_decay=weight_decay)


@optimizer("rmsprop")
def rmsprop(fleet: Fleet, lr: float = 1e-3, weight_decay: float = 0.0, alpha: float = 0.99) -> Optimizer:
    """RMSProp, without momentum: torch's cannot take it up while it trains."""
    return eager(optim.RMSprop)([fleet.flat()], lr=lr, alpha=alpha, weight_decay=weight_decay)


@optimizer("adagrad")
def adagrad(fleet: Fleet, lr: float = 0.01, weight_decay: float = 0.0) -> Optimizer:
    """Adagrad."""
    return eager(optim.Adagrad)([fleet.flat()], lr=lr, weight_decay=weight_decay)


@optimizer("signsgd")
def signsgd(fleet: Fleet, lr: float = 1e-3, weight_decay: float = 0.0, momentum: float = 0.0) -> Optimizer:
    """Every weight moves by lr a step, only the sign of its gradient counts (Bernstein et al. 2018)."""
    return SignSGD([fleet.flat()], lr=lr, momentum=momentum, weight_decay=weight_decay)
