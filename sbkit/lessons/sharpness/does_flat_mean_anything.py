"""Does flat mean anything? Twins that compute the same, four measures of flatness, and two exercises."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task, check_pair, generator
from sbkit.core.registries import measure, plot
from sbkit.course.exercise import exercise, normal
from sbkit.measures import boundary
from sbkit.plots import Axis, Bars, Field, Line, Lines
from sbkit.plots.bands import band_line, shown, step_line, told

FLAT = ["trace", "largest eigenvalue", "κ", "κ, units normalized"]
PLACES = torch.linspace(-1, 1, 41)  # along a valley
SAME = "Colour: chance of class 1, over new points. Compare the net with its twin: no place differs."
SIZES = "How long each layer's weights are, net beside twin. Two layers differ, each by a factor of five."
WALK = "Loss of a net of two weights, up to 1. Walk along the pale valley: all its nets compute the same."
BENDS = "The same loss when a alone moves. Compare the bends: twice the b makes four times the curvature."
LAST = "Curvature of the loss in the last layer's weights. From step 600, level lines don't notice the twin. "
CUT = "Loss when the last layer alone moves along its sharpest direction. Watch how wide it is. "


@torch.no_grad()
def rescale(fleet: Fleet, scale: float | Tensor, by: str = "layer") -> None:
    """Make the last hidden layer larger and the output layer smaller, in place; no logit changes.

    scale: how many times, one number or one a run, (runs,). by: "layer", all units so much, or "unit", each
    by scale^u with a u of its own from 0 to 1, the same at every call.
    ReLU(s·z) = s·ReLU(z) for s > 0 (Dinh et al. 2017).
    """
    before, last = fleet.net[-3], fleet.net[-1]  # pyright: ignore
    units, rngs = before.bias.shape[1], [generator(fleet.seed + r, 7) for r in range(fleet.runs)]
    own = torch.stack([torch.rand(units, generator=rng) for rng in rngs])
    power = (own if by == "unit" else torch.ones_like(own)).to(before.bias)  # (runs, units)
    factor = torch.as_tensor(scale, dtype=power.dtype, device=power.device).reshape(-1, 1) ** power
    before.weight *= factor.unsqueeze(-1)
    before.bias *= factor
    last.weight /= factor.unsqueeze(1)


def twin(fleet: Fleet, scale: float | Tensor, by: str = "layer") -> Fleet:
    """A copy of the fleet that computes the same with other weights, as `rescale` makes them."""
    rescale(other := copy.deepcopy(fleet), scale, by)
    return other


def slide(scale: float, by: str, then: str, start: int = 600, stop: int = 800) -> dict[str, Any]:
    """Options of `sb.fit`: from step `start` to `stop` nets learn nothing and turn bit by bit into twins.

    then: "rest" or "train on", what they do after that.
    """

    def after_step(fleet: Fleet, step: int) -> None:
        if start < step <= stop:
            rescale(fleet, scale ** (1 / (stop - start)), by)

    learns = {"rest": range(start), "train on": {*range(start), *range(stop, 10**5)}}[then]
    return {"after_step": after_step, "schedule": lambda step: float(step in learns)}


@torch.no_grad()
def last_layer(fleet: Fleet, task: Task) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What the output layer gets, h (runs, n, d), its weights (runs, C, d), and chances (runs, n, C).

    The last, (runs, 1), is 0, and NaN for a run that diverged, whose numbers are 0 in the others.
    """
    check_pair("flatness", fleet, task)
    logits, hidden = fleet.predict(task.x), fleet.features(task.x) or [task.x.expand(fleet.runs, -1, -1)]
    parts = hidden[-1], fleet.weights()[-1], logits.softmax(-1)
    h, w, p = (part.double().nan_to_num(0, 0, 0) for part in parts)
    return h, w, p, 0 * logits.sum((1, 2)).unsqueeze(1)


def blocks(h: Tensor, p: Tensor) -> Tensor:
    """Second derivatives of the mean cross-entropy by the output layer's weights. (runs, C, d, C, d)

    Mean of (diag p − p pᵀ) ⊗ h hᵀ over the rows (Petzka et al. 2021).
    """
    spread = torch.diag_embed(p) - p.unsqueeze(-1) * p.unsqueeze(-2)  # (runs, n, C, C)
    return torch.einsum("rnst,rnj,rnk->rsjtk", spread, h, h) / h.shape[1]


def kappa(w: Tensor, H: Tensor) -> Tensor:
    """Relative flatness Σ ⟨w_s, w_t⟩ Tr H_st over pairs of neurons; w (…, C, d), H (…, C, d, C, d). (…)"""
    return torch.einsum("...sj,...tj,...sktk->...", w, w, H)


@measure("flatness", classes=True)
def flatness(fleet: Fleet, task: Task) -> Tensor:
    """Trace and largest eigenvalue of the output layer's Hessian, κ, and κ of normalized units. (runs, 4)

    Normalized: a unit's answers divided by their standard deviation over the rows, its weights multiplied
    by it (Petzka et al. 2021); a unit that never changes is left out.
    """
    h, w, p, lost = last_layer(fleet, task)
    size, H = h.std(1, keepdim=True), blocks(h, p)  # (runs, 1, d)
    values = torch.linalg.eigvalsh(H.flatten(3).flatten(1, 2))  # (runs, C·d)
    unit = h * torch.where(size > 0, 1 / size, 0)
    each = values.sum(1), values[:, -1], kappa(w, H), kappa(w * size, blocks(unit, p))  # (runs,) each
    return torch.stack(each, dim=1) + lost


@plot("flatness")
def flatness_lines(history: Sequence[Snapshot]) -> Lines:
    """The four measures over steps, on one log axis."""
    each = [(name, lambda s, i=i: s.values["flatness"][:, i].clamp_min(1e-9)) for i, name in enumerate(FLAT)]
    lines = [step_line(name, history, of, dash=name == FLAT[3]) for name, of in each]
    x, y = Axis("step", low=0), Axis("curvature", low=1e-4, log=True)
    caption = LAST + told(history[-1])["over"] + "."
    return Lines("flatness", "How flat is it?", x, y, lines, caption, grows=True)


@measure("valley", classes=True)
def valley(fleet: Fleet, task: Task) -> Tensor:
    """Training loss along the sharpest direction of the output layer, from −1 to 1. (runs, 41)"""
    h, w, p, lost = last_layer(fleet, task)
    along = torch.linalg.eigh(blocks(h, p).flatten(3).flatten(1, 2))[1][..., -1].view(w.shape)
    moved = p.clamp_min(1e-300).log().unsqueeze(1) + PLACES.view(-1, 1, 1) * (h @ along.mT).unsqueeze(1)
    return lost - moved.log_softmax(-1)[..., torch.arange(len(task.y)), task.y].mean(-1)  # (runs, 41)


@plot("valley")
def valley_lines(history: Sequence[Snapshot]) -> Lines:
    """The loss along that direction, a band over runs."""
    line = band_line("loss", PLACES, shown(history[-1], history[-1].values["valley"]))
    x, y = Axis("how far it moves", low=-1, high=1), Axis("training loss", low=0, high=4)
    return Lines("valley", "The valley", x, y, [line], CUT + told(history[-1])["over"] + ".")


def maps(fleet: Fleet, other: Fleet, task: Task) -> list[Field | Bars]:
    """What the first net and its twin say all over the plane, and how long the weights of each layer are."""
    x, y = (Axis(name, low=-1, high=1) for name in task.features)
    about: Any = {"points": task.z_test[:200], "labels": task.y_test[:200], "caption": SAME}
    each = {"the net": fleet, "the twin": other}
    fields = [Field(k, f"What {k} says", x, y, boundary(each[k], task)[0], **about) for k in each]
    sizes: Any = [float(w[0].detach().norm()) for one in each.values() for w in one.weights()]
    names, y = [f"layer {i + 1}" for i in range(3)], Axis("length of the weights", low=0)
    return [*fields, Bars("sizes", "What differs", y, names * 2, sizes, sides=tuple(each), caption=SIZES)]


def toy() -> list[Field | Lines]:
    """The loss ½(ab − 1)² of a net of two weights, and two of its cuts: at a net and at its twin."""
    a = np.linspace(0, 2.5, 101)
    loss: Any = np.minimum((a * a[:, None] - 1) ** 2 / 2, 1)
    x, y = Axis("last weight, a", low=0, high=2.5), Axis("weight before it, b", low=0, high=2.5)
    two: Any = {"points": [[1, 1], [0.5, 2]], "labels": [0, 1], "names": ("net", "twin"), "caption": WALK}
    field = Field("toy", "One valley", x, y, loss, scale=Axis("loss", low=0, high=1), **two)
    cuts: Any = [("net, b = 1", PLACES, PLACES**2 / 2), ("twin, b = 2", PLACES, 2 * PLACES**2)]
    x, y = Axis("how far a moves", low=-1, high=1), Axis("loss", low=0, high=2)
    return [field, Lines("cuts", "Two cuts through it", x, y, [Line(*cut) for cut in cuts], BENDS)]


# A function of an output layer's weights (C, d) and its Hessian (C, d, C, d) → relative flatness.
relative = exercise(
    "w and H",
    tries=[(normal(3, 4), blocks(normal(1, 20, 4), normal(1, 20, 3, seed=s).softmax(-1))[0]) for s in (1, 2)],
    want=kappa,
    wrong={
        "That is the trace: it doesn't know the weights.": lambda w, H: torch.einsum("sksk->", H),
        "Pairs of two different neurons count, too.": lambda w, H: torch.einsum("sj,sj,sksk->", w, w, H),
        "That is wᵀHw. Take each block's trace first.": lambda w, H: torch.einsum("sj,sjtk,tk->", w, H, w),
        "Each block gets its own product of rows.": lambda w, H: (w * w).sum() * torch.einsum("sksk->", H),
    },
    right="Make w five times smaller and H grows 25 times: in this sum both cancel.",
    rest="For every pair of neurons multiply ⟨w[s], w[t]⟩ by the trace of H[s, :, t, :], then add up.",
)

# A function of the traces of two fleets, (runs,) each → the scale that makes the first's twins as sharp.
as_sharp = exercise(
    "a and b",
    tries=[(normal(5, seed=1).exp(), normal(5, seed=2).exp())],
    want=lambda a, b: (b / a).sqrt(),
    wrong={
        "The trace goes with the square of the scale: your twins would be too sharp.": lambda a, b: b / a,
        "That makes B as flat as A. Make A as sharp as B.": lambda a, b: (a / b).sqrt(),
        "A difference can't do it: a scale multiplies.": lambda a, b: b - a,
    },
    right="A and its twin now differ in sharpness alone: what sharpness causes must differ, too.",
    rest="The twin's trace is scale² · a, and it shall be b.",
)
