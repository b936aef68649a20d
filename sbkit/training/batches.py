"""Minibatches in an order of each run's own, the same however the steps are cut."""

import torch
from torch import Tensor
from torch.nn import functional as F

from sbkit.core import generator

GATHERED = 2**22  # numbers copied at once: large enough to hide overheads, small enough for the cache


class Batches:
    """Minibatches of (x, y) by step number, reshuffled every epoch, for seeds[r] in run r.

    `batches(step)` → x (runs, batch, d), y (runs, batch, …). x (n, d) is shared by the runs; (runs, n, d)
    gives each its own rows. The order in epoch e of run r depends on
    (seed, seeds[r], e) alone. An epoch has n // batch full batches; its few left-over rows differ each time.
    """

    def __init__(self, x: Tensor, y: Tensor, batch: int, seed: int, seeds: list[int]):
        self.rows, self.batch, self.seed, self.seeds = x.shape[-2], batch, seed, seeds
        own = x.ndim == 3
        self.x, self.y = (x.flatten(0, 1), y.flatten(0, 1)) if own else (x, y)
        self.first = torch.arange(len(seeds)).unsqueeze(1) * (self.rows if own else 0)  # of run r, (runs, 1)
        self.per_epoch = self.rows // batch
        self.chunk = max(1, min(self.per_epoch, GATHERED // (len(seeds) * batch * x.shape[-1])))
        self._epoch, self._start = -1, 0  # epoch of the orders, step of the first minibatch gathered
        self._orders = torch.empty(0)
        self._gathered: list[tuple[Tensor, Tensor]] = []

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        if not 0 <= (at := step - self._start) < len(self._gathered):
            epoch, position = divmod(step, self.per_epoch)
            at = position % self.chunk
            self._gather(epoch, position - at)
            self._start = step - at
        return self._gathered[at]

    def _gather(self, epoch: int, first: int) -> None:
        if epoch != self._epoch:
            rngs = [generator(self.seed, seed, epoch) for seed in self.seeds]
            orders = torch.stack([torch.randperm(self.rows, generator=rng) for rng in rngs]) + self.first
            kept = orders[:, : self.per_epoch * self.batch].to(self.x.device)
            self._orders = kept.view(len(rngs), self.per_epoch, self.batch).transpose(0, 1).contiguous()
            self._epoch = epoch
        rows = self._orders[first : first + self.chunk]  # (steps, runs, batch)
        x = F.embedding(rows, self.x)  # several times faster than indexing
        y = F.embedding(rows, self.y) if self.y.ndim == 2 else self.y[rows]
        self._gathered = list(zip(x.unbind(), y.unbind(), strict=True))


class WholeSet:
    """All rows at every step, for the optimizers that are defined on the full batch."""

    def __init__(self, x: Tensor, y: Tensor, runs: int):
        self.batch, own = x.shape[-2], x.ndim == 3
        self.x, self.y = (x, y) if own else (x.expand(runs, *x.shape), y.expand(runs, *y.shape))

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        return self.x, self.y
