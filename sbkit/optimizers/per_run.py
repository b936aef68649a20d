"""Optimizers that must see the runs apart: a norm, a matrix or a curvature of each run's own."""

from typing import Any

import torch
from torch import Tensor, optim
from torch.optim import Optimizer

from sbkit.core import Fleet, SbkitError, optimizer
from sbkit.optimizers.apart import Apart, stepper
from sbkit.optimizers.elementwise import Closure, bare, eager
from sbkit.optimizers.settings import build


class SAM(eager(Optimizer)):
    """The gradient at w + ρ g/‖g‖, a norm a run, for any optimizer (Foret et al. 2021, eq. 2)."""

    def __init__(self, fleet: Fleet, rho: float | tuple[float, ...], base: Optimizer):
        super().__init__([fleet.flat()], {})
        self.runs, self.flat, self.move = fleet.runs, self.param_groups[0]["params"][0], stepper(base)
        self.param_groups = [*base.param_groups, {"params": [], "rho": rho}]

    @bare
    def step(self, closure: Closure) -> Tensor | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Climb by rho, take the gradient there, let the base step from where it stood; the loss before."""
        loss, flat, rho = closure(), self.flat, self.flat.new_tensor(self.param_groups[-1]["rho"])
        here, grads = flat.data.clone(), flat.grad.view(self.runs, -1)  # (runs, P)
        length = torch.linalg.vector_norm(grads, dim=1, keepdim=True)  # (runs, 1)
        try:
            flat.data.view_as(grads).addcmul_(grads, rho.view(-1, 1) / (length + 1e-12))
            closure()
        finally:  # an interrupt must not leave the weights up there
            flat.data.copy_(here)
        self.move(lambda: loss)
        return loss


@optimizer("sam", by_run=True)
def sam(
    fleet: Fleet,
    lr: float | None = None,
    weight_decay: float = 0.0,
    rho: float = 0.05,
    base: str = "sgd",
    **options: Any,
) -> Optimizer:
    """Sharpness-aware minimization, radius rho, over another optimizer, whose lr and options it takes."""
    return SAM(fleet, rho, build(base, fleet, lr, weight_decay, **options))


class Muon(eager(Optimizer)):
    """Momentum made orthogonal, a matrix a run (Jordan et al. 2024).

    Steps are scaled by 0.2·√max(out, in), so that they are as large as Adam's (Liu et al. 2025).

    torch's own takes single matrices and rounds them to bfloat16, so that a run in a fleet would
    differ from the same run alone. Vectors are left to AdamW at the same rate, as the authors do.
    """

    def __init__(self, fleet: Fleet, lr: float, weight_decay: float, momentum: float):
        fleet.flat()  # gradients stand ready
        parts = [p for p in fleet.parameters() if p.requires_grad]
        matrices, vectors = ([p for p in parts if (p.ndim >= 3) == wide] for wide in (True, False))
        if not matrices:
            raise SbkitError("muon moves weight matrices, got a fleet that trains none; try 'adamw'.")
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self.vectors = eager(optim.AdamW)(vectors or [torch.zeros(0)])

    @torch.no_grad()
    def step(self, closure: Closure) -> Tensor | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Move matrices by orthogonal ones, vectors by AdamW; the loss before."""
        with torch.enable_grad():
            loss = closure()
        group = self.param_groups[0]
        for p in group["params"]:
            gathered = self.state[p].setdefault("momentum", torch.zeros_like(p))
            gathered.mul_(group["momentum"]).add_(p.grad)
            matrix = p.grad.add(gathered, alpha=group["momentum"]).flatten(2)  # (runs, out, in), Nesterov
            change = orthogonal(matrix) * (0.2 * max(matrix.shape[1:]) ** 0.5)
            p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(change.view_as(p), alpha=group["lr"])
        self.vectors.param_groups[0].update(lr=group["lr"], weight_decay=group["weight_decay"])
        self.vectors.step()
        return loss


def orthogonal(matrix: Tensor) -> Tensor:
    """Roughly U Vᵀ of each matrix U Σ Vᵀ, by five quintic Newton–Schulz steps. (…, out, in)

    Singular values end within 0.7 … 1.2 (Jordan et al. 2024, coefficients 3.4445, −4.7750, 2.0315).

    >>> matrix = torch.tensor([[1.0, 1.0], [0.0, 1.0]])
    >>> torch.linalg.svdvals(orthogonal(matrix)).sub(1).abs().max() < 0.35
    tensor(True)
    """
    x = matrix / (matrix.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    x = x.mT if matrix.shape[-2] > matrix.shape[-1] else x
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.mT if matrix.shape[-2] > matrix.shape[-1] else x


@optimizer("muon")
def muon(fleet: Fleet, lr: float = 0.01, weight_decay: float = 0.0, momentum: float = 0.95) -> Optimizer:
    """Muon: every weight matrix moves by an orthogonal one."""
    return Muon(fleet, lr, weight_decay, momentum)


class LBFGS(eager(optim.LBFGS)):
    """torch's L-BFGS with its strong Wolfe search, of one run."""

    def __init__(self, part: Fleet, lr: float, weight_decay: float, history_size: int):
        options = {"history_size": history_size, "line_search_fn": "strong_wolfe"}
        # Newer versions of torch would let the search evaluate once, and the run would not move.
        super().__init__(
            [p for p in part.parameters() if p.requires_grad], lr=lr, max_iter=1, max_eval=26, **options
        )
        self.param_groups[0]["weight_decay"] = weight_decay

    def step(self, closure: Closure) -> Tensor | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One search direction; the loss before, with the decay's."""
        group = self.param_groups[0]

        def penalized() -> Tensor:
            loss, decay = torch.as_tensor(closure())[0].clone(), group["weight_decay"]
            for p in group["params"] if decay else ():
                loss += decay / 2 * p.detach().square().sum()
                torch.as_tensor(p.grad).add_(p.detach(), alpha=decay)
            return loss

        return super().step(penalized) if group["lr"] else penalized()  # a schedule's pause has no line


@optimizer("lbfgs", full_batch=True, needs_loss=True)
def lbfgs(fleet: Fleet, lr: float = 1.0, weight_decay: float = 0.0, history_size: int = 10) -> Optimizer:
    """L-BFGS on all rows, one search direction a step: each run has its own curvature and step."""
    return Apart(fleet, lambda part, r: LBFGS(part, lr, weight_decay, history_size))
