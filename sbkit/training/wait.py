"""What is shown to somebody who waits for a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from sbkit.core.environment import headless
from sbkit.training.run import Run

PATIENCE = 2.0  # seconds without a bar


@contextmanager
def progress(run: Run) -> Iterator[Callable[[], None]]:
    """A function to call between two slices of training: after two seconds it shows the time left.

    The bar goes with the block, whether the run came to its end or was interrupted. None is shown
    without a page to show it (SBKIT_HEADLESS=1).

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> from sbkit.training import fit
    >>> task = slabs(n=512, n_test=512)
    >>> run = fit(mlp(task, runs=2), task, steps=100)
    >>> with progress(run) as told:
    ...     while not run.finished:
    ...         run.train(steps=10)
    ...         told()
    """
    from tqdm.auto import tqdm

    began, bars = time.perf_counter(), []
    with ExitStack() as stack:

        def told() -> None:
            if bars:
                bars[0].update(run.step - bars[0].n)
            elif time.perf_counter() - began > PATIENCE and not headless():
                bar = tqdm(total=run.steps, initial=run.step, desc="training", unit=" steps", leave=False)
                bars.append(stack.enter_context(bar))

        yield told
