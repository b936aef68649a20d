"""Running statistics of a fleet, taken anew."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.optim.swa_utils import update_bn

from sbkit.core import Fleet, SbkitError, check_fleet, whole
from sbkit.core.refused import BATCH_NORM


@torch.no_grad()
def calibrate(fleet: Fleet, x: Tensor, batches: int = 4) -> Fleet:
    """The same fleet, with statistics of batch norm that are true of x; its weights stay as they are.

    Nothing is trained: means and variances become the plain average over `batches` parts of x, the
    (batches)-th rows from each start on (Wu & Johnson 2021, precise batch norm). Nets that were trained on
    one size of image, or changed by hand since, need it before they see another.
    x: (n, d), shared by the runs, or (runs, n, d), each its own; at least two rows a part.
    Raises `SbkitError` on a fleet that keeps no statistics, or too few rows.

    >>> from torch import nn
    >>> from sbkit.models import fleet_of
    >>> fleet = fleet_of(lambda: nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)), runs=2)
    >>> calibrate(fleet, 5 + torch.zeros(8, 3)).net[0].running_mean
    tensor([[5., 5., 5.],
            [5., 5., 5.]])
    """
    check_fleet(fleet, trains=True)
    if not any(isinstance(part, BATCH_NORM) and part.track_running_stats for part in fleet.modules()):
        rule = "calibrate takes the statistics of batch norm anew, got a fleet that keeps none"
        raise SbkitError(f"{rule}; try sb.models.fleet_of with nn.BatchNorm1d in the module.")
    batches = whole("batches", batches)
    fleet.predict(x[..., :2, :] if isinstance(x, Tensor) and x.ndim > 1 else x)  # refuses what is no input
    if x.shape[-2] < 2 * batches:
        rule = f"A mean over rows takes two a batch, {2 * batches} for batches={batches}"
        raise SbkitError(f"{rule}, got {x.shape[-2]}; try batches={max(1, x.shape[-2] // 2)}.")
    fleet.moment = ()  # at which nothing drops

    def parts() -> Iterator[Tensor]:
        for part in range(batches):
            fleet.counts = True
            yield x[..., part::batches, :]

    update_bn(parts(), fleet)
    return fleet
