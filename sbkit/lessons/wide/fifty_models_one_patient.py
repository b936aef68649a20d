"""Fifty models, one patient: risks and how they vary, ensembles, exercises on both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task, one_of
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.models import mlp
from sbkit.plots import Axis, Bars, Line, Lines
from sbkit.plots.bands import alive, finite, middle

WARD = 6  # patients shown of each class
DOTS = "Risk of twelve patients; bar = mean, whisker = lowest to highest, dot = model. Compare the whiskers."
RANKS = "Models by the area under their curve, 0.5 to 1; 0.5 is guessing. See how near they lie."
FEWER = "Variation over the size of an ensemble; dashes = that of one model over √M. See how it falls."
ROWS = "Variation of single risks over the number of training patients, by what differs between models."


def models(task: Task, births: str = "own", count: int = 50, seed: int = 0) -> Fleet:
    """So many models for a task, each with initial weights of its "own" or all with the "same".

    >>> from sbkit.data import digits
    >>> w = models(digits(20, labels=8), "same", count=3).weights()[0]
    >>> w.shape, bool((w[0] == w[2]).all())
    (torch.Size([3, 32, 64]), True)
    """
    fleet = mlp(task, width=(32, 32), runs=count, seed=seed)
    if one_of("births", births, ["own", "same"]) == "same":
        fleet.load_state_dict({name: w[:1].expand_as(w) for name, w in fleet.state_dict().items()})
    return fleet


def in_order(orders: str) -> Callable[..., tuple[Tensor, Tensor]]:
    """A transform of `sb.fit`: all models see the patients in the "same" order, or each in its "own"."""
    same = one_of("orders", orders, ["own", "same"]) == "same"
    return lambda fleet, x, y: (x[:1].expand_as(x), y[:1].expand_as(y)) if same else (x, y)


def risk(fleet: Fleet, x: Tensor) -> Tensor:
    """The chance of class 1 that each model gives each patient, x (n, d). (models, n)"""
    return fleet.predict(x).double().softmax(-1)[..., 1]


def cv(p: Tensor) -> Tensor:
    """Standard deviation over models by mean, mean over patients, of risks p (models, patients). ()

    >>> cv(torch.tensor([[0.1, 0.4], [0.3, 0.4]])).round(decimals=3)
    tensor(0.3540)
    """
    return (p.std(0) / p.mean(0)).mean()


def variation(fleet: Fleet, task: Task) -> Tensor:
    """How much the models' risks differ, the same number for each: `cv` over test patients. (runs,)"""
    return cv(risk(fleet, task.x_test)).expand(fleet.runs)


def area(fleet: Fleet, task: Task) -> Tensor:
    """Area under the ROC curve: how often someone ill gets a higher risk than someone well. (runs,)"""
    logits = fleet.predict(task.x_test)  # (runs, n, 2)
    score = logits[..., 1] - logits[..., 0]
    ill, well = (score[:, task.y_test == label] for label in (1, 0))  # (runs, ·) each
    above = (ill.unsqueeze(2) > well.unsqueeze(1)).sum((1, 2))
    return above / (ill.shape[1] * well.shape[1]) + 0 * score.sum(1)  # NaN of a run that diverged


def ward(task: Task) -> Callable[[Fleet, Task], Tensor]:
    """A measure: risks of the same twelve new patients at every look, six ill ones first. (runs, 12)"""
    x = torch.cat([task.x_test[task.y_test == label][:WARD] for label in (1, 0)])  # (12, d)

    def risks(fleet: Fleet, task: Task) -> Tensor:
        return risk(fleet, x.to(task.x_test))

    return risks


@plot("risks")
def dots(history: Sequence[Snapshot]) -> Bars | None:
    """The risks of the ward, a bar with a whisker and dots a patient."""
    if "risks" not in history[-1].values:
        return None
    values = np.where(alive(history[-1])[:, None], finite(history[-1].values["risks"]), np.nan)
    names = [f"{kind} {i + 1}" for kind in ("ill", "well") for i in range(WARD)][: values.shape[1]]
    about: Any = {"low": np.fmin.reduce(values), "high": np.fmax.reduce(values), "caption": DOTS}
    bars = Axis("risk", low=0, high=1), names, middle(values)[0], values.T
    return Bars("risks", "Twelve patients", *bars, **about)


@plot("area")
def areas(history: Sequence[Snapshot]) -> Bars | None:
    """How many models have which area under the curve."""
    if "area" not in history[-1].values:
        return None
    x = Axis("area under the curve", low=0.5, high=1)
    values = np.where(alive(history[-1]), finite(history[-1].values["area"]), np.nan)  # (runs,)
    bars = Bars.histogram("area", "All models", x, values, 25, RANKS)
    return bars if np.isfinite(values).any() else replace(bars, values=bars.values * np.nan)


def ensembles(p: Tensor, sizes: Sequence[int]) -> Lines:
    """`cv` of the means of groups of so many models, p (models, patients), beside that of one over √M."""
    groups = [p[: len(p) // m * m].view(-1, m, p.shape[1]) for m in sizes]  # (ensembles, M, patients) each
    found = np.array([float(cv(each.mean(1))) for each in groups], np.float32)
    x = np.array(sizes, np.float32)
    lines = [Line("measured", x, found), Line("one model's / √M", x, found[0] / np.sqrt(x), dash=True)]
    axes = Axis("models in an ensemble, M", low=0), Axis("variation", low=0)
    return Lines("ensembles", "Means of several models", *axes, lines, FEWER)


def over_patients(counts: Sequence[int], found: Mapping[str, Sequence[float]]) -> Lines:
    """Variation over the number of training patients, a line for each thing that differs between models."""
    lines = [Line(name, np.array(counts), np.array(values)) for name, values in found.items()]
    x, title = Axis("patients to learn from", log=True), "Does it depend on how many patients there are?"
    return Lines("patients", title, x, Axis("variation", low=0), lines, ROWS)


# A function of risks (models, patients) → the mean over patients of standard deviation over mean.
vary = exercise(
    "p",
    tries=[(normal(7, 5, seed=seed).sigmoid(),) for seed in (1, 2)],
    want=cv,
    wrong={
        "That's how patients differ in one model. How do models differ on one patient?": (
            lambda p: (p.std(1) / p.mean(1)).mean()
        ),
        "Each patient has a ratio of its own: divide first, then take the mean.": (
            lambda p: p.std(0).mean() / p.mean(),
            lambda p: p.std() / p.mean(),
        ),
        "That's the standard deviation. Divide it by the mean risk of the patient.": lambda p: p.std(
            0
        ).mean(),
        "That's the variance over the mean: take its root.": lambda p: (p.var(0) / p.mean(0)).mean(),
        "One number is asked: the mean over all patients.": lambda p: p.std(0) / p.mean(0),
    },
    right="Forde and Zech call it the coefficient of variation.",
    rest="For each patient: standard deviation over models by mean over models; then the mean over patients.",
    atol=5e-3,
)


# A function of risks (100, patients) → those of ten ensembles of ten, no model in two, (10, patients).
groups = exercise(
    "p",
    tries=[(torch.eye(100, dtype=torch.float64),)],  # model i tells patient i alone a risk
    want=lambda p: p.view(10, 10, -1).mean(1),
    # in how many ensembles each model is, how many models each has, what each counts in all
    measured=lambda c: ((c > 0).sum(0), (c > 0).sum(1), c.sum(0)),
    wrong={
        "Some models are in several ensembles, which makes these more alike than they are.": (
            lambda p: torch.stack([p[i : i + 10].mean(0) for i in range(10)]),
            lambda p: p.mean(0).expand(10, -1),
        ),
        "That's the sum. An ensemble's risk is the mean of ten.": lambda p: p.view(10, 10, -1).sum(1),
    },
    right="Ten ensembles that share no model: now their spread is their own.",
    rest="Ten rows, each the mean of ten models, and each of the hundred models in one of them.",
    keeps=True,
)
