"""Masks of pruning: which weights of each run to keep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from sbkit.core import Fleet, SbkitError, between, check_fleet, generator, one_of, told, whole

PRUNING = 7  # tells its random numbers from others of the same seed


def prune(
    fleet: Fleet,
    amount: float,
    scope: str = "global",
    by: str | Tensor | Sequence[Tensor] = "magnitude",
    block: int = 1,
    dim: int | None = None,
    largest: bool = False,
) -> list[Tensor]:
    """Which weights are left when a share `amount` of them goes: masks like `fleet.weights()`, True = kept.

    Each is (runs, out, in) bool (for convolutions with the kernel's axes behind); biases are not pruned,
    and nothing is changed: give the masks to `sb.fit(mask=…)`. Every run loses its own weights, the
    round(amount · count) of least score, the first of equal ones; `largest` takes those of the greatest.
    scope: "global" ranks all layers together, "layer" each for itself. by: "magnitude" |w| (Han et al.
    2015); "random", drawn from the run's seed; or scores like the weights, as they are (a gradient times a
    weight, …). block: what goes are blocks of block × block weights, cut at the edges, each scored by its
    sum. dim: what goes are whole rows, 0 (units or filters of a layer), or columns, 1,
    by their sums, which are larger the more weights they have: mind the scope. amount then counts blocks,
    rows or columns. Raises `SbkitError` on other names, numbers out of range or scores of another shape.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> masks = prune(mlp(slabs(n=10, n_test=10), width=(20,), runs=2), amount=0.9)
    >>> [tuple(mask.shape) for mask in masks], sum(mask.sum((1, 2)) for mask in masks)
    ([(2, 20, 2), (2, 2, 20)], tensor([8, 8]))
    """
    check_fleet(fleet, trains=True)
    amount, block = between("amount", amount, 0, 1), whole("block", block)
    weights = [weight.detach() for weight in fleet.weights()]
    if dim is not None and (type(dim) is not int or dim not in (0, 1) or block > 1):
        rule = "What is pruned are blocks, or rows (dim=0), or columns (dim=1)"
        raise SbkitError(f"{rule}, got dim={dim!r} with block={block}; try dim={None if block > 1 else 0}.")
    if not weights:
        raise SbkitError("prune takes weights of linear layers, got a fleet that has none; try sb.mlp(task).")
    pieces = [_pieces(weight, block, dim) for weight in weights]
    scores = _scores(fleet, weights, pieces, by)
    if one_of("scope", scope, ("global", "layer")) == "global":
        kept = _kept(torch.cat(scores, 1), amount, largest).split([each.shape[1] for each in scores], 1)
    else:
        kept = [_kept(each, amount, largest) for each in scores]
    return [mask[:, piece] for mask, piece in zip(kept, pieces, strict=True)]


def _pieces(weight: Tensor, block: int, dim: int | None) -> Tensor:
    """The number of the piece that goes together, for each weight (runs, out, in, …). (out, in, …)"""
    shape = weight.shape[1:]
    if dim is None and block == 1:
        return torch.arange(weight[0].numel(), device=weight.device).view(shape)
    rows, columns = (torch.arange(size, device=weight.device) for size in shape[:2])
    if dim is None:
        number = rows[:, None] // block * -(-shape[1] // block) + columns // block
    else:
        number = rows[:, None] if dim == 0 else columns
    return number.view(*number.shape, *[1] * (len(shape) - 2)).expand(shape)


def _scores(fleet: Fleet, weights: list[Tensor], pieces: list[Tensor], by: object) -> list[Tensor]:
    """The score of each piece, (runs, pieces) of each layer."""
    counts = [int(piece.max()) + 1 for piece in pieces]
    if isinstance(by, str) and one_of("score", by, ("magnitude", "random")) == "random":
        rngs = [generator(fleet.seed + r, PRUNING) for r in range(fleet.runs)]
        drawn = [torch.rand(sum(counts), generator=rng, dtype=torch.float64) for rng in rngs]
        return list(torch.stack(drawn).to(weights[0].device).split(counts, 1))
    given: Any = [weight.abs() for weight in weights] if isinstance(by, str) else by
    given = list(given) if isinstance(given, list | tuple) else [given]
    wanted = [weight.shape for weight in weights]
    real = [isinstance(each, Tensor) and not each.is_complex() for each in given]
    if not all(real) or [each.shape for each in given] != wanted:
        shapes = ", ".join(str(tuple(shape)) for shape in wanted)
        rule = f"Scores are one real tensor a layer, like fleet.weights(): {shapes}"
        raise SbkitError(f"{rule}, got {told(by)}; try by='magnitude'.")
    sums = [each.new_zeros(fleet.runs, count) for each, count in zip(given, counts, strict=True)]
    parts = zip(sums, pieces, given, strict=True)
    return [total.index_add_(1, piece.flatten(), each.flatten(1)) for total, piece, each in parts]


def _kept(scores: Tensor, amount: float, largest: bool) -> Tensor:
    """What is left of pieces with these scores (runs, pieces), bool."""
    order = scores.argsort(dim=1, descending=bool(largest), stable=True)
    gone = order[:, : round(amount * scores.shape[1])]
    return torch.ones_like(scores, dtype=torch.bool).scatter_(1, gone, False)
