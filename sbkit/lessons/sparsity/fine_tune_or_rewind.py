"""Fine-tune or rewind? Pruned nets trained on, their pictures, and exercises on cut and control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sbkit.core import generator
from sbkit.course.exercise import exercise, normal
from sbkit.measures import accuracy
from sbkit.models import prune
from sbkit.plots import Axis, Bars, Lines
from sbkit.plots.bands import band_line, finite, middle
from sbkit.training import Run, fit

# Weights and rate of each way to go on, in the order of the lesson.
WAYS = {
    "fine-tuned": ("final", "small"),
    "rewound": ("early", "replayed"),
    "rate rewound": ("final", "replayed"),
}
LONGER: dict[str, dict[str, Any]] = {
    "small rate, 5 × the steps": {"steps": 4800},
    "10 × the small rate": {"schedule": lambda step: 0.1},
}


def tuned(
    run: Run, options: Mapping[str, Any], amount: float = 0.98, shuffle: bool = False, **how: Any
) -> Run:
    """The pruned nets of a run, trained on from their final weights as `options` say, but for `how`.

    shuffle: each layer of a mask keeps as many weights as it would, but in places drawn at random.
    """
    run.fleet.load_state_dict(run.kept[1000])
    masks = prune(run.fleet, amount)
    if shuffle:
        masks = [
            torch.stack([_shuffled(m, r, at) for r, m in enumerate(mask)]) for at, mask in enumerate(masks)
        ]
    how = {"schedule": lambda step: 0.01} | dict(options) | how
    return fit(run.fleet, run.task, start=50, mask=masks, **how)


def _shuffled(mask: Tensor, run: int, layer: int) -> Tensor:
    """A layer's mask (out, in) with its entries in random places."""
    return mask.flatten()[torch.randperm(mask.numel(), generator=generator(run, layer))].view(mask.shape)


def after_the_cut(run: Run, amounts: Sequence[float]) -> Lines:
    """Test accuracy of the nets of a run right after a share of their smallest weights is gone."""
    found = []
    for amount in amounts:
        run.fleet.load_state_dict(run.kept[1000])
        with torch.no_grad():
            for weight, mask in zip(run.fleet.weights(), prune(run.fleet, amount), strict=True):
                weight.mul_(mask)
        found.append(accuracy(run.fleet.predict(run.task.x_test), run.task.y_test))
    caption = "Accuracy on new digits right after the cut, no training in between. See how late it falls."
    line = band_line("right after the cut", amounts, finite(torch.stack(found, 1)))
    return Lines(
        "cut",
        "Fewer and fewer weights",
        Axis("share cut", low=0, high=1),
        Axis("accuracy", low=0, high=1),
        [line],
        caption,
    )


def compared(found: Mapping[str, Tensor]) -> Bars:
    """Test accuracy of the nets of several ways, (runs,) each, as bars with a dot a net."""
    values = finite(torch.stack([*found.values()], 1))  # (runs, ways)
    caption = "Accuracy on new digits after training once more; bar = mean, dots = nets. Compare the bars."
    y = Axis("accuracy", low=0, high=1)
    return Bars("ways", "Trained once more", y, [*found], middle(values)[0], values.T, caption)


def over_amounts(amounts: Sequence[float], found: Mapping[str, Sequence[Tensor]]) -> Lines:
    """Test accuracy over the share that was cut, (runs,) for each amount, a line a way."""
    lines = [band_line(name, amounts, finite(torch.stack([*each], 1))) for name, each in found.items()]
    caption = "Accuracy after training once more; line = mean, band = min–max over nets. See where they part."
    axes = Axis("share cut"), Axis("accuracy", high=1)
    return Lines("amounts", "When does the way matter?", *axes, lines, caption)


budgets = exercise(
    want=[0.95, 47.75],
    wrong={
        "Both begin at step 50: the first fifty steps are over.": [1.0, 52.5],
        "These are the factors; the rate is 0.1 times as large.": [9.5, 477.5],
    },
    right="Fifty times as far: that's what the large rates allow.",
    rest="Add up: how many steps have which rate?",
)

# A function (w, amount) → mask of the weights that stay, Han et al. 2015.
cut = exercise(
    "w and amount",
    tries=[(normal(3, 4), 0.5), (normal(10, 10, seed=1), 0.9)],
    want=lambda w, amount: w.abs() > w.abs().quantile(amount),
    wrong={
        "A weight of −3 is a large one: sort by size, whatever the sign.": lambda w, a: w > w.quantile(a),
        "The largest go. It's the smallest that should.": lambda w, a: w.abs() < w.abs().quantile(1 - a),
        "amount is the share that goes.": lambda w, a: w.abs() > w.abs().quantile(1 - a),
    },
    right="This is pruning by size, layer by layer; the lesson ranks all layers together.",
    rest="1 where a weight stays, 0 where it goes; a share amount of them goes.",
    keeps=True,
)

_MASKS = [(normal(20, 30, seed=seed) > 1.5,) for seed in (2, 3)]


def _as_many(*found: Tensor) -> bool:
    """Whether each mask is 0 and 1 and keeps as many weights as it should."""
    pairs = list(zip(found, _MASKS, strict=True))
    return all(bool(((m == 0) | (m == 1)).all()) and int(m.sum()) == int(mask.sum()) for m, (mask,) in pairs)


def _elsewhere(*found: Tensor) -> bool:
    """Whether the places are others, and not those of the old ones moved along or mirrored."""
    turned = [
        f(mask.double())
        for (mask,) in _MASKS
        for f in (lambda m: m, lambda m: m.flip(0), lambda m: m.flip(1))
    ]
    return not any(torch.equal(m, old) for m in found for old in turned)


# A function of a layer's mask → one with as many ones, in random places.
shuffled_mask = exercise(
    "mask",
    tries=_MASKS,
    want=lambda mask: _shuffled(mask, 0, 0),
    must={
        "As many weights must stay, so that one thing alone is changed.": (_as_many, lambda m: ~m),
        "These are the old places, or their mirror image: draw new ones at random.": (
            _elsewhere,
            lambda m: m,
        ),
    },
    many=True,
    right="One thing differs now: which weights stay. How many is as before.",
)
