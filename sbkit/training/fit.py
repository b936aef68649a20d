"""From a fleet, a task and some choices to a run: everything is checked here, before any training."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import nn

from sbkit.batches import Batches, WholeSet
from sbkit.core import (
    Fleet,
    SbkitError,
    Snapshot,
    Task,
    between,
    check_memory,
    measures,
    optimizers,
    whole,
)
from sbkit.losses import loss_for
from sbkit.optimizers import Settings, build, live_settings
from sbkit.training.gradients import AfterStep, Penalty, Plan, Transform
from sbkit.training.run import Run
from sbkit.training.wait import progress

SLICE = 0.25  # seconds between two looks at the clock
Measure = str | Callable[[Fleet, Task], Any]


def fit(
    fleet: Fleet,
    task: Task,
    *,
    optimizer: str = "sgd",
    lr: float | None = None,
    weight_decay: float = 0.0,
    batch: int = 256,
    steps: int = 1000,
    every: int = 50,
    measure: Measure | Iterable[Measure] = (),
    loss: str | None = None,
    stop: float | None = 0.01,
    penalty: Penalty | None = None,
    transform: Transform | None = None,
    after_step: AfterStep | None = None,
    seed: int = 0,
    **options: Any,
) -> Run:
    """A lazy run that trains `fleet` (in place) on `task`; nothing is trained before it is asked for.

    Iterated, it gives a `Snapshot` every `every` steps and at the end. lr=None is the optimizer's own
    default; options are its own (momentum, rho, betas, …). batch: rows a step; gd and lbfgs take all.
    measure: names of registered measures, or functions (fleet, task) → tensor (runs, …). loss=None is
    "cross_entropy" for classes, "square" for values. stop: a run ends when its mean training loss over
    (the first 4,096) rows is below it, tested every 50 steps; None never. seed: of the minibatch order
    and of dropout. penalty(fleet, x, y, logits) → (runs,) adds to the loss; transform(fleet, x, y) →
    x, y changes a batch (without gradients, unless it asks for them by torch.enable_grad);
    after_step(fleet, step) changes weights. Raises `SbkitError`, before any training, on names, numbers and
    shapes that do not fit.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=512, n_test=512)
    >>> [snapshot.step for snapshot in fit(mlp(task, runs=2), task, steps=120, stop=None)]
    [50, 100, 120]
    """
    for name, value, low in (
        ("steps", steps, 1),
        ("every", every, 1),
        ("batch", batch, 1),
        ("seed", seed, 0),
    ):
        whole(name, value, low)
    if stop is not None:
        between("stop", stop, 0, math.inf, open_low=True)
    chosen = loss_for(task, loss)
    about = optimizers.about[optimizer] if optimizer in optimizers else {}
    made = build(optimizer, fleet, lr, weight_decay, **options)
    full, encoded = bool(about.get("full_batch")), penalty is None and transform is None
    if not full and batch > len(task.y):
        raise SbkitError(
            f"batch is at most the {len(task.y)} training rows, got {batch}; try batch={len(task.y)}."
        )
    _check_rows(fleet.runs, task, ordered=not full)
    _check_fleet(fleet, task, len(task.y) if full else batch)
    y = chosen.encode(task.y, task.outputs).to(task.x.dtype) if encoded else task.y
    seeds = [fleet.seed + r for r in range(fleet.runs)]
    plan = Plan(
        steps=steps,
        every=every,
        stop=stop,
        loss=chosen,
        optimizer=made,
        settings=Settings(made, live_settings(optimizer)),
        measure=_named(measure, task),
        penalty=penalty,
        transform=transform,
        after_step=after_step,
        needs_loss=about.get("needs_loss", False),
        encoded=encoded,
        seed=seed,
        batches=WholeSet(task.x, y, fleet.runs) if full else Batches(task.x, y, batch, seed, seeds),
    )
    run = Run(fleet, task, plan)
    run.given = {"lr": lr, "weight_decay": weight_decay} | options
    return run


def last(run: Run) -> Snapshot:
    """The snapshot at the end of a run, which is trained to its end first if it is not there yet.

    A bar shows the time left where that takes over two seconds. Interrupted, the run stands where it
    stood and can be asked again.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=512, n_test=512)
    >>> last(fit(mlp(task, runs=2), task, steps=100)).step
    100
    """
    with progress(run) as told:
        while not run.finished:
            run.train(seconds=SLICE)
            told()
    return run.snapshot()


def _named(chosen: Measure | Iterable[Measure], task: Task) -> dict[str, Callable[..., Any]]:
    """Measures by name, with what is measured beside them; refused if they need classes and have none."""
    found: dict[str, Callable[..., Any]] = {}
    for measure in [chosen] if isinstance(chosen, str) or not isinstance(chosen, Iterable) else chosen:
        if isinstance(measure, str):
            beside = measures.about[measure].get("beside", ()) if measure in measures else ()
            more = {name: measures[name] for name in (measure, *beside)}
        elif callable(measure):
            inner = measure.func if isinstance(measure, functools.partial) else measure
            more = {getattr(inner, "__name__", type(inner).__name__): measure}
        else:
            raise SbkitError(f"A measure is a name or a function (fleet, task) → tensor, got {measure!r}.")
        for name, function in more.items():
            _check_measure(name, function, found, task)
        found |= more
    return found


def _check_measure(name: str, function: Callable[..., Any], found: Mapping[str, Any], task: Task) -> None:
    if found.get(name, function) is not function:
        raise SbkitError(f"Measures have different names, got {name!r} twice; write one as `def other(...)`.")
    if name in measures and measures.about[name].get("classes") and not task.classes:
        raise SbkitError(f"The measure {name!r} needs classes, got a regression task; leave it out.")
    if name in measures and task.z.shape[1] < measures.about[name].get("columns", 1):
        raise SbkitError(f"The measure {name!r} needs two columns, got a task with one; leave it out.")


def _check_rows(runs: int, task: Task, ordered: bool) -> None:
    """Refuse more runs times rows than fit into memory: the order of minibatches, the logits of a look."""
    if ordered:
        what = f"{runs} runs × {len(task.y):,} rows × 8 bytes × 3 copies (the order of the minibatches)"
        check_memory(runs * len(task.y) * 8 * 3, what, task.x.device)
    tests, size = len(task.y_test), task.x.element_size()
    what = f"{runs} runs × {tests:,} test rows × {task.outputs} outputs × {size} bytes × 3 copies (a look)"
    check_memory(runs * tests * task.outputs * size * 3, what, task.x.device)


def _check_fleet(fleet: Fleet, task: Task, batch: int) -> None:
    """Refuse a fleet that does not fit the task, or a step too large for the memory."""
    widths = [
        task.x.shape[1],
        *(layer.out_features for layer in fleet.modules() if isinstance(layer, nn.Linear)),
    ]
    size, units = task.x.element_size(), sum(widths)
    what = f"{fleet.runs} runs × {batch:,} rows × {units:,} units × {size} bytes × 3 copies"
    check_memory(fleet.runs * batch * units * size * 3, what, task.x.device)
    shape = tuple(fleet.predict(task.x[:2]).shape)
    rows = min(2, len(task.x))
    if shape != (fleet.runs, rows, task.outputs):
        wanted = (fleet.runs, rows, task.outputs)
        raise SbkitError(f"The task has {task.outputs} outputs, so logits are {wanted}, got {shape}.")
