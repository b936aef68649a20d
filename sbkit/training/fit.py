"""From a fleet, a task and some choices to a run: everything is checked here, before any training."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable
from typing import Any

from sbkit.batches import Batches, WholeSet
from sbkit.core import Fleet, SbkitError, Snapshot, Task, between, check_pair, registries, whole
from sbkit.losses import loss_for
from sbkit.optimizers import Settings, build, live_settings
from sbkit.training.arguments import check_fit, check_hooks, check_names, check_rows
from sbkit.training.gradients import AfterStep, Penalty, Plan, Transform
from sbkit.training.measured import Measure, named
from sbkit.training.run import Run
from sbkit.training.wait import progress

SLICE = 0.25  # seconds between two looks at the clock


def fit(
    fleet: Fleet,
    task: Task,
    *,
    optimizer: str = "sgd",
    lr: float | None = None,
    weight_decay: float = 0.0,
    batch: int | None = None,
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
    default; options are its own (momentum, rho, betas, …). batch: rows a step, None is 256, or all if there
    are fewer; gd and lbfgs always take all. measure: names of registered measures, or functions (fleet, task)
    → tensor or array (runs, …), or a list of them. loss=None is "cross_entropy" for classes, "square" for
    values. stop: a run ends when its mean training loss, over all rows or 4,096 drawn from them, is below
    it; tested every 50 steps, when one whose loss is not finite ends too; None never. seed: of the minibatch
    order and of dropout. penalty(fleet, x, y, logits) → (runs,) adds to the loss; transform(fleet, x, y) →
    x, y changes a batch (without gradients, unless it asks for them by torch.enable_grad);
    after_step(fleet, step) changes weights. Measures, penalty and transform are asked once here, so that
    `SbkitError` is raised before any training on names, numbers, shapes and answers that do not fit.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=512, n_test=512)
    >>> [snapshot.step for snapshot in fit(mlp(task, runs=2), task, steps=120, stop=None)]
    [50, 100, 120]
    """
    check_pair("fit", fleet, task, trains=True)
    rows = len(task.y)
    for name, value, low in (
        ("steps", steps, 1),
        ("every", every, 1),
        ("batch", min(256, rows) if batch is None else batch, 1),
        ("seed", seed, 0),
    ):
        whole(name, value, low)
    if stop is not None:
        between("stop", stop, 0, math.inf, open_low=True)
    chosen = loss_for(task, loss)
    about = registries.optimizer.about[optimizer if optimizer in registries.optimizer else ""]
    full, encoded = about.full_batch, penalty is None and transform is None
    batch = rows if full else min(256, rows) if batch is None else batch
    check_names(options, optimizer, inspect.signature(fit).parameters, rows, batch)
    check_hooks(penalty=penalty, transform=transform, after_step=after_step)
    made = build(optimizer, fleet, lr, weight_decay, **options)
    if batch > rows:
        raise SbkitError(f"batch is at most the {rows} training rows, got {batch}; try batch={rows}.")
    check_rows(fleet.runs, task, ordered=not full)
    check_fit(fleet, task, batch)
    y = chosen.encode(task.y, task.outputs).to(task.x.dtype) if encoded else task.y
    seeds = [fleet.seed + r for r in range(fleet.runs)]
    plan = Plan(
        steps=steps,
        every=every,
        stop=stop,
        loss=chosen,
        optimizer=made,
        settings=Settings(made, live_settings(optimizer)),
        measure=named(measure, task),
        penalty=penalty,
        transform=transform,
        after_step=after_step,
        needs_loss=about.needs_loss,
        encoded=encoded,
        seed=seed,
        batches=WholeSet(task.x, y, fleet.runs) if full else Batches(task.x, y, batch, seed, seeds),
    )
    run = Run(fleet, task, plan)
    run.given = {"lr": lr, "weight_decay": weight_decay} | options
    run.rehearse()
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
