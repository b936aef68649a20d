"""Points that a reader paints, dab by dab, as a task in the plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from sbkit.core import Feature, SbkitError, Task, generator, numbers, whole

EACH, HELD = 6, 2  # points a dab, how many of them are for the test
SPREAD = 0.07  # how far from a dab its points lie, at most
MOST = 500  # dabs
TURN = 2.4  # radians between two points of a dab, about the golden angle: they never fall in line


@dataclass(frozen=True, eq=False, repr=False)
class Painted(Task):
    """A task that was made of dabs, which it remembers, so that it can be written down."""

    dabs: tuple[tuple[float, float, int], ...] = ()
    seed: int = 0

    def __repr__(self) -> str:
        return f"{len(self.dabs)} dabs of paint"


def painted(dabs: Any, seed: int = 0) -> Painted:
    """Dabs of paint on the plane as a two-class task: six points around each, two of them for the test.

    dabs: rows (x1, x2, class) as a list, array or table, both coordinates in −1…1, the class 0 or 1; at most
    500, at least one of each class. Where a dab lies decides where its points lie, at most 0.07 from it;
    `seed` decides which are for the test, and in what order they stand. Simplicity is not known: `pieces` of
    the features x1 and x2 is None.
    Raises `SbkitError` on other rows, numbers out of range, too many dabs, or a class without one.

    >>> task = painted([(-0.5, 0.0, 0), (0.5, 0.0, 1)])
    >>> task, task.x.shape, task.x_test.shape
    (2 dabs of paint, torch.Size([8, 2]), torch.Size([4, 2]))
    """
    rows = numbers("A painting", dabs).double()
    if rows.ndim != 2 or rows.shape[1] != 3:
        raise SbkitError(f"Dabs are rows (x1, x2, class), got shape {tuple(rows.shape)}; try [(0.5, 0, 1)].")
    if len(rows) > MOST:
        raise SbkitError(f"A painting has at most {MOST} dabs, got {len(rows):,}; try sb.data.table(x, y).")
    centres, classes = rows[:, :2], rows[:, 2]  # (dabs, 2), (dabs,)
    if not bool((centres.abs() <= 1).all()):  # nor is NaN
        raise SbkitError("Dabs lie in −1…1 both ways, got others; divide x1 and x2 by their largest size.")
    if (found := sorted(set(classes.tolist()))) != [0, 1]:
        raise SbkitError(f"Dabs are of two classes, 0 and 1, got {found}; try [(-0.5, 0, 0), (0.5, 0, 1)].")
    z = centres.unsqueeze(1) + _offsets(centres)  # (dabs, EACH, 2)
    rng = generator(whole("seed", seed, 0))
    held = torch.rand(z.shape[:2], generator=rng).argsort(1).flatten() < HELD  # (dabs · EACH,)
    z, y = z.flatten(0, 1).float(), classes.long().repeat_interleave(EACH)
    order = torch.randperm(len(z), generator=rng)  # mixed, for plots show the first of each part
    train, test = order[~held[order]], order[held[order]]
    features = {"x1": Feature((0,)), "x2": Feature((1,))}
    made = tuple((x1, x2, int(c)) for x1, x2, c in rows.tolist())
    names = ("blue", "orange")  # as the board and all pictures colour them
    return Painted(z[train], y[train], z[test], y[test], features, names=names, dabs=made, seed=seed)


def _offsets(centres: torch.Tensor) -> torch.Tensor:
    """Where the points of dabs (dabs, 2) lie around them, on a spiral turned by their place. (dabs, EACH, 2)

    As stage/board.js draws them.
    """
    k = torch.arange(EACH)
    angle = TURN * k + (37 * centres[:, :1] + 59 * centres[:, 1:])  # (dabs, EACH)
    return (SPREAD * ((k + 0.5) / EACH).sqrt() * torch.stack([angle.cos(), angle.sin()])).permute(1, 2, 0)
