"""A hand-made snapshot, so that plots are tested without training."""

from collections.abc import Callable

import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sbkit.core import Feature, Snapshot, Task
from sbkit.plots import Description
from sbkit.plots.png import draw

RUNS = 3


def task(features: int = 2, n: int = 8) -> Task:
    """n rows whose feature 0 is simple and all others are not."""
    z = torch.linspace(-1, 1, n * features).view(n, features)  # (n, k)
    y = torch.arange(n) % 2
    names = ["linear", *(f"slab5_{i}" for i in range(1, features))]
    kept = {name: Feature((i,), pieces=1 if i == 0 else 4) for i, name in enumerate(names)}
    return Task(z, y, z, y, kept)


@pytest.fixture
def snapshot() -> Callable[..., Snapshot]:
    """Makes snapshots of three runs, with other fields where they are given."""

    def make(step: int = 0, features: int = 2, **fields) -> Snapshot:
        values = {
            "boundary": torch.stack([torch.full((4, 4), p) for p in (0.0, 0.5, 1.0)]),
            "reliance": torch.tensor([[0.4] + [0.01 * i for i in range(features - 1)]] * RUNS),
            "kinds": torch.tensor([[0.5, 0.0]] * RUNS),
            "spectrum": [torch.tensor([[3.0, 1.0], [5.0, 2.0], [4.0, 3.0]]), torch.ones(RUNS, 1)],
        }
        made = {"loss": torch.tensor([0.1, 0.2, 0.6]), "accuracy": torch.tensor([0.7, 0.8, 0.9])}
        made |= {"test_accuracy": torch.tensor([0.5, 0.6, 0.7]), "test_loss": torch.tensor([0.2, 0.3, 0.5])}
        made |= {"values": values, "rows": 1000}
        made |= {"state": ("training",) * RUNS, "sample": task(features)}
        return Snapshot(step=step, epoch=step / 10, **(made | fields))

    return make


@pytest.fixture
def axes_with() -> Callable[[Description], Axes]:
    """Draws a picture on axes of matplotlib's, for what stands on them."""

    def drawn(picture: Description) -> Axes:
        axes = Figure().add_subplot()
        draw(axes, picture)
        return axes

    return drawn
