"""Whether a fleet leans on a shortcut more than the best possible classifier does."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sbkit.core import Fleet, SbkitError, Task, check_pair

GRID, REACH = 30, 3.0  # probes a latent, how many means far they go


def _known(task: Task) -> tuple[Tensor, Tensor]:
    """Means of the latents and the direction of the best classifier, (2,) each."""
    about = dict(task.embed.named_buffers())
    if not {"means", "bayes"} <= set(about):
        raise SbkitError(
            "A shortcut's bias needs a task whose best classifier is known; try sb.data.core_and_shortcut()."
        )
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
    measure=[sb.measures.shortcut_bias].

    >>> from sbkit.data import core_and_shortcut
    >>> from sbkit.models import mlp
    >>> task = core_and_shortcut(n=100, n_test=50, dim=10)
    >>> shortcut_bias(mlp(task, runs=3), task).shape
    torch.Size([3])
    """
    check_pair("shortcut_bias", fleet, task)
    means, bayes = _known(task)
    z = _probes(means)
    logits = fleet.predict(task.embed(z))  # (runs, 900, 2)
    scores = logits[..., 1] - logits[..., 0]  # (runs, 900)
    answers = torch.where(scores.isfinite(), scores.sign(), math.nan)
    return (_leaning(answers, z) - _leaning((z @ bayes).sign(), z)).cpu()
