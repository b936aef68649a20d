"""Does the student copy its teacher? How sure both are, a law of linear models, and two exercises."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.core import Fleet, Snapshot, Task
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.losses import odds
from sbkit.plots import Axis, Images, Line, Lines, Scatter
from sbkit.plots.bands import finite, shown, step_line, told

DOUBTS = "Training images of which one teacher is least sure: what it says, and its odds. See why."
CLOUD = "Odds of the teacher's answer, one net; a point = one training image. On the line it's copied. "
FACTOR = "The student's odds, as a share of the teacher's; {}. A copy stays at 1. "
LAW = "Share learned of each direction of the data; dashed = the teacher's share squared. See who lags."
OVER = "Odds of the least sure fifth, as a share of the teacher's; band = min–max over nets. Who gets to 1?"
SHARE = Axis("share of the teacher's odds", log=True, low=1e-3, high=10)
FIFTHS = ("least sure fifth", "surest fifth")


def sureness(logits: Tensor, answers: Tensor) -> Tensor:
    """Log odds that a net gives to these answers (runs, n): log p/(1 − p) of their chances p. (runs, n)

    >>> sureness(torch.tensor([[[2.0, 0.0]]]), torch.tensor([[0]]))
    tensor([[2.]])
    """
    return -odds(logits, answers)


def fall(teacher: Tensor, student: Tensor, by: Tensor | None = None) -> Tensor:
    """How much surer the student is, log odds (…, n) each, on the fifth of images that `by` is least sure of.

    Averaged over these images; below 0 it's less sure. by: the teacher, unless given. (…)
    """
    at = (teacher if by is None else by).argsort(-1)[..., : teacher.shape[-1] // 5]
    return (student - teacher).gather(-1, at).mean(-1)


def since(teacher: Fleet, task: Task) -> list[Callable[[Fleet, Task], Tensor]]:
    """Measures of `sb.fit` that compare a fleet with its teacher, run by run, on all training rows."""
    logits = teacher.predict(task.x)  # (runs, n, classes)
    said, x = logits.argmax(-1), task.x
    known = sureness(logits, said)  # (runs, n)

    def certainty(fleet: Fleet, task: Task) -> Tensor:
        return torch.stack([known, sureness(fleet.predict(x), said)], -1)  # (runs, n, 2)

    def drift(fleet: Fleet, task: Task) -> Tensor:
        own = sureness(fleet.predict(x), said)
        return torch.stack([fall(known, own), fall(known, own, by=-known)], -1)  # (runs, 2)

    return [certainty, drift]


def shares(ends: Sequence[Snapshot]) -> Tensor:
    """The student's odds as a share of the teacher's, least sure and surest fifth, a draw each. (draws, 2)"""
    return torch.stack([end.values["drift"].mean(0) for end in ends]).exp()


@plot("certainty")
def certainty_scatter(history: Sequence[Snapshot]) -> Scatter | None:
    """The odds that teacher and student give, for the first net that can be shown."""
    values = (seen := history[-1]).values.get("certainty", torch.empty(0))
    if not values.numel():
        return None
    points = shown(seen, values.double().exp())[0]  # (n, 2)
    labels = (points[:, 0].argsort().argsort() < len(points) // 5).astype(int)
    axes = Axis("teacher's odds, to 1", log=True), Axis("student's odds, to 1", log=True, low=0.05)
    about: Any = {"labels": labels, "names": ("other images", FIFTHS[0]), "diagonal": True}
    return Scatter("certainty", "Is it a copy?", *axes, points, caption=CLOUD, **about)


@plot("drift")
def drift_lines(history: Sequence[Snapshot]) -> Lines | None:
    """The student's odds as a share of the teacher's, on both ends, over steps."""
    if not history[-1].values.get("drift", torch.empty(0)).numel():
        return None
    each = {name: lambda s, i=i: s.values["drift"][:, i].exp() for i, name in enumerate(FIFTHS)}
    lines = [step_line(name, history, of) for name, of in each.items()]
    caption = FACTOR.format(told(history[-1])["over"])
    return Lines("drift", "How far from a copy?", Axis("step", low=0), SHARE, lines, caption, grows=True)


def doubts(fleet: Fleet, task: Task, count: int = 12) -> Images:
    """The training images that net 0 is least sure of, with its answer and the odds that it gives."""
    logits = fleet.predict(task.x)[:1]
    said = logits.argmax(-1)
    sure = sureness(logits, said)[0]  # (n,)
    at = sure.argsort()[:count]
    labels = [f"{said[0, i]}, {sure[i].exp():.0f} to 1" for i in at]
    return Images("doubts", "What is it?", finite(task.x[at].view(-1, 8, 8)), labels=labels, caption=DOUBTS)


def linear(task: Task) -> Task:
    """The task for a linear model, in float64: values to meet by squares, 1 for the right class and 0."""
    y, y_test = (F.one_hot(labels, task.outputs).double() for labels in (task.y, task.y_test))
    rows = {"z": task.z.double(), "z_test": task.z_test.double(), "y": y, "y_test": y_test}
    return dataclasses.replace(task, names=(), **rows)


def learned(fleet: Fleet, task: Task) -> Tensor:
    """The share of the best fit that a model has learned along each direction of the inputs. (runs, k)

    Directions are singular vectors of x, the largest first; those of which the data have none are left out.
    """
    u, s, _ = torch.linalg.svd(task.x, full_matrices=False)  # (n, d), (d,)
    u = u[:, s > 1e-3 * s[0]]
    said, right = u.mT @ fleet.predict(task.x), u.mT @ task.y  # (runs, k, outputs), (k, outputs)
    return (said * right).sum(-1) / right.square().sum(-1)


def law(teacher: Tensor, student: Tensor) -> Lines:
    """Shares learned (1, k) by a linear teacher and its student, beside the teacher's squared."""
    each = {"teacher": teacher, "student": student, "squared": teacher.square()}
    at: Any = range(1, teacher.shape[-1] + 1)
    lines = [Line(name, at, finite(share[0]), dash=name == "squared") for name, share in each.items()]
    axes = Axis("direction, largest first"), Axis("share learned", low=0, high=1)
    return Lines("law", "What the student keeps", *axes, lines, LAW)


def over_steps(found: Mapping[str, Sequence[Snapshot]]) -> Lines:
    """The least sure fifth's odds as a share of the teacher's over steps, a line a case."""
    lines = [step_line(name, seen, lambda s: s.values["drift"][:, 0].exp()) for name, seen in found.items()]
    return Lines("over", "Who copies in the end?", Axis("step", low=0), SHARE, lines, OVER)


# A function of the log odds of teacher and student, (n,) each → how much surer the student is on the fifth.
less_sure = exercise(
    "teacher and student",
    tries=[tuple(normal(2, 100, seed=seed)) for seed in (0, 1)],
    want=fall,
    wrong={
        "Ask only about the fifth that the teacher is least sure of.": lambda t, s: (s - t).mean(),
        "Those are the images that the teacher is surest of.": lambda t, s: fall(t, s, by=-t),
        "The teacher's doubts choose the images, not the student's.": lambda t, s: fall(t, s, by=s),
    },
    right="Its exp is the share of the teacher's odds that the panel draws.",
    rest="Sort by the teacher, take the first fifth, and average student − teacher.",
)

# A function of the log odds of three nets, (n,) each → the same on images that the third one chooses.
fair = exercise(
    "teacher, student and third",
    tries=[tuple(normal(3, 100, seed=seed)) for seed in (2, 3)],
    want=fall,
    wrong={
        "The student is compared, so it mustn't choose.": lambda t, s, third: fall(t, s, by=s),
        "The teacher is compared, so it mustn't choose.": lambda t, s, third: fall(t, s),
        "The third net only chooses. Compare the other two.": lambda t, s, third: fall(t, third, by=third),
    },
    right="Now nobody who is compared has chosen.",
    rest="Sort by the third net, take the first fifth, and average student − teacher there.",
)
