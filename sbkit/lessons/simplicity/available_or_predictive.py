"""Available or predictive: two latents, a shortcut's bias beside the best classifier; exercises on both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn

from sbkit.core import Feature, Fleet, SbkitError, Task, between, check_memory, check_pair, generator, whole
from sbkit.course.exercise import exercise

CORRELATION = 0.6  # of the latents, given the label (Hermann et al. 2023)


class Latents(nn.Module):
    """From latents z (n, k) to inputs (n, dim): Σᵢ αᵢ·wᵢ(zᵢ), with wᵢ a random direction or a tanh net.

    means μ: of the latents given class 1 (given class 0 they are −μ). bayes: Σ⁻¹μ, the direction of the
    best possible classifier sign(bayes·z). amplification αᵢ: how large a latent stands in the input.
    nesting: random tanh layers that it went through, 0 = a line.
    """

    means: Tensor
    bayes: Tensor

    def __init__(
        self,
        means: Tensor,
        amplification: Sequence[float],
        nesting: Sequence[int],
        dim: int,
        rng: Generator,
    ):
        super().__init__()
        root = _root(CORRELATION)
        self.register_buffer("means", means)
        self.register_buffer("bayes", torch.linalg.solve(root @ root.mT, means))
        self.amplification = tuple(amplification)
        nets = [_nest(layers, dim, rng) for layers in nesting]
        self.nets = nn.ModuleList(nets).requires_grad_(False)

    def forward(self, z: Tensor) -> Tensor:
        """Inputs (n, dim) of latents (n, k)."""
        parts = zip(self.amplification, self.nets, z.unbind(-1), strict=True)
        return torch.stack([size * net(latent.unsqueeze(-1)) for size, net, latent in parts]).sum(0)


def _nest(layers: int, dim: int, rng: Generator) -> nn.Sequential:
    """A random unit direction, after `layers` random tanh layers of the latent."""
    parts: list[nn.Module] = []
    for i in range(layers):
        weight = torch.randn(dim, dim if i else 1, generator=rng) / (math.sqrt(dim) if i else 1)
        parts += [_linear(weight), nn.Tanh()]
    if layers:
        return nn.Sequential(*parts, _linear(torch.eye(dim) / math.sqrt(dim)))
    direction = torch.randn(dim, 1, generator=rng)
    return nn.Sequential(_linear(direction / direction.norm()))


def _linear(weight: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
    layer.weight = nn.Parameter(weight)
    return layer


def core_and_shortcut(
    predictivity: Sequence[float] = (0.9, 0.85),
    amplification: Sequence[float] = (1.0, 16.0),
    nesting: Sequence[int] = (0, 0),
    dim: int = 100,
    n: int = 3200,
    n_test: int = 1000,
    seed: int = 0,
) -> Task:
    """Two classes, a core latent that predicts better and a shortcut that is more available; core first.

    Given the label y = ±1 the latents are normal with means y·μᵢ, variance 1 and correlation .6;
    μᵢ = √2·erf⁻¹(2ρᵢ − 1), so that ρᵢ, the predictivity, is the chance that the sign of latent i is y.
    The input is Σ αᵢ·wᵢ·zᵢ in `dim` dimensions, αᵢ the amplification, wᵢ a random unit direction; nesting
    ηᵢ > 0 sends latent i through ηᵢ random tanh layers instead (Hermann et al. 2023, section 3). Raises
    `SbkitError` on numbers out of range.

    >>> task = core_and_shortcut(n=100, n_test=50, dim=10)
    >>> list(task.features), task.x.shape
    (['core', 'shortcut'], torch.Size([100, 10]))
    """
    _pair("predictivity", predictivity, "(0.9, 0.85)")
    _pair("amplification", amplification, "(1, 16)")
    _pair("nesting", nesting, "(0, 0)")
    rho = torch.tensor([between("predictivity", value, 0.5, 0.999) for value in predictivity])
    sizes = [between("amplification", value, 0, 1e6) for value in amplification]
    layers = [whole("nesting", value, 0) for value in nesting]
    rows, dim = whole("n", n) + whole("n_test", n_test), whole("dim", dim, 2)
    check_memory(rows * dim * 4 * 4, f"{rows:,} rows × {dim} dimensions × 4 bytes × 4 copies")
    rng = generator(seed)
    means = math.sqrt(2) * torch.erfinv(2 * rho - 1)  # (2,)
    y = torch.arange(rows) % 2  # (rows,), balanced on both sides of the split
    noise = torch.randn(rows, 2, generator=rng) @ _root(CORRELATION).mT  # (rows, 2)
    z = (2 * y - 1).unsqueeze(1) * means + noise
    features = {"core": Feature((0,)), "shortcut": Feature((1,))}
    embed = Latents(means, sizes, layers, dim, rng)
    return Task(z[:n], y[:n], z[n:], y[n:], features, embed)


def _pair(name: str, value: Any, example: str) -> None:
    if isinstance(value, str) or not hasattr(value, "__len__") or len(value) != 2:
        raise SbkitError(f"{name} is a pair, core and shortcut, got {value!r}; try {name}={example}.")


def _root(correlation: float) -> Tensor:
    """A factor of the covariance [[1, c], [c, 1]]. (2, 2)"""
    return torch.linalg.cholesky(torch.tensor([[1.0, correlation], [correlation, 1.0]]))


GRID, REACH = 30, 3.0  # probes a latent, how many means far they go


def _known(task: Task) -> tuple[Tensor, Tensor]:
    """Means of the latents and the direction of the best classifier, (2,) each."""
    about = dict(task.embed.named_buffers())
    if not {"means", "bayes"} <= set(about):
        raise SbkitError("A shortcut's bias needs a known best classifier; try core_and_shortcut().")
    return about["means"], about["bayes"]


def _probes(means: Tensor) -> Tensor:
    """Latents on a grid over ±3 means. (900, 2)"""
    ends = REACH * means  # (2,)
    lines = [torch.linspace(-1, 1, GRID, dtype=ends.dtype, device=ends.device) * end for end in ends]
    return torch.cartesian_prod(*lines)


def _leaning(answers: Tensor, z: Tensor) -> Tensor:
    """Mean of ŷ·(sign z_shortcut − sign z_core) over probes z (n, 2); answers ŷ (…, n) in {−1, 1}. (…)"""
    return (answers * (z[:, 1].sign() - z[:, 0].sign())).mean(-1)


def shortcut_bias(fleet: Fleet, task: Task) -> Tensor:
    """How much more each run follows the shortcut than the Bayes-optimal classifier does. (runs,)

    Reliance = mean over a 30×30 grid of latents, ±3 means wide, of ŷ·(sign z_s − sign z_c): −1 follows the
    core alone, +1 the shortcut alone. Bias = reliance − that of sign(Σ⁻¹μ·z), the closed form (Hermann et
    al. 2023, section 3, who fit an LDA instead). 0 = unbiased; range −2 … 2; NaN where logits are not
    finite, as of a diverged run. Raises `SbkitError` unless the task's best classifier is known, as for
    `core_and_shortcut`; so it is no registered measure, and is given to `fit` itself:
    measure=[shortcut_bias].

    >>> from sbkit.lessons.simplicity.available_or_predictive import core_and_shortcut
    >>> from sbkit.models import mlp
    >>> task = core_and_shortcut(n=100, n_test=50, dim=10)
    >>> shortcut_bias(mlp(task, runs=3), task).shape
    torch.Size([3])
    """
    check_pair("shortcut_bias", fleet, task)
    means, bayes = _known(task)
    z = _probes(means)
    logits = fleet.predict(task.embed(z))  # (runs, 900, 2)
    scores = logits.diff(dim=-1)[..., 0]  # (runs, 900)
    answers = torch.where(scores.isfinite(), scores.sign(), math.nan)
    return (_leaning(answers, z) - _leaning((z @ bayes).sign(), z)).cpu()


# The two experiments that are missing, as rows of hidden layers and steps.
missing = exercise(
    want=[[0, 400], [1, 100_000]],
    measured=lambda rows: [rows[rows[:, 0].sort().indices]],  # in whichever order
    wrong={"Those are your friend's own two. What did nobody try?": [[1, 400], [0, 100_000]]},
    right="Each of the four is tried now, so layers and steps can be told apart.",
    rest="There are two kinds of model, 0 or 1 hidden layer, and two budgets, 400 and 100,000 steps.",
)
