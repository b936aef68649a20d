"""The tables that tests share: small tasks, fleets of every build, and what it means to be the same net."""

import importlib
import pkgutil
import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.testing import assert_close

import sbkit as sb
import sbkit.lessons

DOUBLE = torch.float64


def with_lessons() -> None:
    """Register the measures and plots of all lessons, too."""
    for module in pkgutil.walk_packages(sbkit.lessons.__path__, "sbkit.lessons."):
        importlib.import_module(module.name)


def told(value: object) -> str:
    """A value as the name of a test: the same in every process, whatever it is."""
    text = (
        type(value).__name__ if isinstance(value, set | frozenset) else re.sub(r" at 0x\w+", "", str(value))
    )
    return " ".join(text.split())[:60]


def slab_task(blocks=(1, 3, 5), n=300, n_test=200, **options) -> sb.Task:
    """A small slab task in float64."""
    return sb.slabs(blocks, n=n, n_test=n_test, **options).to(dtype=DOUBLE)


def three_classes() -> sb.Task:
    """Three bands of the plane, in float64."""
    z = torch.rand(300, 2, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    y = (3 * z[:, 0]).long()
    return sb.Task(z[:200], y[:200], z[200:], y[200:], {"across": sb.Feature((0,))})


def regression() -> sb.Task:
    """Two values of a plane's points, in float64."""
    z = torch.randn(300, 3, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    y = torch.stack([z.sum(1), z[:, 0] * z[:, 1]], dim=1)
    features = {f"x{i}": sb.Feature((i,)) for i in range(3)}
    return sb.Task(z[:200], y[:200], z[200:], y[200:], features)


def animals() -> pd.DataFrame:
    """40 rows of height, weight and age, three numbers of a Bird and a cat in turn, other by kind."""
    y = np.arange(40) % 2
    numbers = np.random.default_rng(5).normal(size=(40, 3)) + 3 * y[:, None]
    kind = np.where(y, "cat", "Bird")
    return pd.DataFrame(numbers, columns=["height", "weight", "age"]).assign(kind=kind)


TASKS: dict[str, Callable[[], sb.Task]] = {
    "slabs": slab_task,
    "three classes": three_classes,
    "regression": regression,
}


def layer_norm(inputs: int, outputs: int) -> Callable[[], nn.Module]:
    """A net with a parameter that is no matrix of a Linear."""
    return lambda: nn.Sequential(
        nn.Linear(inputs, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, outputs)
    ).double()


def convnet(inputs: int, outputs: int) -> Callable[[], nn.Module]:
    """A net that sees its inputs as one row of pixels."""
    return lambda: nn.Sequential(
        nn.Unflatten(1, (1, 1, inputs)),
        nn.Conv2d(1, 4, (1, 3), padding="same"),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(4 * inputs, outputs),
    ).double()


def of(build: Callable[[int, int], Callable[[], nn.Module]]) -> Callable[..., sb.Fleet]:
    return lambda task, **options: sb.models.fleet_of(build(task.x.shape[1], task.outputs), **options)


def net(**shape) -> Callable[..., sb.Fleet]:
    return lambda task, **options: sb.mlp(task, **shape, **options)


FLEETS: dict[str, Callable[..., sb.Fleet]] = {
    "linear": net(depth=0),
    "relu": net(depth=2, width=8),
    "tanh": net(depth=1, width=8, activation="tanh"),
    "gelu": net(depth=1, width=8, activation="gelu"),
    "dropout": net(depth=2, width=8, dropout=0.2),
    "deep linear": lambda task, **options: sb.models.deep_linear(task, 3, 8, **options),
    "layer norm": of(layer_norm),
    "convnet": of(convnet),
}


def weights(fleet: sb.Fleet) -> list[Tensor]:
    """A copy of all parameters, (runs, …) each."""
    return [p.detach().clone() for p in fleet.parameters()]


def assert_same_run(fleet: sb.Fleet, r: int, other: sb.Fleet, q: int = 0, **tolerance) -> None:
    """Run r of a fleet has the weights of run q of another."""
    for mine, theirs in zip(fleet.parameters(), other.parameters(), strict=True):
        assert_close(mine[r], theirs[q], equal_nan=True, **tolerance)


def assert_bitwise(fleet: sb.Fleet, other: sb.Fleet) -> None:
    """Two fleets have the same weights to the last bit."""
    for mine, theirs in zip(fleet.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs)
