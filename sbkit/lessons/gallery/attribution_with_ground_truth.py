"""Can you trust a heatmap? Scans with a hidden lesion, a net that reads them, and how heatmaps are judged."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sbkit.core import Feature, Fleet, Task, generator
from sbkit.course.exercise import exercise, normal
from sbkit.measures import attribution
from sbkit.models import fleet_of
from sbkit.plots import Axis, Bars, Images
from sbkit.plots.bands import finite, middle
from sbkit.training import fit, last

SIDE, LESION = 8, 8  # voxels along a scan, and in all of its lesion
METHODS = ("gradient", "guided", "input × gradient", "integrated", "occlusion")
HOW = {name: name.replace(" × ", "_x_") for name in METHODS}  # as `attribution` calls them
NAMES = [str(i) for i in range(SIDE)]
SCAN = "One scan, slice by slice, from front to back. Look for the lesion: a cube of 2 × 2 × 2 voxels."
VIEW = "A slice: as it is, with the heatmap over it, and with the lesion. See whether both lie in one place."
SLICES = "Share of the heat that lies in each slice; the lesion fills two of them. Turn level there."
HITS = "Share of the 8 brightest voxels that lie in the lesion; bar = mean, dots = nets. Chance is 0.016."


class Scan(nn.Module):
    """From a lesion and noise, side by side, to the scan. (n, 1024) → (n, 512)"""

    def forward(self, z: Tensor) -> Tensor:
        """Their sum."""
        return z.unflatten(1, (2, -1)).sum(1)


def lesion(z: Tensor) -> Tensor:
    """Which voxels belong to the lesion, of a task's coordinates z. (n, 512) bool"""
    return z[:, : SIDE**3] != 0


def scans(contrast: float = 3.0, n: int = 400, n_test: int = 300, seed: int = 0) -> Task:
    """Volumes of noise that hide a cube of 2 × 2 × 2, brighter by `contrast` (class 1) or darker (class 0).

    >>> task = scans(n=10, n_test=10)
    >>> task.x.shape, task.shape, lesion(task.z).sum(1).unique()
    (torch.Size([10, 512]), (1, 8, 8, 8), tensor([8]))
    """
    rng, every = generator(seed), n + n_test
    y, corner = (torch.randint(most, (every,), generator=rng) for most in (2, 343))
    ends = nn.functional.one_hot(corner, 343).float().view(-1, 1, 7, 7, 7) * (2 * y - 1).view(-1, 1, 1, 1, 1)
    cubes = nn.functional.conv_transpose3d(contrast * ends, torch.ones(1, 1, 2, 2, 2)).flatten(1)
    z = torch.cat([cubes, torch.randn(every, SIDE**3, generator=rng)], 1)  # (every, 1024)
    about = {"lesion": Feature(tuple(range(SIDE**3)))}, Scan(), ("darker", "brighter"), (1, SIDE, SIDE, SIDE)
    return Task(z[:n], y[:n], z[n:], y[n:], *about)


def readers(runs: int = 5, seed: int = 0) -> Fleet:
    """Nets of two layers of 3-D convolutions that read scans: the strongest answer anywhere counts."""

    def net() -> nn.Module:
        layers = [nn.Conv3d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv3d(8, 8, 3, 2, 1), nn.ReLU()]
        ends = [nn.AdaptiveMaxPool3d(1), nn.Flatten(), nn.Linear(8, 2)]
        return nn.Sequential(nn.Unflatten(1, (1, SIDE, SIDE, SIDE)), *layers, *ends)

    return fleet_of(net, runs, seed)


def found(heat: Tensor, z: Tensor) -> Tensor:
    """Share of the 8 voxels with the largest |heat| that lie in the lesion, heat (…, n, 512). (…, n)

    >>> z = scans(n=10, n_test=10).z
    >>> float(found(lesion(z), z).min())
    1.0
    """
    top = heat.float().abs().topk(LESION).indices  # (…, n, 8)
    return lesion(z).expand(heat.shape).gather(-1, top).float().mean(-1)


def trained(contrast: float = 3.0, seed: int = 0) -> tuple[Fleet, Task]:
    """Five nets that have learned to read scans, and the task they learned."""
    fleet, task = readers(seed=seed), scans(contrast, seed=seed)
    last(fit(fleet, task, optimizer="adam", lr=0.01, batch=32, steps=250, stop=None))
    return fleet, task


def hits(fleet: Fleet, task: Task, patients: int = 20) -> dict[str, Tensor]:
    """The share that each method finds on new scans, for each net, and without a net. name → (runs,)"""
    x, z = task.x_test[:patients], task.z_test[:patients]
    each = {name: found(attribution(fleet, x, None, how), z).mean(1) for name, how in HOW.items()}
    return each | {"no net": found(x, z).mean().expand(fleet.runs)}


def slices(scan: Tensor) -> Images:
    """One scan (512,) as its slices."""
    about = {"labels": NAMES, "columns": 4, "caption": SCAN}
    return Images("scan", "Where's the lesion?", finite(scan.view(SIDE, SIDE, SIDE)), **about)


def viewer(task: Task, patient: int, heat: Tensor, level: int) -> tuple[Images, Bars]:
    """A slice of a new scan with its heatmap (512,) and with its lesion, and the heat in every slice."""
    scan, z = task.x_test[patient], task.z_test[patient, None]
    labels = ("the scan", f"heat: {LESION * found(heat[None], z)[0]:.0f} of 8 hit", "the lesion")
    heat = heat.abs() / heat.abs().max().clamp_min(1e-30)
    cube = torch.stack([0 * heat, heat, lesion(z)[0]]).view(3, SIDE, SIDE, SIDE)
    cuts = finite(scan.view(SIDE, SIDE, SIDE)[level].expand(3, -1, -1)), finite(cube[:, level])
    axes = {"scale": Axis("value", low=-5, high=6), "heat": Axis("share of the largest heat", low=-1, high=1)}
    share = finite(cube[1].sum((1, 2)) / heat.sum().clamp_min(1e-30))  # (side,)
    y = Axis("share of the heat", low=0, high=1)
    bars = Bars("slices", "Heat in each slice", y, NAMES, share, caption=SLICES)
    return Images("view", f"Slice {level}", *cuts, labels, 3, VIEW, **axes), bars


def compared(each: Mapping[str, Mapping[str, Tensor]]) -> Bars:
    """The share found by each method (nets,), side by side for several kinds of nets."""
    values = finite(torch.stack([one for hit in each.values() for one in hit.values()]))  # (all, nets)
    y, names = Axis("share of 8 in the lesion", low=0, high=1), [*next(iter(each.values()))] * len(each)
    return Bars("hits", "Who finds it?", y, names, middle(values.T)[0], values, HITS, sides=tuple(each))


# A function of scans (n, 512) → heatmaps of the same shape that no net has had a part in.
without = exercise(
    "x",
    tries=[(normal(6, 20),), (normal(3, 30, seed=1),)],
    want=lambda x: x.abs(),
    wrong={
        "A dark lesion counts, too: take the size without the sign.": lambda x: x,
        "That's the darkest first: the largest size should glow most.": lambda x: -x.abs(),
    },
    right="No net has been asked. Whatever this map finds, it finds without one.",
    rest="One number a voxel, the larger the further the voxel is from 0.",
)
