"""Which attack teaches best? Warps and pixels that are changed to fool a net, pictures, two exercises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.core import Fleet, Snapshot, Task, generator, one_of
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.losses import against
from sbkit.plots import Axis, Bars, Images, Lines
from sbkit.plots.bands import finite, middle, shown, step_line, told

KINDS = ("none", "pixels", "random warp", "warp")
STAY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)  # the map that leaves every point where it is
LESSONS = "Above: eight training digits. Below: what net 0 is shown of them now. Can you still read them?"
READS = "Share of new digits read, as they are and warped; {}."
BOTH = "Share of new digits read; bar = mean, dots = nets. Which attacks help, and on what?"
SIDES = ("as they are", "warped")


def warp(x: Tensor, p: Tensor) -> Tensor:
    """Images (…, 64) seen through the affine map 1 + p, p (…, 6): moved, turned, stretched. (…, 64)

    >>> x = torch.rand(3, 64)
    >>> torch.allclose(warp(x, torch.zeros(3, 6)), x, atol=1e-5)
    True
    """
    maps = (p + torch.tensor(STAY).to(p)).reshape(-1, 2, 3)
    grid = F.affine_grid(maps, [len(maps), 1, 8, 8], align_corners=False)
    return F.grid_sample(x.reshape(-1, 1, 8, 8), grid, align_corners=False).view(x.shape)


def climbed(fleet: Fleet, y: Tensor, start: Tensor, images: Callable[[Tensor], Tensor]) -> Tensor:
    """The direction of length 1 in which each net's answer to images(start) gets worst. (as start)"""
    start = start.detach().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(against(fleet(images(start)), y).sum(), start)
    return F.normalize(slope, dim=-1)


def attack(kind: str, size: float, jitter: float = 0.1, fixed: bool = False) -> Any:
    """A transform of `sb.fit`: digits changed by one step of a length drawn from 0 to `size`, or of `size`.

    kind: "pixels" go, and the six numbers of a "warp", where the net errs most; those of a "random warp"
    anywhere. Warps start at N(0, jitter²).
    """
    one_of("kind", kind, KINDS)

    def transform(fleet: Fleet, x: Tensor, y: Tensor, generators: Sequence[Any]) -> tuple[Tensor, Tensor]:
        if kind == "none":
            return x, y
        rows = [torch.rand(x.shape[1], 1, generator=rng) for rng in generators]
        length = size * (torch.ones_like(torch.stack(rows)) if fixed else torch.stack(rows)).to(x)
        if kind == "pixels":
            return x + length * climbed(fleet, y, x, lambda images: images), y
        drawn = [torch.randn(2, x.shape[1], 6, generator=rng) for rng in generators]
        start, away = torch.stack(drawn, 1).to(x)  # (runs, n, 6) each
        start = jitter * start
        uphill = kind == "warp"
        step = climbed(fleet, y, start, lambda p: warp(x, p)) if uphill else F.normalize(away, dim=-1)
        return warp(x, start + length * step), y

    return transform


def bent(task: Task) -> Tensor:
    """New digits, each through a map of its own, 1 + p with p from N(0, 0.15²). (n, 64)"""
    return warp(task.x_test, 0.15 * torch.randn(len(task.x_test), 6, generator=generator(0)).to(task.x_test))


def read(fleet: Fleet, task: Task) -> Tensor:
    """Share of new digits that each net reads, as they are and warped. (runs, 2)"""
    said = [fleet.predict(x).argmax(-1) == task.y_test for x in (task.x_test, bent(task))]
    return torch.stack(said).float().mean(-1).T


def watch(task: Task, change: Any) -> list[Callable[..., Tensor]]:
    """Measures of `sb.fit`: eight training digits beside what they're turned into, and what is read."""

    def shown_now(fleet: Fleet, task: Task, of: Task = task) -> Tensor:
        x, y = of.x[:8].expand(fleet.runs, -1, -1), of.y[:8].expand(fleet.runs, -1)
        turned, _ = change(fleet, x, y, [generator(0)] * fleet.runs)
        return torch.cat([x, turned], 1)  # (runs, 16, 64)

    def reads(fleet: Fleet, task: Task, of: Task = task) -> Tensor:
        return read(fleet, of)  # (runs, 2)

    return [shown_now, reads]


def rows(images: Any, title: str, caption: str) -> Images:
    """Two rows of eight images (16, 64)."""
    pixels, ink = finite(torch.as_tensor(images)).reshape(16, 8, -1), Axis("ink", low=0, high=1)
    return Images("shown_now", title, pixels, columns=8, caption=caption, scale=ink)


@plot("shown_now")
def lesson_images(history: Sequence[Snapshot]) -> Images | None:
    """Eight digits and what net 0 is shown of them at the latest step."""
    found = history[-1].values.get("shown_now", torch.empty(0))
    return rows(shown(history[-1], found)[0], "What it learns from", LESSONS) if found.numel() else None


@plot("reads")
def read_lines(history: Sequence[Snapshot]) -> Lines | None:
    """Shares of new digits read over steps, as they are and warped."""
    if not history[-1].values.get("reads", torch.empty(0)).numel():
        return None
    lines = [step_line(name, history, lambda s, i=i: s.values["reads"][:, i]) for i, name in enumerate(SIDES)]
    y, words = Axis("share read", low=0, high=1), READS.format(told(history[-1])["over"])
    return Lines("reads", "What can it read?", Axis("step", low=0), y, lines, words, grows=True)


def bars(each: Mapping[str, Tensor], title: str = "Which attack teaches?") -> Bars:
    """Shares read (nets, 2) by the way of teaching, the two sides beside each other, with a dot a net."""
    values = finite(torch.stack([*each.values()], 2).transpose(0, 2).transpose(0, 1).flatten(0, 1))
    about: Any = {"sides": SIDES, "dots": values, "caption": BOTH}
    return Bars("read", title, Axis("share read", low=0, high=1), [*each] * 2, middle(values.T)[0], **about)


_P, _SLOPE = normal(5, 6), normal(5, 6, seed=1)  # (digits, 6) each

# A function of where warps start and the loss's slopes there, (n, 6) each, and a size → where they end.
stepped = exercise(
    "start, slope and size",
    tries=[(_P, _SLOPE, 0.2), (_P, _SLOPE, 3.0)],
    want=lambda p, g, size: p + size * F.normalize(g, dim=-1),
    wrong={
        "Divide each row by its own length.": lambda p, g, s: p + s * g / g.norm(),
        "That's downhill: it makes the loss smaller.": lambda p, g, s: p - s * F.normalize(g, dim=-1),
        "That follows the sign: here it's the slope over its length.": lambda p, g, s: p + s * g.sign(),
        "The slope's own length is still in it.": lambda p, g, s: p + s * g,
    },
    right="One step, as long for every digit.",
    rest="start + size × slope / length of that row's slope.",
    keeps=True,
)


def _aim(p: Tensor) -> Tensor:
    """Cosine of each step to p and the attacker's own. (digits,)"""
    return torch.cosine_similarity(p - _P, _SLOPE, dim=1)


# A function of where warps start and end, (n, 6) each → as long steps from there that nobody has aimed.
unaimed = exercise(
    "start and end",
    tries=[(_P, _P + _SLOPE / 5)],
    want=lambda start, end: start + (end - start).roll(2, -1),
    measured=lambda p: [(p - _P).norm(dim=1) * 5 / _SLOPE.norm(dim=1), _aim(p).abs().max() < 0.99],
    wrong={
        "That's the attack itself, forth or back: aim nowhere.": (lambda p, q: q, lambda p, q: 2 * p - q),
        "Start where the attacker starts: the jitter belongs to both.": lambda p, q: (q - p).roll(2, -1),
        "Nothing moves: then the control lacks the steps, too.": lambda p, q: p,
    },
    right="The same start, the same lengths, and nobody has aimed.",
    rest="Each step should be as long as the attacker's, from the same start.",
    keeps=True,
)
