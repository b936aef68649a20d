"""How we measure: exercises on ranks that disagree, and on features shuffled each on its own."""

from __future__ import annotations

import torch
from torch import Tensor

from sbkit.core import Fleet, Task
from sbkit.course.exercise import exercise
from sbkit.data import slabs
from sbkit.lessons.voters import ACCURACIES, right_on, shuffled_apart, voters
from sbkit.measures import effective_rank, stable_rank

# Ten singular values of a matrix with a stable rank below 2 and an effective rank above 5.
spectrum = exercise(
    want=[1.0] + [0.2] * 9,
    many=True,
    expects="Ten singular values are expected",
    within=(0, 1e6),
    measured=lambda values: (stable_rank(values.diag()), effective_rank(values.diag())),
    must={
        "Stable rank {0:.2f}, effective rank {1:.2f}. The stable rank looks at squares: let one value stand "
        "out.": (lambda stable, effective: stable < 2, [1.0] * 10),
        "Stable rank {0:.2f}, effective rank {1:.2f}. The effective rank does not look at squares: give the "
        "other values more weight.": (lambda stable, effective: effective > 5, [1.0] + [0.0] * 9),
    },
    right="Stable rank {0:.2f}, effective rank {1:.2f}. One matrix, two answers: an axis that says “rank” "
    "must say which.",
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
