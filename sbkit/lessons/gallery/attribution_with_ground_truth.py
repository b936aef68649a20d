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

SIDE, SIZE = 8, 2  # voxels along a scan, and along its lesion
VOXELS, LESION = SIDE**3, SIZE**3
CORNERS = SIDE - SIZE + 1  # places of a lesion along a side
CHANCE = LESION / VOXELS
METHODS = ("gradient", "guided", "input × gradient", "integrated", "occlusion")
HOW = {name: name.replace(" × ", "_x_") for name in METHODS}  # as `attribution` calls them
SCAN = "One scan, slice by slice, from front to back. Look for the lesion: a cube of 2 × 2 × 2 voxels."
VIEW = "A slice: as it is, with the heatmap over it, and with the lesion. See whether both lie in one place."
SLICES = "Share of the heat that lies in each slice; the lesion fills two of them. Turn level there."
HITS = "Share of the 8 brightest voxels that lie in the lesion; bar = mean, dots = nets. Chance is 0.016."


class Scan(nn.Module):
    """From a lesion's strength, its corner and the noise to the scan. (n, 2 + 512) → (n, 512)"""

    def forward(self, z: Tensor) -> Tensor:
        """Noise, and the strength added within the lesion."""
        return z[:, 2:] + z[:, :1] * lesion(z)


def lesion(z: Tensor) -> Tensor:
    """Which voxels belong to the lesion, of a task's coordinates z. (n, 512) bool"""
    at = z[:, 1].long()[:, None] // torch.tensor([CORNERS**2, CORNERS, 1]) % CORNERS  # (n, 3)
    far = torch.arange(SIDE) - at[..., None]  # (n, 3, side)
    a, b, c = ((0 <= far) & (far < SIZE)).unbind(1)  # (n, side) each
    return (a[:, :, None, None] & b[:, None, :, None] & c[:, None, None]).flatten(1)


def scans(contrast: float = 3.0, n: int = 400, n_test: int = 300, seed: int = 0) -> Task:
    """Volumes of noise that hide a lesion, brighter by `contrast` (class 1) or darker (class 0).

    >>> task = scans(n=10, n_test=10)
    >>> task.x.shape, task.shape, lesion(task.z).sum(1).unique()
    (torch.Size([10, 512]), (1, 8, 8, 8), tensor([8]))
    """
    rng, every = generator(seed), n + n_test
    y = torch.randint(2, (every,), generator=rng)
    corner = torch.randint(CORNERS**3, (every,), generator=rng)
    noise = torch.randn(every, VOXELS, generator=rng)
    z = torch.cat([contrast * (2.0 * y - 1)[:, None], corner[:, None], noise], 1)  # (every, 514)
    features = {"lesion": Feature((0,), pieces=1), "place": Feature((1,))}
    names = ("darker", "brighter")
    return Task(z[:n], y[:n], z[n:], y[n:], features, Scan(), names, (1, SIDE, SIDE, SIDE))


def readers(runs: int = 5, seed: int = 0, width: int = 8) -> Fleet:
    """Nets of two layers of 3-D convolutions that read scans: the strongest answer anywhere counts."""

    def net() -> nn.Module:
        layers = [nn.Conv3d(1, width, 3, padding=1), nn.ReLU(), nn.Conv3d(width, width, 3, 2, 1), nn.ReLU()]
        ends = [nn.AdaptiveMaxPool3d(1), nn.Flatten(), nn.Linear(width, 2)]
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
    each = {name: found(attribution(fleet, x, None, HOW[name]), z).mean(1) for name in METHODS}
    return each | {"no net": found(x, z).mean().expand(fleet.runs)}


def slices(scan: Tensor) -> Images:
    """One scan (512,) as its slices."""
    pixels = finite(scan.view(SIDE, SIDE, SIDE))
    about = {"labels": [str(i) for i in range(SIDE)], "columns": 4, "caption": SCAN}
    return Images("scan", "Where's the lesion?", pixels, **about)


def viewer(task: Task, patient: int, heat: Tensor, level: int) -> tuple[Images, Bars]:
    """A slice of a new scan with its heatmap (512,) and with its lesion, and the heat in every slice."""
    scan, mask = task.x_test[patient].view(SIDE, SIDE, SIDE), lesion(task.z_test[patient, None]).float()
    hit = round(LESION * float(found(heat[None], task.z_test[patient, None])))
    heat = heat.abs() / heat.abs().max().clamp_min(1e-30)
    over = torch.stack([0 * heat, heat, mask[0]]).view(3, SIDE, SIDE, SIDE)[:, level]  # (3, side, side)
    labels = ("the scan", f"heat: {hit} of 8 hit", "the lesion")
    scale, warm = Axis("value", low=-5, high=6), Axis("share of the largest heat", low=-1, high=1)
    cuts = finite(scan[level].expand(3, -1, -1)), finite(over)
    image = Images("view", f"Slice {level}", *cuts, labels, 3, VIEW, scale=scale, heat=warm)
    share = heat.view(SIDE, -1).sum(1) / heat.sum().clamp_min(1e-30)  # (side,)
    y, names = Axis("share of the heat", low=0, high=1), [str(i) for i in range(SIDE)]
    return image, Bars("slices", "Heat in each slice", y, names, finite(share), caption=SLICES)


def compared(each: Mapping[str, Mapping[str, Tensor]]) -> Bars:
    """The share found by each method (nets,), side by side for several kinds of scans."""
    values = finite(torch.stack([one for hit in each.values() for one in hit.values()]))  # (all, nets)
    names, sides = [*next(iter(each.values()))] * len(each), tuple(each) if len(each) > 1 else ()
    y = Axis("share of 8 in the lesion", low=0, high=1)
    return Bars("hits", "Who finds it?", y, names, middle(values.T)[0], values, HITS, sides=sides)


# A function of scans (n, 512) → heatmaps of the same shape that no net has had a part in.
without = exercise(
    "x",
    tries=[(normal(6, 20),), (normal(3, 30, seed=1),)],
    want=lambda x: x.abs(),
    wrong={
        "A dark lesion counts, too: take the size without the sign.": lambda x: x,
        "That's the darkest first: the largest size should glow most.": lambda x: -x.abs(),
        "All voxels glow alike: let the scan decide which.": (torch.zeros_like, torch.ones_like),
    },
    right="No net has been asked. Whatever this map finds, it finds without one.",
    rest="One number a voxel, the larger the further the voxel is from 0.",
)
