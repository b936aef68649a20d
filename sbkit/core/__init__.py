"""The vocabulary that everything rests on: tasks, fleets, snapshots, registries, seeds, errors."""

from sbkit.core.arguments import check_fleet, check_pair, check_task
from sbkit.core.ascent import ascend
from sbkit.core.fleet import Fleet
from sbkit.core.machine import best_threads, check_memory, find_device, generator, threads
from sbkit.core.names import SbkitError, between, distinct, one_of, same, takes, whole
from sbkit.core.numbers import numbers, told
from sbkit.core.registries import Registry, dataset, loss, measure, optimizer, plot
from sbkit.core.snapshot import RESULTS, Snapshot
from sbkit.core.stacked import called, difference
from sbkit.core.task import SAMPLE, Feature, Task, drawn, window
