"""What a fleet relies on: scores after the link between a feature and the label is cut."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from sbkit.core import Fleet, SbkitError, Task, check_pair, generator, measure, one_of
from sbkit.measures.scores import accuracy, auc

METRICS = ("auc", "accuracy")


def moved(task: Task, groups: Iterable[str | Iterable[str]], order: Tensor) -> Tensor:
    """Test inputs, once a group, with that group's columns taken from the rows `order` (n_test,).

    Shape (groups, n_test, d). Raises `SbkitError` on an unknown feature.
    """
    inputs = []
    for names in groups:
        z, columns = task.z_test.clone(), task.columns(names)  # (n_test, k)
        z[:, columns] = z[order][:, columns]
        inputs.append(task.embed(z))
    return torch.stack(inputs)


def shuffled(task: Task, groups: Iterable[str | Iterable[str]], seed: int = 0) -> Tensor:
    """Test inputs, once a group, with that group's columns moved together by one permutation of the rows.

    Shape (groups, n_test, d). Moving columns together keeps their joint law, so that only the link to
    the label is cut (Shah et al. 2020, section 3).
    """
    return moved(task, groups, _permutation(task, seed))


def _permutation(task: Task, seed: int = 0) -> Tensor:
    return torch.randperm(len(task.z_test), generator=generator(seed)).to(task.z_test.device)


def scored(fleet: Fleet, task: Task, groups: list[list[str]], order: Tensor | None, y: Tensor) -> Tensor:
    """Accuracy against labels y once each group's columns come from the rows `order`. (runs, groups)

    y, order (n_test,); order=None is the shuffle of `randomized`. As many groups at once as memory allows.
    """
    _need_classes(task)
    order = _permutation(task) if order is None else order
    at_once = max(1, 2**22 // task.x_test.numel())  # groups whose inputs stand in memory together
    scores = []
    for first in range(0, len(groups), at_once):
        x = moved(task, groups[first : first + at_once], order)  # (groups, n, d)
        logits = fleet.predict(x.flatten(0, 1)).unflatten(1, x.shape[:2])  # (runs, groups, n, C)
        scores.append(accuracy(logits, y))
    return torch.cat(scores, dim=1)


def randomized(
    fleet: Fleet, task: Task, features: str | Iterable[str], metric: str = "auc", seed: int = 0
) -> Tensor:
    """Test score of each run once the named features say nothing. (runs,)

    features: one name or several, whose columns are shuffled together across test rows; metric: "auc"
    (ROC, score logit₁ − logit₀) or "accuracy". ½ = the net used nothing else; the usual score = it did
    not use them. Shah et al. 2020, section 3 (their definition 2 says precision–recall, their code ROC).
    Raises `SbkitError` on other names, and for AUC unless there are two classes.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=100)
    >>> randomized(mlp(task, runs=3), task, "linear").shape
    torch.Size([3])
    """
    check_pair("sb.randomized", fleet, task)
    one_of("metric", metric, METRICS)
    _need_classes(task)
    logits = fleet.predict(shuffled(task, [features], seed)[0])  # (runs, n_test, C)
    return auc(logits, task.y_test) if metric == "auc" else accuracy(logits, task.y_test)


def _need_classes(task: Task) -> None:
    if not task.classes:
        raise SbkitError(
            f"Randomized scores and reliance need classes, got a {task.sort} task; measure its loss."
        )


def _lost(fleet: Fleet, task: Task, groups: list[list[str]]) -> Tensor:
    """Accuracy lost when each group's link is cut. (runs, groups)"""
    cut = scored(fleet, task, groups, None, task.y_test)
    return accuracy(fleet.predict(task.x_test), task.y_test).unsqueeze(1) - cut


@measure("reliance", beside=("kinds",), classes=True, glance_every=6, parts="features")
def reliance(fleet: Fleet, task: Task) -> Tensor:
    """Test accuracy lost when one feature is shuffled across rows, per run. (runs, features)

    0 = ignored; accuracy − ½ = everything hangs on it (two balanced classes). In the order of
    `task.features`. A feature that others can stand in for may read 0 though it is used: see `kinds`.
    Shah et al. 2020, section 3; on test rows only.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=100)
    >>> reliance(mlp(task), task).shape
    torch.Size([8, 2])
    """
    check_pair("sb.reliance", fleet, task)
    return _lost(fleet, task, [[name] for name in task.features])


@measure("kinds", classes=True, glance_every=6, parts="kinds")
def kinds(fleet: Fleet, task: Task) -> Tensor:
    """Test accuracy lost when all simplest features (S), or all others (Sᶜ), are shuffled. (runs, 2)

    Shape (runs, 0) where the task's features have no known or only one simplicity.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=100)
    >>> kinds(mlp(task), task).shape
    torch.Size([8, 2])
    """
    check_pair("sb.measures.kinds", fleet, task)
    groups = list(task.kinds.values())
    return _lost(fleet, task, groups) if groups else torch.empty(fleet.runs, 0)
