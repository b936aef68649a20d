"""What does a net look for? Walks up its gradient, who judges them, certified radii, two exercises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.core import Fleet, Snapshot, Task, generator
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.plots import Axis, Images, Lines
from sbkit.plots.bands import band_line, finite, shown, step_line, told

ROWS, SHOWN = 100, (0, 6, 12, 18, 24, 30)  # test digits that walk; steps of a walk that are drawn
STRIP = "A row: a digit walks to the one named below it; percent: how sure net 0 is. Does a digit appear?"
TAKEN = "Share of walks that end nearest to a real digit of the asked kind; {}."
COUNT = Axis("share taken for the asked digit", low=0, high=1)


def asked(task: Task, rows: int = ROWS) -> tuple[Tensor, Tensor]:
    """The first test digits (rows, d), and what each is to become, three further on (rows,)."""
    return task.x_test[:rows], (task.y_test[:rows] + 3) % 10


def walk(fleet: Fleet, x: Tensor, target: Tensor, step: float = 0.07, average: float = 0.0) -> Tensor:
    """Where inputs get to that climb each net's chance of a target (n,). (runs, 31, n, d)

    Every step has the length `step`, along the gradient; with average > 0 of the mean chance of 16 copies
    with Gaussian noise of that size, drawn afresh at each step, the same for all nets. The score is the log
    odds, whose gradient has the chance's direction and does not vanish where a net is sure.

    >>> from sbkit.data import digits
    >>> from sbkit.models import mlp
    >>> task = digits(50)
    >>> walk(mlp(task, runs=2), *asked(task, 3)).shape
    torch.Size([2, 31, 3, 64])
    """
    rng, copies, mine = generator(0), 16 if average else 1, F.one_hot(target, 10).bool()  # mine (n, 10)
    ways = [x.expand(fleet.runs, *x.shape)]
    for _ in range(30):
        at = ways[-1].detach().requires_grad_()  # (runs, n, d)
        eps = average * torch.randn(copies, *x.shape, generator=rng).to(x)  # (copies, n, d)
        with torch.enable_grad():
            said = fleet((at[:, None] + eps).flatten(1, 2)).log_softmax(-1).unflatten(1, (copies, -1))
            others = said.masked_fill(mine, -torch.inf).logsumexp(-1)  # (runs, copies, n)
            score = said[..., mine].logsumexp(1) - others.logsumexp(1)  # (runs, n)
            (slope,) = torch.autograd.grad(score.sum(), at)
        ways.append(at.detach() + step * F.normalize(slope, dim=-1))
    return torch.stack(ways, 1)


def judge(images: Tensor, task: Task) -> Tensor:
    """What the nearest of the test digits shows that never walk, for images (…, d). (…)"""
    apart = torch.cdist(images.flatten(0, -2), task.x_test[ROWS:])  # (images, real)
    return task.y_test[ROWS:][apart.argmin(-1)].view(images.shape[:-1])


def arrived(fleet: Fleet, task: Task, rows: int = ROWS, **how: Any) -> Tensor:
    """Share of walks whose end the judge takes for the digit asked for. (runs,)"""
    x, target = asked(task, rows)
    return (judge(walk(fleet, x, target, **how)[:, -1], task) == target).float().mean(1)


def walks(fleet: Fleet, task: Task, **how: Any) -> Tensor:
    """Four digits on their way, six images each; how sure the net is, and of what. (runs, 24, d + 2)"""
    rows = [int((task.y_test[:ROWS] == digit).nonzero()[0]) for digit in (1, 5, 7, 0)]
    x, target = (part[rows] for part in asked(task))
    each = target.repeat_interleave(len(SHOWN))  # (24,)
    at = walk(fleet, x, target, **how)[:, SHOWN].transpose(1, 2).flatten(1, 2)  # (runs, 24, d)
    sure = fleet.predict(at).softmax(-1)[:, torch.arange(len(each)), each]  # (runs, 24)
    return torch.cat([at, sure[..., None], each.expand_as(sure)[..., None]], -1)


def watch(task: Task, **how: Any) -> dict[str, Any]:
    """What `sb.fit` is to measure, on this task's test rows: four walks, the share of forty that arrives."""

    def strip(fleet: Fleet, task: Task, of: Task = task) -> Tensor:
        return walks(fleet, of, **how)  # (runs, 24, d + 2)

    def taken(fleet: Fleet, task: Task, of: Task = task) -> Tensor:
        return arrived(fleet, of, 40, **how)  # (runs,)

    return {"every": 50, "measure": [strip, taken]}


def strip(found: Any, title: str = "What does it look for?") -> Images:
    """Walks (runs, 24, d + 2), as `walks` gives them, of the first net."""
    labels = [f"{digit:.0f}: {sure:.0%}" for sure, digit in found[0, :, -2:].tolist()]
    pixels = found[0, :, :-2].reshape(len(labels), -1, round((found.shape[-1] - 2) ** 0.5))
    return Images("strip", title, pixels, None, labels, len(SHOWN), STRIP, Axis("ink", low=0, high=1))


@plot("strip")
def strip_images(history: Sequence[Snapshot]) -> Images | None:
    """The latest walks of net 0, with how sure it is of each image."""
    found = history[-1].values.get("strip", torch.empty(0))
    return strip(shown(history[-1], found)) if found.numel() else None


@plot("taken")
def taken_line(history: Sequence[Snapshot]) -> Lines | None:
    """The share of walks that arrive, over steps of training."""
    if not history[-1].values.get("taken", torch.empty(0)).numel():
        return None
    line = step_line("taken", history, lambda s: s.values["taken"])
    said, x = TAKEN.format(told(history[-1])["over"]), Axis("step", low=0)
    return Lines("taken", "Does the judge see it?", x, COUNT, [line], said, grows=True)


def curves(title: str, x: Axis, y: Axis, at: Any, found: Mapping[str, Tensor], see: str) -> Lines:
    """Values (nets, places) by name, over places, with a band over nets."""
    lines = [band_line(name, at, finite(values)) for name, values in found.items()]
    return Lines("curves", title, x, y, lines, f"Line = mean, band = min–max of 4 nets. {see}")


def votes(fleet: Fleet, x: Tensor, sigma: float, copies: int = 1000, seed: int = 0) -> Tensor:
    """How many noisy copies of inputs (…, n, d) each net takes for each class. (runs, n, classes)

    copies: a multiple of 50. All nets get the same noise.
    """
    rng, found = generator(seed), torch.tensor(0)
    for _ in range(copies // 50):
        eps = sigma * torch.randn(50, *x.shape[-2:], generator=rng).to(x)  # (50, n, d)
        logits = fleet.predict((x[..., None, :, :] + eps).flatten(-3, -2))  # (runs, 50 n, classes)
        found = found + F.one_hot(logits.argmax(-1), logits.shape[-1]).unflatten(1, (50, -1)).sum(1)
    return found


def radius(yes: Any, n: int, sigma: float, sure: float = 0.001, low: float = 0.0) -> Tensor:
    """How far an input may move before a vote of `yes` in n may turn: σ Φ⁻¹(p); 0 is nowhere. (as yes)

    Cohen, Rosenfeld and Kolter 2019; p: the Clopper–Pearson bound that holds but for a chance of `sure`.

    >>> radius([980, 500], 1000, 0.5)
    tensor([0.8890, 0.0000], dtype=torch.float64)
    """
    from scipy.stats import beta, norm

    yes = torch.as_tensor(yes).numpy()
    p = beta.ppf(sure, yes, n + 1 - yes) if sure else yes / n
    return sigma * torch.as_tensor(norm.ppf(p)).nan_to_num(low).clamp_min(low)


def certified(fleet: Fleet, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """The class that wins 100 votes, and the radius that 1,000 new ones certify it. (runs, n) each"""
    said = votes(fleet, x, sigma, 100, seed=1).argmax(-1)
    return said, radius(votes(fleet, x, sigma).gather(-1, said[..., None])[..., 0], 1000, sigma)


# A function of votes for the winner, votes in all and the noise's size → certified radius, 0 for none.
certificate = exercise(
    "yes, n and sigma",
    tries=[(980, 1000, 0.5), (1000, 1000, 0.25), (60, 100, 1.0), (300, 1000, 0.5)],
    want=radius,
    wrong={
        "Take the low end, not the share: luck alone may give all votes.": lambda *a: radius(*a, sure=0),
        "Nothing is certified below a half: give 0 there.": lambda *a: radius(*a, low=-9),
        "Tell binomtest alternative='greater'.": lambda *a: radius(*a, sure=0.0005),
    },
    right="980 of 1,000 votes at σ = 0.5 are worth a radius of 0.889.",
    rest="σ times norm.ppf of the low end, if that's above a half; else 0.",
)

_FROM, _BY = normal(20, 64, seed=2), normal(20, 64, seed=3) / 4  # (n, d) each


def _push(found: Tensor) -> list[Tensor]:
    """How long each push is, in lengths of the walk, and whether all lead somewhere else."""
    by = found - _FROM
    return [by.norm(dim=-1) / _BY.norm(dim=-1), torch.cosine_similarity(by, _BY, dim=-1).abs().max() < 0.8]


# A function of images before and after a walk, (n, d) each → images pushed as far, in a random direction.
pushed = exercise(
    "before and after",
    tries=[(_FROM, _FROM + _BY)],
    want=lambda before, after: before + (after - before).roll(7, -1),
    measured=_push,
    wrong={
        "Push somewhere else, not along the walk.": (lambda a, b: b, lambda a, b: 2 * a - b),
        "That's the push alone: add it to the image.": lambda a, b: (b - a).roll(7, -1),
    },
    right="As long as the walk, and in no direction that any net has chosen.",
    rest="Each push should be as long as that image's walk.",
)
