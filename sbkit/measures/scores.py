"""Scores of answers: accuracy, area under the ROC curve."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from sbkit.core import SbkitError


def accuracy(logits: Tensor, y: Tensor) -> Tensor:
    """Share of rows whose largest logit is their class. (runs, …, n, C), (n,) or (runs, n) → (runs, …)

    Many labels a row, y (n, C) or (runs, n, C): share of labels that are told right, 1 by a logit above 0.
    NaN for regression, and for a run that diverged.

    >>> accuracy(torch.tensor([[[0.0, 1.0], [2.0, 0.0]]]), torch.tensor([1, 1]))
    tensor([0.5000])
    """
    if y.is_floating_point():
        return torch.full(logits.shape[:-2], math.nan)
    many = y.ndim > 1 and y.shape != logits.shape[:-1] and y.shape[-2:] == logits.shape[-2:]
    found = ((logits > 0) == y).float().mean(-1) if many else (logits.argmax(-1) == y).float()  # (…, n)
    right = found.mean(-1)
    return torch.where(logits.isfinite().all(-1).all(-1), right, math.nan).cpu()


def auc(logits: Tensor, y: Tensor) -> Tensor:
    """Area under the ROC curve of the score logit₁ − logit₀: chance that class 1 scores higher. (runs,)

    logits (runs, n, 2), y (n,). NaN for a run that diverged. Raises `SbkitError` unless two classes.
    """
    from sklearn.metrics import roc_auc_score

    if logits.shape[-1] != 2:
        raise SbkitError(f"AUC is for two classes, got {logits.shape[-1]}; try metric='accuracy'.")
    scores = (logits[..., 1] - logits[..., 0]).cpu().numpy()  # (runs, n)
    areas = [roc_auc_score(y.cpu(), run) if np.isfinite(run).all() else np.nan for run in scores]
    return torch.tensor(areas, dtype=torch.float32)
