"""How we measure: what a shuffle of several features leaves, and exercises on shuffles and on budgets."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from sbkit.core import Feature, Fleet, Task, generator
from sbkit.course.exercise import exercise
from sbkit.data import slabs
from sbkit.lessons.voters import ACCURACIES, right_on, shuffled_apart, voters
from sbkit.measures import boundary, randomized
from sbkit.plots import Axis, Bars, Field, Line, Lines


def left_of(fleet: Fleet, task: Task, counts: Iterable[int]) -> Tensor:
    """Share of test rows still right when so many equal features are shuffled together. (runs, counts)

    0 … 1, the mean over two choices: that many features from the first on, and from the middle one on.

    >>> left_of(voters(task := slabs([1] * 4, n=64), [1.0] * 4), task, [0, 4]).shape
    torch.Size([2, 2])
    """
    names = [*task.features]
    around = [names, names[len(names) // 2 :] + names[: len(names) // 2]]
    left = [[randomized(fleet, task, each[:k], "accuracy") for k in counts] for each in around]
    return torch.stack([torch.stack(each, -1) for each in left]).mean(0)


def what_is_left(right: Tensor, counts: Tensor) -> Lines:
    """The share right (runs, counts) as a line with its band, over how many features were shuffled."""
    line = Line("measured", counts, right.mean(0), right.amin(0), right.amax(0))  # pyright: ignore
    caption = "Share of test points still right, by how many of ten equal features were shuffled together."
    x, y = Axis("features shuffled together"), Axis("share right", low=0.4, high=1)
    return Lines("left", "What a shuffle leaves", x, y, [line], caption=caption)


def slices(fleet: Fleet, task: Task) -> Callable[[int, int], list[Field]]:
    """Three planes through one net, as a lesson with the dials net and row."""

    def plane(name: str, net: int, axes: tuple[int, int], row: int) -> Field:
        x, y = (Axis(f"feature {axis + 1}", low=-1.05, high=1.05) for axis in axes)
        chance = boundary(fleet, task, axes=axes, at=row)[net]  # (places, places)
        caption = f"Chance of class 1, network {net}. The third feature stays as in test row {row}."
        return Field(name, f"Plane through row {row}", x, y, chance, caption=caption)  # pyright: ignore

    def three(net: int = 3, row: int = 1) -> list[Field]:
        return [plane("a", net, (0, 1), 0), plane("b", net, (0, 1), row), plane("c", net, (1, 2), 0)]

    return three


def stories(lost: Tensor) -> Callable[[int], list[Bars]]:
    """Reliance of one net beside that of all, as a lesson with the dial net. lost (runs, features)"""

    def two(net: int = 3) -> list[Bars]:
        y, names = Axis("accuracy lost", low=0, high=0.3), [f"feature {i + 1}" for i in range(lost.shape[1])]
        caption = "Accuracy lost when one of three equal features is shuffled. A dot is a network."
        single = Bars("single", f"Network {net}", y, names, lost[net], caption=caption)  # pyright: ignore
        return [single, Bars("all", "All eight", y, names, lost.mean(0), lost.T, caption)]  # pyright: ignore

    return two


def units(scale: float, n: int = 4000, data: int = 0) -> Task:
    """Two equally good Gaussian features, the second in numbers `scale` times smaller.

    >>> list(units(8.0, n=10).features)
    ['large', 'small']
    """
    y, rng = torch.arange(2 * n) % 2, generator(data)
    z = (torch.randn(2 * n, 2, generator=rng) + 2 * y[:, None] - 1) / torch.tensor([1, scale])  # (2 n, 2)
    return Task(z[:n], y[:n], z[n:], y[n:], {"large": Feature((0,)), "small": Feature((1,))})


STEPS = torch.tensor([100.0, 300, 1000, 3000, 10_000])


def _settled(steps: Tensor, leads: Tensor, room: float) -> Tensor:
    far = (leads - leads[-1]).abs() > room  # (budgets,)
    return steps[int(far.nonzero().max()) + 1]


# A function (steps, leads, room) → the smallest budget from which on the answer stays where it ends.
enough = exercise(
    "steps, leads and room",
    tries=[
        (STEPS, torch.tensor([0.31, 0.26, 0.13, 0.05, 0.02]), 0.04),
        (STEPS, torch.tensor([0.3, 0.3, 0.1, 0.02, 0.01]), 0.04),
        (STEPS, torch.tensor([0.1, 0.0, 0.2, 0.11, 0.1]), 0.02),
    ],
    want=_settled,
    expects="One of the budgets is expected",
    wrong={
        "That's the first budget whose next answer is close. An answer can rest, and then move on.": (
            lambda steps, leads, room: steps[((leads[1:] - leads[:-1]).abs() <= room).int().argmax()]
        ),
        "That's the first budget whose answer is near the last one. It may come near and leave again.": (
            lambda steps, leads, room: steps[((leads - leads[-1]).abs() <= room).int().argmax()]
        ),
    },
    right="The end is where the answer stays, not where the loss looks flat.",
    rest="Mark the answers that are farther than room from the last one; the budget comes after all of them.",
)


def _linear_features() -> list[tuple[Fleet, Task, list[str]]]:
    """Nets that give four linear features one vote each, and two of them to shuffle."""
    task = slabs(blocks=[1] * 4, n=64)
    return [(voters(task, [1.0] * 4), task, list(task.features)[:2])]


def _each(fleet: Fleet, task: Task, names: list[str]) -> Tensor:
    return right_on(fleet, task, shuffled_apart(task, *names))


VOTES = "Two of four votes shuffled: {0:.2f} of the rows are right, "

# A function (fleet, task, names) → accuracy of each run, each named feature shuffled on its own. (runs,)
apart = exercise(
    "fleet, task and names",
    tries=_linear_features,
    want=_each,
    **ACCURACIES,
    atol=0.03,  # one vote alone is overruled, two against two are a coin: 0.87
    must={
        VOTES + "as if nothing had moved. Reorder the features' columns of z, then embed.": (
            lambda share: share < 0.999,
            lambda fleet, task, names: right_on(fleet, task, task.z_test),
        ),
        VOTES + "as if only one had moved. Go through all the names.": (
            lambda share: share < 0.97,
            lambda fleet, task, names: _each(fleet, task, names[:1]),
        ),
        VOTES + "which is what one permutation for both gives. Draw another for each feature.": (
            lambda share: not 0.72 <= share <= 0.78,
            lambda fleet, task, names: right_on(fleet, task, shuffled_apart(task, names)),
        ),
        VOTES + "so no vote is left. Move the named features only, and leave the labels.": (
            lambda share: not 0.47 <= share <= 0.53,
            lambda fleet, task, names: right_on(fleet, task, task.z_test[torch.randperm(len(task.z_test))]),
        ),
    },
    right=VOTES + "more than if both moved together: now each errs on its own rows.",
    rest=VOTES + "which no shuffle gives. Compare the largest logit with y_test.",
)
