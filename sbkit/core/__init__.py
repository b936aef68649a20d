"""The vocabulary that everything rests on: tasks, fleets, snapshots, registries, seeds, errors."""

from sbkit.core.fleet import Fleet
from sbkit.core.machine import (
    best_threads,
    check_memory,
    find_device,
    generator,
    threads,
)
from sbkit.core.names import (
    Registry,
    SbkitError,
    between,
    datasets,
    distinct,
    losses,
    measures,
    one_of,
    optimizers,
    plots,
    same,
    whole,
)
from sbkit.core.snapshot import RESULTS, Snapshot
from sbkit.core.task import SAMPLE, Feature, Task, window

__all__ = [
    "RESULTS",
    "SAMPLE",
    "Feature",
    "Fleet",
    "Registry",
    "SbkitError",
    "Snapshot",
    "Task",
    "best_threads",
    "between",
    "check_memory",
    "datasets",
    "distinct",
    "find_device",
    "generator",
    "losses",
    "measures",
    "one_of",
    "optimizers",
    "plots",
    "same",
    "threads",
    "whole",
    "window",
]
