"""sbkit: see what networks prefer to learn.

A lesson is a function; a run is a lazy generator of snapshots:

>>> import sbkit as sb
>>> def lesson(slabs=5, depth=1, seed=0):
...     task = sb.lms(slabs, dim=4, n=512, n_test=512)
...     fleet = sb.mlp(task, depth=depth, width=16, runs=2, seed=seed)
...     return sb.fit(fleet, task, steps=100, measure=["reliance"])
>>> [snapshot.step for snapshot in lesson(slabs=7)]
[50, 100]
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sbkit.core import Feature, Fleet, Registry, SbkitError, Snapshot, Task
from sbkit.core import datasets as datasets
from sbkit.data import core_and_shortcut, dominoes, lms, low_rank_task, lsn, ms, planar, slabs, task_from
from sbkit.matrices import low_rank, svt
from sbkit.measures import (
    alignment,
    alone,
    attack,
    boundary,
    budget,
    conflict,
    effective_rank,
    effective_weight,
    entropy_rank,
    kernel,
    margin_shift,
    margins,
    pca_rank,
    randomized,
    reliance,
    shifted,
    shortcut_bias,
    spectrum,
    stable_rank,
    universal_perturbation,
)
from sbkit.models import deep_linear, fleet_of, mlp, overparameterize
from sbkit.plots import Axis, Bars, Field, Line, Lines, Mark, bands
from sbkit.training import fit, last

if TYPE_CHECKING:
    from sbkit.course import check, claim, journal, predict, self_check
    from sbkit.course import map as map  # not in __all__: a star import would hide Python's own
    from sbkit.lab import lab
    from sbkit.sweeps import sweep

# The registries stand where the packages of the same name stood: sb.optimizer["sgd"].
from sbkit.core import measures, optimizers, plots  # noqa: E402
from sbkit.core.names import REGISTRIES  # noqa: E402

for _registry in REGISTRIES:
    _registry.close()

COURSE = ("check", "claim", "journal", "map", "predict", "self_check")
LAZY = {"lab": "lab", "sweep": "sweep"} | dict.fromkeys(COURSE, "course")


class _Face(ModuleType):
    """Keeps `sb.lab` and `sb.sweep` functions when the modules of the same name are imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in LAZY or not isinstance(value, ModuleType):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        """Widgets, plotly, sklearn and pandas load when first used."""
        if name not in LAZY:
            raise AttributeError(f"module 'sbkit' has no attribute {name!r}")
        return getattr(importlib.import_module(f"sbkit.{LAZY[name]}"), name)

    def __reduce__(self) -> tuple[Any, ...]:
        """By name, so that a lesson which names sbkit can be sent to another process."""
        return importlib.import_module, (self.__name__,)


sys.modules[__name__].__class__ = _Face

__all__ = [
    "Axis",
    "Bars",
    "Feature",
    "Field",
    "Fleet",
    "Line",
    "Lines",
    "Mark",
    "Registry",
    "SbkitError",
    "Snapshot",
    "Task",
    "alignment",
    "alone",
    "attack",
    "bands",
    "boundary",
    "budget",
    "check",
    "claim",
    "conflict",
    "core_and_shortcut",
    "datasets",
    "deep_linear",
    "dominoes",
    "effective_rank",
    "effective_weight",
    "entropy_rank",
    "fit",
    "fleet_of",
    "journal",
    "kernel",
    "lab",
    "last",
    "lms",
    "low_rank",
    "low_rank_task",
    "lsn",
    "margin_shift",
    "margins",
    "measures",
    "mlp",
    "ms",
    "optimizers",
    "overparameterize",
    "pca_rank",
    "planar",
    "plots",
    "predict",
    "randomized",
    "reliance",
    "self_check",
    "shifted",
    "shortcut_bias",
    "slabs",
    "spectrum",
    "stable_rank",
    "svt",
    "sweep",
    "task_from",
    "universal_perturbation",
]
