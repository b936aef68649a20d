"""SAM prunes: the teacher and its students, which units are awake, a climb; exercises on climb and units."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sbkit.core import Feature, Fleet, Snapshot, Task, generator
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.data import stack
from sbkit.models import mlp
from sbkit.plots import Axis, Field, Line, Lines
from sbkit.plots.bands import finite, shown, step_line

UNITS = 100
AWAKE = "Hidden units above 0 on at least one row; band = min–max of five nets. When do they fall silent?"
HIDDEN = "Net 0: hidden units, largest first, on each of 20 rows; palest is 0. How many columns are left?"
CLIMB = "A valley and two steps at one place: SGD follows the slope there, SAM that of a place ρ higher up."


def teacher(seed: int = 0, nets: int = 5) -> Task:
    """One task a net: 20 rows on the unit sphere and 1,000 new ones, valued by three ReLU units. Stacked."""
    return stack([_taught(one) for one in range(seed, seed + nets)])


def _taught(seed: int) -> Task:
    rng = generator(seed)
    x = torch.nn.functional.normalize(torch.randn(1020, 3, generator=rng), dim=1)
    weights = torch.randn(3, 4, generator=rng)  # the last is the bias
    weights = weights / weights[:, :3].norm(dim=1, keepdim=True)
    signs = torch.randn(3, generator=rng).sign()
    y = (x @ weights[:, :3].T + weights[:, 3]).relu() @ signs[:, None]  # (1020, 1)
    return Task(x[:20], y[:20], x[20:], y[20:], {"place": Feature((0, 1, 2))})


def student(task: Task, seed: int = 0) -> Fleet:
    """A net a task: 100 ReLU units, all weights and biases drawn with standard deviation 0.3."""
    fleet = mlp(task, depth=1, width=UNITS, runs=len(task.x), seed=seed)
    for parameter in fleet.parameters():
        for run, own in enumerate(parameter.data):
            own.normal_(0, 0.3, generator=generator(1000 * (seed + run) + own.numel()))
    return fleet


def hidden(fleet: Fleet, task: Task) -> Tensor:
    """Each hidden unit on the training rows, NaN for a net that diverged. (runs, 20, 100)"""
    weight, bias, *_ = fleet.parameters()  # (runs, 100, 3), (runs, 100)
    h = (task.x @ weight.detach().mT + bias.detach()[:, None]).relu()
    lost = ~torch.stack([p.detach().flatten(1).isfinite().all(1) for p in fleet.parameters()]).all(0)
    return h.masked_fill(lost[:, None, None], torch.nan)


def awake(fleet: Fleet, task: Task) -> Tensor:
    """Hidden units above 0 on at least one training row, NaN for a net that diverged. (runs,)"""
    h = hidden(fleet, task)
    return (h > 0).any(1).sum(1).where(h.isfinite().all(2).all(1), torch.nan)


@plot("hidden", rows=False)
def hidden_field(history: Sequence[Snapshot]) -> Field | None:
    """The units of net 0, largest first."""
    values = history[-1].values.get("hidden", torch.empty(0))
    if not values.numel():
        return None
    h = shown(history[-1], values)[0]  # (rows, units)
    x, y = Axis("hidden unit, largest first", low=0, high=UNITS), Axis("row", low=0, high=len(h))
    scale, order = Axis("output of the unit", low=0, high=2), (-h.sum(0, dtype=float)).argsort()
    return Field("hidden", "Which units are awake?", x, y, h[:, order], caption=HIDDEN, scale=scale)


@plot("awake", rows=False)
def awake_lines(history: Sequence[Snapshot]) -> Lines | None:
    """How many are awake, over steps."""
    if not history[-1].values.get("awake", torch.empty(0)).numel():
        return None
    line = step_line("awake", history, lambda seen: seen.values["awake"])
    axes = Axis("step", low=0), Axis("units of 100", low=0, high=UNITS)
    return Lines("awake", "How many are awake?", *axes, [line], AWAKE, grows=True)


def valley(rho: float = 0.6, place: float = -0.9) -> Lines:
    """A loss along one weight, and what a step of SGD and one of SAM do at a place."""
    w = torch.linspace(-2, 2, 161)
    top = place + rho * (1 if place > 0 else -1)  # uphill, away from the bottom at 0
    lines = [Line("loss", finite(w), finite(_loss(w)))]
    for name, at in {"SGD": place, "SAM": top}.items():
        ends = torch.tensor([place, place - 0.3 * _slope(at)])
        height = _loss(torch.tensor(place)) * torch.ones(2)
        lines.append(Line(f"step of {name}", finite(ends), finite(height - 0.1 * (name == "SAM"))))
    climb = torch.tensor([place, top])
    lines.append(Line("climb", finite(climb), finite(_loss(climb)), dash=True))
    axes = Axis("weight", low=-2, high=2), Axis("loss", low=0)
    return Lines("valley", "One step, two slopes", *axes, lines, CLIMB)


def _loss(w: Tensor) -> Tensor:
    return w**2 / 2 + w**4 / 8


def _slope(w: float) -> float:
    return w + w**3 / 2


SLOPES = [normal(4, 3), normal(4)]  # of two layers


def _climb(slopes: list[Tensor], rho: float) -> list[Tensor]:
    length = torch.stack([g.norm() for g in slopes]).norm()
    return [rho * g / length for g in slopes]


# A function (slopes, rho) → how far SAM climbs: a list of tensors, one a layer, of length ρ together.
# Foret et al. 2021, equation 2, without the power of the components: ρ g / ‖g‖, over all parameters.
climb = exercise(
    "slopes and rho",
    tries=[(SLOPES, 0.5)],
    want=_climb,
    expects="A list of two tensors is expected, one a layer, of shape (4, 3) and (4,)",
    wrong={
        "Each layer has length rho. Let all layers share one length.": (
            lambda slopes, rho: [rho * g / g.norm() for g in slopes]
        ),
        "The length is right, the direction is not: SAM goes up, along the slope.": (
            lambda slopes, rho: [-g for g in _climb(slopes, rho)]
        ),
        "Together the steps have length rho; yours have not: divide by the length of all slopes.": (
            lambda slopes, rho: slopes,
            lambda slopes, rho: [rho * g for g in slopes],
        ),
    },
    right="One length for all layers: those with steep slopes climb most.",
    rest="The length is right, the direction is not: SAM goes up, along the slope.",
)

FEATURES = torch.tensor(  # (runs, rows, units); the third net diverged
    [[[0.0, 2, 0, 0.5], [0, 0, 0, 0.5], [0, 1e-3, 0, 0.5]], [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]]
)
FEATURES = torch.cat([FEATURES, torch.full((1, 3, 4), torch.nan)])


def _mean(features: Tensor) -> Tensor:
    known = features[features.isfinite().all(2).all(1)]
    return (known > 0).any(1).sum(1).double().mean()


# A function of features (runs, rows, units) → mean units above 0 on some row, of nets that didn't diverge.
active = exercise(
    "features",
    tries=[(FEATURES,)],
    want=_mean,
    expects="One number is expected, a mean over nets",
    wrong={
        "The net that diverged counts as silent: NaN > 0 is False. Leave that net out.": (
            lambda features: (features > 0).any(1).sum(1).double().mean()
        ),
    },
    right="A net that diverged tells nothing about silence: its numbers are no numbers.",
    rest="Keep the nets whose features are all finite, then count units above 0 on some row.",
)
