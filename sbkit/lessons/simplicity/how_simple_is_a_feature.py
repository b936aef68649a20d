"""How simple is a feature: exercises on features that disagree, and on a control for what is shared."""

from __future__ import annotations

import torch
from torch import Tensor

from sbkit.core import Fleet, Task
from sbkit.course.exercise import exercise, normal
from sbkit.data import slabs
from sbkit.lessons.voters import ACCURACIES, right_on, shuffled_apart, voters

Z = normal(4000, 3)  # training features to cut, (rows, features)


def _one_vote() -> list[tuple[Fleet, Task, str]]:
    """Nets that follow the linear feature and nothing else, with either feature to turn against the rest."""
    task = slabs(blocks=(1, 5), n=64, n_test=4000)
    return [(voters(task, [1.0, 0.0]), task, name) for name in task.features]


def _swapped(fleet: Fleet, task: Task, name: str, own: bool = False) -> Tensor:
    """Share of rows that get the other class, or their own, once a feature comes from the other class."""
    z, order, columns = task.z_test.clone(), task.y_test.argsort(), task.columns(name)
    z[order[:, None], columns] = task.z_test[order.flip(0)[:, None], columns]
    return right_on(fleet, task, z, task.y_test if own else 1 - task.y_test)


HEAD = "The nets follow the linear feature alone; got {0:.2f} for it, {1:.2f} for the slab. "

# A function (fleet, task, name) → share of rows on which a run follows that feature against the rest. (runs,)
follow = exercise(
    "fleet, task and name",
    tries=_one_vote,
    want=_swapped,
    **ACCURACIES,
    wrong={
        HEAD + "The moved feature says 1 − y_test: count that.": lambda *given: _swapped(*given, own=True),
        HEAD + "Did anything move?": lambda fleet, task, name: 1 - right_on(fleet, task, task.z_test),
    },
    must={
        HEAD + "A shuffle makes half of the conflicts: take rows of the other class.": (
            lambda linear, slab: abs(linear - 0.5) >= 0.1,
            lambda fleet, task, name: right_on(fleet, task, shuffled_apart(task, name)),
        ),
    },
    atol=1e-3,
    right="The linear feature wins every conflict, the slab none: a vote for every row.",
    rest=HEAD + "Did the feature's columns move, and only these? Count the answers 1 − y_test.",
)


def _cut(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Share of column 0 of Z that has moved, whether its values are the same, whether the others stayed."""
    same = z[:, 0].sort().values.allclose(Z[:, 0].sort().values)
    return (z[:, 0] != Z[:, 0]).double().mean(), torch.tensor(same), (z[:, 1:] == Z[:, 1:]).all()


# A function of training features z (rows, 3) → the same, with the first column cut from the class.
never_had = exercise(
    "z",
    tries=[(Z,)],
    want=lambda z: torch.cat([z[:, :1].roll(1, 0), z[:, 1:]], 1),
    keeps=True,
    measured=_cut,
    atol=0.01,
    wrong={
        "The slabs moved, too, and they must go on telling the class.": lambda z: z.roll(1, 0),
        "Two things differ: keep its values, at other points.": lambda z: z * torch.tensor([0, 1, 1]),
        "Nothing has moved: the linear column still tells the class.": lambda z: z.clone(),
    },
    right="The linear column has the same values, at other points, and the slabs stay: one thing differs.",
    rest="{0:.0%} of the linear column has moved. All of it should, its values kept, the slabs untouched.",
)
