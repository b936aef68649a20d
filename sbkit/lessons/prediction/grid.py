"""The nets of a controlled grid, and what can be read off them: python -m sbkit.lessons.prediction.grid

Both lessons on measures of generalization use it. The command trains all nets and writes their table anew.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sbkit.core import Fleet, SbkitError, Task, told
from sbkit.data import digits, stack
from sbkit.measures import eigenvalues, margins, perturbation_radius
from sbkit.models import initial, mlp
from sbkit.training import Run, fit, last
from sbkit.training.measured import taken, value_of

if TYPE_CHECKING:
    from pandas import DataFrame

Complexity = Callable[[Fleet, Task], Any]  # the reader's: (runs,) numbers, larger is said to be worse
WIDTHS, BATCHES, RATES, SHARES = (32, 96), (16, 64), (0.01, 0.05), (0.0, 0.15, 0.3)
AXES = ["width", "batch", "lr", "noise"]
READINGS = ["size", "length", "distance", "spectral", "paths", "1/margin", "spectral/margin", "paths/margin"]
READINGS += ["curvature", "1/radius", "bound from 0", "bound from start"]
SEEDS = 15  # in the stored table: ten for trials, five for claims
TABLE = Path(__file__).with_name("grid.csv")


def nets(
    width: int = 32,
    batch: int = 64,
    seed: int = 0,
    seeds: int = 1,
    noise: Sequence[float] = SHARES,
    lr: Sequence[float] = RATES,
    **options: Any,
) -> Run:
    """A run of nets of one width and batch, each with its own digits, labels and rate, down to one loss.

    Two hidden layers learn 300 digits, of which a share `noise` has its label redrawn, until the loss is
    below 0.05. Runs: all rates of all shares of all seeds, in this order.
    """
    own = list(itertools.product(range(seed, seed + seeds), noise, lr))
    task = stack([digits(300, flip=share, seed=draw) for draw, share, _ in own])
    fleet = mlp(task, depth=2, width=width, runs=len(own), seed=seed * len(own) // seeds)
    given: dict[str, Any] = {"optimizer": "momentum", "lr": [rate for *_, rate in own], "steps": 20_000}
    return fit(fleet, task, batch=batch, stop=0.05, **given | options)


def closed_book(task: Task) -> Task:
    """The task with its training rows in place of the test rows: who looks there learns nothing new."""
    return dataclasses.replace(task, z_test=task.z, y_test=task.y)


def norms(fleet: Fleet, task: Task) -> Tensor:
    """The readings that cost little, the first eight. (runs, 8)"""
    weights = [w.detach().nan_to_num(0, 0, 0) for w in fleet.weights()]  # (runs, out, in) each
    now, start = fleet.vector().detach(), initial(fleet).vector().detach()  # (runs, P)
    length, distance = now.square().sum(1), (now - start).square().sum(1)
    spectral = torch.stack([torch.linalg.matrix_norm(w, 2) for w in weights]).prod(0).square()
    paths = torch.ones_like(weights[0][:, :1].mT)  # (runs, in, 1)
    for w in weights:
        paths = w.square() @ paths
    paths = paths.sum((1, 2))
    margin = margins(fleet, closed_book(task)).quantile(0.1, dim=1).square()  # (runs,)
    found = [torch.full_like(length, now.shape[1]), length, distance, spectral, paths, 1 / margin]
    found = torch.stack([*found, spectral / margin, paths / margin], dim=1)
    return found.where(margin.isfinite().unsqueeze(1), torch.nan)


def readings(fleet: Fleet, task: Task) -> Tensor:
    """What can be read off trained nets without new data, `READINGS`; larger is said to be worse. (runs, 12)

    As Jiang et al. 2020, appendix C, have them: length is ‖w‖², distance ‖w − w₀‖², spectral Π‖W‖₂², paths
    the sum of squared products along all paths, margin the square of the 10 % quantile on training rows,
    radius the square of σ; bounds are √((‖·‖²/4σ² + log(n/σ) + 10)/n). NaN for a run that diverged.
    """
    found, radius, n = norms(fleet, task), perturbation_radius(fleet, task), len(task.z)
    log = (n / radius).log() + 10  # (runs,)
    bounds = [((way / (4 * radius**2) + log) / n).sqrt() for way in (found[:, 1], found[:, 2])]
    sharp = torch.stack([eigenvalues(fleet, task)[:, 0], 1 / radius**2, *bounds], dim=1)
    return torch.cat([found, sharp.to(found)], dim=1)


def rows(width: int, batch: int, seed: int = 0, seeds: int = 1) -> DataFrame:
    """The table of all nets of one width and batch, trained now: settings, readings, accuracies and gap."""
    import pandas as pd

    run = nets(width, batch, seed, seeds)
    end, found = last(run), torch.as_tensor(taken("readings", readings, run.fleet, run.task))  # (runs, 12)
    own = itertools.product(range(seed, seed + seeds), SHARES, RATES)
    table = pd.DataFrame(own, columns=["seed", "noise", "lr"]).assign(width=width, batch=batch)
    scores = {"loss": end.loss, "accuracy": end.accuracy, "test_accuracy": end.test_accuracy}
    scores |= {"gap": end.accuracy - end.test_accuracy}
    values = dict(zip(READINGS, found.T, strict=True)) | scores
    return table.assign(**{name: value.numpy() for name, value in values.items()})


def grid(seed: int = 0, seeds: int = SEEDS) -> DataFrame:
    """The table of the whole grid, trained now, a row a net."""
    import pandas as pd

    each = itertools.product(WIDTHS, BATCHES)
    return pd.concat([rows(width, batch, seed, seeds) for width, batch in each], ignore_index=True)


def stored() -> DataFrame:
    """The table of the whole grid, as the command made it: 24 nets a seed, a row a net."""
    import pandas as pd

    return pd.read_csv(TABLE)


def closed(own: Complexity, fleet: Fleet, task: Task) -> Tensor:
    """What a measure of the reader's own says with the book closed. (runs,)

    Raises `SbkitError` unless that is one number a net.
    """
    found: Any = value_of("complexity", own(fleet, closed_book(task)), fleet.runs)
    if getattr(found, "ndim", 0) != 1:
        rule = f"complexity gives one number a net, ({fleet.runs},), got {told(found)}"
        raise SbkitError(f"{rule}; average over all axes but the first.")
    return found


def whole_grid(seed: int = 5, seeds: int = 5) -> list[Run]:
    """The whole grid of 24 nets a seed, not yet trained: a run for each width and batch."""
    return [nets(width, batch, seed, seeds) for width, batch in itertools.product(WIDTHS, BATCHES)]


def judged(runs: Sequence[Run], **own: Complexity) -> DataFrame:
    """The stored rows of a grid, with what measures say of its nets, book closed, and their gap as "live"."""
    ends: Any = [last(run) for run in runs]
    table: Any = stored()
    first, count = (number * len(runs) // 24 for number in (runs[0].fleet.seed, runs[0].fleet.runs))
    table = table[table.seed.isin(range(first, first + count))].reset_index(drop=True)
    table["live"] = torch.cat([end.accuracy - end.test_accuracy for end in ends]).numpy()
    for name, of in own.items():
        found: Any = [taken(name, partial(closed, of), run.fleet, run.task) for run in runs]
        table[name] = torch.cat(found).double().flatten().numpy()
    return table


if __name__ == "__main__":
    grid().to_csv(TABLE, index=False, float_format="%.5g")
