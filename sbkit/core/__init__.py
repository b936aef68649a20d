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
    losses,
    measures,
    one_of,
    optimizers,
    plots,
    whole,
)
from sbkit.core.numbers import numbers
from sbkit.core.snapshot import Snapshot
from sbkit.core.task import SAMPLE, Feature, Task, window

__all__ = [
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
    "find_device",
    "generator",
    "losses",
    "measures",
    "numbers",
    "one_of",
    "optimizers",
    "plots",
    "threads",
    "whole",
    "window",
]
