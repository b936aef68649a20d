"""Draw your own data: a board whose value is a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from sbkit.core import Task, generator, one_of
from sbkit.core.environment import headless, stills_wanted
from sbkit.data import painted, planar
from sbkit.data.planar import TOYS
from sbkit.plots.words import say

if TYPE_CHECKING:
    from sbkit.lab.board import Board

DABS = 60  # of an example
EXAMPLES = ["blobs", *sorted(TOYS)]


def draw(start: Any = "blobs", seed: int = 0) -> Board | Drawing:
    """A board to paint two classes on, as the value of its cell or as a dial; `.task` is what stands there.

    By mouse or finger: drag; the right button, or *Eraser*, erases. By keyboard: arrows, 1, 2, Space, Delete.
    As a dial, `sb.lab(lesson, task=sb.draw())`, it stands beside the pictures, and the run begins anew
    whenever something is painted; it may stand in a cell of its own, too. start: an example, one of blobs,
    circles, moons, sinusoid, spirals and xor; or dabs, as `sb.data.painted` takes them. seed: which of the
    points are for the test. Without a page to paint on (SBKIT_HEADLESS=1) the task is that of `start`.
    Raises `SbkitError` on another name, and on dabs that `sb.data.painted` refuses.

    >>> import os
    >>> os.environ["SBKIT_HEADLESS"] = "1"
    >>> draw("circles").task.x.shape
    torch.Size([240, 2])
    >>> del os.environ["SBKIT_HEADLESS"]
    """
    dabs = example(start) if isinstance(start, str) else start
    task = painted(dabs, seed)
    if headless() or stills_wanted():
        return Drawing(task)
    from sbkit.lab.board import Board

    return Board([*map(list, task.dabs)], seed, {name: example(name) for name in EXAMPLES})


def example(name: str) -> list[tuple[float, float, int]]:
    """The dabs of an example."""
    y = torch.arange(DABS) % 2  # (DABS,)
    if one_of("example", name, EXAMPLES) == "blobs":  # two clouds that a line separates
        z = 0.9 * y.unsqueeze(1) - 0.45 + 0.18 * torch.randn(DABS, 2, generator=generator(0)).clamp(-2, 2)
    else:
        z = 0.9 * planar(name, DABS, noise=0.0, n_test=2).z  # whose classes take turns, too
    return [(round(x1, 2), round(x2, 2), c) for (x1, x2), c in zip(z.tolist(), y.tolist(), strict=True)]


class Drawing:
    """A board without a page: the task it would begin with, which stays."""

    def __init__(self, task: Task):
        self.value = self.task = task

    def observe(self, handler: Any, names: Any = None) -> None:
        """Nothing will change."""

    def __repr__(self) -> str:
        return say("board", "still", task=self.value)
