"""Many frames, one picture: shaky frames, a net that fuses them, its pictures, and an exercise."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from sbkit.core import Feature, Fleet, Snapshot, Task, generator
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise, normal
from sbkit.plots import Axis, Images, Lines
from sbkit.plots.bands import finite, shown, step_line

FINE, COARSE = 12, 6  # pixels along a sharp picture, and along a frame
PEAK = 4  # from two standard deviations below the mean of all pixels to two above
WAYS = ("net", "mean of the frames", "first frame")
WORLDS = {  # name → frames, camera, noise and steps, as the lesson's dials have them
    "1 frame, noise": (1, "moves", 1.0, 200),
    "4 frames, noise": (4, "moves", 1.0, 200),
    "4 frames, noise, at rest": (4, "rests", 1.0, 200),
    "1 frame, no noise": (1, "moves", 0.0, 700),
    "4 frames, no noise": (4, "moves", 0.0, 700),
}
QUALITY = "PSNR on new pictures, in dB; band = min–max over nets, dashed = without a net. Watch who gains."
VIEWS = "The same new picture: from one frame, from the mean, from net 0, and as it is. Compare the details."
FRAMES = "Frames of one picture, each blurred, noisy and a little moved; the last is the picture itself."


def shots(frames: int = 4, moves: bool = True, noise: float = 1.0, n: int = 1024, seed: int = 0) -> Task:
    """Smooth pictures (rows, 144) to tell from frames of 6 × 6 pixels each; all but the first may be moved.

    moves: whether the camera is off by −1, 0 or 1 pixels of the sharp picture to the side. noise: its
    standard deviation, where that of a picture is 1.

    >>> task = shots(frames=2, n=10)
    >>> task.x.shape, task.y.shape
    (torch.Size([10, 72]), torch.Size([10, 144]))
    """
    rng, rows, wide = generator(seed), n + 128, FINE + 2
    bell = torch.exp(-(torch.arange(-3.0, 4) ** 2)).view(1, 1, -1, 1)  # a Gaussian of 0.7 pixels
    blur = (bell * bell.mT) / (bell**2).sum()
    sky = functional.conv2d(
        torch.randn(rows, 1, FINE + 6, wide + 6, generator=rng), blur
    )  # (rows, 1, 12, 14)
    at = torch.randint(3, (rows, frames), generator=rng) if moves else torch.ones(rows, frames).long()
    at[:, 0] = 1
    windows = sky[:, 0].unfold(2, FINE, 1)[torch.arange(rows)[:, None], :, at]  # (rows, frames, 12, 12)
    seen = functional.avg_pool2d(windows, 2)  # (rows, frames, 6, 6)
    x = (seen + noise * torch.randn(seen.shape, generator=rng)).flatten(1)
    y, whole = windows[:, 0].flatten(1), {"frames": Feature(tuple(range(x.shape[1])))}
    return Task(x[:n], y[:n], x[n:], y[n:], whole, shape=(frames, COARSE, COARSE))


class Fusing(nn.Module):
    """Each frame beside the first is read by one encoder, then halves are fused until one is left."""

    def __init__(self, frames: int, width: int = 8) -> None:
        super().__init__()
        self.frames = frames
        first, fused = (nn.Conv2d(channels, width, 3, padding=1) for channels in (2, 2 * width))
        self.read = nn.Sequential(first, nn.ReLU(), nn.Conv2d(width, width, 3, padding=1))
        self.fuse = nn.Sequential(fused, nn.ReLU(), nn.Conv2d(width, width, 3, padding=1))
        self.paint = nn.Sequential(nn.ReLU(), nn.Conv2d(width, 4, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, x: Tensor) -> Tensor:
        """Frames (n, frames · 36) → the picture (n, 144)."""
        seen = x.view(-1, self.frames, 1, COARSE, COARSE)
        pairs = torch.cat([seen, seen[:, :1].expand_as(seen)], 2)  # (n, frames, 2, 6, 6)
        h = self.read(pairs.flatten(0, 1)).unflatten(0, pairs.shape[:2])  # (n, frames, width, 6, 6)
        while h.shape[1] > 1:
            one, other = h.chunk(2, 1)
            h = one + self.fuse(torch.cat([one, other], 2).flatten(0, 1)).view_as(one)
        return self.paint(h[:, 0]).flatten(1)


def enlarged(task: Task, rows: int = 128) -> Tensor:
    """Pictures made without a net: the mean of the frames, and the first, enlarged. (2, n, 144)"""
    seen = task.x_test[:rows].view(-1, *task.shape)
    ways = torch.stack([seen.mean(1), seen[:, 0]], 1)  # (n, 2, 6, 6)
    return functional.interpolate(ways, scale_factor=2, mode="bicubic").flatten(2).transpose(0, 1)


def psnr(fleet: Fleet, task: Task) -> Tensor:
    """How well new pictures are told by the net, the frames' mean and the first frame, in dB. (runs, 3)"""
    others = enlarged(task).expand(fleet.runs, -1, -1, -1)  # (runs, 2, n, 144)
    told = torch.cat([fleet.predict(task.x_test)[:, None], others], 1)  # (runs, 3, n, 144)
    return 10 * (PEAK**2 / (told - task.y_test).square().mean((2, 3))).log10()


def views(fleet: Fleet, task: Task) -> Tensor:
    """A new picture from its first frame, from the mean, by each net, and as it is. (runs, 4, 12, 12)"""
    mean, first = enlarged(task, 1).expand(fleet.runs, -1, -1, -1).unbind(1)  # (runs, 1, 144) each
    parts = [first, mean, fleet.predict(task.x_test[:1]), task.y_test[:1].expand_as(mean)]
    return torch.cat(parts, 1).unflatten(2, (FINE, FINE))


@plot("psnr")
def psnr_lines(history: Sequence[Snapshot]) -> Lines | None:
    """Quality over steps."""
    if not history[-1].values.get("psnr", torch.empty(0)).numel():
        return None
    each = {name: lambda s, i=i: s.values["psnr"][:, i] for i, name in enumerate(WAYS)}
    lines = [step_line(name, history, of, dash=name != "net") for name, of in each.items()]
    axes = Axis("step", low=0), Axis("PSNR", "dB")
    return Lines("psnr", "How good is the picture?", *axes, lines, QUALITY, grows=True)


@plot("views")
def views_images(history: Sequence[Snapshot]) -> Images | None:
    """The picture, four ways, of net 0."""
    values = history[-1].values.get("views", torch.empty(0))
    if not values.numel():
        return None
    about = {"labels": ("first frame", "mean", "net", "sharp"), "columns": 2, "caption": VIEWS}
    return Images("views", "One picture", shown(history[-1], values)[0], **about)


def frames(task: Task, row: int = 0) -> Images:
    """The frames of a new picture, enlarged, and the picture."""
    seen = task.x_test[row].view(task.shape).repeat_interleave(2, 1).repeat_interleave(2, 2)  # (frames, …)
    labels = [*(f"frame {i + 1}" for i in range(len(seen))), "sharp"]
    pixels = finite(torch.cat([seen, task.y_test[row].view(1, FINE, FINE)]))
    return Images("frames", "Can you make it out?", pixels, labels=labels, columns=5, caption=FRAMES)


def _psnr(told: Tensor, true: Tensor, power: int = 2, peak: float = PEAK**2) -> Tensor:
    return 10 * (peak / (told - true).abs().pow(power).mean()).log10()


# A function of pictures told and true, (n, pixels) each → the PSNR in dB, with a peak of 4.
decibels = exercise(
    "told and true",
    tries=[(normal(9, 16), normal(9, 16, seed=1)), (normal(5, 8, seed=2) / 3, normal(5, 8, seed=3) / 3)],
    want=_psnr,
    wrong={
        "The peak counts by its square, too: 16, not 4.": lambda told, true: _psnr(told, true, peak=PEAK),
        "The error counts by its square: (told - true)**2.": lambda told, true: _psnr(told, true, power=1),
        "Ten times the logarithm to base 10: take log10.": lambda told, true: _psnr(told, true) * 2.302585,
    },
    right="That's the first picture's measure: every 3 dB halve the squared error.",
    rest="10 · log10(16 / the mean squared error).",
)
