"""How sure a fleet is of the right class, and whether cutting a feature's link changes that."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torch import Tensor
from torch.nn import functional as F

from sbkit.core import Fleet, SbkitError, Task, check_pair
from sbkit.measures.randomized import shuffled


def margins(fleet: Fleet, task: Task, features: str | Iterable[str] = (), seed: int = 0) -> Tensor:
    """How far the right class is ahead of the next, in logits, for each test row. (runs, n_test)

    Below 0 the row is wrong. features: whose columns are shuffled together first, as in `randomized`;
    none: the rows as they are. NaN for a run that diverged. Raises `SbkitError` on an unknown feature, and
    on regression.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=100)
    >>> margins(mlp(task, runs=3), task, "linear").shape
    torch.Size([3, 100])
    """
    check_pair("sb.measures.margins", fleet, task)
    if not task.classes:
        raise SbkitError(f"Margins need classes, got a {task.sort} task; measure its loss.")
    logits = fleet.predict(shuffled(task, [features], seed)[0])  # (runs, n, C)
    own = F.one_hot(task.y_test, logits.shape[-1]).bool()  # (n, C)
    right = logits.masked_fill(~own, 0).sum(-1)  # (runs, n)
    found = right - logits.masked_fill(own, -math.inf).amax(-1)
    return found.where(logits.isfinite().all(-1).all(-1, keepdim=True), math.nan).cpu()
