"""Linear models as products of matrices."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from sbkit.core import Fleet, Task, between, check_task, whole
from sbkit.models.plain import MLP, check_depth, check_size


class DeepLinear(MLP):
    """A fleet of products of matrices; `deep_linear` makes it."""


def deep_linear(
    task: Task, factors: int = 2, width: int | None = None, init: float = 1.0, runs: int = 8, seed: int = 0
) -> Fleet:
    """`runs` linear models as products W_factors ⋯ W₁ of matrices, without biases; one factor is the model.

    They compute what a linear model does, and learn it otherwise (Huh et al. 2021; Saxe et al. 2014). width:
    of the matrices between, by default the larger of inputs and outputs, so that every rank is in reach.
    Entries are N(0, init²/columns): with init 1 every factor keeps the mean square length of what it gets.
    Run r is drawn from seed + r. The product: `effective_weight`. Raises `SbkitError` on numbers out of
    range, or nets too large for the memory.

    >>> from sbkit.data import lms
    >>> fleet = deep_linear(lms(5, dim=8), factors=3, runs=2)
    >>> [tuple(weight.shape) for weight in fleet.weights()]
    [(2, 8, 8), (2, 8, 8), (2, 2, 8)]
    """
    check_task(task)
    inputs, factors, runs = task.x.shape[-1], whole("factors", factors), whole("runs", runs)
    init, seed = between("init", init, 0, 1e6), whole("seed", seed, 0)
    inner = max(inputs, task.outputs) if width is None else whole("width", width)
    check_depth(factors, runs)
    check_size([inner] * (factors - 1), runs, task)
    sizes = [inputs, *[inner] * (factors - 1), task.outputs]

    def net() -> nn.Sequential:
        return nn.Sequential(*(nn.Linear(a, b, bias=False) for a, b in pairwise(sizes)))

    def draw(net: nn.Sequential) -> None:
        for weight in net.parameters():
            nn.init.normal_(weight, std=init / weight.shape[1] ** 0.5)

    return DeepLinear(task, net, draw, runs, seed, "linear")
