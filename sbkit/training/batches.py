"""Minibatches in an order of each run's own, the same however the steps are cut."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.core import generator

GATHERED = 2**22  # numbers copied at once: large enough to hide overheads, small enough for the cache


class Batches:
    """Minibatches of (x, y) by step number, reshuffled every epoch, for seeds[r] in run r.

    `batches(step)` → x (runs, batch, d), y (runs, batch, …). The order in epoch e of run r depends on
    (seed, seeds[r], e) alone. An epoch has n // batch full batches; its few left-over rows differ each time.
    """

    def __init__(self, x: Tensor, y: Tensor, batch: int, seed: int, seeds: list[int]):
        self.x, self.y, self.batch, self.seed, self.seeds = x, y, batch, seed, seeds
        self.per_epoch = len(x) // batch
        self.chunk = max(1, min(self.per_epoch, GATHERED // (len(seeds) * batch * x.shape[1])))
        self._epoch, self._start = -1, 0  # epoch of the orders, step of the first minibatch gathered
        self._orders = self._x = self._y = torch.empty(0)
        self._arrays: list[tuple[np.ndarray, np.ndarray]] = []

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        at = self._find(step)
        return self._x[at], self._y[at]

    def arrays(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """The same minibatch as NumPy arrays, of rows on the CPU."""
        at = self._find(step)
        return self._arrays[at]

    def _find(self, step: int) -> int:
        """The place of a step's minibatch among the gathered ones; others are gathered if it is not there."""
        if not 0 <= (at := step - self._start) < len(self._x):
            epoch, position = divmod(step, self.per_epoch)
            at = position % self.chunk
            self._gather(epoch, position - at)
            self._start = step - at
        return at

    def _gather(self, epoch: int, first: int) -> None:
        if epoch != self._epoch:
            rngs = [generator(self.seed, seed, epoch) for seed in self.seeds]
            orders = torch.stack([torch.randperm(len(self.x), generator=rng) for rng in rngs])
            kept = orders[:, : self.per_epoch * self.batch].to(self.x.device)
            self._orders = kept.view(len(rngs), self.per_epoch, self.batch).transpose(0, 1).contiguous()
            self._epoch = epoch
        rows = self._orders[first : first + self.chunk]  # (steps, runs, batch)
        self._x = F.embedding(rows, self.x)  # several times faster than indexing
        self._y = F.embedding(rows, self.y) if self.y.ndim == 2 else self.y[rows]
        if self._x.is_cpu:
            self._arrays = list(zip(self._x.numpy(), self._y.numpy(), strict=True))


class WholeSet:
    """All rows at every step, for the optimizers that are defined on the full batch."""

    def __init__(self, x: Tensor, y: Tensor, runs: int):
        self.batch = len(x)
        self.x, self.y = x.expand(runs, *x.shape), y.expand(runs, *y.shape)

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        return self.x, self.y

    def arrays(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """The same as NumPy arrays."""
        return self.x.numpy(), self.y.numpy()
