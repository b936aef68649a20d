"""Gradients of the loss, one a row or one a layer: what each example asks of the weights, and how much."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from sbkit.core import Fleet, Task, called, check_memory, generator, loss, measure, numbers, told
from sbkit.core.arguments import check_fleet, check_pair
from sbkit.core.names import SbkitError, one_of, whole
from sbkit.losses import Loss, loss_for

INPUT = "The input of a gradient"
AT_ONCE = 2**24  # numbers that are worked on together, a few times over


def example_gradients(
    fleet: Fleet, x: Tensor, y: Tensor, project: Tensor | int | None = None, seed: int = 0
) -> Tensor:
    """What every row alone asks of the weights: the gradient of its loss. (runs, n, P), or (runs, n, k)

    The loss is `fit`'s own for such labels: cross-entropy of classes, "bce" of many labels 0 and 1,
    squares of values; the mean over rows is the gradient of a full batch. P: all weights that train, in the
    order of `fleet.parameters()`. project: directions (P, k), or (runs, P, k), whose products with each
    gradient are returned; k for so many random ones, N(0, 1/k) from `seed`, which keep lengths on average
    (Johnson and Lindenstrauss 1984). Rows are taken some at a time: with few directions n · P numbers are
    never held. x (n, d) or (runs, n, d); y (n,) of classes, (n, outputs) of values or many labels, with an
    axis of runs before them where each run has its own. NaN for a run that diverged. Raises
    `SbkitError` on labels or directions that do not fit, and on what would not fit into the memory.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=6, n_test=6)
    >>> fleet = mlp(task, depth=1, width=5, runs=3)
    >>> example_gradients(fleet, task.x, task.y).shape, example_gradients(fleet, task.x, task.y, 4).shape
    (torch.Size([3, 6, 27]), torch.Size([3, 6, 4]))
    """
    check_fleet(fleet, trains=True)
    inputs, targets, of, alive = _rows(fleet, x, y)
    weights = fleet.vector().detach()
    directions, size = _directions(project, weights, seed), weights.shape[1]
    n, item = inputs.shape[1], inputs.element_size()
    columns = size if directions is None else directions.shape[-1]
    what = f"{fleet.runs} runs × {n:,} rows × {columns:,} numbers × {item} bytes"
    check_memory(2 * fleet.runs * n * columns * item, f"{what} × 2 copies", inputs.device)
    found = []
    for rows in _parts(fleet, inputs, targets, size):
        each = [part.flatten(2) for part in derivatives(fleet, *rows, of)]
        gradients = torch.cat(each, dim=2)  # (runs, some, P)
        found.append(gradients if directions is None else gradients @ directions)
    return torch.cat(found, dim=1).where(alive, math.nan)


def _directions(project: Any, weights: Tensor, seed: int) -> Tensor | None:
    """Directions (P, k) or (runs, P, k), given or drawn, for weights (runs, P)."""
    if project is None:
        return None
    runs, size = weights.shape
    if not hasattr(project, "shape"):
        k = whole("project", project)
        return (torch.randn(size, k, generator=generator(seed, k)) / k**0.5).to(weights)
    project = numbers("A direction", project, weights).detach()
    if project.shape[:-1] not in ((size,), (runs, size)):
        fix = "project.mT" if project.shape[-1] == size else f"project=torch.randn({size}, 50)"
        rule = f"Directions of {size:,} weights that train are ({size}, k)"
        raise SbkitError(f"{rule}, got {tuple(project.shape)}; try {fix}.")
    return project


def fisher(fleet: Fleet, x: Tensor, labels: Tensor | str = "sampled", seed: int = 0) -> list[Tensor]:
    """How much the nets' answers hang on each weight: the diagonal of the Fisher information. (runs, …) each

    The mean over rows of the squared gradient of each row's loss, for every one of `fleet.parameters()`.
    labels: "sampled" draws each row's class from the net's own softmax, run r by (seed, fleet.seed + r),
    which is the Fisher information; classes or values of one's own, as in `example_gradients`, give the
    "empirical" one (Kunstner et al. 2019), of `fit`'s own loss for them. Of plain nets by outer products,
    (g²)ᵀ(h²)/n, of others row by row. NaN for a run that diverged. Raises `SbkitError` on
    labels that do not fit.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=6, n_test=6)
    >>> [tuple(part.shape) for part in fisher(mlp(task, depth=1, width=5, runs=3), task.x)]
    [(3, 5, 2), (3, 5), (3, 2, 5), (3, 2)]
    """
    check_fleet(fleet, trains=True)
    x = numbers(INPUT, x, next(fleet.parameters()))
    if isinstance(labels, str):
        one_of("kind of labels", labels, ["sampled"])
        labels = _sampled(fleet, x, seed)
    inputs, targets, of, alive = _rows(fleet, x, labels)
    sums = [torch.zeros_like(p) for p in fleet.parameters()]
    for rows in _parts(fleet, inputs, targets, sum(p[0].numel() for p in sums)):
        for total, squares in zip(sums, _squares(fleet, *rows, of), strict=True):
            total += squares
    count = inputs.shape[1]
    return [(total / count).where(alive.view(-1, *[1] * (total.ndim - 1)), math.nan) for total in sums]


def _sampled(fleet: Fleet, x: Tensor, seed: int) -> Tensor:
    """A class of every row, drawn from the chances that each net gives it. (runs, n)"""
    chances = fleet.predict(x).double().softmax(-1).cpu()  # (runs, n, outputs)
    if (outputs := chances.shape[-1]) < 2:
        raise SbkitError("Sampled labels are of nets with two or more outputs, got one; try labels=task.y.")
    known = chances.nan_to_num(1 / outputs)
    rngs = [generator(seed, fleet.seed + r) for r in range(fleet.runs)]
    classes = [torch.multinomial(p, 1, generator=rng) for p, rng in zip(known, rngs, strict=True)]
    return torch.stack(classes).squeeze(2)


def _squares(fleet: Fleet, x: Tensor, targets: Tensor, of: Loss) -> list[Tensor]:
    """The sum over rows of squared gradients, (runs, …), of every parameter. x (runs, n, d)"""
    with torch.enable_grad():
        layers = fleet.passes(x.detach().requires_grad_())
        if not layers:
            return [g.square().sum(1) for g in derivatives(fleet, x, targets, of, frozen=True)]
        slopes = torch.autograd.grad(of(layers[-1][2], targets).sum(), [made for *_, made in layers])
    found: dict[int, Tensor] = {}
    for (layer, given, _), g in zip(layers, slopes, strict=True):  # (runs, n, in), (runs, n, out)
        scale, shift = layer.scale, layer.shift  # not 1 in the NTK parameterization
        found[id(layer.weight)] = scale**2 * g.square().mT @ given.detach().square()
        found[id(layer.bias)] = shift**2 * g.square().sum(1)
    return [found[id(p)] for p in fleet.parameters()]


@measure("gradient_norms", rows=False, glance={"rows": 256})
@sdpa_kernel(SDPBackend.MATH)  # other attention is not batched
def gradient_norms(fleet: Fleet, task: Task, rows: int | None = None) -> Tensor:
    """How much of the loss's gradient reaches each layer: its length there. (runs, layers)

    Of `fit`'s own loss, its mean over all training rows, or `rows` of them, `drawn` from all. A layer is a
    weight matrix or kernel, biases aside, in the order of `fleet.parameters()`. The first over the last says
    whether gradients vanish on their way back, or explode. NaN for a run that diverged. Raises `SbkitError`
    on a fleet of another task, and on nets without such weights.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=6, n_test=6)
    >>> gradient_norms(mlp(task, depth=3, runs=2), task).shape
    torch.Size([2, 4])
    """
    check_pair("sb.measures.gradient_norms", fleet, task, trains=True)
    few = task if rows is None else task.sample(whole("rows", rows))
    inputs, targets, of, alive = _rows(fleet, few.x, few.y, loss_for(task, None))
    weights = {name: p.detach() for name, p in fleet.net.named_parameters()}
    layers = {name: p for name, p in weights.items() if p.ndim > 2}
    rest = {name: p for name, p in weights.items() if p.ndim <= 2} | dict(fleet.net.named_buffers())
    if not layers:
        raise SbkitError("Gradient norms are of weight matrices, got nets without one; try sb.mlp(task).")

    def total(layers: dict, rest: dict, x: Tensor, targets: Tensor) -> Tensor:
        return of(called(fleet.net, layers | rest, x.clone()), targets).sum()

    slope = torch.func.vmap(torch.func.grad(total))
    sums = {name: torch.zeros_like(p) for name, p in layers.items()}
    for part in _parts(fleet, inputs, targets, max(inputs.shape[2], 1_000)):
        for name, found in slope(layers, rest, *part).items():
            sums[name] += found
    lengths = [p.flatten(1).norm(dim=1) / inputs.shape[1] for p in sums.values()]  # (runs,) each
    return torch.stack(lengths, dim=1).where(alive.view(-1, 1), math.nan)


@sdpa_kernel(SDPBackend.MATH)
def derivatives(
    fleet: Fleet, x: Tensor, targets: Tensor, of: Callable[[Tensor, Tensor], Tensor], frozen: bool = False
) -> list[Tensor]:
    """d of(logits, targets) / d weight for each row alone. (runs, n, … as of(…), … as the weight) each

    x (runs, n, d), targets (runs, n, …); weights that train, or all if `frozen`, in their order.
    """
    state = {name: p.detach() for name, p in fleet.net.named_parameters() if p.requires_grad or frozen}
    rest = {name: p.detach() for name, p in fleet.net.named_parameters() if name not in state}
    rest |= dict(fleet.net.named_buffers())

    def one(state: dict, rest: dict, row: Tensor, target: Tensor) -> dict[str, Tensor]:
        def value(state: dict) -> Tensor:
            return of(called(fleet.net, state | rest, row.unsqueeze(0).clone())[0], target)

        return torch.func.jacrev(value)(state)

    rowwise = torch.func.vmap(one, in_dims=(None, None, 0, 0))
    return [*torch.func.vmap(rowwise)(state, rest, x, targets).values()]


def _parts(fleet: Fleet, x: Tensor, targets: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows of all runs, so many at a time that `size` numbers for each are few. x (runs, n, d)"""
    each = max(1, AT_ONCE // (fleet.runs * size))
    return zip(x.split(each, 1), targets.split(each, 1), strict=True)


def _rows(fleet: Fleet, x: Any, y: Any, of: Loss | None = None) -> tuple[Tensor, Tensor, Loss, Tensor]:
    """Inputs (runs, n, d), targets (runs, n, outputs), the usual loss, and sound runs (runs, 1, 1)."""
    inputs = numbers(INPUT, x, next(fleet.parameters()))
    logits = fleet.predict(inputs)  # (runs, n, outputs); it also refuses inputs of another task
    runs, n, outputs = logits.shape
    y = labels_of(y).to(logits.device)
    values = y.is_floating_point()
    many = not values and y.shape in ((n, outputs), (runs, n, outputs)) and y.shape != (runs, n)
    shape, most = (n, outputs) if values or many else (n,), 2 if many else outputs
    if not n or y.shape not in (shape, (runs, *shape)):
        rule = f"Labels of {n} rows are {shape}, or ({runs}, {str(shape)[1:]}"
        raise SbkitError(f"{rule}, got {told(y)}; try those of the same rows, as in task.x, task.y.")
    if not values and (y.dtype == torch.bool or not 0 <= int(y.min()) <= int(y.max()) < most):
        got = f"{y.dtype} {y.unique().tolist()[:10]}"
        raise SbkitError(f"Labels of these nets are classes 0…{most - 1}, got {got}; try task.y.")
    usual: Loss = of or loss["square" if values else "bce" if many else "cross_entropy"]
    targets = (y if many else usual.encode(y if values else y.long(), outputs)).to(logits)
    alive = logits.isfinite().flatten(1).all(1).view(-1, 1, 1)
    return inputs.expand(runs, *inputs.shape[-2:]), targets.expand(runs, n, outputs), usual, alive


def labels_of(y: Any) -> Tensor:
    """Labels, one a row, as a tensor (n,) or (n, outputs)."""
    with suppress(TypeError, ValueError, RuntimeError):
        if (labels := torch.as_tensor(y)).ndim and not labels.is_complex():
            return labels
    raise SbkitError(f"Labels are numbers, one a row, got {y!r:.60}; try task.y.")
