"""The loss on a plane through the weights."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, SbkitError, Task, between, check_memory, measure, numbers, one_of, told, whole
from sbkit.losses import Named
from sbkit.measures.curvature import top
from sbkit.measures.landscape import landscape


@measure("loss_surface", glance_every=12, glance={"resolution": 9})
def loss_surface(
    fleet: Fleet,
    task: Task,
    directions: str | Tensor = "top",
    resolution: int = 21,
    reach: float = 1.0,
    loss: Named = None,
) -> Tensor:
    """Mean training loss of each run on a plane through its weights. (runs, resolution, resolution)

    Entry [r, i, j]: at w_r + a_j·d₀ + b_i·d₁, a and b ascending from −reach to reach, so that the middle is
    the net itself if resolution is odd. directions: "top", the two eigenvectors of the Hessian with the
    largest eigenvalues, each run's own, of length 1, so that reach is a distance between weights, as `rho`
    of sam is, and planes of all steps and nets have one scale; the first large entry of each is positive.
    Or a tensor d (2, P), shared by the runs, or (2, runs, P), of any length, in the order of
    `fleet.vector()` (Li et al. 2018 draw random ones). loss: as in `hvp`. NaN where the loss is not finite.
    `.reach` of the tensor tells it to whoever draws. Raises `SbkitError` on directions of other shapes, and
    on numbers out of range.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> task = slabs(n=10, n_test=10)
    >>> loss_surface(mlp(task, width=3, runs=2), task, resolution=5).shape
    torch.Size([2, 5, 5])
    """
    whole("resolution", resolution, 2)
    reach = between("reach", reach, 0, 1e6, open_low=True)
    of = landscape("loss_surface", fleet, task, loss)
    weights = fleet.vector().detach()  # (runs, P)
    across, up = _directions(fleet, task, directions, weights, loss)  # (runs, P) each
    what = f"{fleet.runs} runs × {resolution:,}² points × {weights.element_size()} bytes"
    check_memory(fleet.runs * resolution**2 * weights.element_size(), what)
    line = torch.linspace(-reach, reach, resolution).tolist()
    found = weights.new_zeros(fleet.runs, resolution, resolution)
    with torch.no_grad():
        for i, j in np.ndindex(resolution, resolution):
            for _, part in of.at(weights + line[j] * across + line[i] * up):
                found[:, i, j] += part
    found = found.where(found.isfinite(), torch.nan).cpu()
    vars(found)["reach"] = reach
    return found


def _directions(fleet: Fleet, task: Task, directions: str | Tensor, weights: Tensor, loss: Named) -> Tensor:
    """The two directions of the plane. (2, runs, P)"""
    if not isinstance(directions, str):
        runs, size = weights.shape
        given = numbers("A pair of directions", directions, weights).detach()
        if given.shape not in ((2, size), (2, runs, size)):
            rule = f"directions are 'top' or a tensor (2, {size}) or (2, {runs}, {size})"
            raise SbkitError(f"{rule}, got {told(directions)}; try torch.randn(2, {size}).")
        return given if given.ndim == 3 else given.unsqueeze(1).expand(-1, runs, -1)
    one_of("direction", directions, ["top"])
    vectors = top("loss_surface", fleet, task, 2, "hessian", loss)[1].nan_to_num()  # (runs, 2, P)
    size = vectors.abs()
    first = (size > size.amax(-1, keepdim=True) / 2).int().argmax(-1, keepdim=True)  # of the large entries
    return (vectors * vectors.gather(-1, first).sign()).transpose(0, 1)
