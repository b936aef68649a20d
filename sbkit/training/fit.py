"""From a fleet, a task and some choices to a run: everything is checked here, before any training."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sbkit.core import Fleet, SbkitError, Snapshot, Task, check_pair, whole
from sbkit.core.environment import headless
from sbkit.losses import loss_for
from sbkit.optimizers import Settings, build
from sbkit.training.arguments import check_fit, check_names
from sbkit.training.measured import Measure, named
from sbkit.training.plan import AfterStep, Hooks, Penalty, Plan, Transform, rows_a_step
from sbkit.training.run import Run

SLICE = 0.25  # seconds of training between two moves of the bar
PATIENCE = 2.0  # seconds without a bar


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
    → tensor or array (runs, …), or a list of them. loss: the name of a function that `@sb.loss` registered;
    None is "cross_entropy" for classes, "square" for values. stop: a run ends when its mean training loss,
    over all rows or 4,096 drawn from them, is below it; tested every 50 steps, when one whose loss is not
    finite ends too; None never. seed: of the minibatch order and of dropout.
    penalty(fleet, x, y, logits) → (runs,) adds to the loss (an argument named loss gets the fit's own
    `sb.losses.Loss`); transform(fleet, x, y) → x, y changes a batch
    (without gradients, unless it asks for them by torch.enable_grad; arguments named step and generators
    get the step and a torch.Generator a run, seeded anew at every step by seed, step and run);
    after_step(fleet, step) changes weights. Measures, penalty and transform are asked once here, so that
    `SbkitError` is raised before any training on names, numbers, shapes and answers that do not fit.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=512, n_test=512)
    >>> [snapshot.step for snapshot in fit(mlp(task, runs=2), task, steps=120, stop=None)]
    [50, 100, 120]
    """
    check_pair("sb.fit", fleet, task, trains=True, stacks=True)
    rows = rows_a_step(task, optimizer, batch)
    check_names(options, inspect.signature(fit).parameters, optimizer, task.z.shape[-2] / rows)
    hooks = Hooks(penalty, transform, after_step)
    chosen, measures, seed = loss_for(task, loss), named(measure, task), whole("seed", seed, 0)
    given = {"lr": lr, "weight_decay": weight_decay} | options
    made = build(optimizer, fleet, **given)
    settings = Settings(made, optimizer)
    check_fit(fleet, task, rows, ordered=not settings.about.full_batch)
    plan = Plan(made, settings, given, rows, chosen, measures, hooks, seed)
    return Run(fleet, task, plan, steps, every, stop)


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
        yield lambda: (bar.update(run.step - bar.n), run.watch(None))
