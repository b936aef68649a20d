"""Which feature a fleet follows when features disagree, and which it can follow alone."""

from __future__ import annotations

import torch
from torch import Tensor

from sbkit.core import Fleet, SbkitError, Task, generator, measures
from sbkit.measures.scores import accuracy


def _two_classes(task: Task) -> None:
    if not task.classes or task.outputs != 2:
        raise SbkitError(f"Conflicts are between two classes, got {task.outputs} outputs.")


def _moved(task: Task, groups: list[list[str]], order: Tensor) -> Tensor:
    """Test inputs, once a group, with that group's columns taken from the rows `order`. (groups, n, d)"""
    inputs = []
    for names in groups:
        z, columns = task.z_test.clone(), task.columns(names)  # (n, k)
        z[:, columns] = z[order][:, columns]
        inputs.append(task.embed(z))
    return torch.stack(inputs)


def _answers(fleet: Fleet, x: Tensor) -> Tensor:
    """Logits of inputs (groups, n, d). (runs, groups, n, C)"""
    return fleet.predict(x.flatten(0, 1)).unflatten(1, x.shape[:2])


@measures("conflict", classes=True, glance_every=4)
def conflict(fleet: Fleet, task: Task) -> Tensor:
    """Share of test rows on which each run follows one feature against all others. (runs, features)

    In every row the feature's columns come from a row of the other class, so that it says one class and
    the others say another. 1 = it decides alone; 0 = it is outvoted every time. In the order of
    `task.features` (the swap of Shah et al. 2020's code). Raises `SbkitError` unless two classes.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=100)
    >>> conflict(mlp(task), task).shape
    torch.Size([8, 2])
    """
    _two_classes(task)
    rng, y = generator(0), task.y_test.cpu()
    order = torch.empty_like(y)  # for every row a random one of the other class
    for label in (0, 1):
        here, there = (y == label).nonzero()[:, 0], (y != label).nonzero()[:, 0]
        if not len(there):
            raise SbkitError("Conflicts need test rows of both classes, got one; raise n_test.")
        order[here] = there[torch.randint(len(there), here.shape, generator=rng)]
    logits = _answers(fleet, _moved(task, [[name] for name in task.features], order.to(task.y_test.device)))
    return accuracy(logits, 1 - task.y_test)


@measures("alone", classes=True, glance_every=4)
def alone(fleet: Fleet, task: Task) -> Tensor:
    """Test accuracy of each run with one feature intact and all others shuffled. (runs, features)

    Chance = nothing of this feature is used by itself; its curve over steps tells when it is learned
    (after Kalimeris et al. 2019, who use mutual information). In the order of `task.features`.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=100)
    >>> alone(mlp(task), task).shape
    torch.Size([8, 2])
    """
    order = torch.randperm(len(task.z_test), generator=generator(0)).to(task.z_test.device)
    others = [[other for other in task.features if other != name] for name in task.features]
    return accuracy(_answers(fleet, _moved(task, others, order)), task.y_test)
