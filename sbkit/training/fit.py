"""From a fleet, a task and some choices to a run: everything is checked here, before any training."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from sbkit.core import Fleet, SbkitError, Snapshot, Task, check_pair, whole
from sbkit.core.environment import headless
from sbkit.losses import Named
from sbkit.optimizers import Settings, build
from sbkit.training.arguments import check_fit, check_names
from sbkit.training.masks import Mask
from sbkit.training.measured import Measure, named
from sbkit.training.objective import aimed
from sbkit.training.plan import (
    AfterStep,
    Hooks,
    Penalty,
    Plan,
    Schedule,
    Span,
    Transform,
    rows_a_step,
    spanned,
)
from sbkit.training.run import Run

SLICE = 0.25  # seconds of training between two moves of the bar
PATIENCE = 2.0  # seconds without a bar
Number = float | Sequence[float] | Tensor  # one for all runs, or (runs,)


def fit(
    fleet: Fleet,
    task: Task,
    *,
    optimizer: str = "sgd",
    lr: Number | None = None,
    weight_decay: Number = 0.0,
    batch: int | None = None,
    steps: int = 1000,
    start: int = 0,
    every: int = 50,
    keep: Iterable[int] = (),
    measure: Measure | Iterable[Measure] = (),
    loss: Named = None,
    targets: Tensor | None = None,
    sample_weight: Tensor | None = None,
    stop: float | None = 0.01,
    penalty: Penalty | None = None,
    transform: Transform | None = None,
    after_step: AfterStep | None = None,
    schedule: Schedule | None = None,
    mask: Mask | None = None,
    seed: int = 0,
    **options: Any,
) -> Run:
    """A lazy run that trains `fleet` (in place) on `task`; nothing is trained before it is asked for.

    Iterated, it gives a `Snapshot` every `every` steps and at the end. lr=None is the optimizer's own
    default; options are its own (momentum, rho, betas, …), with those of `base` for optimizer="sam",
    base="adam". lr, weight_decay, momentum, rho and alpha may have one number a run, (runs,): run r trains
    as in a fleet with its number. batch: rows a step, None is 256, or all if there are fewer; gd and lbfgs
    always take all. measure: names of registered measures, or functions (fleet, task)
    → tensor or array (runs, …), or a list of them. seed: of the minibatch order and of dropout. stop: a run
    ends when its mean training loss, over all rows or 4,096 drawn from them, is below it; tested every 50
    steps and at a start above 0, when one whose loss is not finite ends too; None never.

    loss: the name of a function that `@sb.loss` registered, or a function (logits, y) → (runs, n) of logits
    (runs, n, outputs) and labels (runs, n); None is "cross_entropy" for classes, "bce" for many labels,
    "square" for values.
    targets (n, outputs), or (runs, n, outputs) for each run its own, are learned in place of the labels, as
    chances that add up to 1 for cross-entropy; accuracy is of the labels. sample_weight, (n,) or (runs, n)
    and at least 0, multiplies the loss of a row; the mean is over rows, not divided by the weights' sum.

    start: the first step; `steps` counts from 0, so fit(steps=50), then fit(start=50, steps=100) is
    fit(steps=100) in order, schedule and dropout. The optimizer begins anew: the same weights come of those
    that keep nothing from step to step (sgd, gd, sam over them), momenta begin at 0. keep: steps after which
    weights are kept, as `run.kept[step]`.

    schedule(step) → factor multiplies lr as it then is, as torch's LambdaLR. mask: a bool tensor
    (runs, out, in) for each of `fleet.weights()`, True = kept, or step → such a list: masked weights and
    their gradients are 0, from now on, as in a net that multiplies weights by masks.
    penalty(fleet, x, y, logits) → (runs,) adds to the loss (arguments named loss and weight get the fit's own
    `sb.losses.Loss` and how much the rows count, (runs, n), None for all alike); transform(fleet, x, y) → x,
    y changes a batch, to other rows or, where the nets take them, columns (without gradients, unless it asks
    for them by torch.enable_grad; arguments named step and generators get the step and a torch.Generator a
    run, seeded anew at every step by seed, step and run);
    after_step(fleet, step) changes weights. Measures, penalty and transform are asked once here, so that
    `SbkitError` is raised before any training on names, numbers, shapes and answers that do not fit.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=512, n_test=512)
    >>> [snapshot.step for snapshot in fit(mlp(task, runs=2), task, steps=120, stop=None)]
    [50, 100, 120]
    """
    hooks = Hooks(penalty, transform, after_step, schedule, mask)
    span = spanned(start, steps, every, keep, stop)
    given = {"lr": lr, "weight_decay": weight_decay} | options
    aims = loss, targets, sample_weight
    return Run(fleet, task, _planned(fleet, task, optimizer, given, batch, measure, aims, hooks, seed, span))


def _planned(
    fleet: Fleet,
    task: Task,
    optimizer: str,
    given: Mapping[str, Any],
    batch: int | None,
    measure: Measure | Iterable[Measure],
    aims: tuple[Named, Any, Any],
    hooks: Hooks,
    seed: int,
    span: Span,
) -> Plan:
    """What `fit` was asked, checked one by the other and prepared."""
    check_pair("sb.fit", fleet, task, trains=True, stacks=True)
    rows = rows_a_step(task, optimizer, batch, given)
    check_names(given, inspect.signature(fit).parameters, optimizer, task.z.shape[-2] / rows)
    objective, measures, seed = aimed(fleet, task, *aims), named(measure, fleet, task), whole("seed", seed, 0)
    made = build(optimizer, fleet, **given)
    settings = Settings(made, optimizer, given, fleet.runs)
    if hooks.schedule and "lr" not in settings:
        rule = "A schedule multiplies lr in an optimizer's param_groups"
        raise SbkitError(f"{rule}, got {optimizer!r} without; keep its rate there by that name.")
    check_fit(fleet, task, rows, ordered=not settings.about.full_batch, kept=len(span.keep))
    return Plan(made, settings, given, rows, objective, measures, hooks, seed, span)


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
    if not isinstance(run, Run):
        raise SbkitError(f"last takes a run, got a {type(run).__name__}; try sb.last(sb.fit(fleet, task)).")
    with progress(run) as tell:
        while not run.finished:
            run.train(seconds=SLICE)
            tell()
    return run.snapshot()


@contextmanager
def progress(run: Run) -> Iterator[Callable[[], object]]:
    """A function to call between two slices of training: it shows the time left, and to a panel the run.

    The bar comes after two seconds and goes with the block; without a page to show it (SBKIT_HEADLESS=1)
    there is none.
    """
    from tqdm import tqdm

    about = {"initial": run.step, "desc": "training", "unit": " steps", "leave": False, "delay": PATIENCE}
    with tqdm(total=run.steps, disable=headless(), **about) as bar:
        # The end of several stages comes to light on the way
        yield lambda: (setattr(bar, "total", run.steps), bar.update(run.step - bar.n), run.watch(None))
