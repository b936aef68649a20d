"""How simple is a feature: an exercise on features that disagree."""

from __future__ import annotations

from torch import Tensor

from sbkit.core import Fleet, Task
from sbkit.course.exercise import exercise
from sbkit.data import slabs
from sbkit.lessons.voters import ACCURACIES, right_on, shuffled_apart, voters


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
        HEAD + "Count the answers 1 − y_test: that is what the moved feature says.": (
            lambda fleet, task, name: _swapped(fleet, task, name, own=True)
        )
    },
    must={
        HEAD + "A shuffle makes half of the conflicts: take rows of the other class.": (
            lambda linear, slab: abs(linear - 0.5) >= 0.1,
            lambda fleet, task, name: right_on(fleet, task, shuffled_apart(task, name)),
        ),
        HEAD + "Did anything move? Put the feature's columns of other rows into z.": (
            lambda linear, slab: linear <= 0.9 or slab < 0.001,
            lambda fleet, task, name: right_on(fleet, task, task.z_test),
        ),
    },
    atol=1e-3,
    right="The linear feature wins every conflict, the slab none: a vote for every row.",
    rest=HEAD + "Count the answers 1 − y_test: that is what the moved feature says.",
)
