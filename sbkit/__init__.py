"""sbkit: see what networks prefer to learn.

A lesson is a function; a run is a lazy generator of snapshots:

>>> import sbkit as sb
>>> def lesson(slabs=5, depth=1, seed=0):
...     task = sb.lms(slabs, dim=4, n=512, n_test=512)
...     fleet = sb.mlp(task, depth=depth, width=16, runs=2, seed=seed)
...     return sb.fit(fleet, task, steps=100, measure=["reliance"])
>>> [snapshot.step for snapshot in lesson(slabs=7)]
[50, 100]

Modules hold things (`sb.measures.effective_rank`), decorators of the singular name add to them
(`@sb.measure("norm")`) and list them (`list(sb.optimizer)`).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sbkit import data, measures, models, plots
from sbkit import losses as losses
from sbkit import optimizers as optimizers  # as torch has it; no notebook needs its name
from sbkit import transforms as transforms
from sbkit.core import Feature, Fleet, SbkitError, Snapshot, Task
from sbkit.core.registries import REGISTRIES, dataset, loss, measure, optimizer, plot
from sbkit.data import lms, ms, planar, slabs
from sbkit.lab import lab
from sbkit.measures import boundary, randomized, reliance, spectrum
from sbkit.models import mlp
from sbkit.plots import Axis, Bars, Field, Images, Line, Lines, Scatter, bands
from sbkit.training import fit, last
from sbkit.training import stages as stages

if TYPE_CHECKING:
    from sbkit.course import check, claim, predict
    from sbkit.lab.draw import draw
    from sbkit.lab.map import map as map  # not in __all__: a star import would hide Python's own
    from sbkit.sweeps import sweep

for _registry in REGISTRIES:
    _registry.close()

# Widgets, plotly, scikit-learn and pandas load when first used.
LAZY = {"draw": "lab.draw", "map": "lab.map", "sweep": "sweeps"}
LAZY |= dict.fromkeys(["check", "claim", "predict"], "course")


def __getattr__(name: str) -> Any:
    if name not in LAZY:
        raise AttributeError(f"module 'sbkit' has no attribute {name!r}")
    return getattr(importlib.import_module(f"sbkit.{LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *LAZY})


__all__ = [
    "Axis",
    "Bars",
    "Feature",
    "Field",
    "Fleet",
    "Images",
    "Line",
    "Lines",
    "SbkitError",
    "Scatter",
    "Snapshot",
    "Task",
    "bands",
    "boundary",
    "check",
    "claim",
    "data",
    "dataset",
    "draw",
    "fit",
    "lab",
    "last",
    "lms",
    "loss",
    "measure",
    "measures",
    "mlp",
    "models",
    "ms",
    "optimizer",
    "planar",
    "plot",
    "plots",
    "predict",
    "randomized",
    "reliance",
    "slabs",
    "spectrum",
    "sweep",
]
