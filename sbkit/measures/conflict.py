"""Which feature a fleet follows when features disagree, and which it can follow alone."""

from __future__ import annotations

import torch
from torch import Tensor

from sbkit.core import Fleet, SbkitError, Task, check_pair, generator, measure
from sbkit.measures.randomized import scored


@measure("conflict", classes=2, parts="features")
def conflict(fleet: Fleet, task: Task) -> Tensor:
    """Share of test rows on which each run follows one feature against all others. (runs, features)

    In every row the feature's columns come from a random row of the other class, so that it says one
    class and the others say another (the `swap` of Shah et al. 2020's code). 1 = it decides alone; 0 = it
    is outvoted every time; a net that looks at nothing reads ½, whatever the feature. A noisy feature
    is a coin on its noisy rows, so 1 − noise/2 is all it can win. In the order of `task.features`.
    Raises `SbkitError` unless there are two classes, both among the test rows.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=100)
    >>> conflict(mlp(task), task).shape
    torch.Size([8, 2])
    """
    check_pair("sb.measures.conflict", fleet, task)
    groups = [[name] for name in task.features]
    return scored(fleet, task, groups, _of_the_other_class(task), 1 - task.y_test)


@measure("alone", classes=True, parts="features")
def alone(fleet: Fleet, task: Task) -> Tensor:
    """Test accuracy of each run with one feature intact and all others shuffled. (runs, features)

    Its curve over steps tells when a feature comes into use (Kalimeris et al. 2019 ask the same by mutual
    information, without touching the data). Guessing = it is not used, or the others, which move together
    and speak for a wrong row, outvote it: equal features hide each other here too. In the order of
    `task.features`. Raises `SbkitError` on regression.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=100)
    >>> alone(mlp(task), task).shape
    torch.Size([8, 2])
    """
    check_pair("sb.measures.alone", fleet, task)
    others = [[other for other in task.features if other != name] for name in task.features]
    return scored(fleet, task, others, None, task.y_test)


def _of_the_other_class(task: Task) -> Tensor:
    """For every test row a random one of the other class. (n_test,)"""
    if not task.classes or task.outputs != 2:
        got = f"{task.outputs} of them" if task.classes else f"a {task.sort} task"
        raise SbkitError(f"Conflicts are between two classes, got {got}; try sb.reliance.")
    y, rng = task.y_test.cpu(), generator(0)
    order = torch.empty_like(y)
    for label in (0, 1):
        here, there = (y == label).nonzero()[:, 0], (y != label).nonzero()[:, 0]
        if not len(there):
            raise SbkitError(
                f"Conflicts need test rows of both classes, got one in {len(y)}; take more of them."
            )
        order[here] = there[torch.randint(len(there), here.shape, generator=rng)]
    return order.to(task.y_test.device)
