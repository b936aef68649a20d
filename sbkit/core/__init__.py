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
    takes,
    whole,
)
from sbkit.core.snapshot import RESULTS, Snapshot
from sbkit.core.task import SAMPLE, Feature, Task, check_task, drawn, window

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
    "check_task",
    "datasets",
    "distinct",
    "drawn",
    "find_device",
    "generator",
    "losses",
    "measures",
    "one_of",
    "optimizers",
    "plots",
    "same",
    "takes",
    "threads",
    "whole",
    "window",
]
