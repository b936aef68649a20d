"""How small a change of the inputs undoes a fleet, and which features that change acts on."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.core import Fleet, SbkitError, Task, between, check_memory, generator, one_of, whole

NORMS = ("l2", "linf")
AT_ONCE = 2**22  # numbers of perturbed inputs that are worked on together
STEP = 2.5  # times radius / steps: far enough to reach the sphere and walk along it


def attack(
    fleet: Fleet,
    task: Task,
    norm: str = "l2",
    radius: float = 0.5,
    steps: int = 20,
    rows: int | None = None,
    train: bool = False,
    seed: int | None = None,
) -> Tensor:
    """Inputs moved by at most `radius` so that each run errs on as many as it can. (runs, n, d)

    Projected gradient descent on the cross-entropy (Madry et al. 2018): `steps` steps of 2.5·radius/steps
    along the gradient ("l2", Euclidean length) or its sign ("linf", largest coordinate), each followed by
    a projection onto the ball. rows: the first so many test rows (all); train: of training rows instead.
    seed: start at a random point of the ball instead of its centre. Each run has its own inputs. Raises
    `SbkitError` on other norms, numbers out of range, and for regression.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=20)
    >>> moved = attack(mlp(task, runs=3), task, radius=0.1) - task.x_test
    >>> moved.shape, bool((moved.norm(dim=-1) <= 0.1001).all())
    (torch.Size([3, 20, 2]), True)
    """
    one_of("norm", norm, NORMS)
    radius, steps = between("radius", radius, 0, math.inf), whole("steps", steps)
    if not task.classes:
        raise SbkitError("An attack needs classes, got a regression task.")
    x, y = (task.x, task.y) if train else (task.x_test, task.y_test)
    x, y = x[:rows], y[:rows]  # (n, d), (n,)
    size = fleet.runs * x.numel()
    check_memory(
        size * x.element_size() * 2, f"{fleet.runs} runs × {tuple(x.shape)} × {x.element_size()} bytes × 2"
    )
    start = _start(norm, radius, fleet.runs, x, seed)  # (runs, n, d)
    each = max(1, AT_ONCE // (fleet.runs * x.shape[1]))
    parts = zip(start.split(each, 1), x.split(each), y.split(each), strict=True)
    return torch.cat([_descend(fleet, *part, norm, radius, steps) for part in parts], dim=1)


def _start(norm: str, radius: float, runs: int, x: Tensor, seed: int | None) -> Tensor:
    """Where the walk begins: the inputs, or a random point of the ball around each. (runs, n, d)"""
    if seed is None:
        return x.repeat(runs, 1, 1)
    noise = 2 * torch.rand(runs, *x.shape, generator=generator(seed)).to(x) - 1
    return x + (radius * noise if norm == "linf" else radius * F.normalize(noise, dim=-1))


def _descend(fleet: Fleet, moved: Tensor, x: Tensor, y: Tensor, norm: str, radius: float, steps: int):
    """`steps` projected steps from moved (runs, n, d) around x (n, d), y (n,)."""
    labels, step = y.repeat(fleet.runs), STEP * radius / steps
    for _ in range(steps):
        moved = moved.detach().requires_grad_()
        with torch.enable_grad():
            loss = F.cross_entropy(fleet(moved).flatten(0, 1), labels, reduction="sum")
            (slope,) = torch.autograd.grad(loss, moved)
        direction = slope.sign() if norm == "linf" else F.normalize(slope, dim=-1)
        change = moved.detach() + step * direction - x
        if norm == "linf":
            change = change.clamp(-radius, radius)
        else:
            change = change * (radius / change.norm(dim=-1, keepdim=True).clamp_min(1e-30)).clamp_max(1)
        moved = x + change
    return moved


def universal_perturbation(
    fleet: Fleet, task: Task, radius: float, rows: int = 2000, steps: int = 20
) -> Tensor:
    """One direction for all inputs that undoes a two-class fleet: x + (2y − 1)·δ. (runs, d)

    δ, of length `radius`, is the top right-singular vector of the changes that `attack` makes to the first
    `rows` training rows, each times 2y − 1, signed as they point on average (Shah et al. 2020, section 5,
    whose code fits it to test rows; ours does not see them). Raises `SbkitError` unless two classes.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=50, n_test=20)
    >>> universal_perturbation(mlp(task, runs=3), task, radius=1.0).norm(dim=1).round(decimals=3)
    tensor([1., 1., 1.])
    """
    if not task.classes or task.outputs != 2:
        raise SbkitError(f"A label-signed perturbation is for two classes, got {task.outputs} outputs.")
    moved = attack(fleet, task, "l2", radius, steps, rows, train=True)  # (runs, n, d)
    x, y = task.x[:rows], task.y[:rows]
    change = (moved - x) * (2 * y - 1).unsqueeze(1)  # (runs, n, d)
    direction = torch.linalg.svd(change, full_matrices=False).Vh[:, 0]  # (runs, d)
    side = (change @ direction.unsqueeze(2)).sum((1, 2)).sign()  # (runs,)
    return radius * torch.where(side == 0, 1, side).unsqueeze(1) * direction


def shifted(task: Task, delta: Tensor) -> Tensor:
    """Test inputs moved by a label-signed perturbation: x + (2y − 1)·δ. (runs, d) → (runs, n_test, d)

    >>> from sbkit.data import slabs
    >>> task = slabs(n=10, n_test=20)
    >>> shifted(task, torch.zeros(3, 2)).shape
    torch.Size([3, 20, 2])
    """
    return task.x_test + (2 * task.y_test - 1).unsqueeze(1) * delta.unsqueeze(1)


def budget(task: Task, change: Tensor, features: str | Iterable[str]) -> Tensor:
    """Share of a change's length that acts on the named features: ‖z-change on them‖ / ‖z-change‖. (…)

    change (…, d) of inputs; it is taken back to feature coordinates by the least squares solution through
    the derivative of `task.embed` at the first test row, exact where `embed` is linear (a rotation). 1 =
    all on these features. Raises `SbkitError` on an unknown feature.

    >>> from sbkit.data import slabs
    >>> task = slabs(blocks=(1, 5), n=10, n_test=20)
    >>> budget(task, task.embed(torch.tensor([[1.0, 0.0]])), "linear").round(decimals=3)
    tensor([1.])
    """
    columns = task.columns(features)
    slope = torch.func.jacrev(lambda z: task.embed(z.unsqueeze(0))[0])(task.z_test[0])  # (d, k)
    back = change @ torch.linalg.pinv(slope).mT.detach()  # (…, k)
    return back[..., columns].norm(dim=-1) / back.norm(dim=-1)
