"""Pruning in blocks: masks of a recurrent net's state weights, their pictures, and three exercises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from sbkit.core import Fleet, Task, one_of
from sbkit.course.exercise import exercise, normal
from sbkit.data import digits, stack
from sbkit.models import prune
from sbkit.plots import Axis, Bars, Line, Lines
from sbkit.plots.bands import band_line, finite, middle


def rows(seed: int = 0, runs: int = 5, n: int = 600) -> Task:
    """Digits as sequences of eight rows, x (runs, n, 64): run r gets n of its own, drawn by seed + r."""
    return stack([digits(n, shape=(8, 8), seed=seed + r) for r in range(runs)])


def largest(weight: Tensor, size: int) -> Tensor:
    """The largest |w| of each block of size × size (Narang et al. 2017), for weights (…, out, in).

    (…, out / size, in / size)

    >>> largest(torch.tensor([[1.0, -5.0, 0.0, 2.0], [3.0, 0.0, 0.0, 1.0]]), 2)
    tensor([[5., 2.]])
    """
    return weight.abs().unflatten(-1, (-1, size)).unflatten(-3, (-1, size)).amax((-3, -1))


def masks(
    fleet: Fleet, share: float, block: int, score: str, rise: Callable[[int], float]
) -> Callable[[int], list[Tensor]]:
    """For `sb.fit(mask=)`: step → masks in which share · rise(step) of W_hh's blocks are gone, nothing else.

    block: its side, which divides the hidden units. score: what ranks blocks, "sum" of |w| or "largest".
    """

    made: dict[float, list[Tensor]] = {}

    def at(step: int) -> list[Tensor]:
        gone = share * rise(step)
        if gone not in made:
            weights = [w.detach().abs() for w in fleet.weights()]  # ih, hh, head: (runs, out, in) each
            if one_of("score", score, ["sum", "largest"]) == "largest":
                weights[1] = torch.kron(largest(weights[1], block), weights[1].new_ones(block, block))
            found = prune(fleet, gone, "layer", weights, block)
            made[gone] = [m if at == 1 else torch.ones_like(m) for at, m in enumerate(found)]
        return made[gone]

    return at


def left(mask: Tensor, size: int) -> Tensor:
    """How many blocks of size × size have a weight that isn't 0; mask (…, out, in). (…)"""
    return (largest(mask.float(), size) > 0).sum((-2, -1))


def free(fleet: Fleet, sizes: Sequence[int]) -> Bars:
    """Which share of W_hh is 0: of its weights, and of its blocks; a dot a net."""
    mask = (fleet.weights()[1] != 0).float()  # (runs, out, in)
    found = {
        "weights" if b == 1 else f"{b} × {b}": 1 - left(mask, b) * b * b / mask[0].numel() for b in sizes
    }
    caption = (
        "Share that is all zero: of single weights, and of blocks. Compare the first bar with the others."
    )
    return compared(found, "What a processor could skip", Axis("share that is zero", low=0, high=1), caption)


def compared(
    found: Mapping[str, Tensor],
    title: str = "Nets side by side",
    y: Axis = Axis("accuracy", low=0.7, high=1),  # noqa: B008
    caption: str = "Accuracy on new digits; bar = mean, dots = nets; the axis begins above 0. Compare them.",
) -> Bars:
    """One number a net of several fleets, (runs,) each, as bars with a dot a net."""
    values = finite(torch.stack([*found.values()]))  # (fleets, runs)
    return Bars("compared", title, y, [*found], middle(values.T)[0], values, caption)


def by_blocks(table: Any, blocks: int = 192) -> dict[int, Tensor]:
    """Test accuracy (runs,) for each number of blocks left, most first, of a sweep over shares."""
    parts = table.groupby("share").test_accuracy
    return {blocks - round(blocks * share): torch.tensor(part.to_numpy()) for share, part in parts}


def over_blocks(kept: Mapping[int, Tensor]) -> Lines:
    """Test accuracy (runs,) over the number of blocks left, and that of the whole nets, the first, dashed."""
    x = np.array([left for left in kept if left], np.float32)
    each = finite(torch.stack([kept[left] for left in x], 1))  # (runs, numbers)
    whole = Line("whole", x, np.full(len(x), each[:, 0].mean()), dash=True)
    caption = (
        "Accuracy over the blocks left; line = mean, band = min–max. Find where it leaves the dashed line."
    )
    axes = Axis("blocks of 8 × 8 left", log=True), Axis("accuracy", high=1)
    return Lines("blocks", "How few will do?", *axes, [band_line("pruned", x, each), whole], caption)


counts = exercise(
    want=[192.0, 19.0, 48.0, 5.0],
    wrong={
        "There are three gates: W_hh has 3 · 64 rows.": [64.0, 6.0, 16.0, 2.0],
        "These are the blocks that go; how many stay?": [192.0, 173.0, 48.0, 43.0],
        "Blocks are whole: 43.2 of them can't go, 43 can.": [192.0, 19.2, 48.0, 4.8],
    },
    right="Nearly as many weights, 1,216 and 1,280, but 19 blocks in one net and 5 in the other.",
    rest="Rows over the side, times columns over the side. Nine in ten go, rounded to whole blocks.",
    atol=0.1,
)

# A function of weights (out, in) and a block's side → the largest |w| of each block.
score = exercise(
    "w and size",
    tries=[(normal(12, 8), 4), (normal(6, 9, seed=1), 3)],
    want=largest,
    wrong={
        "A weight of −3 is a large one: take its size, whatever the sign.": lambda w, b: largest(w.relu(), b),
        "That's the sum. The paper takes the largest.": lambda w, b: b * b * avg_pool2d(w.abs()[None], b)[0],
        "That's the mean. The paper takes the largest.": lambda w, b: avg_pool2d(w.abs()[None], b)[0],
        "Rows and columns have changed places.": lambda w, b: largest(w, b).T,
    },
    right="With the dial *score* on “largest”, blocks go by this number.",
    rest="One number a block, in a table of (rows / size) rows and (columns / size) columns.",
    keeps=True,
)


def _nearest(weights: float, fixed: int = 34) -> float:
    """The h for which 3h · h + fixed · h comes nearest to this many weights."""
    return float(min(range(400), key=lambda h: abs(3 * h * h + fixed * h - weights)))


# A function of a number of weights → the hidden units of a whole GRU that has nearly as many.
same_size = exercise(
    "weights",
    tries=[(3392,), (12_000,), (700,)],
    want=_nearest,
    wrong={
        "W_hh grows by h²: with half the units there's a quarter of it.": lambda w: 64 * w / 14_464,
        "W_ih (3h · 8) and the last layer (10 · h) count, too.": lambda w: _nearest(w, 0),
        "The last layer counts, too: 10 · h.": lambda w: _nearest(w, 24),
    },
    right="This is the control: as many weights, none of them pruned.",
    rest="Find the whole number h for which 3h · 8 + 3h · h + 10 · h comes nearest to weights.",
    atol=0.6,
)
