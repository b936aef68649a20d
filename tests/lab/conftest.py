"""A small lesson that trains in milliseconds, and one that does not train."""

import pytest

import sbkit as sb
from sbkit.plots import Line, Lines


@pytest.fixture
def lesson():
    """LMS-k for two narrow networks; learning rate and momentum are handed on, the width is not."""

    def lesson(slabs=5, depth=1, lr=0.1, optimizer="sgd", steps=60, seed=0, data=0):
        task = sb.lms(slabs, dim=3, n=300, n_test=300, seed=data)
        fleet = sb.mlp(task, depth=depth, width=8, runs=2, seed=seed)
        measure = ["boundary", "reliance"]
        return sb.fit(
            fleet, task, optimizer=optimizer, lr=lr, steps=steps, stop=None, batch=50, measure=measure
        )

    return lesson


@pytest.fixture
def still():
    """A line whose slope is the dial."""

    def still(slope=1.0):
        return Lines("line", "A line", "x", "y", [Line("y", [0, 1], [0, slope])])

    return still


@pytest.fixture(autouse=True)
def with_page(monkeypatch):
    """Panels are tested as if there were a page, whatever the surroundings say."""
    monkeypatch.delenv("SBKIT_HEADLESS", raising=False)
    monkeypatch.delenv("SBKIT_PNG", raising=False)
