"""Lessons called so that nothing of an earlier run is in the new one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from sbkit.core import SbkitError
from sbkit.training.run import Run


class NotAnewError(SbkitError):
    """A lesson returned a fleet that it did not make."""


def anew(lesson: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    """What a lesson returns for these values; the fleet of its run is one that this very call made.

    Raises `NotAnewError` for a fleet that was there before, as an outer variable, a default argument or in
    a cache: its next run would begin with what the last one trained, and two runs would train it at once.

    >>> from sbkit import fit, mlp, slabs
    >>> task = slabs(n=512, n_test=512)
    >>> anew(lambda lr: fit(mlp(task, runs=2), task, lr=lr), {"lr": 0.1}).step
    0
    """
    start = time.perf_counter()
    made = lesson(**values)
    if isinstance(made, Run) and made.fleet.born < start:
        raise NotAnewError(
            "A lesson makes its fleet anew at every call, got one that was there before; make it inside the "
            "lesson, or copy it there: sb.fit(copy.deepcopy(fleet), task)."
        )
    return made
