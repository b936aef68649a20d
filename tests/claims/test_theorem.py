"""Shah et al. 2020, theorem 1: a ReLU net of one hidden layer on linear–slab–noise data.

Fact 22 of the course's sheet. Batch gradient descent on the hinge loss, output weights fixed at ±1/√k,
learning rate η = 1/√log d, ⌊4/η⌋ steps, 20,000 rows. No biases; with them |w₁| ends at .6 · 2/√k.
"""

import math

import pytest
import torch
from torch import nn

import sbkit as sb

pytestmark = pytest.mark.slow


def lsn(dim: int, n: int = 20_000, n_test: int = 10_000, seed: int = 0) -> sb.Task:
    """Two classes that a threshold tells apart, and three slabs as well, among dim − 2 columns of noise.

    With the label as ±1 the first column is the label, the second 0 for class 0 and a fair ±1 for class 1.
    """
    rng = torch.Generator().manual_seed(seed)
    y = torch.cat([torch.randperm(count, generator=rng) % 2 for count in (n, n_test)])  # (rows,)
    z = torch.randn(n + n_test, dim, generator=rng)
    z[:, 0] = 2 * y - 1
    z[:, 1] = y * (2 * torch.randint(2, y.shape, generator=rng) - 1)
    features = {"linear": sb.Feature((0,), 1, margin=1.0), "slab3": sb.Feature((1,), 2, margin=0.5)}
    features |= {"noise": sb.Feature(tuple(range(2, dim)), noise=1.0)}
    return sb.Task(z[:n], y[:n], z[n:], y[n:], features)


class Hinged(nn.Module):
    """f(x) = Σⱼ ±relu(wⱼ·x)/√k as logits (−f/2, f/2), wⱼ near 0."""

    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.first, self.last = nn.Linear(dim, hidden, bias=False), nn.Linear(hidden, 2, bias=False)
        nn.init.normal_(self.first.weight, std=1 / (math.sqrt(dim * hidden) * math.log(dim) ** 2))
        votes = (1 - 2.0 * (torch.arange(hidden) % 2)) / math.sqrt(hidden)  # (hidden,)
        self.last.weight = nn.Parameter(torch.stack([-votes, votes]) / 2, requires_grad=False)

    def forward(self, x):
        return self.last(self.first(x).relu())


@pytest.mark.parametrize(("dim", "hidden", "seed"), [(100, 200, 0), (100, 200, 50), (60, 300, 7)])
def test_the_weights_on_the_linear_column_outgrow_those_on_the_slab(dim, hidden, seed):
    task, lr = lsn(dim, seed=seed), 1 / math.sqrt(math.log(dim))
    fleet = sb.models.fleet_of(lambda: Hinged(dim, hidden), runs=5, seed=seed)
    run = sb.fit(fleet, task, optimizer="gd", lr=lr, loss="hinge", steps=int(4 / lr), stop=None)
    assert sb.last(run).test_accuracy.min() >= 0.999
    linear, slab = fleet.weights()[0].detach().abs().mean(1)[:, :2].unbind(1)  # (runs,) each
    assert (linear / slab).min() > 50
    assert (linear / (2 / math.sqrt(hidden)) - 1).abs().max() <= 0.15
    assert (sb.randomized(fleet, task, "linear", "accuracy") - 0.5).abs().max() <= 0.02
    assert sb.randomized(fleet, task, "slab3", "accuracy").min() == 1
