"""Dominoes and collages: one image whose parts each tell the classes apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from sbkit.core import Feature, SbkitError, Task, between, check_memory, dataset, generator, whole
from sbkit.data.places import numbered
from sbkit.data.slabs import per_block

Images = tuple[Any, Any]  # pixels (m, height, width) or (m, channels, height, width), and labels (m,)
Pools = list[tuple[Tensor, Tensor]]  # for each class, which images to train on and which to test on
HELD = 0.25  # share of each label's images that only test rows show


class Block(NamedTuple):
    """The images of a block, and which of them show each of the two classes."""

    name: str
    pixels: Tensor  # (m, channels, height, width)
    pools: Pools

    def draw(self, y: Tensor, part: int, correlation: float, rng: Generator) -> Tensor:
        """Random images for labels y (n,), a share 1 − correlation of the other class. (n, pixels)"""
        shown = y ^ (torch.rand(len(y), generator=rng) >= correlation)  # (n,)
        sizes = torch.tensor([len(pool[part]) for pool in self.pools])  # images of class 0, of class 1
        chosen = (torch.rand(len(y), generator=rng, dtype=torch.float64) * sizes[shown]).long()  # (n,)
        first = shown * sizes[0]  # where the class begins among the images of both
        return self.pixels[torch.cat([pool[part] for pool in self.pools])[first + chosen]].flatten(1)


class Collage(nn.Module):
    """From the pixels of all blocks (n, k) to flat images (n, channels · height · width).

    Two or three blocks stand on one another, the first on top; four are a 2 × 2 square, row by row.
    Smaller blocks get a black frame, grey ones beside coloured ones three equal channels. shape: of one
    image, (channels, height, width), for `nn.Unflatten(1, task.embed.shape)`.
    """

    places: Tensor  # (channels · height · width,): the column of z at each pixel, k where it is black

    def __init__(self, shapes: Sequence[Sequence[int]]):
        super().__init__()
        sizes = [channels * height * width for channels, height, width in shapes]
        channels, height, width = (max(sides) for sides in zip(*shapes, strict=True))
        parts = []
        for shape, columns in zip(shapes, torch.arange(sum(sizes)).split(sizes), strict=True):
            left, top = (width - shape[2]) // 2, (height - shape[1]) // 2
            frame = (left, width - shape[2] - left, top, height - shape[1] - top)
            part = F.pad(columns.view(*shape), frame, value=sum(sizes))
            parts.append(part.expand(channels, height, width))
        rows = [torch.cat(parts[:2], 2), torch.cat(parts[2:], 2)] if len(parts) == 4 else parts
        image = torch.cat(rows, 1)  # (channels, height, width)
        self.shape = tuple(image.shape)
        self.register_buffer("places", image.flatten())

    def forward(self, z: Tensor) -> Tensor:
        """Images (n, channels · height · width) of pixels z (n, k)."""
        return F.pad(z, (0, 1))[:, self.places]


@dataset("dominoes")
def dominoes(
    blocks: Sequence[Sequence[Any]] = ((0, 1), (3, 8)),
    images: Mapping[str, Images] | None = None,
    correlation: float | Sequence[float] = 1.0,
    noise: float | Sequence[float] = 0.0,
    n: int = 4000,
    n_test: int = 2000,
    seed: int = 0,
) -> Task:
    """Two classes of images put together from blocks, each of which tells the classes apart.

    blocks: one to four pairs, what a block shows for class 0 and class 1: a label of its images, or
    several, such as (range(0, 10, 2), range(1, 10, 2)). Give the easiest first: it stands on top, and
    comes first among the features, named by its labels, "0/1". How simple it is is not known (`pieces`
    is None). images: name of the block → (pixels, labels), one a block, in the order of `blocks`; pixels
    (m, height, width) or (m, channels, height, width) in 0…1; None: scikit-learn's 1,797 digits of
    8 × 8. correlation (share of rows on which a block shows the row's class, ½ … 1) and noise (standard
    deviation of a Gaussian added to every pixel): one number, or one a block.
    A quarter of each label's images is for test rows alone; rows are random pairings, so an image
    returns in many of them, and n_test rows of few images are known less well than n_test suggests.
    Dominoes of MNIST on CIFAR: Shah et al. 2020, section 3.1; collages of four: Teney et al. 2022.
    Raises `SbkitError` on labels or images that do not fit, numbers out of range, or too many pixels.

    >>> task = dominoes([(0, 1), (3, 8)], n=100, n_test=50)
    >>> list(task.features), task.x.shape, task.embed.shape
    (['0/1', '3/8'], torch.Size([100, 128]), (1, 16, 8))
    """
    parts = _blocks(blocks, images, seed)
    shares = [between("correlation", c, 0.5, 1) for c in per_block("correlation", correlation, len(parts))]
    grain = [between("noise", s, 0, 10) for s in per_block("noise", noise, len(parts))]
    embed, counts = Collage([one.pixels.shape[1:] for one in parts]), (whole("n", n), whole("n_test", n_test))
    rows, size = sum(counts), embed.places.numel()
    check_memory(rows * size * 4 * 3, f"{rows:,} rows × {size} pixels × 4 bytes × 3 copies")
    rng, ys, zs = generator(seed, 1), [], []
    for part, count in enumerate(counts):
        y = torch.randperm(count, generator=rng) % 2  # (count,)
        drawn = [block.draw(y, part, c, rng) for block, c in zip(parts, shares, strict=True)]
        for pixels, s in zip(drawn, grain, strict=True):
            pixels += s * torch.randn(pixels.shape, generator=rng) if s else 0.0  # none drawn for no noise
        ys.append(y)
        zs.append(torch.cat(drawn, 1))  # (count, k)
    columns = torch.arange(zs[0].shape[1]).split([block.pixels[0].numel() for block in parts])
    features = {
        block.name: Feature(tuple(own.tolist()), noise=2 * (1 - c))
        for block, own, c in zip(parts, columns, shares, strict=True)
    }
    return Task(zs[0], ys[0], zs[1], ys[1], features, embed)


def _blocks(pairs: Sequence[Sequence[Any]], images: Mapping[str, Images] | None, seed: int) -> list[Block]:
    """The blocks, their images checked and split."""
    pairs = list(pairs) if hasattr(pairs, "__iter__") else [pairs]
    two = [hasattr(p, "__len__") and not isinstance(p, str) and len(p) == 2 for p in pairs]
    if not 1 <= len(pairs) <= 4 or not all(two):
        raise SbkitError(f"blocks are one to four pairs of labels, got {pairs!r:.80}; try [(0, 1), (3, 8)].")
    if images is None:
        from sklearn.datasets import load_digits

        digits: Any = load_digits()
        names = ["/".join("".join(str(label) for label in _side(side)) for side in pair) for pair in pairs]
        images = dict.fromkeys(numbered(names), (digits.images / 16, digits.target))
    if len(images) != len(pairs):
        raise SbkitError(f"images are given once a block, got {len(images)} for {len(pairs)} blocks.")
    sources = {name: _checked(name, *given) for name, given in images.items()}
    if len(channels := {pixels.shape[1] for pixels, _ in sources.values()} - {1}) > 1:
        raise SbkitError(f"Blocks have one number of channels, or one channel, got {sorted(channels)}.")
    parts = zip(sources.items(), pairs, strict=True)
    return [Block(name, pixels, _pools(labels, pair, seed)) for (name, (pixels, labels)), pair in parts]


def _checked(name: str, pixels: Any, labels: Any) -> tuple[Tensor, np.ndarray]:
    """Pixels (m, channels, height, width), float32 in 0…1, and labels (m,)."""
    values, labels = torch.as_tensor(np.asarray(pixels)).float(), np.asarray(labels)
    if values.ndim not in (3, 4) or labels.shape != values.shape[:1] or not values.numel():
        rule = "Images are (m, height, width) or (m, channels, height, width) and their labels (m,)"
        got = f"{tuple(values.shape)} and {labels.shape} for {name!r}"
        raise SbkitError(f"{rule}, got {got}; reshape them.")
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 1):
        raise SbkitError(f"Pixels lie in 0…1, got {low:g} to {high:g} in {name!r}; divide, e.g. by 255.")
    return values if values.ndim == 4 else values.unsqueeze(1), labels


def _side(side: Any) -> list[Any]:
    """The labels of one class: one, or several."""
    return [side] if isinstance(side, str) or not hasattr(side, "__iter__") else list(side)


def _pools(labels: np.ndarray, pair: Sequence[Any], seed: int) -> Pools:
    """For each class the images to train on and to test on; blocks of the same images split them alike."""
    sides = [_side(side) for side in pair]
    if not all(sides) or set(sides[0]) & set(sides[1]):
        raise SbkitError(f"A block shows different labels for the two classes, got {pair!r:.80}.")
    order = torch.randperm(len(labels), generator=generator(seed)).numpy()
    parts = {}  # label → its images to test on, and to train on
    for label in [label for side in sides for label in side]:
        own = torch.as_tensor(order[labels[order] == label])
        if len(own) < 2:
            known = ", ".join(str(other) for other in np.unique(labels)[:12])
            raise SbkitError(f"A block's label has two images or more, got {label!r}; there are {known}.")
        parts[label] = own.tensor_split([max(1, round(HELD * len(own)))])
    held, kept = [[torch.cat([parts[label][i] for label in side]) for side in sides] for i in (0, 1)]
    return list(zip(kept, held, strict=True))
